"""What a chunk can score at most, by its terms and outside a buffer, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import EMPTY, SLACK, TINY, TRACE, Entries, Postings, Queries

_WIDE = 16
"""A line over all rows is added up as fast as postings of this share of them."""


@compiled
def gathered(
    rows: NDArray[np.int64],
    epoch: Queries,
    owner: NDArray[np.int64],
    by_term: NDArray[np.int64],
    terms: NDArray[np.int32],
) -> Postings:
    """See `bound.postings`; `owner`, `by_term` and `terms` are the plan's."""
    taking = np.full(len(epoch.start) - 1, -1, np.int64)
    for at in range(len(rows)):
        taking[rows[at]] = at
    asked = np.zeros(len(terms), np.int64)
    for pair in by_term:
        asked[epoch.term[pair]] += taking[owner[pair]] >= 0
    local, wide = np.full(len(epoch.local), -1, np.int32), np.full(len(terms), -1, np.int32)
    start, lines = np.zeros(len(terms) + 1, np.int64), 0
    for term in range(len(terms)):
        start[term + 1] = start[term]
        if asked[term] > 0:
            local[terms[term]] = term
        if asked[term] > max(len(rows) // _WIDE, _WIDE):
            wide[term] = lines
            lines += 1
        else:
            start[term + 1] += asked[term]
    table = np.zeros((lines, len(rows)), np.float32)
    row, weight, used = np.empty(start[-1], np.uint32), np.empty(start[-1], np.float32), 0
    for pair in by_term:
        asks, term = taking[owner[pair]], epoch.term[pair]
        if asks < 0:
            continue
        weighs = np.float32(max(epoch.weight[pair], TRACE))
        if wide[term] >= 0:
            table[wide[term], asks] = weighs
        else:
            row[used], weight[used] = asks, weighs
            used += 1
    return Postings(rows, local, start, row, weight, wide, table)


@compiled
def _knapsack(
    ratio: NDArray[np.float64], most: NDArray[np.float64], count: int, room: float, sorted_by: NDArray[np.int64]
) -> float:
    """The most of sum ratio_t c_t, sum c_t <= room, 0 <= c_t <= most_t: filled by falling ratio."""
    for at in range(count):
        into = at
        while into > 0 and ratio[sorted_by[into - 1]] < ratio[at]:
            sorted_by[into] = sorted_by[into - 1]
            into -= 1
        sorted_by[into] = at
    value = 0.0
    for at in range(count):
        term = sorted_by[at]
        taken = min(room, most[term])
        value += ratio[term] * taken
        room -= taken
    return value


@compiled
def loose(
    now: Queries,
    epoch: Queries,
    floor: NDArray[np.float64],
    least: NDArray[np.float64],
    outside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """(A,) bool: the rows that `bound.unproved` names, whose docstring says what each argument is."""
    factor, weights, before = epoch.k1 + 1.0, now.weight, epoch.weight
    made = np.zeros(len(floor), np.bool_)
    widest = np.max(now.start[1:] - now.start[:-1]) if len(floor) else 0
    ratio, most, order = np.empty(widest), np.empty(widest), np.empty(widest, np.int64)
    for row in range(len(floor)):
        if floor[row] == -np.inf or least[row] == np.inf:
            continue
        swell = max(1.0, now.average[row] / epoch.average[row])
        granted, room, steep, count = 0.0, floor[row], 0.0, 0
        for pair in range(now.start[row], now.start[row + 1]):
            if not outside[pair]:
                continue
            gain, old = max(weights[pair], 0.0), before[pair]
            if old > TINY:
                ratio[count], most[count] = gain / old * swell, old * factor
                steep = max(steep, ratio[count])
                count += 1
            else:
                granted += gain * factor
                room += max(-old, 0.0) * factor
        room = max(room, 0.0)
        bound = granted + room * steep
        if least[row] > bound + SLACK * abs(bound):
            continue
        bound = granted + _knapsack(ratio, most, count, room, order)
        made[row] = not least[row] > bound + SLACK * abs(bound)
    return made


@compiled
def exhausted(
    entries: Entries, queries: Queries, rows: NDArray[np.int64], frequency: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(P,) bool: False for the terms of these rows that only chunks in the row's buffer contain, by the M terms'
    document frequencies.
    """
    outside = np.ones(len(queries.term), np.bool_)
    slot, frequencies = entries.slot, entries.frequency
    for row in rows:
        start, first = entries.offset[row], queries.start[row]
        for pair in range(first, queries.start[row + 1]):
            column, inside = entries.column[pair - first], 0
            for place in range(start, start + entries.used[row]):
                inside += (slot[place] != EMPTY) & (frequencies[column + place] > 0)
            outside[pair] = inside < frequency[queries.term[pair]]
    return outside


@compiled
def drop(entries: Entries, dropped: NDArray[np.int64]) -> None:
    """Make EMPTY of these slots, of which there is at least one."""
    gone = np.zeros(dropped.max() // 32 + 2, np.uint32)  # slot s: bit s % 32 of word s // 32; the last word is 0
    for slot in dropped:
        gone[slot // 32] |= np.uint32(1) << np.uint32(slot % 32)
    slots, last = entries.slot, np.uint32(len(gone) - 1)
    for row in range(len(entries.used)):
        first = entries.offset[row]
        held, found = slots[first : first + entries.used[row]], np.uint32(0)
        for at in range(len(held)):  # without a branch, so that many are looked up at once; few rows have any
            slot = np.uint32(held[at])  # EMPTY is far above all slots then
            found |= gone[min(slot >> np.uint32(5), last)] >> (slot & np.uint32(31))
        if not found & np.uint32(1):
            continue
        for at in range(len(held)):
            slot = np.uint32(held[at])
            if gone[min(slot >> np.uint32(5), last)] >> (slot & np.uint32(31)) & np.uint32(1):
                held[at] = EMPTY
