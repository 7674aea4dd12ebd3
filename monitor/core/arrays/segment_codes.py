"""Segment attributes by slot as small integers, so that they can be counted and filtered in arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, plain_segments, segments_of, unused
from monitor.core.model.events import Segment

DEAD = -1


class _Codes(dict[Segment, int]):
    """A dictionary that gives a segment it does not know a code: one look-up per slot, no branch."""

    def __init__(self, owner: "SegmentCodes") -> None:
        super().__init__()
        self._owner = owner

    def __missing__(self, segment: Segment) -> int:
        code = self[segment] = self._owner._admit(segment)
        return code


class SegmentCodes:
    """A code per distinct segment of the live slots; a segment without slots gives its code back.

    So the number of codes is bounded by the distinct segments that were ever live at one time.
    """

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        """Segment by code; stale where the code is free."""
        self.counts: NDArray[np.int64] = np.zeros(16, np.int64)
        """Live slots by code; at least as long as `segments`."""
        self.slots: NDArray[np.int64] = np.full(0, DEAD, np.int64)
        """Code by slot, DEAD where the slot is free."""
        self.live = 0
        """Live slots."""
        self._code = _Codes(self)
        self._free: list[int] = []

    def add(self, slots: NDArray[np.int64], segments: Sequence[Segment]) -> None:
        """Slots come to life with these attributes."""
        needed = int(slots.max(initial=-1)) + 1
        if needed > len(self.slots):
            self.slots = longer(self.slots, max(1024, needed * 5 // 4), DEAD)
        code = self._code
        codes = np.array([code[segment] for segment in segments], np.int64)
        self.counts += np.bincount(codes, minlength=len(self.counts))
        self.slots[slots] = codes
        self.live += len(slots)

    def remove(self, slots: NDArray[np.int64]) -> None:
        """Live slots die."""
        left = np.bincount(self.slots[slots], minlength=len(self.counts))
        self.counts -= left
        for empty in np.flatnonzero((left > 0) & (self.counts == 0)).tolist():
            del self._code[self.segments[empty]]
            self._free.append(empty)
        self.slots[slots] = DEAD
        self.live -= len(slots)

    def image(self) -> Image:
        """See `image`."""
        return {"segments": plain_segments(list(self.segments)), "slots": self.slots}

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet."""
        self.slots = image["slots"]
        self.segments = [() if of is None else of for of in segments_of(image["segments"])]
        live = self.slots[self.slots != DEAD]
        self.counts = np.bincount(live, minlength=max(16, len(self.segments)))
        self.live = len(live)
        held = np.flatnonzero(self.counts)
        self._free = unused(held, len(self.segments))
        self._code.update((self.segments[code], code) for code in held.tolist())

    def _admit(self, segment: Segment) -> int:
        if self._free:
            code = self._free.pop()
            self.segments[code] = segment
            return code
        self.segments.append(segment)
        if len(self.segments) > len(self.counts):
            self.counts = np.concatenate((self.counts, np.zeros_like(self.counts)))
        return len(self.segments) - 1


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

    def counts(self) -> list[int]:
        """Flags set among the slots of each code."""
        codes = len(self._codes.segments)
        held = self._counts[:codes].tolist()
        return [*held, *(0 for _ in range(codes - len(held)))]

    def at(self, slot: int) -> bool:
        """The flag of a live slot."""
        return bool(self._flags[slot])

    def set(self, slots: NDArray[np.int64], flags: NDArray[np.bool_]) -> None:
        """Set or clear the flags of distinct live slots."""
        if len(self._flags) < len(self._codes.slots):
            self._flags = longer(self._flags, len(self._codes.slots))
        step = flags.astype(np.int64) - self._flags[slots]
        self._flags[slots] = flags
        if len(self._counts) < len(self._codes.segments):
            self._counts = longer(self._counts, 2 * len(self._codes.segments))
        np.add.at(self._counts, self._codes.slots[slots], step)
        self.total += int(step.sum())
