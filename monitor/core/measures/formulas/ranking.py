"""Ranking stability: how far each anchor's list moved from its baseline, read from one Overlap.

Each function gives (A,) float64 at a depth d of at most the overlap's, NaN where a list is unknown.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_match import (
    discordance,
    exchanged,
    footrules,
    overlap_bias,
    similarity,
    stabilities,
)
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
    return overlap_bias(overlap.match(depth), _powers(p, depth))


def kendall_distance(overlap: Overlap, depth: int) -> Column:
    """Kendall distance K^(1/2) of top-k lists, over that of disjoint lists of the same lengths; in [0, 1].

    Pairs of B∪C cost: both in both lists 1 if ordered differently; one shared, the other in a single list 1 if that
    list has the other ahead; one only in B and one only in C 1; both only in the same list 1/2. The sum is divided by
    |B||C| + ½[C(|B|,2) + C(|C|,2)], which is k(3k-1)/2 for full lists. Denominator 0: 0.
    Source: Fagin, Kumar, Sivakumar, Comparing top k lists, SIAM J. Discrete Math. 17(1), 2003, section 3.1.
    """
    return discordance(overlap.match(depth), depth)


class Stability(NamedTuple):
    """All of the above and below, (A,) float64 each."""

    jaccard: Column
    swaps: Column
    rbo: Column
    kendall: Column
    churn: Column
    moved: Column
    exited: Column
    entered: Column


def stability(overlap: Overlap, depth: int, p: float = PERSISTENCE) -> Stability:
    """`jaccard`, `swaps`, `rbo_ext`, `kendall_distance` and `rank_churn` with its parts, in one call."""
    return Stability(*stabilities(overlap.match(depth), depth, _powers(p, depth)))


@dataclass(frozen=True, slots=True, eq=False)
class RankChurn:
    """Footrule churn and its three parts, (A,) float64 each: moved + exited + entered = total."""

    total: Column
    moved: Column
    exited: Column
    entered: Column


def rank_churn(overlap: Overlap, depth: int) -> RankChurn:
    """Footrule with absent results at location ℓ = k+1, over that of disjoint lists of the same lengths; in [0, 1].

    (Σ_shared |r_B - r_C| + Σ_exited (ℓ - r_B) + Σ_entered (ℓ - r_C)) / (Σ_{i≤|B|} (ℓ-i) + Σ_{j≤|C|} (ℓ-j));
    the denominator is k(k+1) for full lists. Both empty: 0; disjoint: 1.
    Source: Fagin, Kumar, Sivakumar, SIAM J. Discrete Math. 17(1), 2003, section 3.2, F^(ℓ) with ℓ = k+1.
    """
    return RankChurn(*footrules(overlap.match(depth), depth))


def top1_changed(overlap: Overlap) -> Column:
    """1 where the first result is another one, else 0. Both empty: 0; one empty: 1."""
    return exchanged(overlap.match(1), 1)


def top1_changed_decided(overlap: Overlap, gap: Column, noise_gap: float) -> Column:
    """`top1_changed` of the anchors whose baseline gap exceeds the noise gap, NaN for the others.

    Args:
        overlap: the matched lists.
        gap: (A,) float64, s_B(1) - s_B(2); NaN (fewer than two results) leaves the anchor out.
        noise_gap: what two builds of the same index differ by; a top-1 swap within it is a coin flip, not drift.
    """
    return np.where(gap > noise_gap, top1_changed(overlap), np.nan)


@lru_cache(maxsize=64)
def _powers(p: float, depth: int) -> Column:
    """(depth + 1,) powers of p, from 0 on; not to be written to. ValueError where p is none that weighs ranks."""
    if not 0.0 < p < 1.0:
        message = f"rank-biased overlap: p = {p}, expected 0 < p < 1"
        raise ValueError(message)
    return np.asarray(p ** np.arange(depth + 1), np.float64)
