"""The lexical kernels for numba, all in one file because its cache follows no imports; `BEST` is what runs."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.lexical.arrays import EMPTY, SLACK, Counted, Entries, Kernels, Lists, Postings, Queries, Ranking
from monitor.core.lexical.compile import COMPILES, compiled
from monitor.core.lexical.kernels_numpy import NUMPY

_LAST = 2**63 - 1


@compiled
def _count(tokens: NDArray[np.int32], offset: NDArray[np.int64], local: NDArray[np.int32]) -> Counted:
    documents = len(offset) - 1
    ends = np.zeros(documents + 1, np.int64)
    heads = np.zeros(documents, np.int32)
    ids = np.empty(len(tokens), np.int32)
    frequencies = np.empty(len(tokens), np.int64)
    seen = np.zeros(len(local), np.int32)  # by token id: occurrences in this document
    used = 0
    for document in range(documents):
        low, high = offset[document], offset[document + 1]
        for at in range(low, high):
            seen[tokens[at]] += 1
        for known in (True, False):  # tokens that queries know stand first
            for at in range(low, high):
                token = tokens[at]
                if seen[token] > 0 and (local[token] >= 0) == known:
                    ids[used] = token
                    frequencies[used] = seen[token]
                    seen[token] = 0
                    used += 1
            if known:
                heads[document] = used - ends[document]
        ends[document + 1] = used
    return Counted(ends, heads, ids[:used].copy(), frequencies[:used].copy())


@compiled
def _recount(frequency: NDArray[np.int32], histogram: NDArray[np.int64], ids: NDArray[np.int32], step: int) -> int:
    top = len(histogram) - 1
    for done in range(len(ids)):
        before = frequency[ids[done]]
        after = before + step
        if after < 0:
            return done
        histogram[min(before, top)] -= 1
        histogram[min(after, top)] += 1
        frequency[ids[done]] = after
    return len(ids)


@compiled
def _edge(row: int, entries: Entries, label: NDArray[np.int64]) -> tuple[float, int, int]:
    """Where a row is cut: the least score kept, the last label kept at that score, and the place of the first
    entry left out that has that score; -1 if there is none, -2 if a label is missing.
    """
    start = entries.offset[row]
    places = start + np.flatnonzero(entries.slot[start : start + entries.used[row]] != EMPTY)
    scores = np.sort(entries.score[places])
    first = len(scores) - entries.keep[row]
    if first <= 0:
        return -np.inf, 0, -1
    least = scores[first]
    tied = places[entries.score[places] == least]
    kept = entries.keep[row] - np.sum(scores > least)
    if kept == len(tied):
        return least, _LAST, -1
    labels = label[entries.slot[tied]]
    if labels.min() == 0:
        return least, 0, -2
    ascending = np.argsort(labels)
    return least, labels[ascending[kept - 1]], tied[ascending[kept]]


@compiled
def _same(left: int, right: int, width: int, entries: Entries) -> bool:
    same = entries.length[left] == entries.length[right]
    for j in range(width):
        column = entries.column[j]
        same &= entries.frequency[column + left] == entries.frequency[column + right]
    return bool(same)


@compiled
def _represent(row: int, place: int, width: int, entries: Entries, label: NDArray[np.int64]) -> bool:
    """Let an entry that is left out stand for its twins; False if others, with a better score, need that more."""
    own = entries.offset[row + 1] - 1
    if entries.twin[row] != EMPTY:
        if _same(own, place, width, entries):
            if label[entries.twin[row]] <= label[entries.slot[place]]:
                return True
        elif entries.score[own] > entries.score[place]:
            return False
        else:
            entries.floor[row] = max(entries.floor[row], entries.score[own])
    entries.twin[row] = entries.slot[place]
    _move(place, own, width, entries)
    entries.slot[own] = EMPTY
    return True


@compiled
def _cut(row: int, width: int, entries: Entries, label: NDArray[np.int64]) -> bool:
    """Close the gaps of a row; if more than `keep` are left, keep the best. False if that needs a missing label."""
    least, last, first = _edge(row, entries, label)
    if first == -2:
        return False
    covered = first >= 0 and _represent(row, first, width, entries, label)
    own = entries.offset[row + 1] - 1
    into = entries.offset[row]
    end = into + entries.used[row]
    for at in range(into, end):
        slot, score = entries.slot[at], entries.score[at]
        if slot == EMPTY:
            continue
        if score > least or (score == least and label[slot] <= last):
            _move(at, into, width, entries)
            into += 1
        elif not (covered and score == least and _same(own, at, width, entries)):
            entries.floor[row] = max(entries.floor[row], score)
    entries.slot[into:end] = EMPTY
    entries.used[row] = into - entries.offset[row]
    return True


@compiled
def _move(source: int, target: int, width: int, entries: Entries) -> None:
    entries.slot[target] = entries.slot[source]
    entries.score[target] = entries.score[source]
    entries.length[target] = entries.length[source]
    for j in range(width):
        entries.frequency[entries.column[j] + target] = entries.frequency[entries.column[j] + source]


@compiled
def _epoch_score(row: int, length: int, queries: Queries, now: NDArray[np.uint16]) -> float:
    k1, b = queries.k1, queries.b
    norm = k1 * (1.0 - b + b * (length / queries.average[row]))
    score = 0.0
    for pair in range(queries.start[row], queries.start[row + 1]):
        frequency = float(now[queries.term[pair]])
        if frequency > 0.0:
            score += queries.weight[pair] * (frequency * (k1 + 1.0)) / (frequency + norm)
    return score


@compiled
def _insert(
    row: int, lists: Lists, chunk: int, entries: Entries, new: tuple[Queries, NDArray[np.uint16], NDArray[np.int64]]
) -> None:
    """Score a chunk for a row and append it if it stands above the floor."""
    queries, now, label = new
    score = _epoch_score(row, lists.lengths[chunk], queries, now)
    first, last = queries.start[row], queries.start[row + 1]
    full = entries.offset[row] + entries.used[row] == entries.offset[row + 1] - 1
    if score > entries.floor[row] and full and not _cut(row, last - first, entries, label):
        entries.stuck[row] = chunk
        return
    if not score > entries.floor[row]:
        return
    place = entries.offset[row] + entries.used[row]
    entries.used[row] += 1
    entries.slot[place] = lists.slots[chunk]
    entries.score[place] = score
    entries.length[place] = lists.lengths[chunk]
    for pair in range(first, last):
        entries.frequency[entries.column[pair - first] + place] = now[queries.term[pair]]


@compiled
def _offer(lists: Lists, queries: Queries, postings: Postings, entries: Entries, label: NDArray[np.int64]) -> None:
    # One long body on purpose: arrays handed to another compiled function cost reference counts per call, which
    # is fine for the few chunks that come near a list (`_insert`), and several times the work for all others.
    k1, b, longest, query = queries.k1, queries.b, queries.average.max(), queries.start
    starts, sizes, lengths, segments = lists.starts, lists.sizes, lists.lengths, lists.segments
    ids, frequencies, local = lists.ids, lists.frequencies, queries.local
    first, rows, terms, weights, after = postings
    floor, stuck, since = entries.floor, entries.stuck, entries.since
    wanted, allowed = queries.wanted, queries.allowed
    now = np.zeros(len(first) - 1, frequencies.dtype)  # by term: frequency in this chunk
    most = np.zeros(len(first) - 1)  # by term: what weight 1 adds at most
    stamp = np.full(len(floor), -1, np.int64)  # by row: the last chunk it was tried on
    for chunk in range(len(starts)):
        low, high = starts[chunk], starts[chunk] + sizes[chunk]
        for at in range(low, high):
            term = local[ids[at]]
            if term >= 0 and first[term] < first[term + 1]:
                break
        else:
            continue  # no essential term of any row: the fate of nearly all chunks when a few rows are refilled
        # with the largest average length, and so the smallest norm, a frequency adds most
        norm = k1 * (1.0 - b + b * (lengths[chunk] / longest))
        for at in range(low, high):
            term = local[ids[at]]
            if term >= 0:
                now[term] = frequencies[at]
                most[term] = frequencies[at] * (k1 + 1.0) / (frequencies[at] + norm)
        for at in range(low, high):
            term = local[ids[at]]
            for post in range(first[max(term, 0)], first[term + 1] if term >= 0 else 0):
                row = rows[post]
                if stamp[row] == chunk or not allowed[wanted[row], segments[chunk]]:
                    continue
                stamp[row] = chunk
                if stuck[row] >= 0 or chunk < since[row]:
                    continue
                bound, least = 0.0, floor[row]
                for pair in range(query[row], query[row + 1]):
                    bound += weights[pair] * most[terms[pair]]
                    if (bound + after[pair]) * SLACK <= least:
                        break
                else:
                    _insert(row, lists, chunk, entries, (queries, now, label))
        for at in range(low, high):
            term = local[ids[at]]
            if term >= 0:
                now[term] = 0
                most[term] = 0.0


@compiled
def _score(row: int, start: int, size: int, entries: Entries, queries: Queries) -> NDArray[np.float64]:
    """Present scores of some places of a row; one term after the other, so that the loops over places vectorise."""
    norm = np.empty(size)
    score = np.zeros(size)
    for at in range(size):
        norm[at] = queries.k1 * (1.0 - queries.b + queries.b * (entries.length[start + at] / queries.average[row]))
    for pair in range(queries.start[row], queries.start[row + 1]):
        column = entries.column[pair - queries.start[row]] + start
        weight = queries.weight[pair]
        for at in range(size):
            frequency = float(entries.frequency[column + at])
            score[at] += weight * (frequency * (queries.k1 + 1.0)) / (frequency + norm[at])
    return score


@compiled
def _place(value: float, label: int, held: int, scores: NDArray[np.float64], labels: NDArray[np.int64]) -> int:
    """Where a value belongs among the held best ones, best first; equal ones stand by label."""
    into = held
    while into > 0 and (value > scores[into - 1] or (value == scores[into - 1] and label < labels[into - 1])):
        into -= 1
    return into


@compiled
def _rank(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]) -> Ranking:
    made = Ranking(
        np.full((len(rows), k), EMPTY, np.int32),
        np.full((len(rows), k), np.nan),
        np.full(len(rows), -np.inf),
        np.zeros(len(entries.slot), np.bool_),
    )
    labels = np.zeros(k, np.int64)
    for at in range(len(rows)):
        start = entries.offset[rows[at]]
        score = _score(rows[at], start, entries.used[rows[at]], entries, queries)
        if entries.twin[rows[at]] != EMPTY:
            made.outside[at] = _score(rows[at], entries.offset[rows[at] + 1] - 1, 1, entries, queries)[0]
        slots, scores = made.slot[at], made.score[at]
        held = 0
        for place in range(len(score)):
            slot = entries.slot[start + place]
            if slot == EMPTY:
                continue
            into = _place(score[place], label[slot], held, scores, labels)
            if into == k:
                continue
            held = min(held + 1, k)
            for move in range(held - 1, into, -1):
                scores[move], slots[move], labels[move] = scores[move - 1], slots[move - 1], labels[move - 1]
            scores[into], slots[into], labels[into] = score[place], slot, label[slot]
        _open(scores[:held], score, made.open[start : start + len(score)], (entries.slot[start:], label))
    return made


@compiled
def _open(
    scores: NDArray[np.float64],
    score: NDArray[np.float64],
    undecided: NDArray[np.bool_],
    names: tuple[NDArray[np.int32], NDArray[np.int64]],
) -> None:
    """Mark the entries without a label whose score is in the list and equals another entry's."""
    slots, label = names
    if len(scores) == 0:
        return
    at_cut = 0  # all that equal the last one count; all that are better are in the list
    for place in range(len(score)):
        at_cut += score[place] == scores[-1] and slots[place] != EMPTY
    for place in range(len(score)):
        value = score[place]
        if slots[place] != EMPTY and value >= scores[-1] and label[slots[place]] == 0:
            undecided[place] = (at_cut if value == scores[-1] else np.sum(scores == value)) > 1


NUMBA = Kernels("numba", _count, _recount, _offer, _rank, block=8192) if COMPILES else None
BEST = NUMBA or NUMPY
