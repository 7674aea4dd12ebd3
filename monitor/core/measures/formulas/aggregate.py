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
    cells = (np.arange(len(values))[:, None] * count + groups).ravel()
    size = len(values) * count
    # numerator and denominator add in the same order, so a column of ones has a mean of exactly one
    if present.all():  # the usual case: all columns rest on the same anchors
        total = np.bincount(cells, weights=(weights * values).ravel(), minlength=size)
        mass = np.tile(np.bincount(groups, weights=weights, minlength=count), len(values))
        n = np.tile(np.bincount(groups, minlength=count), len(values))
    else:
        total = np.bincount(cells, weights=np.where(present, weights * values, 0.0).ravel(), minlength=size)
        mass = np.bincount(cells, weights=(weights * present).ravel(), minlength=size)
        n = np.bincount(cells, weights=present.ravel(), minlength=size)
    mean = np.where(n == 0, np.nan, total / np.where(n == 0, 1.0, mass))
    return Means(mean.reshape(-1, count), n.reshape(-1, count).astype(np.int64))


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
        # 16-bit codes are sorted by radix; a dimension has far fewer segments than that
        codes = groups.astype(np.int16 if count <= np.iinfo(np.int16).max else np.int64)
        grouped = np.argsort(codes[self.order], axis=1, kind="stable")
        members = np.take_along_axis(self.order, grouped, axis=1)
        sizes = np.bincount(groups, minlength=count)
        filled = np.flatnonzero(sizes)
        made = np.full((len(levels), len(self.values), count), np.nan)
        if len(filled):
            values, weights = np.take_along_axis(self.values, members, axis=1), self.weights[members]
            made[:, :, filled] = _inverted_cdf(values, weights, sizes[filled], levels)
        return made


def _inverted_cdf(
    values: Matrix, weights: Matrix, sizes: NDArray[np.int64], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    """(Q, M, S) quantiles of S adjoining runs of columns, each run ascending with NaN last, none empty."""
    starts = np.cumsum(sizes) - sizes
    running = np.empty(weights.shape)
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        # run by run, not one sum minus another: only so it rounds as numpy's own quantile does
        np.cumsum(weights[:, start : start + size], axis=1, out=running[:, start : start + size])
    valid = np.add.reduceat(~np.isnan(values), starts, axis=1, dtype=np.int64)
    last = starts + np.maximum(valid, 1) - 1  # a run of NaN only gives its first, NaN
    running /= np.repeat(np.take_along_axis(running, last, axis=1), sizes, axis=1)
    made = np.empty((len(levels), *last.shape))
    for at, level in enumerate(levels):
        # behind the last value the running sum is at least 1, so no NaN is ever counted
        below = np.add.reduceat(running < level, starts, axis=1, dtype=np.int64)
        made[at] = np.take_along_axis(values, np.minimum(starts + below, last), axis=1)
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
