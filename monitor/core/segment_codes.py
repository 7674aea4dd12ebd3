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


class SegmentFlags:
    """One bit per live slot, and how many are set per segment code: reading a count costs nothing.

    Args:
        codes: the codes the counts go by; clear the flags of leaving slots *before* their codes are removed.
    """

    def __init__(self, codes: SegmentCodes) -> None:
        self.total = 0
        """Flags set."""
        self._codes = codes
        self._flags = np.zeros(0, np.bool_)
        self._counts = np.zeros(0, np.int64)

    def count(self, code: int) -> int:
        """Flags set among the slots of one code."""
        return int(self._counts[code]) if code < len(self._counts) else 0

    def set(self, slots: NDArray[np.int64], flags: NDArray[np.bool_]) -> None:
        """Set or clear the flags of distinct live slots."""
        if len(self._flags) < len(self._codes.slots):
            room = np.zeros(len(self._codes.slots) - len(self._flags), np.bool_)
            self._flags = np.concatenate((self._flags, room))
        step = flags.astype(np.int64) - self._flags[slots]
        self._flags[slots] = flags
        if len(self._counts) < len(self._codes.segments):
            room_for = np.zeros(len(self._codes.segments) * 2 - len(self._counts), np.int64)
            self._counts = np.concatenate((self._counts, room_for))
        np.add.at(self._counts, self._codes.slots[slots], step)
        self.total += int(step.sum())
