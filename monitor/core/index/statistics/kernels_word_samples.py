"""Choosing a few words of each text, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

_KEPT, _HALF, _NOT_KEPT = np.uint64(3), np.uint64(32), np.uint64(1 << 32)


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
        row, held, least = made[text], 0, _NOT_KEPT
        for at in range(start, start + lengths[text]):
            word = hashes[ids[at]]
            # one rare branch: a word that is not in the sample is as one that is too great
            half = (word >> _HALF) | ((word & _KEPT) << _HALF)
            if half >= least:
                continue
            place = held
            while place > 0 and row[place - 1] > half:
                place -= 1
            if place > 0 and row[place - 1] == half:
                continue
            held = min(held + 1, width)
            for later in range(held - 1, place, -1):
                row[later] = row[later - 1]
            row[place] = half
            if held == width:
                least = np.uint64(row[width - 1])
        start += lengths[text]
