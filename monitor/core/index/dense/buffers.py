"""Per anchor the best results known, sorted, and a floor below which everything else lies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.index.dense import kernels
from monitor.core.index.dense.kernels import EMPTY, Arrivals, ListArrays, Rows, Scores, Slots


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
        self._rows = Rows(self.slots, self.scores, self.sizes, self.floors)

    def arranged(self, rows: Slots) -> "Buffers":
        """Buffers for other anchors: those of some rows in the order given, empty ones where a row is -1."""
        made = Buffers(len(rows), self.capacity, self._names)
        there = np.flatnonzero(rows >= 0)
        made.slots[there], made.scores[there] = self.slots[rows[there]], self.scores[rows[there]]
        made.sizes[there], made.floors[there] = self.sizes[rows[there]], self.floors[rows[there]]
        for at in there.tolist():
            made._floor_names[at] = self._floor_names[rows[at]]
        return made

    def image(self) -> Image:
        """See `image`."""
        arrays = {"slots": self.slots, "scores": self.scores, "sizes": self.sizes, "floors": self.floors}
        return {**arrays, "names": self._floor_names}

    def resume(self, image: Image) -> None:
        """Take up what was there, of as many anchors and the same capacity."""
        self.slots, self.scores, self.sizes = image["slots"], image["scores"], image["sizes"]
        self.floors, self._floor_names = image["floors"], image["names"]
        self._rows = Rows(self.slots, self.scores, self.sizes, self.floors)

    def drop(self, gone: NDArray[np.bool_]) -> Slots:
        """Take slots out of all buffers; returns the anchors that lost one.

        Args:
            gone: bool by slot, with one more False at its end (an empty place reads it).
        """
        return kernels.drop(self._rows, gone)

    def above(self, rows: Slots, scores: Scores, slots: Slots) -> NDArray[np.bool_]:
        """Whether each result outranks its anchor's floor; (n,) bool."""
        better = scores > self.floors[rows]
        for at in np.flatnonzero(scores == self.floors[rows]).tolist():
            better[at] = self._names[slots[at]] < self._floor_names[rows[at]]
        return better

    def insert(self, rows: Slots, scores: Scores, slots: Slots) -> None:
        """Put in results that outrank their floors, anchors ascending; what is pushed out raises the floor."""
        floors = kernels.insert(self._rows, Arrivals(rows, scores, slots), self._names)
        for anchor in np.flatnonzero(floors != EMPTY).tolist():
            self._floor_names[anchor] = self._names[floors[anchor]]

    def publish(self, anchors: Slots, keys: NDArray[np.int64], lists: ListArrays) -> NDArray[np.bool_]:
        """See the kernel."""
        return kernels.publish(self._rows, anchors, keys, lists)

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
