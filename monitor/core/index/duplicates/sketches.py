"""Sketches of shingle sets: a proved bound on how alike two sets can be, from a few words of bits each."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.kernels_sketches import Width, allowed, sketch

ContentNumbers = NDArray[np.int64]
ShinglesByContent = Mapping[int, NDArray[np.uint32]]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Rows and two slots, aligned."""
_FEW, _ALL = 4, 16
"""Words of 64 bits looked at first, and when these do not settle it."""


class ShingleSketches:
    """One bit per shingle, 1,024 places shared by all shingles, and the same folded to 256.

    Let X be the bits of set x. A bit that two shingles of x share hides one of them, so |x n y| is at most the
    common bits plus the shingles hidden on the side that hides fewer:
    |x n y| <= |X & Y| + min(|x| - |X|, |y| - |Y|). (Every shingle in common has its bit in X & Y, and beyond one per
    bit all are hidden on both sides.) And |x n y| >= t |x u y| asks for |x n y| >= t / (1 + t) (|x| + |y|).

    Args:
        threshold: the least Jaccard similarity t that matters, in (0, 1].
    """

    def __init__(self, threshold: float) -> None:
        self.longest = 0
        """Shingles of the largest set."""
        self._share = threshold / (1.0 + threshold)
        self._place: dict[int, int] = {}
        self._sizes: NDArray[np.int64] = np.zeros(1, np.int64)  # place 0: a content that is not known
        self._bits: dict[int, NDArray[np.uint64]] = {width: np.zeros((1, width), np.uint64) for width in (_FEW, _ALL)}
        self._hidden: dict[int, NDArray[np.int64]] = {width: np.zeros(1, np.int64) for width in (_FEW, _ALL)}

    def add(self, sets: ShinglesByContent) -> None:
        """Sketch sets that are not known yet, none of them empty, by content."""
        if not sets:
            return
        places = np.arange(len(self._place) + 1, len(self._place) + 1 + len(sets))
        self._reach(int(places[-1]) + 1)
        self._place.update(zip(sets, places.tolist(), strict=True))
        sizes = np.array([len(found) for found in sets.values()], np.int64)
        self.longest = max(self.longest, int(sizes.max()))
        self._sizes[places] = sizes
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        for width in (_FEW, _ALL):
            made = Width(self._bits[width], self._hidden[width])
            sketch((np.concatenate(list(sets.values())), starts), places, made)

    def _reach(self, needed: int) -> None:
        """Make room; twice as much where it is short, so that what is there is seldom copied."""
        room = max(needed, 2 * len(self._sizes)) - len(self._sizes)
        if needed > len(self._sizes):
            self._sizes = np.pad(self._sizes, (0, room))
            for width in (_FEW, _ALL):
                self._bits[width] = np.pad(self._bits[width], ((0, room), (0, 0)))
                self._hidden[width] = np.pad(self._hidden[width], (0, room))

    def possible(self, contents: ContentNumbers, asked: NDArray[np.bool_]) -> Pairs:
        """Pairs of slots of each row whose sets can be alike, the smaller slot first; all that are, and few others.

        Args:
            contents: (R, m) contents; those that are not known are like nothing.
            asked: (R, m) bool, slots to look at.
        """
        found = map(self._place.get, contents.ravel().tolist(), repeat(0))
        places = np.where(asked, np.fromiter(found, np.int64, contents.size).reshape(contents.shape), 0)
        left, right = _pairs(contents.shape[1])
        few, every = (Width(self._bits[width], self._hidden[width]) for width in (_FEW, _ALL))
        at, pair = np.nonzero(allowed(places, self._sizes, few, every, self._share))
        return at, left[pair], right[pair]


@lru_cache(maxsize=64)
def _pairs(slots: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of slots, the smaller first; read only."""
    left, right = np.triu_indices(slots, 1)
    return left, right
