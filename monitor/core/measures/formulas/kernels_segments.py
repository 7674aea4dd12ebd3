"""What is measured of segments as a whole, compiled by numba; slow obvious ones are the oracles in the tests.

Each is told which segments are stale, and leaves what it knows of the others.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.model.lists import NO_CHUNK

Column = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@compiled
def stale_segments(rows: Mask, codes: Ints, count: int) -> Mask:
    """(G,) bool, segments with any of some anchors, (A,) bool; codes (D, A)."""
    stale = np.zeros(count, np.bool_)
    for anchor in range(len(rows)):
        if rows[anchor]:
            for dimension in range(len(codes)):
                stale[codes[dimension, anchor]] = True
    return stale


@compiled
def rescored(scores: Column, lengths: Ints, known: Mask, flat: Column) -> Mask:
    """Bring the scores of all places up to date; (A,) bool, the rows of which any bit is another.

    Args:
        scores: (A, k).
        lengths: (A,) places that are filled.
        known: (A,) whose lists are known.
        flat: (A k,) row by row, infinite where no score is; is written to.
    """
    count, depth = scores.shape
    moved, one = np.zeros(count, np.bool_), np.empty(1)
    bits, seen = flat.view(np.int64), one.view(np.int64)
    for row in range(count):
        filled = lengths[row] if known[row] else 0
        for slot in range(depth):
            one[0] = scores[row, slot] if slot < filled else np.inf
            at = row * depth + slot
            if bits[at] != seen[0]:
                flat[at] = one[0]
                moved[row] = True
    return moved


@compiled
def in_order(flat: Column, order: Ints, depth: int) -> tuple[Column, Ints]:
    """The scores in ascending order without the empty places behind them, and whose they are; all of them finite."""
    held = 0
    for at in range(len(flat)):
        held += flat[at] != np.inf
    values, whose = np.empty(held), np.empty(held, np.int64)
    for at in range(held):
        values[at] = flat[order[at]]
        whose[at] = order[at] // depth
    return values, whose


@compiled
def pooled_distances(
    values: tuple[Column, Column],
    whose: tuple[Ints, Ints],
    usable: Mask,
    anchors: tuple[Column, Ints],
    stale: Mask,
    made: Column,
) -> None:
    """First Wasserstein distance of two sides' values in each stale segment, in one pass over both, ascending.

    The distance between the two distribution functions is taken in counts, |F_1 w_1 w_2 - F_2 w_1 w_2|, and divided
    once: whole weights give whole numbers.

    Args:
        values: of either side, ascending.
        whose: the anchor of each value.
        usable: (A,) bool, the anchors that count.
        anchors: (A,) float64 weights, and (D, A) the segments of each.
        stale: (G,) bool.
        made: (G,) is filled; NaN where nobody counts.
    """
    (first, second), (whose_first, whose_second), (weights, codes), count = values, whose, anchors, len(made)
    whole, reached, last = np.zeros((2, count)), np.zeros((2, count)), np.zeros(count)
    for side in range(2):
        for anchor in whose_first if side == 0 else whose_second:
            if usable[anchor]:
                for dimension in range(len(codes)):
                    whole[side, codes[dimension, anchor]] += weights[anchor]
    for group in range(count):
        if stale[group]:
            made[group] = 0.0
    left = right = 0
    while left < len(first) or right < len(second):
        side = 1 if left == len(first) or (right < len(second) and second[right] < first[left]) else 0
        if side == 0:
            value, anchor = first[left], whose_first[left]
            left += 1
        else:
            value, anchor = second[right], whose_second[right]
            right += 1
        if not usable[anchor]:
            continue
        for dimension in range(len(codes)):
            group = codes[dimension, anchor]
            if stale[group]:
                apart = reached[0, group] * whole[1, group] - reached[1, group] * whole[0, group]
                made[group] += abs(apart) * (value - last[group])
                last[group] = value
                reached[side, group] += weights[anchor]
    for group in range(count):
        if stale[group]:
            made[group] /= whole[0, group] * whole[1, group]


@compiled
def resourced(sides: tuple[Ints, Ints], known: Mask, distinct: Ints, ranks: Ints, used: Ints) -> int:
    """Bring the ranks of sources in lists up to date; how many places have another one, -1 where one is unknown.

    Args:
        sides: (A, k) codes then and now, below 0 for none.
        known: (A,) bool, the anchors that count.
        distinct: (S,) codes, ascending.
        ranks: (2, A, k) the place of each among them, -1 for none; is written to.
        used: (S,) in how many places each stands; is written to.
    """
    moved = 0
    for side in range(2):
        codes = sides[0] if side == 0 else sides[1]
        for row in range(len(codes)):
            for slot in range(codes.shape[1]):
                code, rank = codes[row, slot], ranks[side, row, slot]
                if not known[row] or code < 0:
                    now = -1
                elif rank >= 0 and distinct[rank] == code:
                    now = rank
                else:
                    now = np.searchsorted(distinct, code)
                    if now == len(distinct) or distinct[now] != code:
                        return -1
                if now != rank:
                    moved += 1
                    ranks[side, row, slot] = now
                    if rank >= 0:
                        used[rank] -= 1
                    if now >= 0:
                        used[now] += 1
    return moved


@compiled
def mixed(ranks: Ints, weights: Column, codes: Ints, made: Column) -> None:
    """Add each anchor's weight to the cell of its segment and of the category in each of its slots.

    Args:
        ranks: (A, k) int64 categories, below 0 for none.
        weights: (A,) float64.
        codes: (D, A) int64, the segments of each anchor.
        made: (G, S) float64, is added to.
    """
    for anchor in range(len(ranks)):
        for slot in range(ranks.shape[1]):
            category = ranks[anchor, slot]
            if category >= 0:
                for dimension in range(len(codes)):
                    made[codes[dimension, anchor], category] += weights[anchor]


@compiled
def renumbered(
    lists: tuple[Ints, Ints, Mask], before: tuple[Ints, Mask], numbering: tuple[Ints, Ints], count: int, numbers: Ints
) -> tuple[Mask, int]:
    """Bring the numbers of listed keys up to date.

    Args:
        lists: (A, k) keys, (A,) places that are filled, and (A,) bool whose lists are known.
        before: (A, k) keys as they were numbered, NO_CHUNK for none, and whose lists were known; are written to.
        numbering: (t,) a table with a power of two of places for numbers, -1 where it is empty, and (m,) the keys by
            number; are written to.
        count: how many numbers there are.
        numbers: (A, k) the number of each key, -1 for none; is written to.

    Returns:
        (A,) bool, the rows of which anything is another, and how many numbers there are; -1 where there is no room
        for more.
    """
    (keys, lengths, known), (held, knew), (table, distinct) = lists, before, numbering
    moved, size = np.zeros(len(keys), np.bool_), len(table)
    for row in range(len(keys)):
        moved[row] = known[row] != knew[row]
        knew[row] = known[row]
        filled = lengths[row] if known[row] else 0
        for slot in range(keys.shape[1]):
            key = keys[row, slot] if slot < filled else NO_CHUNK
            if key == held[row, slot]:
                continue
            moved[row], held[row, slot], numbers[row, slot] = True, key, -1
            if key == NO_CHUNK:
                continue
            place = (key ^ (key >> 29)) & (size - 1)
            while table[place] >= 0 and distinct[table[place]] != key:
                place = (place + 1) & (size - 1)
            if table[place] < 0:
                if count == len(distinct):
                    return moved, -1
                table[place], distinct[count] = count, key
                count += 1
            numbers[row, slot] = table[place]
    return moved, count


@compiled
def greatest_shares(
    numbers: Ints, count: int, known: Mask, anchors: tuple[Column, Ints, Ints], stale: Mask, share: Column, n: Ints
) -> None:
    """Of each stale segment the greatest share of its anchors' weight in whose list one thing stands.

    Args:
        numbers: (A, k) things from 0 on, below 0 for none; distinct in a row.
        count: how many things there are.
        known: (A,) bool, anchors that count.
        anchors: (A,) float64 weights, and the members of the segments and where they begin, as of `Grouped`.
        stale: (G,) bool.
        share: (G,) float64, is filled; NaN where no anchor counts.
        n: (G,) int64 anchors that count, is filled.
    """
    (weights, members, starts), held = anchors, np.zeros(count)
    for group in range(len(share)):
        if not stale[group]:
            continue
        mass = most = 0.0
        counted = 0
        for at in range(starts[group], starts[group + 1]):
            anchor = members[at]
            if known[anchor]:
                counted += 1
                mass += weights[anchor]
                for thing in numbers[anchor]:
                    if thing >= 0:
                        held[thing] += weights[anchor]
                        most = max(most, held[thing])
        for at in range(starts[group], starts[group + 1]):
            for thing in numbers[members[at]]:
                if thing >= 0:
                    held[thing] = 0.0
        n[group], share[group] = counted, most / mass if counted else np.nan
