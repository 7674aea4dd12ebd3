"""Arrays that grow: room behind the end costs no memory until somebody writes there."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def longer(array: NDArray[Scalar], rows: int, fill: int = 0) -> NDArray[Scalar]:
    """The array with so many rows, no fewer than it has, the new ones filled with a number.

    Zeros that nobody wrote take no memory: the system gives a page when it is first touched.

    >>> longer(np.array([5, 6]), 4, -1).tolist()
    [5, 6, -1, -1]
    """
    made = np.zeros((rows, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    if fill:
        made[len(array) :] = fill
    return made
