"""The three inner loops of the dense leg, in numpy: the oracle of the compiled ones, and complete without them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.dense.order import name_ranks, places, ranked
from monitor.core.model.scoring import Distance, scores

Slots = NDArray[np.int64]
Scores = NDArray[np.float64]
EMPTY = -1
"""Fills the unused tail of a row of slots."""
_PAIRS = 256
"""Pairs scored at a time: their float64 vectors stay in the second-level cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
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


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Results to insert, anchors ascending: (n,) anchors, float64 scores and slots."""

    anchors: NDArray[np.int64]
    scores: Scores
    slots: Slots


@dataclass(frozen=True, slots=True)
class Kernels:
    """The inner loops, in numba or numpy; both give the same bits.

    Args:
        name: `numba` or `numpy`.
        drop: (rows, gone) takes out the slots that `gone` (bool by slot, False at its end) marks; returns the anchors
            that lost one, ascending.
        insert: (rows, arrivals, names) merges results that outrank their floors; returns the slot that an anchor's
            new floor is (EMPTY: as before), (A,) int64, with the scores in `rows.floors`.
        exact: (vectors, slots, queries, rows, distance) -> float64 scores of (vectors[slots[i]], queries[rows[i]]).
    """

    name: str
    drop: Callable[[Rows, NDArray[np.bool_]], NDArray[np.int64]]
    insert: Callable[[Rows, Arrivals, Sequence[str]], Slots]
    exact: Callable[[NDArray[np.float32], Slots, NDArray[np.float32], NDArray[np.int64], Distance], Scores]


def drop(held: Rows, gone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """See `Kernels`."""
    anchors = np.flatnonzero(gone[held.slots].any(axis=1))
    slots, scores = held.slots[anchors], held.scores[anchors]
    stay = ~gone[slots] & (slots != EMPTY)
    held.sizes[anchors] = stay.sum(axis=1)
    filled = np.arange(slots.shape[1]) < held.sizes[anchors][:, None]
    kept, kept_scores = np.full(slots.shape, EMPTY, np.int64), np.full(slots.shape, -np.inf)
    kept[filled], kept_scores[filled] = slots[stay], scores[stay]
    held.slots[anchors], held.scores[anchors] = kept, kept_scores
    return anchors


def insert(held: Rows, arrivals: Arrivals, names: Sequence[str]) -> Slots:
    """See `Kernels`. Every result's new place is counted, then all are written at once."""
    floors = np.full(len(held.sizes), EMPTY, np.int64)
    capacity = held.slots.shape[1]
    order = ranked(arrivals.anchors, arrivals.scores, arrivals.slots, names)
    order = order[places(arrivals.anchors[order]) <= capacity]
    if not len(order):
        return floors
    rows, new, new_slots = arrivals.anchors[order], arrivals.scores[order], arrivals.slots[order]
    before = _before(held, rows, new, new_slots, names)
    anchors, starts = np.unique(rows, return_index=True)
    shifted = np.arange(capacity) + np.add.reduceat(~before, starts, axis=0, dtype=np.int64)
    at, column = np.nonzero(shifted <= capacity)
    place = before.sum(axis=1) + places(rows)
    inside = place <= capacity
    into = np.searchsorted(anchors, rows[inside])
    merged, values = (
        np.full((len(anchors), capacity + 1), EMPTY, np.int64),
        np.full((len(anchors), capacity + 1), -np.inf),
    )
    merged[at, shifted[at, column]] = held.slots[anchors[at], column]
    values[at, shifted[at, column]] = held.scores[anchors[at], column]
    merged[into, place[inside]], values[into, place[inside]] = new_slots[inside], new[inside]
    held.slots[anchors], held.scores[anchors] = merged[:, :-1], values[:, :-1]
    held.sizes[anchors] = (merged[:, :-1] != EMPTY).sum(axis=1)
    floors[anchors] = merged[:, -1]
    pushed = anchors[merged[:, -1] != EMPTY]
    held.floors[pushed] = values[merged[:, -1] != EMPTY, -1]
    return floors


def _before(
    held: Rows, rows: NDArray[np.int64], new: Scores, slots: Slots, names: Sequence[str]
) -> NDArray[np.bool_]:
    """(n, capacity) bool: whether a buffered result of the anchor outranks the new one."""
    scored = held.scores[rows]
    before: NDArray[np.bool_] = scored > new[:, None]
    at, place = np.nonzero(scored == new[:, None])
    if len(at):
        old = held.slots[rows[at], place]
        ranks = name_ranks(np.concatenate((old, slots[at])), names)
        before[at, place] = ranks[: len(at)] < ranks[len(at) :]
    return before


def exact(
    vectors: NDArray[np.float32],
    slots: Slots,
    queries: NDArray[np.float32],
    rows: NDArray[np.int64],
    distance: Distance,
) -> Scores:
    """See `Kernels`: `scoring.scores` in blocks."""
    made = np.empty(len(slots))
    for at in range(0, len(slots), _PAIRS):
        part = slice(at, at + _PAIRS)
        made[part] = scores(vectors[slots[part]], queries[rows[part]], distance)
    return made


NUMPY = Kernels("numpy", drop, insert, exact)
