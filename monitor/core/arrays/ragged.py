"""Positions of pieces of unequal length in a flat array."""

import numpy as np
from numpy.typing import NDArray


def ragged(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions start_i, start_i + 1, ..., start_i + size_i - 1 of all i, one after the other; int64."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    positions: NDArray[np.int64] = np.repeat(starts - ends + sizes, sizes) + np.arange(total)
    return positions
