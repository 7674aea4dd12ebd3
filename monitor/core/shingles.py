"""Word shingles as sorted 32-bit hashes, their exact Jaccard similarity, and clusters of near copies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH = 3
"""Words in a shingle. A chunk holds about 120 words; an edited word spoils WIDTH shingles. At a Jaccard limit of 0.8
three words tolerate four separate edits in 120 words, which a reader still calls a copy; five tolerate only two."""
THRESHOLD = 0.8
"""From this Jaccard similarity on, two chunks are near copies."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint64(0xD1342543DE82EF95)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit integers in which every input bit moves every output bit (splitmix64's finaliser).

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 18.
    """
    mixed = (values ^ (values >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


@dataclass(frozen=True, slots=True, eq=False)
class Shingled:
    """Some texts as sets of shingles.

    Args:
        shingles: the sets one after the other, each sorted and distinct, uint32.
        counts: (n,) int64, shingles of each text; 0 for a text without tokens.
        texts: (n,) uint64, a hash of the token sequence; equal for equal sequences in every run of the program.
        sets: (n,) uint64, a hash of the set of shingles.
    """

    shingles: NDArray[np.uint32]
    counts: NDArray[np.int64]
    texts: NDArray[np.uint64]
    sets: NDArray[np.uint64]


def shingle(tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64], width: int = WIDTH) -> Shingled:
    """Shingles and hashes of n texts.

    A shingle is the hash of `width` consecutive tokens, cut to 32 bits; a text shorter than that is one shingle of
    all its tokens, so two short texts are alike only when they are equal. Two 64-bit hashes of different texts
    collide with a probability of about n^2 / 2^65.

    Args:
        tokens: n arrays of token ids.
        hashes: (v,) uint64 by token id, the same for a word in every run (ids may differ between runs).
        width: tokens in a shingle, positive.
    """
    lengths = np.array([len(ids) for ids in tokens], np.int64)
    ends = np.cumsum(lengths)
    words = hashes[np.concatenate([np.zeros(0, np.int32), *tokens])]
    rows = np.repeat(np.arange(len(tokens)), lengths)
    within = np.arange(len(words)) - (ends - lengths)[rows]
    texts = _row_sums(mix(words + _GOLDEN * (within + 1).astype(np.uint64)), lengths)
    starts = np.flatnonzero((within == 0) | (within <= lengths[rows] - width))
    rows = rows[starts]
    rolled = np.zeros(len(starts), np.uint64)
    padded = np.concatenate((words, np.zeros(width, np.uint64)))
    short = lengths[rows] < width
    for step in range(width):
        word = padded[starts + step]
        word[short & (step >= lengths[rows])] = 0
        rolled = (rolled + word) * _ODD
    pieces = mix(rolled) >> np.uint64(32)
    merged = np.sort((rows.astype(np.uint64) << np.uint64(32)) | pieces)
    merged = merged[np.concatenate((np.ones(min(1, len(merged)), np.bool_), merged[1:] != merged[:-1]))]
    shingles = merged.astype(np.uint32)
    counts = np.bincount((merged >> np.uint64(32)).astype(np.int64), minlength=len(tokens))
    sets = _row_sums(mix(shingles.astype(np.uint64) * _GOLDEN), counts)
    return Shingled(shingles, counts, texts, sets)


def _row_sums(values: NDArray[np.uint64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each row of values: their sum, modulo 2^64, mixed with their number."""
    total = np.zeros(len(lengths), np.uint64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        total[filled] = np.add.reduceat(values, (np.cumsum(lengths) - lengths)[filled])
    return mix(total + lengths.astype(np.uint64) * _ODD)


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """|L n R| / |L u R| of two sorted sets of shingles; 0 when either is empty: no words, no likeness."""
    if not len(left) or not len(right):
        return 0.0
    shared = len(np.intersect1d(left, right, assume_unique=True))
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
