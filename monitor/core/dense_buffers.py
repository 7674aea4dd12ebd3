"""Per anchor the best results known, sorted, and a floor below which everything else lies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.dense_order import name_ranks, places, ranked

Slots = NDArray[np.int64]
Scores = NDArray[np.float64]
EMPTY = -1
"""Fills the unused tail of a row of slots."""


class Buffers:
    """Sorted buffers of up to `capacity` results for A anchors.

    Invariant: in the total order (score descending, chunk id) every buffered result outranks the anchor's floor, and
    no admitted live chunk outside the buffer does. So the first k buffered results are the exact top-k as soon as
    there are k of them, or nothing is outside (floor at minus infinity). A floor is a score *and* a chunk id: with a
    score alone a tie at the floor would void the certificate at every step.

    Args:
        anchors: A.
        capacity: the most results a buffer keeps.
        names: chunk id by slot, read when scores are equal.
    """

    def __init__(self, anchors: int, capacity: int, names: Sequence[str]) -> None:
        self.capacity = capacity
        self.slots: Slots = np.full((anchors, capacity), EMPTY, np.int64)
        self.scores: Scores = np.full((anchors, capacity), -np.inf)
        self.sizes = np.zeros(anchors, np.int64)
        self.floors: Scores = np.full(anchors, -np.inf)
        self._floor_names = [""] * anchors
        self._names = names

    def drop(self, gone: NDArray[np.bool_]) -> Slots:
        """Take slots out of all buffers; returns the anchors that lost one.

        Args:
            gone: bool by slot, with one more False at its end (an empty place reads it).
        """
        rows = np.flatnonzero(gone[self.slots].any(axis=1))
        slots, scores = self.slots[rows], self.scores[rows]
        stay = ~gone[slots] & (slots != EMPTY)
        self.sizes[rows] = stay.sum(axis=1)
        filled = np.arange(self.capacity) < self.sizes[rows][:, None]
        self.slots[rows], self.scores[rows] = EMPTY, -np.inf
        kept = np.full(slots.shape, EMPTY, np.int64)
        kept[filled] = slots[stay]
        sorted_scores = np.full(slots.shape, -np.inf)
        sorted_scores[filled] = scores[stay]
        self.slots[rows], self.scores[rows] = kept, sorted_scores
        return rows

    def above(self, rows: Slots, scores: Scores, slots: Slots) -> NDArray[np.bool_]:
        """Whether each result outranks its anchor's floor; (n,) bool."""
        better = scores > self.floors[rows]
        for at in np.flatnonzero(scores == self.floors[rows]).tolist():
            better[at] = self._names[slots[at]] < self._floor_names[rows[at]]
        return better

    def insert(self, rows: Slots, scores: Scores, slots: Slots) -> Slots:
        """Put in results that outrank their floors; what is pushed out raises the floor. Returns their anchors."""
        order = ranked(rows, scores, slots, self._names)
        order = order[places(rows[order]) <= self.capacity]
        rows, scores, slots = rows[order], scores[order], slots[order]
        before = self._before(rows, scores, slots)
        anchors, starts = np.unique(rows, return_index=True)
        if not len(anchors):
            return anchors
        shift = np.add.reduceat(~before, starts, axis=0, dtype=np.int64)
        merged = np.full((len(anchors), self.capacity + 1), EMPTY, np.int64)
        values = np.full(merged.shape, -np.inf)
        for into, old, new in ((merged, self.slots, slots), (values, self.scores, scores)):
            self._scatter(into, old[anchors], shift)
            place = before.sum(axis=1) + places(rows)
            inside = place <= self.capacity
            into[np.searchsorted(anchors, rows[inside]), place[inside]] = new[inside]
        self._keep(anchors, merged, values)
        return anchors

    def replace(self, anchors: Slots, slots: Slots, scores: Scores, depth: int) -> None:
        """Fill buffers with the result of an exact search, best first and EMPTY behind the end.

        Args:
            anchors: (n,) int64.
            slots: (n, depth + 1) int64; the last column becomes the floor.
            scores: (n, depth + 1) float64.
            depth: how many to buffer, at most the capacity.
        """
        width = depth + 1
        filled = (slots != EMPTY).sum(axis=1)
        self.slots[anchors], self.scores[anchors] = EMPTY, -np.inf
        self.slots[anchors, :depth] = slots[:, :depth]
        self.scores[anchors, :depth] = np.where(slots[:, :depth] != EMPTY, scores[:, :depth], -np.inf)
        self.sizes[anchors] = np.minimum(filled, depth)
        self.floors[anchors] = np.where(filled == width, scores[:, depth], -np.inf)
        for at in np.flatnonzero(filled == width).tolist():
            self._floor_names[anchors[at]] = self._names[slots[at, depth]]

    def failing(self, anchors: Slots, k: int) -> Slots:
        """Of these anchors the ones whose top-k is no longer certain: fewer than k buffered, something outside."""
        return anchors[(self.sizes[anchors] < k) & (self.floors[anchors] > -np.inf)]

    def _before(self, rows: Slots, scores: Scores, slots: Slots) -> NDArray[np.bool_]:
        """(n, capacity) bool: whether a buffered result of the anchor outranks the new one."""
        held = self.scores[rows]
        before = held > scores[:, None]
        new, place = np.nonzero(held == scores[:, None])
        if len(new):
            old = self.slots[rows[new], place]
            ranks = name_ranks(np.concatenate((old, slots[new])), self._names)
            before[new, place] = ranks[: len(new)] < ranks[len(new) :]
        return before

    def _scatter(self, into: NDArray[np.generic], old: NDArray[np.generic], shift: Slots) -> None:
        """Move the buffered results of each anchor behind the new ones that outrank them."""
        place = np.arange(self.capacity) + shift
        at, column = np.nonzero(place <= self.capacity)
        into[at, place[at, column]] = old[at, column]

    def _keep(self, anchors: Slots, merged: Slots, values: Scores) -> None:
        filled = (merged != EMPTY).sum(axis=1)
        self.slots[anchors], self.scores[anchors] = merged[:, :-1], values[:, :-1]
        self.sizes[anchors] = np.minimum(filled, self.capacity)
        for at in np.flatnonzero(filled > self.capacity).tolist():
            self.floors[anchors[at]] = values[at, -1]
            self._floor_names[anchors[at]] = self._names[merged[at, -1]]
