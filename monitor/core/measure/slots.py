"""What stands in the slots of one list: duplicates of each other, and chunks that changed."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.lists import NO_CHUNK, RankedLists
from monitor.core.measure.overlap import first_ranks

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
    return _share(np.count_nonzero(copy, axis=0), filled)


def changed_slot_ratio(lists: RankedLists, changed: NDArray[np.int64], depth: int) -> Column:
    """Share of the top-k slots that are held by chunks changed since the baseline.

    Args:
        lists: A lists.
        changed: (m,) int64, keys of the chunks that are new or modified.
        depth: where the lists are cut.

    Returns:
        (A,) float64 in [0, 1]; NaN for an empty or unknown list.
    """
    cut = lists.at(depth)
    hit = np.isin(cut.keys, changed) & (np.arange(cut.depth) < cut.lengths[:, None])
    return _share(np.count_nonzero(hit, axis=1), np.where(cut.known, cut.lengths, 0))


def _share(part: NDArray[np.signedinteger], whole: NDArray[np.signedinteger]) -> Column:
    return np.where(whole == 0, np.nan, part / np.maximum(whole, 1))
