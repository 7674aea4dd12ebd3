"""Which contents in the same lists are near copies: exact shingle Jaccard, found by a prefix join."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.shingles import THRESHOLD, jaccard
from monitor.core.index.duplicates.sketches import Pairs, ShingleSketches
from monitor.core.model.lists import NO_CHUNK

ContentNumbers = NDArray[np.int64]
Shingles = NDArray[np.uint32]
_MOST = 1 << 16
"""Contents remembered at once: some 30 MB of shingles."""
_CELLS = 1 << 20
"""Pairs of slots looked at in one go; rows fit in the bits that are left of one number."""
_SLOT, _ROW, _LAST = np.uint64(10), np.uint64(42), np.uint64(1023)
_LONG = 2_000
"""Shingles that fill a sketch, so that it tells nothing apart."""


class Likeness:
    """Near copies among the few contents of each row, remembered from report to report.

    Two contents are alike when the Jaccard similarity of their shingles is at least `threshold`, exactly as
    `shingles.clusters` decides. Only pairs whose sketches allow it are compared (`ShingleSketches`); with long sets,
    pairs whose prefixes meet: if |x n y| >= t |x u y|, the first |x| - ceil(t |x|) + 1 shingles of x and those of y,
    in any one order of all shingles, have one in common (Chaudhuri, Ganti, Kaushik, A primitive operator for
    similarity joins, ICDE 2006).

    Args:
        threshold: the least similarity of near copies, in (0, 1].
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self.long = _LONG
        """Shingles of a set from which on prefixes choose what is compared, not sketches."""
        self.forgotten = 0
        """How often everything was forgotten."""
        self._sets: dict[int, Shingles] = {}
        self._alike: dict[tuple[int, int], bool] = {}
        self._sketches = ShingleSketches(threshold)

    def trim(self) -> None:
        """Forget everything where too much is remembered; whatever is compared next must be made known anew."""
        if len(self._sets) > _MOST:
            self._sets.clear()
            self._alike.clear()
            self._sketches = ShingleSketches(self._threshold)
            self.forgotten += 1

    def know(self, contents: ContentNumbers, keys: NDArray[np.int64], shingles: Callable[[int], Shingles]) -> None:
        """Look up the shingles of contents that are not known yet.

        Args:
            contents: content keys, NO_CHUNK for none.
            keys: of the same shape, a chunk that says each.
            shingles: the shingles of a chunk; empty where they are not known.
        """
        sets = self._sets
        said = zip(contents.ravel().tolist(), keys.ravel().tolist(), strict=True)
        unknown = {content: key for content, key in said if content not in sets and content != NO_CHUNK}
        found = {content: shingles(key) for content, key in unknown.items()}
        fresh = {content: shingles for content, shingles in found.items() if len(shingles)}
        sets.update(fresh)
        self._sketches.add(fresh)

    def clusters(self, contents: ContentNumbers) -> ContentNumbers:
        """Each slot's cluster: the content of the first slot it is linked with, NO_CHUNK where there is none.

        Single linkage over all slots of a row, by equal content or likeness.

        Args:
            contents: (R, m) content keys, NO_CHUNK for none; m at most 1,024.
        """
        made = np.empty_like(contents)
        step = max(1, _CELLS // max(1, contents.shape[1] ** 2))
        for start in range(0, len(contents), step):
            made[start : start + step] = self._clustered(contents[start : start + step])
        return np.where(contents == NO_CHUNK, NO_CHUNK, made)

    def _clustered(self, contents: ContentNumbers) -> ContentNumbers:
        """Without a pair that is alike a slot's cluster is its own content: most rows have none."""
        at, left, right = self._alike_in(contents)
        made = contents.copy()
        if not len(at):
            return made
        rows = np.unique(at)
        some, row = contents[rows], np.searchsorted(rows, at)
        links: NDArray[np.bool_] = some[:, :, None] == some[:, None, :]
        links[row, left, right] = links[row, right, left] = True
        made[rows] = np.take_along_axis(some, _linked(links), axis=1)
        return made

    def _alike_in(self, contents: ContentNumbers) -> Pairs:
        """Row and two slots, the smaller first, of different contents that are alike."""
        there = contents != NO_CHUNK
        if self._sketches.longest > self.long:
            at, left, right = self._met(contents, there).T
        else:
            at, left, right = self._sketches.possible(contents, there)
        if not len(at):
            return at, left, right
        other = contents[at, left] != contents[at, right]
        at, left, right = at[other], left[other], right[other]
        near = self._compared(contents[at, left], contents[at, right])
        return at[near], left[near], right[near]

    def _met(self, contents: ContentNumbers, asked: NDArray[np.bool_]) -> ContentNumbers:
        """(p, 3) row and two slots, the smaller first, of those asked whose prefixes have a shingle in common."""
        row, slot = np.nonzero(asked)
        distinct, back = np.unique(contents[row, slot], return_inverse=True)
        prefixes = [self._prefix(content) for content in distinct.tolist()]
        sizes = np.array([len(prefix) for prefix in prefixes], np.int64)
        starts, counts = (np.cumsum(sizes) - sizes)[back], sizes[back]
        place = np.repeat(np.arange(len(row)), counts)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        flat = np.concatenate([np.zeros(0, np.uint32), *prefixes])[starts[place] + offset]
        # one number holds row, shingle and slot, so that a plain sort brings together what meets
        rows, slots = row[place].astype(np.uint64), slot[place].astype(np.uint64)
        packed = np.sort((rows << _ROW) | (flat.astype(np.uint64) << _SLOT) | slots)
        met, pairs = packed >> _SLOT, [np.zeros((0, 3), np.int64)]
        for lag in range(1, len(packed)):
            at = np.flatnonzero(met[lag:] == met[:-lag])
            if not len(at):
                break
            last = (packed[at] & _LAST, packed[at + lag] & _LAST)
            pairs.append(np.stack((packed[at] >> _ROW, *last), axis=1).astype(np.int64))
        return np.unique(np.concatenate(pairs), axis=0) if len(pairs) > 1 else pairs[0]

    def _prefix(self, content: int) -> Shingles:
        found = self._sets.get(content)
        if found is None:
            return np.zeros(0, np.uint32)
        least = int(np.ceil(self._threshold * len(found) - 1e-9))
        return found[: len(found) - least + 1]

    def _compared(self, left: ContentNumbers, right: ContentNumbers) -> NDArray[np.bool_]:
        if len(self._alike) > 4 * _MOST:
            self._alike.clear()
        made = [self._near(*pair) for pair in zip(left.tolist(), right.tolist(), strict=True)]
        return np.array(made, np.bool_)

    def _near(self, left: int, right: int) -> bool:
        pair = (left, right) if left < right else (right, left)
        known = self._alike.get(pair)
        if known is None:
            known = jaccard(self._sets[left], self._sets[right]) >= self._threshold
            self._alike[pair] = known
        return known


def _linked(links: NDArray[np.bool_]) -> ContentNumbers:
    """(R, m) the first slot that each is linked with, directly or over others."""
    slots = links.shape[1]
    first: ContentNumbers = np.broadcast_to(np.arange(slots), links.shape[:2])
    while True:
        least: ContentNumbers = np.min(np.where(links, first[:, None, :], slots), axis=2)
        if np.array_equal(least, first):
            return least
        first = least
