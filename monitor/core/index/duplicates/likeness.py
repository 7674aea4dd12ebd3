"""Which contents in the same lists are near copies: exact shingle Jaccard, for the few pairs that it can be of."""

import numpy as np

from monitor.core.arrays.fixed import fixed
from monitor.core.arrays.growing import longer
from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.duplicates.kernels_sketches import (
    ContentNumbers,
    KnownTexts,
    Width,
    linked,
    linked_sides,
    take_in,
    unknown,
)
from monitor.core.index.duplicates.shingles import THRESHOLD
from monitor.core.index.kernels_keys import NONE, link
from monitor.core.model.lists import NO_CHUNK

_MOST = 1 << 16
"""Contents remembered at once: some 30 MB of shingles."""
_LEAST = 1 << 10
_FEW, _EVERY = 4, 16
"""Words of 64 bits looked at first, and when these do not settle it."""


class Likeness:
    """Near copies among the few contents of each row, remembered from report to report.

    Two contents are alike when the Jaccard similarity of their shingles is at least `threshold`, exactly as
    `shingles.clusters` decides. Only pairs whose sketches allow it are compared. A sketch has one bit per shingle,
    1,024 places shared by all shingles (and the same folded to 256). Let X be the bits of set x. A bit that two
    shingles of x share hides one of them, so |x n y| is at most the common bits plus the shingles hidden on the side
    that hides fewer: |x n y| <= |X & Y| + min(|x| - |X|, |y| - |Y|). (Every shingle in common has its bit in X & Y,
    and beyond one per bit all are hidden on both sides.)

    Args:
        threshold: the least similarity of near copies, in (0, 1].
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self.forgotten = 0
        """How often everything was forgotten."""
        self._begin()

    def _begin(self) -> None:
        numbers, sizes = np.full(_LEAST, NO_CHUNK, np.int64), np.zeros(_LEAST, np.int64)
        few, every = (Width(np.zeros((_LEAST, words), np.uint64), sizes.copy()) for words in (_FEW, _EVERY))
        sets = Sets(np.zeros(_LEAST, np.uint32), sizes.copy(), sizes)
        self._known = KnownTexts(np.full(2 * _LEAST, NONE, np.int32), numbers, sets, few, every)
        self._ends = 1, 0  # place 0 holds no text

    def __len__(self) -> int:
        """Contents that are known."""
        return self._ends[0] - 1

    def trim(self) -> None:
        """Forget everything where too much is remembered; whatever is compared next must be made known anew."""
        if len(self) > _MOST:
            self._begin()
            self.forgotten += 1

    def know(self, contents: ContentNumbers, texts: SetLists) -> None:
        """Remember the shingles of contents that are not known yet.

        Args:
            contents: (R, m) content keys, NO_CHUNK for none.
            texts: the shingles of what stands in the same slots; empty where they are not known.
        """
        contents = fixed(contents)
        slots, shingles = unknown(self._known, contents, texts)
        if len(slots):
            self._reach(self._ends[0] + len(slots), self._ends[1] + shingles)
            self._ends = take_in(self._known, self._ends, slots, contents, texts)

    def _reach(self, places: int, shingles: int) -> None:
        """Make room; twice as much where it is short, so that what is there is seldom copied."""
        heads, contents, (flat, starts, lengths), few, every = self._known
        if shingles > len(flat):
            flat = longer(flat, 2 * shingles)
        if places > len(contents):
            contents, starts, lengths = (longer(of, 2 * places) for of in (contents, starts, lengths))
            few, every = (Width(longer(of.bits, 2 * places), longer(of.hidden, 2 * places)) for of in (few, every))
            heads = np.full(1 << (4 * places).bit_length(), NONE, np.int32)
            link(heads, contents, 1, self._ends[0])
        self._known = KnownTexts(heads, contents, Sets(flat, starts, lengths), few, every)

    def clusters(self, contents: ContentNumbers) -> ContentNumbers:
        """Each slot's cluster: the content of the first slot it is linked with, NO_CHUNK where there is none.

        Single linkage over all slots of a row, by equal content or likeness.

        Args:
            contents: (R, m) content keys, NO_CHUNK for none.
        """
        return linked(self._known, fixed(contents), self._threshold)

    def joined(self, then: ContentNumbers, now: ContentNumbers) -> tuple[ContentNumbers, ContentNumbers]:
        """The clusters of the slots of both sides of a row, (R, k) and (R, m), clustered together.

        Rows whose two sides are equal stay as they are: whatever is alike in them, nothing was exchanged.
        """
        return linked_sides(self._known, fixed(then), fixed(now), self._threshold)
