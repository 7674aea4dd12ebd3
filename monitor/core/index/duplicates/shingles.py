"""Shingles of words as sorted 32-bit hashes, their exact Jaccard similarity, and clusters of near copies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix
from monitor.core.arrays.ragged import Pieces
from monitor.core.arrays.sorted_sets import mark_shared
from monitor.core.index.duplicates.kernels_shingles import cut, pack
from monitor.core.text.tokens import visible

WIDTH = 3
"""Words in a shingle. A chunk holds about 120 words; an edited word spoils WIDTH shingles. At a Jaccard limit of 0.8
three words tolerate four separate edits in 120 words, which a reader still calls a copy; five tolerate only two."""
THRESHOLD = 0.8
"""From this Jaccard similarity on, two chunks are near copies."""
NO_SHINGLES = np.zeros(0, np.uint32)
"""Of a text in which nothing is seen."""
_CHARACTERS = np.uint64(1 << 32)
"""Added to code points before they are hashed, so that small numbers hashed elsewhere are not theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Shingled:
    """Some texts as sets of shingles.

    Args:
        shingles: the sets one after the other, each sorted and distinct, uint32.
        counts: (n,) int64, shingles of each text; 0 for a text in which nothing is seen.
        texts: (n,) uint64, a hash of the sequence of tokens (or characters); equal for equal ones in every run.
        sets: (n,) uint64, a hash of the set of shingles.
    """

    shingles: NDArray[np.uint32]
    counts: NDArray[np.int64]
    texts: NDArray[np.uint64]
    sets: NDArray[np.uint64]

    def take(self, places: NDArray[np.int64]) -> "Shingled":
        """Some of the texts."""
        counts, starts = self.counts[places], (np.cumsum(self.counts) - self.counts)[places]
        shingles = np.empty(int(counts.sum()), np.uint32)
        pack(self.shingles, starts, counts, shingles)
        return Shingled(shingles, counts, self.texts[places], self.sets[places])


def shingle(
    tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64], texts: Sequence[str], width: int = WIDTH
) -> Shingled:
    """Shingles and hashes of n texts.

    A shingle is the hash of `width` consecutive tokens, cut to 32 bits; a text shorter than that is one shingle of
    all its tokens, so two short texts are alike only when they are equal. In a text without tokens each of its
    `visible` characters counts as one: emoji alone, or a rule of dashes, is told from another. Two 64-bit hashes of
    different texts collide with a probability of about n^2 / 2^65.

    Args:
        tokens: n arrays of token ids.
        hashes: (v,) uint64 by token id, the same for a word in every run (ids may differ between runs).
        texts: n texts; read where there are no tokens.
        width: tokens in a shingle, positive.
    """
    pieces = Pieces.of(tokens)
    flat, lengths = pieces.flat, pieces.lengths
    wordless = np.flatnonzero(lengths == 0)
    if len(wordless):
        lengths = lengths.copy()
        spelled = [character_hashes(texts[at]) for at in wordless.tolist()]
        places, sizes = np.cumsum(lengths)[wordless], [len(of) for of in spelled]
        hashes = np.insert(hashes[flat], np.repeat(places, sizes), np.concatenate(spelled))
        flat, lengths[wordless] = np.arange(len(hashes), dtype=np.int32), sizes
    return Shingled(*cut(flat, lengths, hashes, width))


def character_hashes(text: str) -> NDArray[np.uint64]:
    """(n,) 64-bit hashes of the n `visible` characters of a text, the same in every run and those of no word."""
    codes = np.frombuffer(visible(text).encode("utf-32-le", "surrogatepass"), "<u4")
    return mix(codes.astype(np.uint64) + _CHARACTERS)


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """|L n R| / |L u R| of two sorted sets of shingles; 0 when either is empty."""
    if not len(left) or not len(right):
        return 0.0
    shared = mark_shared(left, right, np.zeros(len(left), np.bool_))
    return shared / (len(left) + len(right) - shared)


def clusters(
    sets: Sequence[NDArray[np.uint32]], hashes: Sequence[str], *, threshold: float = THRESHOLD
) -> NDArray[np.int64]:
    """Cluster ids of a few chunks: connected by an equal content hash or a Jaccard similarity >= threshold.

    Single linkage over all pairs, so meant for the at most 2k chunks of two ranked lists.

    Args:
        sets: n sorted sets of shingles.
        hashes: n content hashes; an empty one equals nothing.
        threshold: the least similarity of near copies.

    Returns:
        (n,) int64: the smallest index of each chunk's cluster.
    """
    found = np.arange(len(sets))
    for right in range(len(sets)):
        for left in range(right):
            same = bool(hashes[left]) and hashes[left] == hashes[right]
            if found[left] != found[right] and (same or jaccard(sets[left], sets[right]) >= threshold):
                one, other = sorted((int(found[left]), int(found[right])))
                found[found == other] = one
    return found
