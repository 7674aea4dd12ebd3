"""Sketches of shingle sets: a proved bound on how alike two sets can be, from a few words of bits each."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.kernels_sketches import Width, allowed, sketch
from monitor.core.index.kernels_keys import NONE, find_all, link
from monitor.core.model.lists import NO_CHUNK

ContentNumbers = NDArray[np.int64]
ShinglesByContent = Mapping[int, NDArray[np.uint32]]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Rows and two slots, aligned."""
_LEAST = 1 << 10
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
        self._used = 1  # place 0: a content that is not known
        self._contents: NDArray[np.int64] = np.full(1, NO_CHUNK, np.int64)
        self._heads: NDArray[np.int32] = np.full(_LEAST, NONE, np.int32)
        """Places by content, see `kernels_keys`."""
        self._sizes: NDArray[np.int64] = np.zeros(1, np.int64)
        self._bits: dict[int, NDArray[np.uint64]] = {width: np.zeros((1, width), np.uint64) for width in (_FEW, _ALL)}
        self._hidden: dict[int, NDArray[np.int64]] = {width: np.zeros(1, np.int64) for width in (_FEW, _ALL)}

    def add(self, sets: ShinglesByContent) -> None:
        """Sketch sets that are not known yet, none of them empty, by content."""
        if not sets:
            return
        places = np.arange(self._used, self._used + len(sets))
        self._enter(sets)
        sizes = np.array([len(found) for found in sets.values()], np.int64)
        self.longest = max(self.longest, int(sizes.max()))
        self._sizes[places] = sizes
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        flat = np.concatenate(list(sets.values()))
        for width in (_FEW, _ALL):
            made = Width(self._bits[width], self._hidden[width])
            sketch((flat, starts), places, made)

    def _enter(self, sets: Iterable[int]) -> None:
        """Give contents the next places."""
        fresh = np.fromiter(sets, np.int64)
        first, self._used = self._used, self._used + len(fresh)
        self._reach(self._used)
        self._contents[first : self._used] = fresh
        if 2 * self._used > len(self._heads):
            self._heads = np.full(1 << (4 * self._used).bit_length(), NONE, np.int32)
            first = 1
        link(self._heads, self._contents, first, self._used)

    def _reach(self, needed: int) -> None:
        """Make room; twice as much where it is short, so that what is there is seldom copied."""
        room = max(needed, 2 * len(self._sizes)) - len(self._sizes)
        if needed > len(self._sizes):
            self._sizes, self._contents = np.pad(self._sizes, (0, room)), np.pad(self._contents, (0, room))
            for width in (_FEW, _ALL):
                self._bits[width] = np.pad(self._bits[width], ((0, room), (0, 0)))
                self._hidden[width] = np.pad(self._hidden[width], (0, room))

    def possible(self, contents: ContentNumbers, asked: NDArray[np.bool_]) -> Pairs:
        """Pairs of slots of each row whose sets can be alike, the smaller slot first; all that are, and few others.

        Args:
            contents: (R, m) contents; those that are not known are like nothing.
            asked: (R, m) bool, slots to look at.
        """
        found = find_all(self._heads, self._contents, contents.ravel()).reshape(contents.shape)
        places = np.where(asked & (found != NONE), found, 0)
        left, right = _pairs(contents.shape[1])
        few, every = (Width(self._bits[width], self._hidden[width]) for width in (_FEW, _ALL))
        at, pair = np.nonzero(allowed(places, self._sizes, few, every, self._share))
        return at, left[pair], right[pair]


@lru_cache(maxsize=64)
def _pairs(slots: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of slots, the smaller first; read only."""
    left, right = np.triu_indices(slots, 1)
    return left, right
