"""What is read from the scores of single lists, compiled by numba; numpy twins are the oracles in the tests."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Column = NDArray[np.float64]
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@compiled
def scores_at(scores: Column, lengths: Counts, known: Mask, rank: int) -> Column:
    """(A,) scores at a rank from 1, of (A, k), NaN where the list ends before it or is unknown."""
    made = np.full(len(lengths), np.nan)
    for row in range(len(lengths)):
        if known[row] and lengths[row] >= rank:
            made[row] = scores[row, rank - 1]
    return made


@compiled
def found_shares(served: Column, live: Mask, exact: Column, lengths: Counts, eps: float) -> Column:
    """(A,) share of the exact results for which a live chunk as good as the last of them was served, at most 1.

    Args:
        served: (A, m) scores as served.
        live: (A, m) bool, whether each chunk is in the corpus.
        exact: (A, k) exact scores.
        lengths: (A,) exact results.
        eps: how far below the last exact one still ties.
    """
    made = np.zeros(len(lengths))
    for row in range(len(lengths)):
        hits = 0
        for at in range(served.shape[1]):  # NaN, behind the end of a list, compares false
            hits += live[row, at] and served[row, at] >= exact[row, max(lengths[row] - 1, 0)] - eps
        made[row] = min(hits, lengths[row]) / max(lengths[row], 1)
    return made
