"""The k-th best score of each question among unordered entries, compiled by numba: a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled


@compiled
def kth_best(rows: NDArray[np.int64], scores: NDArray[np.float64], count: int, k: int) -> NDArray[np.float64]:
    """(count,) float64, the k-th best score of each question; -inf where it has fewer entries.

    Args:
        rows: (n,) the question of each entry, below `count`.
        scores: (n,) of each, none of them NaN.
        count: questions.
        k: at least 1.
    """
    best = np.full((count, k), -np.inf)
    for entry in range(len(rows)):
        row, score = rows[entry], scores[entry]
        if score <= best[row, k - 1]:
            continue
        place = k - 1
        while place > 0 and best[row, place - 1] < score:
            best[row, place] = best[row, place - 1]
            place -= 1
        best[row, place] = score
    return best[:, k - 1].copy()
