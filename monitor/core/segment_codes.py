"""Segment attributes by slot as small integers, so that they can be counted and filtered in arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Segment

DEAD = -1


class SegmentCodes:
    """A code per distinct segment of the live slots; a segment without slots gives its code back.

    So the number of codes is bounded by the distinct segments that were ever live at one time.
    """

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        """Segment by code; stale where the code is free."""
        self.members: list[int] = []
        """Live slots by code."""
        self.slots: NDArray[np.int64] = np.full(0, DEAD, np.int64)
        """Code by slot, DEAD where the slot is free."""
        self.live = 0
        """Live slots."""
        self._code: dict[Segment, int] = {}
        self._free: list[int] = []

    def add(self, slots: NDArray[np.int64], segments: Sequence[Segment]) -> None:
        """Slots come to life with these attributes."""
        needed = int(slots.max(initial=-1)) + 1
        if needed > len(self.slots):
            room = np.full(max(1024, needed * 3 // 2) - len(self.slots), DEAD, np.int64)
            self.slots = np.concatenate((self.slots, room))
        codes = [self._of(segment) for segment in segments]
        for code in codes:
            self.members[code] += 1
        self.slots[slots] = codes
        self.live += len(slots)

    def remove(self, slots: NDArray[np.int64]) -> None:
        """Live slots die."""
        for code in self.slots[slots].tolist():
            self.members[code] -= 1
            if not self.members[code]:
                del self._code[self.segments[code]]
                self._free.append(code)
        self.slots[slots] = DEAD
        self.live -= len(slots)

    def _of(self, segment: Segment) -> int:
        code = self._code.get(segment)
        if code is None:
            if self._free:
                code = self._free.pop()
                self.segments[code] = segment
            else:
                code = len(self.segments)
                self.segments.append(segment)
                self.members.append(0)
            self._code[segment] = code
        return code
