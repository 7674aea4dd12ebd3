"""The dense kernels compiled by numba where it is installed; `best` chooses between numba's and numpy's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import COMPILES, compiled
from monitor.core.index.dense import kernels_numpy as dense_numpy
from monitor.core.index.dense.kernels_numpy import EMPTY, NUMPY, Arrivals, Kernels, Rows, Scores, Slots
from monitor.core.model.scoring import Distance

_BLOCK = 128
"""numpy sums this many terms with eight accumulators and halves what is longer."""


@compiled
def _drop(slots: Slots, scores: Scores, sizes: NDArray[np.int64], gone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    lost = np.zeros(len(sizes), np.bool_)
    for row in range(len(sizes)):
        kept = 0
        for at in range(sizes[row]):
            slot = slots[row, at]
            if not gone[slot]:
                if kept < at:
                    slots[row, kept], scores[row, kept] = slot, scores[row, at]
                kept += 1
        if kept < sizes[row]:
            lost[row] = True
            slots[row, kept : sizes[row]] = EMPTY
            scores[row, kept : sizes[row]] = -np.inf
            sizes[row] = kept
    return lost


@compiled
def _tied(held: Scores, new: Scores) -> bool:
    """Whether a new score equals another one of the anchor's: then chunk ids decide, which is left to numpy."""
    for at in range(len(new)):
        for other in range(at):
            if new[other] == new[at]:
                return True
        for other in range(len(held)):
            if held[other] == new[at]:
                return True
    return False


@compiled
def _insert(
    held: tuple[Slots, Scores, NDArray[np.int64], Scores], new: tuple[Slots, Scores, Slots], floor: Slots
) -> Slots:
    """Insert anchor by anchor; returns the indices of those left to numpy."""
    slots, scores, sizes, floors = held
    anchors, new_scores, new_slots = new
    left = np.empty(len(anchors), np.int64)
    count, start, capacity = 0, 0, slots.shape[1]
    while start < len(anchors):
        row, end = anchors[start], start
        while end < len(anchors) and anchors[end] == row:
            end += 1
        if end - start > capacity or _tied(scores[row, : sizes[row]], new_scores[start:end]):
            for at in range(start, end):
                left[count] = at
                count += 1
            start = end
            continue
        for at in range(start, end):
            score, slot, size = new_scores[at], new_slots[at], sizes[row]
            if size == capacity:
                last = scores[row, capacity - 1]
                if last > score:
                    if floor[row] == EMPTY or score > floors[row]:
                        floors[row], floor[row] = score, slot
                    continue
                # Whatever was pushed out before ranked behind what is last now, also where their scores are equal.
                floors[row], floor[row] = last, slots[row, capacity - 1]
                size -= 1
            place = size
            while place > 0 and scores[row, place - 1] < score:
                scores[row, place], slots[row, place] = scores[row, place - 1], slots[row, place - 1]
                place -= 1
            scores[row, place], slots[row, place] = score, slot
            sizes[row] = size + 1
        start = end
    return left[:count]


@compiled
def _sum(values: Scores) -> float:
    """Pairwise summation in numpy's order, term by term, so that the bits are numpy's (`best` checks that)."""
    size = len(values)
    if size < 8:
        total = -0.0
        for at in range(size):
            total += values[at]
        return total
    if size > _BLOCK:
        half = size // 2
        half -= half % 8
        whole_sum: float = _sum(values[:half]) + _sum(values[half:])
        return whole_sum
    a, b, c, d = values[0], values[1], values[2], values[3]
    e, f, g, h = values[4], values[5], values[6], values[7]
    whole = size - size % 8
    for at in range(8, whole, 8):
        a += values[at]
        b += values[at + 1]
        c += values[at + 2]
        d += values[at + 3]
        e += values[at + 4]
        f += values[at + 5]
        g += values[at + 6]
        h += values[at + 7]
    total = float(((a + b) + (c + d)) + ((e + f) + (g + h)))
    for at in range(whole, size):
        total += values[at]
    return total


@compiled
def _exact(
    vectors: NDArray[np.float32], slots: Slots, queries: NDArray[np.float32], rows: NDArray[np.int64], euclid: bool
) -> Scores:
    made = np.empty(len(slots))
    terms = np.empty(vectors.shape[1])
    for pair in range(len(slots)):
        left, right = vectors[slots[pair]], queries[rows[pair]]
        if euclid:
            for at in range(len(terms)):
                gap = np.float64(left[at]) - np.float64(right[at])
                terms[at] = gap * gap
            made[pair] = -np.sqrt(_sum(terms) + 0.0)  # numpy adds to an initial 0.0: no minus zero
        else:
            for at in range(len(terms)):
                terms[at] = np.float64(left[at]) * np.float64(right[at])
            made[pair] = _sum(terms) + 0.0
    return made


def drop(held: Rows, gone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """See `Kernels`."""
    return np.flatnonzero(_drop(held.slots, held.scores, held.sizes, gone))


def insert(held: Rows, arrivals: Arrivals, names: Sequence[str]) -> Slots:
    """See `Kernels`; anchors with equal scores or very many arrivals take numpy's way."""
    floor = np.full(len(held.sizes), EMPTY, np.int64)
    rows = (held.slots, held.scores, held.sizes, held.floors)
    left = _insert(rows, (arrivals.anchors, arrivals.scores, arrivals.slots), floor)
    if len(left):
        rest = Arrivals(arrivals.anchors[left], arrivals.scores[left], arrivals.slots[left])
        other = dense_numpy.insert(held, rest, names)
        floor = np.where(other != EMPTY, other, floor)
    return floor


def exact(
    vectors: NDArray[np.float32],
    slots: Slots,
    queries: NDArray[np.float32],
    rows: NDArray[np.int64],
    distance: Distance,
) -> Scores:
    """See `Kernels`."""
    return _exact(vectors, slots, queries, rows, distance is Distance.EUCLID)


NUMBA = Kernels("numba", drop, insert, exact)


def best(dimension: int) -> Kernels:
    """The compiled kernels if there are any and this numpy sums `dimension` terms in the order they know."""
    if not COMPILES:
        return NUMPY
    vectors = np.sqrt(np.arange(1, 4 * dimension + 1, dtype=np.float32)).reshape(4, dimension)
    at = np.arange(4)
    for distance in (Distance.DOT, Distance.EUCLID):
        pairs = (vectors, at, vectors[::-1].copy(), at, distance)
        if not np.array_equal(exact(*pairs), dense_numpy.exact(*pairs)):
            return NUMPY
    return NUMBA
