"""Ranking stability: how far each anchor's list moved from its baseline, read from one Overlap.

Each function gives (A,) float64 at a depth d of at most the overlap's, NaN where a list is unknown. What only a table
has is described at its kernel in `kernels_match`.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_match import exchanged, overlap_bias, similarity
from monitor.core.measures.formulas.overlap import Overlap

PERSISTENCE = 0.9
"""Rank-biased overlap's p: the first ten ranks carry 86% of the weight (Webber et al., section 4.4)."""

Column = NDArray[np.float64]


def jaccard(overlap: Overlap, depth: int) -> Column:
    """Jaccard similarity of the two result sets: |B∩C| / |B∪C|, in [0, 1], 1 = the same results.

    Both empty: 1, and counted; one empty: 0. Order does not matter.
    Source: P. Jaccard, 1912; at depth 10 one swap gives .818, two .667, three .538.
    """
    return similarity(overlap.match(depth), depth)


def swaps(overlap: Overlap, depth: int) -> Column:
    """Results that were exchanged: max(|B|, |C|) - |B∩C|, in 0..d, 0 = the same results. Both empty: 0."""
    return exchanged(overlap.match(depth), depth)


def rbo_ext(overlap: Overlap, depth: int, p: float = PERSISTENCE) -> Column:
    """Extrapolated rank-biased overlap: agreement over all depths, the top weighing most; in [0, 1], 1 = identical.

    RBO_ext = (1-p)/p [Σ_{i=1..l} X_i/i p^i + Σ_{i=s+1..l} X_s (i-s)/(s i) p^i] + [(X_l - X_s)/l + X_s/s] p^l
    with s and l the lengths of the shorter and the longer list. Computed as 1 minus the weighted disagreement, so
    that identical lists give exactly 1. Both empty: 1; one empty, or disjoint: exactly 0.

    Args:
        overlap: the matched lists.
        depth: where both are cut.
        p: persistence, in (0, 1).

    Raises:
        ValueError: p outside of (0, 1), or a depth that was not matched.

    Source: Webber, Moffat, Zobel, A similarity measure for indefinite rankings, TOIS 28(4), 2010, eq. 32.
    """
    return overlap_bias(overlap.match(depth), powers(p, depth))


def top1_changed(overlap: Overlap) -> Column:
    """1 where the first result is another one, else 0. Both empty: 0; one empty: 1."""
    return exchanged(overlap.match(1), 1)


@lru_cache(maxsize=64)
def powers(p: float, depth: int) -> Column:
    """(depth + 1,) powers of p, from 0 on; not to be written to. ValueError where p is none that weighs ranks."""
    if not 0.0 < p < 1.0:
        message = f"rank-biased overlap: p = {p}, expected 0 < p < 1"
        raise ValueError(message)
    return np.asarray(p ** np.arange(depth + 1), np.float64)
