"""Samples of stored sets of shingles, compiled by numba; a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import Sets

NONE = -1
"""In place of a set: there is none."""
MIX = np.uint32(0x9E37_79B1)
LIMIT = np.uint32(1 << 28)
"""One shingle in 2^4 is in the samples."""


@compiled
def sampled(sets: Sets, handles: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The sampled shingles of some sets one after the other, and how many there are of each; (n,) int32.

    Args:
        sets: by handle.
        handles: (n,) NONE for none.
    """
    flat, starts, lengths = sets
    counts = np.zeros(len(handles), np.int32)
    for at in range(len(handles)):
        if handles[at] != NONE:
            start, kept = starts[handles[at]], 0
            for shingle in flat[start : start + lengths[handles[at]]]:
                kept += _kept(shingle)
            counts[at] = kept
    made, put = np.empty(counts.sum(), np.uint32), 0
    for at in range(len(handles)):
        if counts[at]:
            start = starts[handles[at]]
            for shingle in flat[start : start + lengths[handles[at]]]:
                if _kept(shingle):
                    made[put] = shingle
                    put += 1
    return made, counts


@compiled
def _kept(shingle: np.uint32) -> bool:
    """Whether a shingle is in the samples: by its hash, not by the least shingles of a set."""
    return bool(np.uint32(shingle * MIX) < LIMIT)
