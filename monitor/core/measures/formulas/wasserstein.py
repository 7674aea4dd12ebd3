"""First Wasserstein distance between the top-k scores of the baseline and of now: per anchor, and pooled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ascending import ascending
from monitor.core.measures.formulas.kernels_segments import pooled_distances
from monitor.core.model.lists import RankedLists

Column = NDArray[np.float64]


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
    usable = _usable(before, after)
    distance = np.where(usable, _mean_difference(before, after), np.nan)
    uneven = np.flatnonzero(usable & (before.lengths != after.lengths))
    if len(uneven):
        distance[uneven] = _between_distributions(before.take(uneven), after.take(uneven))
    return distance


def _mean_difference(before: RankedLists, after: RankedLists) -> Column:
    """W1 of lists of equal length: the i-th best against the i-th best."""
    depth = min(before.depth, after.depth)
    apart = np.abs(before.scores[:, :depth] - after.scores[:, :depth])
    apart[np.arange(depth) >= before.lengths[:, None]] = 0.0
    # accumulate adds rank by rank; a reduction's order would depend on the shape
    summed: Column = np.add.accumulate(apart, axis=1)[:, -1]
    return summed / np.maximum(before.lengths, 1)


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


def _usable(baseline: RankedLists, current: RankedLists) -> NDArray[np.bool_]:
    usable: NDArray[np.bool_] = baseline.known & current.known & (baseline.lengths > 0) & (current.lengths > 0)
    return usable


@dataclass(frozen=True, slots=True, eq=False)
class SortedScores:
    """All scores of one side's lists, and whose they are.

    Args:
        values: (m,) float64, ascending.
        anchors: (m,) int64.
        order: (A k,) int64, all places of the lists row by row, empty ones too.
    """

    values: NDArray[np.float64]
    anchors: NDArray[np.int64]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, lists: RankedLists, depth: int, before: "SortedScores | None" = None) -> "SortedScores":
        """The top-`depth` scores of lists; from those of a moment ago they are in order with little to do."""
        cut = lists.at(depth)
        there = (np.arange(cut.depth) < cut.lengths[:, None]) & cut.known[:, None]
        scores = np.where(there, cut.scores, np.inf).ravel()
        order = ascending(scores, None if before is None else before.order)
        first = order[there.ravel()[order]]
        return cls(scores[first], first // max(1, cut.depth), order)


@dataclass(frozen=True, slots=True, eq=False)
class PooledScores:
    """All scores of both sides, from which any dimension's pooled distances are read.

    Args:
        before: scores of the baseline's lists.
        after: scores of the current ones.
        weights: (A,) float64, positive; each score counts with its anchor's weight.
        usable: (A,) bool, anchors with results on both sides; the others are left out of both.
    """

    before: SortedScores
    after: SortedScores
    weights: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        baseline: RankedLists,
        current: RankedLists,
        weights: NDArray[np.float64],
        depth: int,
        known: tuple[SortedScores | None, SortedScores | None] = (None, None),
    ) -> "PooledScores":
        """Pool the top-`depth` scores; `known` are the baseline's, and those of lists that were current before."""
        then, lately = known
        sides = (baseline.at(depth), current.at(depth))
        then = SortedScores.of(baseline, depth) if then is None else then
        return cls(then, SortedScores.of(current, depth, lately), weights, _usable(*sides))

    def by_segment(self, groups: NDArray[np.int64], count: int) -> tuple[Column, NDArray[np.int64]]:
        """W1 = ∫ |F_B(x) - F_C(x)| dx of the pooled scores of each segment, and the anchors it rests on.

        Args:
            groups: (A,) int64, segment of each anchor, 0..count-1.
            count: number of segments.

        Returns:
            (count,) float64 >= 0, NaN where no anchor is usable; (count,) int64 n.
        """
        n, distance = np.bincount(groups[self.usable], minlength=count), np.empty(count)
        values, anchors = (self.before.values, self.after.values), (self.before.anchors, self.after.anchors)
        pooled_distances(values, anchors, self.usable, self.weights, groups, distance)
        return distance, n
