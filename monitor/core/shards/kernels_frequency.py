"""Counts that move, with the histogram of all of them; compiled by numba: a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled


@compiled
def move(
    counts: NDArray[np.int64], histogram: NDArray[np.int64], places: NDArray[np.int64], steps: NDArray[np.int64]
) -> None:
    """Add steps to the counts in some places, which may repeat; a count below 0 on the way stands with the zeros.

    Args:
        counts: by place.
        histogram: (h,) how many counts there are of 0 to h - 2; the last one is of all that are greater.
        places: (n,) of the counts that move.
        steps: (n,)
    """
    last = len(histogram) - 1
    for at in range(len(places)):
        before = counts[places[at]]
        after = before + steps[at]
        counts[places[at]] = after
        histogram[min(max(before, 0), last)] -= 1
        histogram[min(max(after, 0), last)] += 1
