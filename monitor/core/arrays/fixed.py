"""One kind of array for compiled kernels: read only and contiguous, so that each is compiled once."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def fixed(values: NDArray[Number]) -> NDArray[Number]:
    """The same numbers, contiguous and read only; copied only where they are not contiguous.

    >>> fixed(np.arange(6).reshape(2, 3)[:, :2]).flags.writeable
    False
    """
    flags = values.flags
    if flags.c_contiguous and not flags.writeable:
        return values
    made = np.ascontiguousarray(values).view()
    made.flags.writeable = False
    return made
