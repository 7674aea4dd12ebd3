"""The inner loops of the dense leg in numpy: the oracles of the compiled ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.dense.kernels import EMPTY, Arrivals, Rows, Scores, Slots
from monitor.core.index.dense.order import name_ranks, places, ranked


def drop(held: Rows, gone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """See `kernels.drop`."""
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
    """See `kernels.insert`. Every result's new place is counted, then all are written at once."""
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
