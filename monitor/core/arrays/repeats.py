"""Rows of keys without repeats."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Keys = NDArray[np.int64]
NONE = -1
"""Fills the unused tail of a row of keys."""


@compiled
def first_only(keys: Keys, scores: NDArray[np.float64]) -> tuple[Keys, NDArray[np.float64], NDArray[np.int64]]:
    """Each key of a row only where it stands first, gaps closed.

    Args:
        keys: (A, k) int64, NONE for nothing.
        scores: (A, k) float64, which go with their keys.

    Returns:
        (A, k) keys, NONE behind the end; (A, k) scores, NaN there; (A,) how many are left.

    >>> keys, scores, lengths = first_only(np.array([[7, -1, 7, 5]]), np.array([[4.0, 3.0, 2.0, 1.0]]))
    >>> keys.tolist(), scores[0, :2].tolist(), lengths.tolist()
    ([[7, 5, -1, -1]], [4.0, 1.0], [2])
    """
    kept, their = np.full(keys.shape, NONE, np.int64), np.full(keys.shape, np.nan)
    lengths = np.zeros(len(keys), np.int64)
    for row in range(len(keys)):
        held = 0
        for at in range(keys.shape[1]):
            key = keys[row, at]
            repeated = key == NONE
            for earlier in range(held):
                repeated |= kept[row, earlier] == key
            if not repeated:
                kept[row, held], their[row, held] = key, scores[row, at]
                held += 1
        lengths[row] = held
    return kept, their, lengths
