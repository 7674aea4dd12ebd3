"""First Wasserstein distance between the top-k scores of the baseline and of now: per anchor, and pooled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import DEEPEST
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
class PooledScores:
    """All scores of both sides, sorted once, from which any dimension's pooled distances are read.

    Args:
        values: (m,) float64 scores of baseline and current lists, ascending.
        weights: (m,) float64, the anchor's weight, negative for the current side.
        anchors: (m,) int64, whose score it is.
        usable: (A,) bool, anchors with results on both sides; the others are left out of both.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    anchors: NDArray[np.int64]
    usable: NDArray[np.bool_]

    @classmethod
    def of(
        cls, baseline: RankedLists, current: RankedLists, weights: NDArray[np.float64], depth: int
    ) -> "PooledScores":
        """Pool the top-`depth` scores; each counts with its anchor's weight, (A,) float64, positive."""
        sides = (baseline.at(depth), current.at(depth))
        usable = _usable(*sides)
        values, signed, anchors = [], [], []
        for side, sign in zip(sides, (1.0, -1.0), strict=True):
            anchor, place = np.nonzero((np.arange(side.depth) < side.lengths[:, None]) & usable[:, None])
            values.append(side.scores[anchor, place])
            signed.append(sign * weights[anchor])
            anchors.append(anchor)
        order = np.argsort(np.concatenate(values), kind="stable")
        return cls(
            np.concatenate(values)[order], np.concatenate(signed)[order], np.concatenate(anchors)[order], usable
        )

    def by_segment(self, groups: NDArray[np.int64], count: int) -> tuple[Column, NDArray[np.int64]]:
        """W1 = ∫ |F_B(x) - F_C(x)| dx of the pooled scores of each segment, and the anchors it rests on.

        Args:
            groups: (A,) int64, segment of each anchor, 0..count-1.
            count: number of segments.

        Returns:
            (count,) float64 >= 0, NaN where no anchor is usable; (count,) int64 n.
        """
        n = np.bincount(groups[self.usable], minlength=count)
        segment = groups.astype(np.int16 if count <= DEEPEST else np.int64)[self.anchors]
        order = np.argsort(segment, kind="stable")  # 16-bit codes are sorted by radix
        values, weights = self.values[order], self.weights[order]
        ends = np.cumsum(np.bincount(segment, minlength=count)).tolist()
        distance = np.full(count, np.nan)
        for at in np.flatnonzero(n).tolist():
            inside = slice(ends[at - 1] if at else 0, ends[at])
            distance[at] = _pooled(values[inside], weights[inside])
        return distance, n


def _pooled(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """W1 of ascending values; positive weights are one side's, negative ones the other's."""
    before, after = np.maximum(weights, 0.0), np.maximum(-weights, 0.0)
    apart = np.cumsum(before)[:-1] / np.sum(before) - np.cumsum(after)[:-1] / np.sum(after)
    return float(np.sum(np.abs(apart) * np.diff(values)))
