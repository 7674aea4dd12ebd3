"""The lexical kernels compiled by numba where it is installed; `BEST` is numba's or numpy's set."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from monitor.core.lexical_arrays import EMPTY, Counted, Entries, Kernels, Lists, Postings, Queries, Ranking
from monitor.core.lexical_numpy import NUMPY

try:
    import numba
    from numba.core import caching
except ImportError:  # the extra is not installed: the numpy twins are complete
    COMPILES = False
else:
    COMPILES = True

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at first call, without the GIL; without numba the function stays as it is (and is not used).

    Machine code is cached next to the source, and only there: where that folder is not writable each run
    compiles anew. (numba itself would fall back to a folder in the user's home.)
    """
    if not COMPILES:
        return function
    made = numba.njit(nogil=True)(function)
    locator = getattr(caching, "InTreeCacheLocator", None) or getattr(caching, "_InTreeCacheLocator", None)
    if locator is not None and locator.from_function(function, function.__code__.co_filename) is not None:
        made.enable_caching()
    return cast("Function", made)


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
    for done in range(len(ids)):
        before = frequency[ids[done]]
        after = before + step
        if after < 0 or after >= len(histogram):
            return done
        histogram[before] -= 1
        histogram[after] += 1
        frequency[ids[done]] = after
    return len(ids)


@compiled
def _cut(row: int, width: int, entries: Entries) -> None:
    """Close the gaps of a row; if more than `keep` are left, keep the best and raise the floor."""
    start = entries.offset[row]
    end = start + entries.used[row]
    held = 0
    for at in range(start, end):
        held += entries.slot[at] != EMPTY
    least, quota = -np.inf, held
    if held > entries.keep[row]:
        scores = np.empty(held, np.float64)
        used = 0
        for at in range(start, end):
            if entries.slot[at] != EMPTY:
                scores[used] = entries.score[at]
                used += 1
        scores.sort()
        quota = entries.keep[row]
        least = scores[held - quota]
        entries.floor[row] = max(entries.floor[row], scores[held - quota - 1])
    above = 0
    for at in range(start, end):
        above += entries.slot[at] != EMPTY and entries.score[at] > least
    ties = quota - above
    into = start
    for at in range(start, end):
        if entries.slot[at] == EMPTY or entries.score[at] < least:
            continue
        if held > quota and entries.score[at] == least:
            ties -= 1
            if ties < 0:
                continue
        entries.slot[into] = entries.slot[at]
        entries.score[into] = entries.score[at]
        entries.length[into] = entries.length[at]
        entries.order[into] = entries.order[at]
        for j in range(width):
            entries.frequency[entries.column[j] + into] = entries.frequency[entries.column[j] + at]
        into += 1
    entries.slot[into:end] = EMPTY
    entries.used[row] = into - start


@compiled
def _offer(lists: Lists, queries: Queries, postings: Postings, entries: Entries) -> None:
    k1, b = queries.k1, queries.b
    now = np.zeros(len(postings.start) - 1, np.uint16)  # by term: frequency in this chunk
    stamp = np.full(len(queries.start) - 1, -1, np.int64)  # by row: the last chunk it was scored on
    for chunk in range(len(lists.slots)):
        low = lists.starts[chunk]
        high = low + lists.sizes[chunk]
        for at in range(low, high):
            term = queries.local[lists.ids[at]]
            if term >= 0:
                now[term] = lists.frequencies[at]
        for at in range(low, high):
            term = queries.local[lists.ids[at]]
            if term < 0:
                continue
            for post in range(postings.start[term], postings.start[term + 1]):
                row = postings.row[post]
                if stamp[row] == chunk or not queries.allowed[queries.wanted[row], lists.segments[chunk]]:
                    continue
                stamp[row] = chunk
                norm = k1 * (1.0 - b + b * (lists.lengths[chunk] / queries.average[row]))
                score = 0.0
                first, last = queries.start[row], queries.start[row + 1]
                for pair in range(first, last):
                    frequency = float(now[queries.term[pair]])
                    if frequency > 0.0:
                        score += queries.weight[pair] * (frequency * (k1 + 1.0)) / (frequency + norm)
                if not score > entries.floor[row]:
                    continue
                if entries.offset[row] + entries.used[row] == entries.offset[row + 1]:
                    _cut(row, last - first, entries)
                    if not score > entries.floor[row]:
                        continue
                place = entries.offset[row] + entries.used[row]
                entries.used[row] += 1
                entries.fresh[row] = True
                entries.slot[place] = lists.slots[chunk]
                entries.score[place] = score
                entries.length[place] = lists.lengths[chunk]
                for pair in range(first, last):
                    entries.frequency[entries.column[pair - first] + place] = now[queries.term[pair]]
        for at in range(low, high):
            term = queries.local[lists.ids[at]]
            if term >= 0:
                now[term] = 0


@compiled
def _rank(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int) -> Ranking:
    k1, b = queries.k1, queries.b
    places = np.full((len(rows), k), EMPTY, np.int64)
    scores = np.full((len(rows), k), np.nan)
    tied = np.zeros(len(rows), np.bool_)
    for at in range(len(rows)):
        row = rows[at]
        start = entries.offset[row]
        size = entries.used[row]
        norm = np.empty(size)
        score = np.zeros(size)
        for place in range(size):
            norm[place] = k1 * (1.0 - b + b * (entries.length[start + place] / queries.average[row]))
        for pair in range(queries.start[row], queries.start[row + 1]):
            column = entries.column[pair - queries.start[row]] + start
            weight = queries.weight[pair]
            for place in range(size):
                frequency = float(entries.frequency[column + place])
                score[place] += weight * (frequency * (k1 + 1.0)) / (frequency + norm[place])
        held = 0
        outside = -np.inf  # the best score that did not make the list
        for place in range(size):
            if entries.slot[start + place] == EMPTY:
                continue
            value, order = score[place], entries.order[start + place]
            if held == k and not (
                value > scores[at, k - 1] or (value == scores[at, k - 1] and order < entries.order[places[at, k - 1]])
            ):
                outside = max(outside, value)
                continue
            if held == k:
                outside = max(outside, scores[at, k - 1])
            else:
                held += 1
            into = held - 1
            while into > 0 and (
                value > scores[at, into - 1]
                or (value == scores[at, into - 1] and order < entries.order[places[at, into - 1]])
            ):
                scores[at, into] = scores[at, into - 1]
                places[at, into] = places[at, into - 1]
                into -= 1
            scores[at, into] = value
            places[at, into] = start + place
        for into in range(1, held):
            tied[at] |= scores[at, into] == scores[at, into - 1]
        if held == k:
            tied[at] |= scores[at, k - 1] == outside
    return Ranking(places, scores, tied)


NUMBA = Kernels("numba", _count, _recount, _offer, _rank, block=8192) if COMPILES else None
BEST = NUMBA or NUMPY
