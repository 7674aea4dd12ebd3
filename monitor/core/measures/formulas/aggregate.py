"""From anchors to segments: weighted mean, quantiles and shares of many columns, all segments of a dimension at once.

NaN values are left out and reduce `n`. A segment without a value has n = 0 and NaN statistics; why, `Columns` knows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = (0.05, 0.5, 0.95)
"""The quantiles p05, p50 and p95."""
_STEPS = 16
"""Places per value that an order is mended by, before it is cheaper to sort anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Of M columns in G segments, all (M, G).

    Args:
        mean: weighted; NaN where n = 0.
        n: the anchors each rests on.
        covered: the share of the segment's weight that these have, in 0..1; NaN in a segment without anchors.
    """

    mean: Matrix
    n: NDArray[np.int64]
    covered: Matrix


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
    total, mass, n = _sums(values, weights, groups, count)
    whole = np.bincount(groups, weights=weights, minlength=count)
    with np.errstate(invalid="ignore"):
        return Means(total / mass, n, mass / whole)


@compiled
def _sums(values: Matrix, weights: Matrix, groups: NDArray[np.int64], count: int) -> tuple[Matrix, Matrix, Ints]:
    """(M, G) sums of w v, of w, and the number of values that are not NaN; anchors are added in their order.

    Numerator and denominator add in the same order, so a column of ones has a mean of exactly one.
    """
    total, mass = np.zeros((len(values), count)), np.zeros((len(values), count))
    n = np.zeros((len(values), count), np.int64)
    for column in range(len(values)):
        for anchor in range(len(groups)):
            value, group = values[column, anchor], groups[anchor]
            if value == value:
                total[column, group] += weights[anchor] * value
                mass[column, group] += weights[anchor]
                n[column, group] += 1
    return total, mass, n


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
    def of(cls, values: Matrix, weights: Matrix, near: NDArray[np.int64] | None = None) -> "Ordered":
        """Sort the columns.

        Args:
            values: (M, A) float64.
            weights: (A,) float64.
            near: (M, A) int64, the order of each column when few of its values were others: most of the work is
                then done. The result is the same without it.

        Raises:
            ValueError: weights that are not positive and finite, or shapes that do not fit.
        """
        _check(values, weights, weights)
        if near is None:
            return cls(values, weights, np.argsort(values, axis=1, kind="stable"))
        order = near.copy()
        others = np.flatnonzero(~_settled(values, order, _STEPS * values.shape[1]))
        order[others] = np.argsort(values[others], axis=1, kind="stable")
        return cls(values, weights, order)

    def quantiles(
        self, groups: NDArray[np.int64], count: int, levels: tuple[float, ...] = LEVELS
    ) -> NDArray[np.float64]:
        """Weighted quantiles of each column in each segment, as numpy.quantile(method="inverted_cdf", weights=w).

        The value at level q is the smallest v with Σ_{v_a ≤ v} w_a / Σ w_a ≥ q: always one that was measured.

        Args:
            groups: (A,) int64, the segment of each anchor, 0..count-1.
            count: G, number of segments.
            levels: Q levels in [0, 1], ascending.

        Returns:
            (Q, M, G) float64; NaN where a segment has no value. Ties need no care: they are the same value.

        Source: Hyndman, Fan, Sample quantiles in statistical packages, 1996, definition 1.
        """
        return _inverted_cdf(self.values, self.weights, self.order, groups, (count, np.array(levels)))


@compiled
def _inverted_cdf(
    values: Matrix, weights: Matrix, order: Ints, groups: Ints, asked: tuple[int, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(Q, M, G) quantiles; see `Ordered.quantiles`.

    Sums run segment by segment in ascending order of the values, not as differences of one sum: only so they round as
    numpy's own quantile does.
    """
    count, levels = asked
    made = np.full((len(levels), len(values), count), np.nan)
    for column in range(len(values)):
        whole, running, last = np.zeros(count), np.zeros(count), np.full(count, np.nan)
        found = np.zeros(count, np.int64)  # levels reached; they ascend
        for anchor in order[column]:
            if values[column, anchor] == values[column, anchor]:
                whole[groups[anchor]] += weights[anchor]
        for anchor in order[column]:
            value, group = values[column, anchor], groups[anchor]
            if value == value:
                running[group] += weights[anchor]
                last[group] = value
                share = running[group] / whole[group]
                while found[group] < len(levels) and share >= levels[found[group]]:
                    made[found[group], column, group] = value
                    found[group] += 1
        for group in range(count):
            for at in range(found[group], len(levels)):
                made[at, column, group] = last[group]
    return made


@compiled
def _ahead(values: Matrix, column: int, left: int, right: int) -> bool:
    """Whether an anchor stands before another one: by value, NaN last, equal ones by number."""
    one, other = values[column, left], values[column, right]
    if one != other and (one == one or other == other):
        return bool(one < other or other != other)
    return left < right


@compiled
def _settled(values: Matrix, order: Ints, most: int) -> NDArray[np.bool_]:
    """Mend orders in place; (M,) bool, False where that would take more than `most` steps: sort those anew."""
    done = np.ones(len(values), np.bool_)
    for column in range(len(values)):
        steps, own = 0, order[column]
        for place in range(1, len(own)):
            anchor, into = own[place], place
            while into > 0 and _ahead(values, column, anchor, own[into - 1]):
                own[into] = own[into - 1]
                into -= 1
            own[into] = anchor
            steps += place - into
            if steps > most:
                done[column] = False
                break
    return done


def _check(values: Matrix, weights: Matrix, groups: NDArray[np.generic]) -> None:
    if values.ndim != 2 or weights.shape != values.shape[1:] or groups.shape != weights.shape:
        shapes = f"values {values.shape}, weights {weights.shape}, groups {groups.shape}"
        message = f"aggregate: {shapes}, expected (M, A), (A,), (A,)"
        raise ValueError(message)
    wrong = np.count_nonzero(~((weights > 0.0) & np.isfinite(weights)))
    if wrong:
        message = f"aggregate: {wrong} of {len(weights)} weights are not positive and finite"
        raise ValueError(message)
