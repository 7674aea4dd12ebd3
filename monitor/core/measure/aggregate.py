"""From anchors to segments: weighted mean, quantiles and shares of many columns, all segments of a dimension at once.

NaN values are left out and reduce `n`. A segment without a value has n = 0 and NaN statistics; why, `Columns` knows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95)
"""The quantiles p05, p50 and p95."""


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """(M, G) weighted means of M columns in G segments (NaN where n = 0), and n, the anchors each rests on."""

    mean: Matrix
    n: NDArray[np.int64]


def mean_by_segment(values: Matrix, weights: Matrix, groups: NDArray[np.int64], count: int) -> Means:
    """Weighted mean of each column in each segment: Σ w_a v_a / Σ w_a over the anchors whose value is not NaN.

    Args:
        values: (M, A) float64, NaN where not measurable.
        weights: (A,) float64, positive and finite.
        groups: (A,) int64, the segment of each anchor, 0..count-1.
        count: G, number of segments.

    Returns:
        (M, G) means and n. Exact where all values are 1 or all are 0, else within rounding of [min v, max v].

    Raises:
        ValueError: a weight that is not positive and finite, or shapes that do not fit.
    """
    _check(values, weights, groups)
    present = ~np.isnan(values)
    cell = np.arange(len(values))[:, None] * count + groups
    inside, size = cell[present], len(values) * count
    weight = np.broadcast_to(weights, values.shape)[present]
    # numerator and denominator add in the same order, so a column of ones has a mean of exactly one
    total = np.bincount(inside, weights=weight * values[present], minlength=size)
    mass = np.bincount(inside, weights=weight, minlength=size)
    n = np.bincount(inside, minlength=size)
    mean = np.where(n == 0, np.nan, total / np.where(n == 0, 1.0, mass))
    return Means(mean.reshape(-1, count), n.reshape(-1, count).astype(np.int64))


def share_beyond(
    values: Matrix, weights: Matrix, groups: NDArray[np.int64], count: int, *, limit: float, above: bool = True
) -> Means:
    """Weighted share of the anchors strictly beyond a limit: Σ w_a [v_a > limit] / Σ w_a (or < if not `above`).

    Shapes, NaN and errors as for `mean_by_segment`; shares are in [0, 1].
    """
    beyond = values > limit if above else values < limit
    return mean_by_segment(np.where(np.isnan(values), np.nan, beyond), weights, groups, count)


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """M columns sorted once, from which the quantiles of any dimension are read.

    Args:
        values: (M, A) float64 as measured.
        weights: (A,) float64, positive.
        order: (M, A) int64, the anchors of each column by value, NaN last.
    """

    values: Matrix
    weights: Matrix
    order: NDArray[np.int64]

    @classmethod
    def of(cls, values: Matrix, weights: Matrix) -> "Ordered":
        """Sort the columns; ValueError for weights that are not positive and finite, or shapes that do not fit."""
        _check(values, weights, weights)
        return cls(values, weights, np.argsort(values, axis=1, kind="stable"))

    def quantiles(
        self, groups: NDArray[np.int64], count: int, levels: tuple[float, ...] = LEVELS
    ) -> NDArray[np.float64]:
        """Weighted quantiles of each column in each segment, as numpy.quantile(method="inverted_cdf", weights=w).

        The value at level q is the smallest v with Σ_{v_a ≤ v} w_a / Σ w_a ≥ q: always one that was measured.

        Args:
            groups: (A,) int64, the segment of each anchor, 0..count-1.
            count: G, number of segments.
            levels: Q levels in [0, 1].

        Returns:
            (Q, M, G) float64; NaN where a segment has no value. Ties need no care: they are the same value.

        Source: Hyndman, Fan, Sample quantiles in statistical packages, 1996, definition 1.
        """
        made = np.full((len(levels), len(self.values), count), np.nan)
        # 16-bit codes are sorted by radix; a dimension has far fewer segments than that
        codes = groups.astype(np.int16 if count <= np.iinfo(np.int16).max else np.int64)
        grouped = np.argsort(codes[self.order], axis=1, kind="stable")
        members = np.take_along_axis(self.order, grouped, axis=1)
        ends = np.cumsum(np.bincount(groups, minlength=count))
        for at in range(count):  # segment by segment: only then do the running sums round as numpy's own do
            inside = members[:, ends[at - 1] if at else 0 : ends[at]]
            made[:, :, at] = _inverted_cdf(
                np.take_along_axis(self.values, inside, axis=1), self.weights[inside], levels
            )
        return made


def _inverted_cdf(values: Matrix, weights: Matrix, levels: tuple[float, ...]) -> Matrix:
    """(Q, M) quantiles of (M, n) values ascending with NaN last, and the weights in their order."""
    made = np.full((len(levels), len(values)), np.nan)
    n = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.flatnonzero(n)
    if not len(rows):
        return made
    running = np.cumsum(weights[rows], axis=1)
    running /= running[np.arange(len(rows)), n[rows] - 1][:, None]
    for at, level in enumerate(levels):
        # behind the last value the running sum is above 1, so no NaN is ever counted
        below = np.count_nonzero(running < level, axis=1)
        made[at, rows] = values[rows, np.minimum(below, n[rows] - 1)]
    return made


def _check(values: Matrix, weights: Matrix, groups: NDArray[np.generic]) -> None:
    if values.ndim != 2 or weights.shape != values.shape[1:] or groups.shape != weights.shape:
        shapes = f"values {values.shape}, weights {weights.shape}, groups {groups.shape}"
        message = f"aggregate: {shapes}, expected (M, A), (A,), (A,)"
        raise ValueError(message)
    wrong = np.count_nonzero(~((weights > 0.0) & np.isfinite(weights)))
    if wrong:
        message = f"aggregate: {wrong} of {len(weights)} weights are not positive and finite"
        raise ValueError(message)
