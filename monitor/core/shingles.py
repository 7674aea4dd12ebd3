"""Word shingles as sorted 32-bit hashes, their exact Jaccard similarity, and clusters of near copies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 3
"""Words in a shingle. A chunk holds about 120 words; an edited word spoils WIDTH shingles. At a Jaccard limit of 0.8
three words tolerate four separate edits in 120 words, which a reader still calls a copy; five tolerate only two."""
THRESHOLD = 0.8
"""From this Jaccard similarity on, two chunks are near copies."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit integers in which every input bit moves every output bit (splitmix64's finaliser).

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 18.
    """
    mixed = (values ^ (values >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


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
