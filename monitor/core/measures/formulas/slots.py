"""What stands in the slots of one list: duplicates of each other."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import NO_CHUNK

Column = NDArray[np.float64]


def topk_duplicate_ratio(clusters: NDArray[np.int64], depth: int) -> Column:
    """Share of the top-k slots that have an exact or near duplicate in the same top-k.

    Args:
        clusters: (A, k) int64, the duplicate cluster of each slot, NO_CHUNK where there is none.
        depth: where the lists are cut.

    Returns:
        (A,) float64 in [0, 1]: both copies of a pair count; NaN for an empty or unknown list.
    """
    cut = clusters[:, :depth]
    first = first_ranks(cut, cut)
    copy = (first > 0) & (first != np.arange(1, cut.shape[1] + 1)[:, None])
    place, anchor = np.nonzero(copy)
    copy[first[place, anchor] - 1, anchor] = True
    filled = np.count_nonzero(cut != NO_CHUNK, axis=1)
    return np.where(filled == 0, np.nan, np.count_nonzero(copy, axis=0) / np.maximum(filled, 1))
