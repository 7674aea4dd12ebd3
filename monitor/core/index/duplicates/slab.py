"""Sets of shingles by handle in one array, with the holes squeezed out as sets come and go."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, Roomy
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.duplicates.kernels_shingles import pack

Handles = NDArray[np.int64]
Shingles = NDArray[np.uint32]

_LEAST = 1 << 12


class ShingleSlab:
    """Sorted distinct 32-bit shingles of each handle.

    The array has at most half as much room again as the live sets needed when it was last squeezed (or grew).
    """

    def __init__(self) -> None:
        self._flat: Shingles = np.zeros(_LEAST, np.uint32)
        self._starts = np.zeros(1, np.int64)
        self.lengths: NDArray[np.int64] = np.zeros(1, np.int64)
        """Shingles by handle, 0 where the handle holds no set."""
        self._end = 0
        self._held = 0

    @property
    def sets(self) -> Sets:
        """All sets as they lie; valid until the next `put`."""
        return Sets(self._flat, self._starts, self.lengths)

    def put(self, handles: Handles, shingles: Shingles, counts: NDArray[np.int64]) -> None:
        """Store the sets of handles that hold none; `shingles` are the sets one after the other."""
        needed = int(handles.max(initial=-1)) + 1
        if needed > len(self._starts):
            room = max(1024, needed * 5 // 4)
            self._starts, self.lengths = longer(self._starts, room), longer(self.lengths, room)
        if self._end + len(shingles) > len(self._flat):
            self._squeeze(len(shingles))
        self._starts[handles] = self._end + np.cumsum(counts) - counts
        self.lengths[handles] = counts
        self._flat[self._end : self._end + len(shingles)] = shingles
        self._end += len(shingles)
        self._held += len(shingles)

    def drop(self, handles: Handles) -> None:
        """Forget the sets of distinct handles."""
        self._held -= int(self.lengths[handles].sum())
        self.lengths[handles] = 0

    def get(self, handle: int) -> Shingles:
        """A copy of one set."""
        start = int(self._starts[handle])
        return self._flat[start : start + int(self.lengths[handle])].copy()

    def gather(self, handles: Handles) -> tuple[Shingles, NDArray[np.int64]]:
        """The sets of some handles one after the other, and how long each is."""
        counts = self.lengths[handles]
        gathered = np.empty(int(counts.sum()), np.uint32)
        pack(self._flat, self._starts[handles], counts, gathered)
        return gathered, counts

    def image(self) -> Image:
        """See `image`."""
        flat = Roomy(self._flat[: self._end], self._end * 9 // 8)
        return {"flat": flat, "end": self._end, "starts": self._starts, "lengths": self.lengths}

    def resume(self, image: Image) -> None:
        """Take up what was there."""
        self._flat, self._end = image["flat"], image["end"]
        self._starts, self.lengths = image["starts"], image["lengths"]
        self._held = int(self.lengths.sum())

    def _squeeze(self, more: int) -> None:
        """Move the live sets together, in a new array with half as much room again."""
        fresh = np.zeros(max(_LEAST, (self._held + more) * 3 // 2), np.uint32)
        handles = np.flatnonzero(self.lengths)
        handles = handles[np.argsort(self._starts[handles])]
        lengths = self.lengths[handles]
        self._end = pack(self._flat, self._starts[handles], lengths, fresh)
        self._starts[handles] = np.cumsum(lengths) - lengths
        self._flat = fresh
