"""Choosing a few words of each text, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

_KEPT, _HALF = np.uint64(3), np.uint64(32)


@compiled
def least_words(
    ids: NDArray[np.int32], lengths: NDArray[np.int64], hashes: NDArray[np.uint64], made: NDArray[np.uint32]
) -> None:
    """The least upper halves of the distinct hashes, of those that end in two zero bits, of each text, ascending.

    Args:
        ids: the token ids of n texts, one after the other.
        lengths: (n,) tokens of each.
        hashes: by token id.
        made: (n, width), written as far as there are words.
    """
    start, width = 0, made.shape[1]
    for text in range(len(lengths)):
        row, held = made[text], 0
        for at in range(start, start + lengths[text]):
            word = hashes[ids[at]]
            if word & _KEPT != 0:
                continue
            half = np.uint32(word >> _HALF)
            place = held
            while place > 0 and row[place - 1] > half:
                place -= 1
            if place == width or (place > 0 and row[place - 1] == half):
                continue
            held = min(held + 1, width)
            for later in range(held - 1, place, -1):
                row[later] = row[later - 1]
            row[place] = half
        start += lengths[text]
