"""Single measures of lists, one after the other: the tables of `kernels_lists` have them all at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.disagreement import Disagreement
from monitor.core.measures.formulas.kernels_match import discordance, footrules
from monitor.core.measures.formulas.overlap import Overlap
from monitor.core.measures.formulas.ranking import PERSISTENCE, jaccard, rbo_ext, top1_changed
from monitor.core.measures.formulas.scores import gap, top1_score
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas.twins import mean_differences

Column = NDArray[np.float64]


def kendall_distance(overlap: Overlap, depth: int) -> Column:
    """See `discordance`."""
    return discordance(overlap.match(depth), depth)


@dataclass(frozen=True, slots=True, eq=False)
class RankChurn:
    """Footrule churn and its three parts, (A,) float64 each: moved + exited + entered = total."""

    total: Column
    moved: Column
    exited: Column
    entered: Column


def rank_churn(overlap: Overlap, depth: int) -> RankChurn:
    """See `footrules`."""
    return RankChurn(*footrules(overlap.match(depth), depth))


def top1_changed_decided(overlap: Overlap, gap: Column, noise_gap: float) -> Column:
    """`top1_changed` of the anchors whose baseline gap exceeds the noise gap, NaN for the others.

    Args:
        overlap: the matched lists.
        gap: (A,) float64, s_B(1) - s_B(2); NaN (fewer than two results) leaves the anchor out.
        noise_gap: what two builds of the same index differ by; a top-1 swap within it is a coin flip, not drift.
    """
    return np.where(gap > noise_gap, top1_changed(overlap), np.nan)


def top1_score_drop(baseline: RankedLists, current: RankedLists) -> Column:
    """How far the best score fell: s_B(1) - s_C(1), (A,) float64, signed, positive is worse.

    NaN where either list is empty or unknown. The headline is its p95 over anchors.
    """
    return top1_score(baseline) - top1_score(current)


def gap_drop(baseline: RankedLists, current: RankedLists) -> Column:
    """How much of the gap was lost: gap_B - gap_C, (A,) float64, signed, positive is worse; NaN where either is."""
    return gap(baseline) - gap(current)


def score_wasserstein(baseline: RankedLists, current: RankedLists, depth: int) -> Column:
    """W1 between the two empirical distributions of an anchor's top-k scores: ∫ |F_B⁻¹(u) - F_C⁻¹(u)| du, exact.

    For lists of equal length this is the mean |s_B(i) - s_C(i)|; otherwise ∫ |F_B(x) - F_C(x)| dx, the same number.

    Args:
        baseline: A lists, scores best first.
        current: A lists, scores best first.
        depth: where both are cut.

    Returns:
        (A,) float64 >= 0 in units of the score; NaN where either list is empty or unknown.

    Source: Villani, Optimal Transport, 2009, section 6 (one dimension); Vallender, 1974.
    """
    before, after = baseline.at(depth), current.at(depth)
    usable = before.known & after.known & (before.lengths > 0) & (after.lengths > 0)
    level = before.lengths == after.lengths
    distance = mean_differences(before.scores, after.scores, before.lengths, usable & level)
    uneven = np.flatnonzero(usable & ~level)
    if len(uneven):
        distance[uneven] = _between_distributions(before.take(uneven), after.take(uneven))
    return distance


def _between_distributions(before: RankedLists, after: RankedLists) -> Column:
    """W1 of lists of any lengths b, c: Σ |b c F_B - b c F_C| Δx / (b c) over the merged scores."""
    both = np.concatenate([before.scores, after.scores], axis=1)
    order = np.argsort(both, axis=1)  # NaN, the padding, goes last
    merged = np.take_along_axis(both, order, axis=1)
    steps = np.where(order < before.depth, after.lengths[:, None], -before.lengths[:, None])
    apart = np.abs(np.cumsum(steps, axis=1)[:, :-1]) * np.diff(merged, axis=1)
    inside = np.arange(1, both.shape[1]) < (before.lengths + after.lengths)[:, None]
    summed: Column = np.add.accumulate(np.where(inside, apart, 0.0), axis=1)[:, -1]
    return summed / (before.lengths * after.lengths)


@dataclass(frozen=True, slots=True, eq=False)
class LegPairs:
    """The four comparisons between dense and lexical lists of the same A anchors.

    Args:
        now: dense now against lexical now.
        baseline: dense baseline against lexical baseline.
        dense: dense baseline against dense now.
        lexical: lexical baseline against lexical now.
    """

    now: Overlap
    baseline: Overlap
    dense: Overlap
    lexical: Overlap


def disagreement(pairs: LegPairs, depth: int, p: float = PERSISTENCE) -> Disagreement:
    """Disagreement of the legs now, its change since the baseline, and each leg's own movement.

    Two empty lists agree (0); one empty disagrees (1). Scores are not looked at: cosine and BM25 never mix.

    Args:
        pairs: the four matched comparisons.
        depth: where all lists are cut.
        p: persistence of the rank-biased overlap.
    """
    rbo_now, jaccard_now = _apart(pairs.now, depth, p)
    rbo_then, jaccard_then = _apart(pairs.baseline, depth, p)
    return Disagreement(
        rbo_now,
        jaccard_now,
        rbo_now - rbo_then,
        jaccard_now - jaccard_then,
        1.0 - rbo_ext(pairs.dense, depth, p),
        1.0 - rbo_ext(pairs.lexical, depth, p),
    )


def _apart(pair: Overlap, depth: int, p: float) -> tuple[Column, Column]:
    return 1.0 - rbo_ext(pair, depth, p), 1.0 - jaccard(pair, depth)
