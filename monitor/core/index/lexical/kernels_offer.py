"""Offering chunks to buffers, compiled by numba; all in one file because its cache follows no imports."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import EMPTY, ENOUGH, ROUNDED, WIDER, Entries, Lists, Postings, Queries

_LAST = 2**63 - 1


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
    all_tied = np.searchsorted(scores, least)
    if len(scores) - all_tied <= int(entries.keep[row] * WIDER):
        return least, _LAST, -1
    tied = places[entries.score[places] == least]
    above = len(scores) - all_tied - len(tied)
    if above >= entries.keep[row] * ENOUGH:
        return least, -1, -1
    kept = entries.keep[row] - above
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
    """Let an entry that is left out stand for its equals; False if others, with a better score, need that more."""
    own = entries.offset[row + 1] - 1
    if entries.tied[row] != EMPTY:
        if _same(own, place, width, entries):
            if label[entries.tied[row]] <= label[entries.slot[place]]:
                return True
        elif entries.score[own] > entries.score[place]:
            return False
        else:
            entries.floor[row] = max(entries.floor[row], entries.score[own])
    entries.tied[row] = entries.slot[place]
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
    end, known, ordered = into + entries.used[row], into + entries.ordered[row], 0
    for at in range(into, end):
        slot, score = entries.slot[at], entries.score[at]
        if slot == EMPTY:
            continue
        if score > least or (score == least and label[slot] <= last):
            _move(at, into, width, entries)
            into += 1
            ordered += at < known
        elif not (covered and score == least and _same(own, at, width, entries)):
            entries.floor[row] = max(entries.floor[row], score)
    entries.slot[into:end] = EMPTY
    entries.used[row], entries.ordered[row] = into - entries.offset[row], ordered
    return True


@compiled
def _move(source: int, target: int, width: int, entries: Entries) -> None:
    entries.slot[target] = entries.slot[source]
    entries.score[target] = entries.score[source]
    entries.length[target] = entries.length[source]
    for j in range(width):
        entries.frequency[entries.column[j] + target] = entries.frequency[entries.column[j] + source]


@compiled
def _least(floor: float, slack: float) -> np.float32:
    """What the sum of a row's bounds must exceed; a hit's is above 0."""
    return np.float32(max(floor, 0.0) / slack)


@compiled
def offer(
    lists: Lists, queries: Queries, postings: Postings, entries: Entries, label: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Insert what scores above the floors, and cut full rows; (chunks,) bool: what a stuck row would have taken.

    Term by term, what each row can get from a chunk adds up; where that is enough, the chunk is scored.
    """
    # One long body on purpose: arrays handed to another compiled function cost reference counts and copies per call,
    # which is fine for the few rows that must be cut, and several times the work for all others.
    k1, b, longest = queries.k1, queries.b, queries.average[postings.rows].max()
    starts, sizes, lengths, segments = lists.starts, lists.sizes, lists.lengths, lists.segments
    ids, frequencies = lists.ids, lists.frequencies
    rows, local, first, asking, positive, wide, table = postings
    query, terms, weights, average = queries.start, queries.term, queries.weight, queries.average
    offset, used, floor, column = entries.offset, entries.used, entries.floor, entries.column
    slack = 1.0 + (8 + query[1]) * ROUNDED
    bound = np.zeros(len(rows), np.float32)
    least = np.empty(len(rows), np.float32)
    for at in range(len(rows)):
        least[at] = _least(floor[rows[at]], slack)
    missed = np.zeros(len(starts), np.bool_)
    now = np.zeros(len(first) - 1, frequencies.dtype)  # by term: frequency in this chunk
    found = np.empty(len(now), np.int32)  # its terms
    touched = np.empty(len(rows) + 1, np.int64)  # rows that ask one of them, one more for what is written in vain
    for chunk in range(len(starts)):
        low, high = starts[chunk], starts[chunk] + sizes[chunk]
        # with the largest average length, and so the smallest norm, a frequency adds most
        norm = k1 * (1.0 - b + b * (lengths[chunk] / longest))
        count, hit, widely = 0, 0, False
        for at in range(low, high):
            term = local[ids[at]]
            if term >= 0:
                found[count] = term
                count += 1
                now[term] = frequencies[at]
                most = np.float32(frequencies[at] * (k1 + 1.0) / (frequencies[at] + norm))
                for post in range(first[term], first[term + 1]):
                    asks = asking[post]
                    touched[hit] = asks
                    hit += bound[asks] == 0.0
                    bound[asks] += positive[post] * most
                if wide[term] >= 0:
                    widely = True
                    line = table[wide[term]]
                    for post in range(len(line)):
                        bound[post] += line[post] * most
        if count == 0:
            continue  # the fate of most chunks when a few rows are refilled
        if widely:  # nearly all rows are touched
            hit = 0
            for at in range(len(rows)):
                touched[hit] = at
                hit += bound[at] > least[at]
        for near in range(hit):
            at = touched[near]
            row, most = rows[at], bound[at]
            bound[at] = 0.0
            if not most > least[at] or chunk < entries.since[row]:
                continue
            if not queries.allowed[queries.wanted[row], segments[chunk]]:
                continue
            score, norm = 0.0, k1 * (1.0 - b + b * (lengths[chunk] / average[row]))
            for pair in range(query[row], query[row + 1]):
                frequency = float(now[terms[pair]])
                if frequency > 0.0:
                    score += weights[pair] * (frequency * (k1 + 1.0)) / (frequency + norm)
            full = offset[row] + used[row] == offset[row + 1] - 1
            if score > floor[row] and full and entries.stuck[row] < 0:
                if _cut(row, query[row + 1] - query[row], entries, label):
                    least[at] = _least(floor[row], slack)
                else:
                    entries.stuck[row] = chunk
            if score > floor[row] and entries.stuck[row] >= 0:
                missed[chunk] = True
            elif score > floor[row]:
                place = offset[row] + used[row]
                used[row] += 1
                entries.slot[place], entries.score[place] = lists.slots[chunk], score
                entries.length[place] = lengths[chunk]
                for pair in range(query[row], query[row + 1]):
                    entries.frequency[column[pair - query[row]] + place] = now[terms[pair]]
        if widely:
            bound[:] = 0.0
        for at in range(count):
            now[found[at]] = 0
    return missed
