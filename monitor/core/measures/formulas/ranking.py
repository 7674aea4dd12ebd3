"""Ranking stability: how far each anchor's list moved from its baseline, read from one Overlap.

Each function gives (A,) float64 at a depth d of at most the overlap's, NaN where a list is unknown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_match import footrule_parts, inversions, overlap_bias
from monitor.core.measures.formulas.overlap import Overlap

PERSISTENCE = 0.9
"""Rank-biased overlap's p: the first ten ranks carry 86% of the weight (Webber et al., section 4.4)."""

Column = NDArray[np.float64]


def jaccard(overlap: Overlap, depth: int) -> Column:
    """Jaccard similarity of the two result sets: |B∩C| / |B∪C|, in [0, 1], 1 = the same results.

    Both empty: 1, and counted; one empty: 0. Order does not matter.
    Source: P. Jaccard, 1912; at depth 10 one swap gives .818, two .667, three .538.
    """
    before, after = overlap.lengths(depth)
    return overlap.masked(_ratio(overlap.shared[depth - 1], before + after - overlap.shared[depth - 1], empty=1.0))


def swaps(overlap: Overlap, depth: int) -> Column:
    """Results that were exchanged: max(|B|, |C|) - |B∩C|, in 0..d, 0 = the same results. Both empty: 0."""
    before, after = overlap.lengths(depth)
    return overlap.masked((np.maximum(before, after) - overlap.shared[depth - 1]).astype(np.float64))


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
    if not 0.0 < p < 1.0:
        message = f"rank-biased overlap: p = {p}, expected 0 < p < 1"
        raise ValueError(message)
    before, after = overlap.lengths(depth)
    powers = (p ** np.arange(depth + 1)).astype(np.float64)
    return overlap.masked(overlap_bias(overlap.shared, before, after, powers))


def kendall_distance(overlap: Overlap, depth: int) -> Column:
    """Kendall distance K^(1/2) of top-k lists, over that of disjoint lists of the same lengths; in [0, 1].

    Pairs of B∪C cost: both in both lists 1 if ordered differently; one shared, the other in a single list 1 if that
    list has the other ahead; one only in B and one only in C 1; both only in the same list 1/2. The sum is divided by
    |B||C| + ½[C(|B|,2) + C(|C|,2)], which is k(3k-1)/2 for full lists. Denominator 0: 0.
    Source: Fagin, Kumar, Sivakumar, Comparing top k lists, SIAM J. Discrete Math. 17(1), 2003, section 3.1.
    """
    before, after = overlap.lengths(depth)
    ranks = overlap.cut(depth)
    shared = overlap.shared[depth - 1].astype(np.int64)
    exited, entered = before - shared, after - shared
    # an entered result is ahead of the shared ones behind it in C: Σ over shared of (rank in C - place among shared)
    ahead = np.add.reduce(ranks, axis=0, dtype=np.int64) - _triangle(shared)
    cost = inversions(ranks) + ahead + exited * entered + 0.5 * (_pairs(exited) + _pairs(entered))
    return overlap.masked(_ratio(cost, before * after + 0.5 * (_pairs(before) + _pairs(after)), empty=0.0))


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
    before, after = overlap.lengths(depth)
    edge = (depth + 1) * overlap.shared[depth - 1].astype(np.int64)
    moved, ranks_before, ranks_after = footrule_parts(overlap.cut(depth))
    full_before = (depth + 1) * before - _triangle(before)
    full_after = (depth + 1) * after - _triangle(after)
    exited = full_before - (edge - ranks_before)
    entered = full_after - (edge - ranks_after)
    whole = full_before + full_after
    parts = [overlap.masked(_ratio(part, whole, empty=0.0)) for part in (moved, exited, entered)]
    return RankChurn(overlap.masked(_ratio(moved + exited + entered, whole, empty=0.0)), *parts)


def top1_changed(overlap: Overlap) -> Column:
    """1 where the first result is another one, else 0. Both empty: 0; one empty: 1."""
    before, after = overlap.lengths(1)
    return overlap.masked((overlap.shared[0] < np.maximum(before, after)).astype(np.float64))


def top1_changed_decided(overlap: Overlap, gap: Column, noise_gap: float) -> Column:
    """`top1_changed` of the anchors whose baseline gap exceeds the noise gap, NaN for the others.

    Args:
        overlap: the matched lists.
        gap: (A,) float64, s_B(1) - s_B(2); NaN (fewer than two results) leaves the anchor out.
        noise_gap: what two builds of the same index differ by; a top-1 swap within it is a coin flip, not drift.
    """
    return np.where(gap > noise_gap, top1_changed(overlap), np.nan)


def _pairs(count: NDArray[np.int64]) -> NDArray[np.int64]:
    return count * (count - 1) // 2


def _triangle(count: NDArray[np.int64]) -> NDArray[np.int64]:
    return count * (count + 1) // 2


def _ratio(part: NDArray[np.number], whole: NDArray[np.number], *, empty: float) -> Column:
    """Part over whole, `empty` where whole is 0."""
    return np.where(whole == 0, empty, part / np.where(whole == 0, 1, whole))
