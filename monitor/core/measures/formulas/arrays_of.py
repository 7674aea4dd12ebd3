"""Ranked lists as compiled kernels take them: four arrays of one kind each."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.fixed import fixed
from monitor.core.model.lists import RankedLists

RankedArrays = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]
"""Keys, scores, lengths, and which lists are known, see `RankedLists`."""


def arrays_of(lists: RankedLists) -> RankedArrays:
    """All there is of lists, contiguous and read only."""
    return fixed(lists.keys), fixed(lists.scores), fixed(lists.lengths), fixed(lists.known)
