"""What is measured of segments as a whole, compiled by numba; their numpy twins are the oracles in the tests."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Column = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def pooled_distances(
    values: tuple[Column, Column],
    anchors: tuple[Ints, Ints],
    usable: NDArray[np.bool_],
    weights: Column,
    groups: Ints,
    made: Column,
) -> None:
    """First Wasserstein distance of two sides' values in each segment, in one pass over both in ascending order.

    Args:
        values: of either side, ascending.
        anchors: whose value each is.
        usable: (A,) bool, the anchors that count.
        weights: (A,) float64.
        groups: (A,) int64, the segment of each anchor.
        made: (G,) is filled; NaN where nobody counts.
    """
    (first, second), (whose_first, whose_second), count = values, anchors, len(made)
    whole, reached = np.zeros((2, count)), np.zeros((2, count))
    for anchor in whose_first:
        if usable[anchor]:
            whole[0, groups[anchor]] += weights[anchor]
    for anchor in whose_second:
        if usable[anchor]:
            whole[1, groups[anchor]] += weights[anchor]
    last = np.zeros(count)
    for group in range(count):
        made[group] = 0.0 if whole[0, group] > 0.0 and whole[1, group] > 0.0 else np.nan
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
        group = groups[anchor]
        if reached[0, group] > 0.0 or reached[1, group] > 0.0:
            apart = reached[0, group] / whole[0, group] - reached[1, group] / whole[1, group]
            made[group] += abs(apart) * (value - last[group])
        last[group] = value
        reached[side, group] += weights[anchor]


@compiled
def mixed(present: Ints, weights: Column, groups: Ints, made: Column) -> None:
    """Add each anchor's weight to the cell of its segment and of the category in each of its slots.

    Args:
        present: (A, k) int64 categories, below 0 for none.
        weights: (A,) float64.
        groups: (A,) int64, the segment of each anchor.
        made: (G, S) float64, is added to.
    """
    for anchor in range(len(present)):
        for slot in range(present.shape[1]):
            category = present[anchor, slot]
            if category >= 0:
                made[groups[anchor], category] += weights[anchor]


@compiled
def gathered(things: Ints, count: int) -> tuple[Ints, Ints]:
    """Anchors by what they name.

    Args:
        things: (A, k) int64 in [0, count), below 0 for none.
        count: how many things there are.

    Returns:
        (m,) int64, the anchors that name thing 0, then those that name thing 1, and so on, each ascending, and
        (count + 1,) int64, where each thing's anchors begin.
    """
    starts = np.zeros(count + 1, np.int64)
    for named in things.flat:
        if named >= 0:
            starts[named + 1] += 1
    for thing in range(count):
        starts[thing + 1] += starts[thing]
    anchors, free = np.empty(starts[count], np.int64), starts.copy()
    for anchor in range(len(things)):
        for slot in range(things.shape[1]):
            named = things[anchor, slot]
            if named >= 0:
                anchors[free[named]] = anchor
                free[named] += 1
    return anchors, starts


@compiled
def heaviest(named: tuple[Ints, Ints, Ints], weights: Column, groups: Ints, count: int) -> tuple[Column, Ints]:
    """By segment, the greatest weight of the anchors that name one thing, and which thing it is.

    Args:
        named: anchors and starts as of `gathered`, and (u,) the things' keys: of equals the one with the least.
        weights: (A,) float64, positive.
        groups: (A,) int64, the segment of each anchor.
        count: G, number of segments.

    Returns:
        (G,) weights, 0 where nothing is named, and (G,) things, -1 there.
    """
    anchors, starts, keys = named
    most, which, held = np.zeros(count), np.full(count, -1, np.int64), np.zeros(count)
    for thing in range(len(starts) - 1):
        for at in range(starts[thing], starts[thing + 1]):
            held[groups[anchors[at]]] += weights[anchors[at]]
        for at in range(starts[thing], starts[thing + 1]):
            group = groups[anchors[at]]
            first = held[group] == most[group] and which[group] >= 0 and keys[thing] < keys[which[group]]
            if held[group] > most[group] or first:
                most[group], which[group] = held[group], thing
        for at in range(starts[thing], starts[thing + 1]):
            held[groups[anchors[at]]] = 0.0
    return most, which
