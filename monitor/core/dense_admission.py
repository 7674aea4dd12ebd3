"""Which slots are live and which filters let them through."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Segment
from monitor.core.segments import admits

_DEAD = -1


class Admission:
    """Live slots, each with a small code for its segment attributes; filters are tables over the codes.

    Args:
        filters: (A,) the filter of each anchor; few are distinct.
    """

    def __init__(self, filters: Sequence[Segment]) -> None:
        self.distinct: tuple[Segment, ...] = tuple(sorted(set(filters)))
        at = {wanted: index for index, wanted in enumerate(self.distinct)}
        self.group = np.array([at[wanted] for wanted in filters], np.int64)
        """(A,) int64: which distinct filter each anchor has."""
        self.open = self.distinct in ((), ((),))
        """Whether no anchor has a filter."""
        self.live = 0
        self._codes = np.full(0, _DEAD, np.int64)
        self._code: dict[Segment, int] = {}
        self._segments: list[Segment] = []
        self._members: list[int] = []
        self._free: list[int] = []
        self._table = np.zeros((len(self.distinct), 0), np.bool_)

    def add(self, slots: NDArray[np.int64], segments: Sequence[Segment], capacity: int) -> None:
        """Slots come to life; `capacity` is the length of the corpus's slab."""
        if capacity > len(self._codes):
            grown = np.full(capacity, _DEAD, np.int64)
            grown[: len(self._codes)] = self._codes
            self._codes = grown
        codes = self._code
        for segment in segments:
            if segment not in codes:
                self._register(segment)
            self._members[codes[segment]] += 1
        self._codes[slots] = [codes[segment] for segment in segments]
        self.live += len(slots)

    def remove(self, slots: NDArray[np.int64]) -> None:
        """Slots die; a segment without live slots gives its code back, so codes do not grow with uptime."""
        for code in self._codes[slots].tolist():
            self._members[code] -= 1
            if not self._members[code]:
                del self._code[self._segments[code]]
                self._free.append(code)
        self._codes[slots] = _DEAD
        self.live -= len(slots)

    def codes(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """The segment codes of live slots."""
        return self._codes[slots]

    def admitted(self, rows: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the filter of anchor rows[i] lets slots[i] through; (n,) bool."""
        passed: NDArray[np.bool_] = self._table[self.group[rows], self._codes[slots]]
        return passed

    def table(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each anchor's filter lets each live slot through; (n, A) bool."""
        passed: NDArray[np.bool_] = self._table[self.group][:, self._codes[slots]].T
        return passed

    def slots(self, wanted: Segment) -> NDArray[np.int64]:
        """All live slots that pass a filter, ascending."""
        if not wanted:
            return np.flatnonzero(self._codes != _DEAD)
        passes = np.array([*(admits(wanted, segment) for segment in self._segments), False], np.bool_)
        # A dead slot's code is -1 and reads the False at the end; codes given back have no slots.
        return np.flatnonzero(passes[self._codes])

    def _register(self, segment: Segment) -> None:
        if self._free:
            code = self._free.pop()
            self._segments[code] = segment
        else:
            code = len(self._segments)
            self._segments.append(segment)
            self._members.append(0)
            if code == self._table.shape[1]:
                room = np.zeros((len(self.distinct), max(16, code)), np.bool_)
                self._table = np.concatenate((self._table, room), axis=1)
        self._code[segment] = code
        self._table[:, code] = [admits(wanted, segment) for wanted in self.distinct]
