"""Shingles that two sets share, compiled by numba where it is there; `copies.shingles_numpy.shared` is the oracle."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import COMPILES, compiled
from monitor.core.index.duplicates.buckets_numpy import Sets
from monitor.core.index.duplicates.shingles_numpy import shared as counted

Handles = NDArray[np.int64]


@compiled
def _common(
    sets: tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]], left: Handles, right: Handles
) -> NDArray[np.int64]:
    flat, starts, lengths = sets
    made = np.zeros(len(left), np.int64)
    for pair in range(len(left)):
        at, to = starts[left[pair]], starts[right[pair]]
        end, stop = at + lengths[left[pair]], to + lengths[right[pair]]
        common = 0
        while at < end and to < stop:
            first, second = flat[at], flat[to]
            common += first == second
            at += first <= second
            to += second <= first
        made[pair] = common
    return made


def common(sets: Sets, left: Handles, right: Handles) -> NDArray[np.int64]:
    """How many shingles the sets left[i] and right[i] share; (p,) int64."""
    if COMPILES:
        return _common((sets.flat, sets.starts, sets.lengths), left, right)
    return counted(sets.flat, sets.starts, sets.lengths, left, right)
