"""The inner loops of the dense leg, compiled by numba. Their numpy twins are the oracles in the tests."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.dense.order import places, ranked
from monitor.core.index.dense.product import Floats
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.scoring import Distance, scores

Slots = NDArray[np.int64]
Scores = NDArray[np.float64]
EMPTY = -1
"""Fills the unused tail of a row of slots."""
_BLOCK = 128
"""numpy sums this many terms with eight accumulators and halves what is longer."""
_STRIDE = 64
"""Product forms of which it is first counted whether any is a hit."""
_PAIRS = 256
"""Pairs that numpy scores at a time: their float64 vectors stay in the second-level cache."""


class Rows(NamedTuple):
    """Sorted buffers of A anchors, changed in place.

    Args:
        slots: (A, capacity) int64, EMPTY behind the end.
        scores: (A, capacity) float64, minus infinity behind the end.
        sizes: (A,) int64.
        floors: (A,) float64.
    """

    slots: Slots
    scores: Scores
    sizes: NDArray[np.int64]
    floors: Scores


class Arrivals(NamedTuple):
    """Results to insert, anchors ascending: (n,) anchors, float64 scores and slots."""

    anchors: NDArray[np.int64]
    scores: Scores
    slots: Slots


class ListArrays(NamedTuple):
    """Keys, scores and lengths of `RankedLists`."""

    keys: NDArray[np.int64]
    scores: Scores
    lengths: NDArray[np.int64]


@compiled
def reaching(forms: Floats, needed: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs whose product form, (a, n), is at least what is needed, (a,): queries, ascending, and their columns."""
    columns = forms.shape[1]
    hits = np.zeros(len(forms) + 1, np.int64)
    for query in range(len(forms)):
        count = 0
        for at in range(columns):  # a loop without a branch, which is vectorised
            count += forms[query, at] >= needed[query]
        hits[query + 1] = hits[query] + count
    queries, found = np.empty(hits[-1], np.int64), np.empty(hits[-1], np.int64)
    for query in range(len(forms)):
        into, least = hits[query], needed[query]
        for start in range(0, columns if into < hits[query + 1] else 0, _STRIDE):
            some, count = forms[query, start : start + _STRIDE], 0
            for at in range(len(some)):
                count += some[at] >= least
            for at in range(len(some) if count else 0):
                if some[at] >= least:
                    queries[into], found[into] = query, start + at
                    into += 1
    return queries, found


@compiled
def drop(held: Rows, gone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Take out the slots that `gone` (bool by slot) marks; returns the anchors that lost one, ascending."""
    slots, scores, sizes, _ = held
    lost = np.zeros(len(sizes), np.bool_)
    for row in range(len(sizes)):
        count = 0
        for at in range(sizes[row]):
            count += gone[slots[row, at]]
        if not count:
            continue
        kept = 0
        for at in range(sizes[row]):
            slot = slots[row, at]
            if not gone[slot]:
                slots[row, kept], scores[row, kept] = slot, scores[row, at]
                kept += 1
        lost[row] = True
        slots[row, kept : sizes[row]] = EMPTY
        scores[row, kept : sizes[row]] = -np.inf
        sizes[row] = kept
    return np.flatnonzero(lost)


@compiled
def publish(held: Rows, anchors: NDArray[np.int64], named: NDArray[np.int64], lists: ListArrays) -> NDArray[np.bool_]:
    """Write the first results of some anchors into lists; `named` are chunk keys by slot.

    Returns:
        (A,) bool: which lists are others now, by a bit of a score too.
    """
    changed = np.zeros(len(held.sizes), np.bool_)
    for row in anchors:
        size = min(held.sizes[row], lists.keys.shape[1])
        differs = size != lists.lengths[row]
        for at in range(size):
            key, score = named[held.slots[row, at]], held.scores[row, at]
            differs |= key != lists.keys[row, at] or score != lists.scores[row, at]
            lists.keys[row, at], lists.scores[row, at] = key, score
        for at in range(size, lists.keys.shape[1]):
            lists.keys[row, at], lists.scores[row, at] = NO_CHUNK, np.nan
        lists.lengths[row], changed[row] = size, differs
    return changed


@compiled
def _tied(held: Scores, new: Scores) -> bool:
    """Whether a new score equals another one of the anchor's: then chunk ids decide, which is left to `_merge`."""
    for at in range(len(new)):
        for other in range(at):
            if new[other] == new[at]:
                return True
        for other in range(len(held)):
            if held[other] == new[at]:
                return True
    return False


@compiled
def _insert(held: Rows, new: Arrivals, floor: Slots) -> Slots:
    """Insert anchor by anchor; returns the indices of the arrivals that are left to `_merge`."""
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
    """Pairwise summation in numpy's order, term by term, so that the bits are numpy's (`exact` checks that)."""
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


def insert(held: Rows, arrivals: Arrivals, names: Sequence[str]) -> Slots:
    """Merge results that outrank their floors.

    Returns:
        (A,) int64, the slot that an anchor's new floor is (EMPTY: as before); its score stands in `held.floors`.
    """
    floor = np.full(len(held.sizes), EMPTY, np.int64)
    left = _insert(held, arrivals, floor)
    if len(left):
        _merge(held, Arrivals(arrivals.anchors[left], arrivals.scores[left], arrivals.slots[left]), names, floor)
    return floor


def _merge(held: Rows, arrivals: Arrivals, names: Sequence[str], floor: Slots) -> None:
    """Insert where chunk ids decide, or very many arrive: old and new of an anchor sorted together."""
    anchors, capacity = np.unique(arrivals.anchors), held.slots.shape[1]
    at, column = np.nonzero(held.slots[anchors] != EMPTY)
    rows = np.concatenate((anchors[at], arrivals.anchors))
    values = np.concatenate((held.scores[anchors[at], column], arrivals.scores))
    slots = np.concatenate((held.slots[anchors[at], column], arrivals.slots))
    order = ranked(rows, values, slots, names)
    place = places(rows[order])
    best, first_out = order[place < capacity], order[place == capacity]
    held.slots[anchors], held.scores[anchors] = EMPTY, -np.inf
    into = rows[best], place[place < capacity]
    held.slots[into], held.scores[into] = slots[best], values[best]
    held.sizes[anchors] = (held.slots[anchors] != EMPTY).sum(axis=1)
    held.floors[rows[first_out]], floor[rows[first_out]] = values[first_out], slots[first_out]


def exact(
    vectors: NDArray[np.float32],
    slots: Slots,
    queries: NDArray[np.float32],
    rows: NDArray[np.int64],
    distance: Distance,
) -> Scores:
    """What `scoring.scores` says of the pairs (vectors[slots[i]], queries[rows[i]]), to the bit; (n,) float64."""
    if _sums_as_numpy(vectors.shape[1]):
        return _exact(vectors, slots, queries, rows, distance is Distance.EUCLID)
    made = np.empty(len(slots))
    for at in range(0, len(slots), _PAIRS):
        part = slice(at, at + _PAIRS)
        made[part] = scores(vectors[slots[part]], queries[rows[part]], distance)
    return made


@lru_cache(maxsize=16)
def _sums_as_numpy(dimension: int) -> bool:
    """Whether this numpy sums `dimension` terms in the order that `_sum` knows: it promises none."""
    left = np.sqrt(np.arange(1, 4 * dimension + 1, dtype=np.float32)).reshape(4, dimension)
    right, at = left[::-1].copy(), np.arange(4)
    return all(
        np.array_equal(_exact(left, at, right, at, distance is Distance.EUCLID), scores(left, right, distance))
        for distance in (Distance.DOT, Distance.EUCLID)
    )
