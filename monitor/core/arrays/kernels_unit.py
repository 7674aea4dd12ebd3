"""Vectors at unit length, compiled by numba; a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

_LEAF = 128
_DEEPEST = 64


@compiled
def normalised(vectors: NDArray[np.float32], made: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors divided by their lengths, to the bit as `prepare` has them: squares are summed in numpy's order.

    Args:
        vectors: (n, d) float32, finite.
        made: (n, d) float32, is written: a vector of zeros stays one.

    Returns:
        (n,) float64, the lengths.
    """
    count, width = vectors.shape
    norms = np.empty(count)
    sizes, left, halved = np.zeros(_DEEPEST, np.int64), np.zeros(_DEEPEST), np.zeros(_DEEPEST, np.bool_)
    for row in range(count):
        vector, depth, at, value = vectors[row], 0, 0, 0.0
        sizes[0], halved[0] = width, False
        while depth >= 0:
            if sizes[depth] > _LEAF:
                sizes[depth + 1], halved[depth + 1] = _left(sizes[depth]), False
                depth += 1
                continue
            value = _squares(vector, at, sizes[depth])
            at += sizes[depth]
            depth -= 1
            while depth >= 0 and halved[depth]:
                value = left[depth] + value
                depth -= 1
            if depth >= 0:
                left[depth], halved[depth] = value, True
                sizes[depth + 1], halved[depth + 1] = sizes[depth] - _left(sizes[depth]), False
                depth += 1
        norms[row] = np.sqrt(value)
        divisor = norms[row] if norms[row] != 0.0 else 1.0
        for column in range(width):
            made[row, column] = np.float64(vector[column]) / divisor
    return norms


@compiled
def _left(size: int) -> int:
    """The first half, a multiple of 8."""
    return size // 2 - size // 2 % 8


@compiled
def _squares(vector: NDArray[np.float32], at: int, size: int) -> float:
    """The sum of at most 128 squares, in eight sums that are added in pairs."""
    if size < 8:
        total = 0.0
        for place in range(at, at + size):
            total += np.float64(vector[place]) * np.float64(vector[place])
        return total
    one = two = three = four = five = six = seven = eight = 0.0
    whole = size - size % 8
    for place in range(at, at + whole, 8):
        one += np.float64(vector[place]) * np.float64(vector[place])
        two += np.float64(vector[place + 1]) * np.float64(vector[place + 1])
        three += np.float64(vector[place + 2]) * np.float64(vector[place + 2])
        four += np.float64(vector[place + 3]) * np.float64(vector[place + 3])
        five += np.float64(vector[place + 4]) * np.float64(vector[place + 4])
        six += np.float64(vector[place + 5]) * np.float64(vector[place + 5])
        seven += np.float64(vector[place + 6]) * np.float64(vector[place + 6])
        eight += np.float64(vector[place + 7]) * np.float64(vector[place + 7])
    total = ((one + two) + (three + four)) + ((five + six) + (seven + eight))
    for place in range(at + whole, at + size):
        total += np.float64(vector[place]) * np.float64(vector[place])
    return total
