"""Stability under rewording: an anchor's list against the lists of its rewrites."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import jaccard
from monitor.core.model.lists import RankedLists


def rewrite_stability_ratio(
    lists: RankedLists, rewrites: RankedLists, owners: NDArray[np.int64], depth: int
) -> NDArray[np.float64]:
    """Mean Jaccard similarity between an anchor's top-k and those of its rewrites.

    Args:
        lists: A lists, of the anchors.
        rewrites: R lists, of all rewrites of all anchors.
        owners: (R,) int64, the anchor that each rewrite belongs to.
        depth: where all lists are cut.

    Returns:
        (A,) float64 in [0, 1], 1 = every rewording finds the same; rewrites with an unknown list are left out, and
        an anchor without a measurable rewrite is NaN. Two empty lists agree (1).
    """
    similar = jaccard(overlap(lists.take(owners), rewrites), depth)
    measured = ~np.isnan(similar)
    count = np.bincount(owners[measured], minlength=len(lists))
    total = np.bincount(owners[measured], weights=similar[measured], minlength=len(lists))
    return np.where(count == 0, np.nan, total / np.maximum(count, 1))
