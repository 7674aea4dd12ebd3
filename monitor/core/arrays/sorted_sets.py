"""Sorted sets of hashes: which of one stand in another."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Hashes = NDArray[np.uint32]


@compiled
def mark_shared(own: Hashes, other: Hashes, marks: NDArray[np.bool_]) -> int:
    """Mark which of `own` stand in `other`, and count them; marks that are set already stay.

    Args:
        own: (n,) ascending, distinct.
        other: (m,) ascending, distinct.
        marks: (n,) bool, written.

    >>> marks = np.zeros(3, np.bool_)
    >>> mark_shared(np.array([1, 5, 9], np.uint32), np.array([2, 5, 9, 12], np.uint32), marks), marks.tolist()
    (2, [False, True, True])
    """
    count, left, right = 0, 0, 0
    while left < len(own) and right < len(other):
        if own[left] < other[right]:
            left += 1
        elif own[left] > other[right]:
            right += 1
        else:
            marks[left] = True
            count += 1
            left += 1
            right += 1
    return count
