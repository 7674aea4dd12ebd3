"""A hash table from chunk keys to places, compiled by numba; a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

NONE = -1
"""No place."""


@compiled
def link(heads: NDArray[np.int32], keys: NDArray[np.int64], first: int, end: int) -> None:
    """Enter the places from `first` to before `end`; their keys are distinct and not in the table.

    Args:
        heads: (2^m,) int32 places by the low bits of the key, NONE where free, at most half full; linear probing.
            Keys are hashes, so their low bits are spread already.
        keys: by place.
        first: the first place.
        end: behind the last one.
    """
    mask = len(heads) - 1
    for place in range(first, end):
        at = keys[place] & mask
        while heads[at] != NONE:
            at = (at + 1) & mask
        heads[at] = place


@compiled
def find(heads: NDArray[np.int32], keys: NDArray[np.int64], key: int) -> int:
    """The place of a key, NONE where it has none."""
    mask = len(heads) - 1
    at = key & mask
    while heads[at] != NONE:
        if keys[heads[at]] == key:
            return int(heads[at])
        at = (at + 1) & mask
    return NONE


@compiled
def find_all(heads: NDArray[np.int32], keys: NDArray[np.int64], sought: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each key, NONE where it has none; (n,) int64."""
    mask = len(heads) - 1
    found = np.full(len(sought), np.int64(NONE))
    for row in range(len(sought)):
        at = sought[row] & mask
        while heads[at] != NONE:
            if keys[heads[at]] == sought[row]:
                found[row] = heads[at]
                break
            at = (at + 1) & mask
    return found
