"""From anchors to segments: weighted mean, quantiles and shares of many columns, all segments of a dimension at once.

NaN values are left out and reduce `n`. A segment without a value has n = 0 and NaN statistics; why, `Columns` knows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.fixed import fixed
from monitor.core.measures.formulas.grouped import Grouped, check

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = (0.05, 0.5, 0.95)
"""The quantiles p05, p50 and p95."""
_LEVELS = np.array(LEVELS)
STATISTICS = ("mean", "p05", "p50", "p95", "share", "covered")
"""What is known of a column in a segment, besides the number of anchors it rests on."""
_SHARE, _COVERED = STATISTICS.index("share"), STATISTICS.index("covered")
_NEARLY = 1.0 - 1e-9
"""Of the weight at which a level is reached: from there on the share itself is looked at, which takes a division."""
_EXACT = 2.0**53
"""Below this every sum of whole numbers is exact."""
_RUN = 16
"""Anchors that are put in order one by one, before what is in order is merged."""


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
    check(values, weights, groups)
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
class Aggregates:
    """M columns in G segments, from which those of the next moment follow with what moved.

    Args:
        anchors: in their segments.
        values: (M, A) float64, NaN where not measurable; never written to again.
        spread: (S,) int64, the columns with quantiles.
        limits: (M,) float64, above which an anchor counts for `share`; NaN for none.
        order: (S, A) int64, the anchors of each of `spread` by value, NaN last.
        statistics: (STATISTICS, M, G) float64: the weighted mean, quantiles (each a value that was measured), the
            weighted share of the anchors above the limit, NaN where nothing is measurable or asked for; and the share
            of the segment's weight that all rests on, 0 without anchors.
        n: (M, G) int64, the anchors it rests on.
    """

    anchors: Grouped
    values: Matrix
    spread: Ints
    limits: NDArray[np.float64]
    order: Ints
    statistics: NDArray[np.float64]
    n: Ints

    @classmethod
    def of(cls, anchors: Grouped, values: Matrix, spread: Ints, limits: NDArray[np.float64]) -> "Aggregates":
        """Work all out.

        Quantiles are those of numpy.quantile(method="inverted_cdf", weights=w): the value at level q is the smallest
        v with Σ_{v_a ≤ v} w_a / Σ w_a ≥ q. Ties need no care: they are the same value.

        Source: Hyndman, Fan, Sample quantiles in statistical packages, 1996, definition 1.
        """
        order = np.argsort(values[spread], axis=1, kind="stable")
        shape = (len(values), len(anchors.masses))
        blank = np.full((len(STATISTICS), *shape), np.nan), np.zeros(shape, np.int64)
        made = cls(anchors, fixed(values), spread, limits, order, *blank)
        made._bring(~made.values.view(np.int64))
        return made

    def moved(self, values: Matrix) -> "Aggregates":
        """With other values, (M, A) again: what hardly moved takes hardly any time. The result is that of `of`.

        Values are compared by their bits. A column in which none is another one keeps what it has.
        """
        before, now = self.values.view(np.int64), fixed(values)
        order = self.order.copy()
        _reorder(before, now, self.spread, order)
        made = Aggregates(self.anchors, now, self.spread, self.limits, order, self.statistics.copy(), self.n.copy())
        made._bring(before)
        return made

    def _bring(self, before: Ints) -> None:
        """Fill in the statistics where bits are others than before."""
        of = self.anchors
        by, spread = (of.weights, of.codes, of.masses, np.diff(of.starts)), (self.spread, self.order, _LEVELS)
        _aggregate(before, self.values, by, spread, self.limits, self.statistics, self.n)


@compiled
def _aggregate(
    before: Ints,
    values: Matrix,
    anchors: tuple[NDArray[np.float64], Ints, NDArray[np.float64], Ints],
    spread: tuple[Ints, Ints, NDArray[np.float64]],
    limits: NDArray[np.float64],
    statistics: NDArray[np.float64],
    n: Ints,
) -> None:
    """Bring statistics up to date; see `Aggregates`.

    Anchors are added in their order, and for quantiles segment by segment in ascending order of the values, not as
    differences of one sum: only so they round as numpy's own mean and quantile do. Whole numbers add up to the same
    in any order.
    """
    (weights, codes, masses, _), (columns, orders, levels) = anchors, spread
    bits, count, exact = values.view(np.int64), len(masses), _whole_numbers(weights)
    place, others, put = np.full(len(values), -1), np.empty(len(values), np.int64), 0
    place[columns] = np.arange(len(columns))
    for group in range(count):
        if masses[group] == 0.0:
            statistics[_COVERED, :, group] = 0.0
    for column in range(len(values)):
        differs = np.int64(0)
        for anchor in range(values.shape[1]):
            differs |= before[column, anchor] ^ bits[column, anchor]
        if differs:
            others[put] = column
            put += 1
    total, mass, counted = _totals(values, others[:put], anchors)
    held, beyond = np.zeros(count), np.zeros(count)
    for at in range(put):
        column = others[at]
        own, limit = values[column], limits[column]
        if limit == limit:
            _beyond(own, limit, weights, codes, beyond)
        for group in range(count):
            if masses[group] > 0.0:
                n[column, group] = counted[group, at]
                statistics[0, column, group] = total[group, at] / mass[group, at]
                statistics[_COVERED, column, group] = mass[group, at] / masses[group]
                if limit == limit:
                    statistics[_SHARE, column, group] = beyond[group] / mass[group, at]
        if place[column] >= 0:
            ascending = orders[place[column]]
            held[:] = mass[:, at]
            if not exact:
                held[:] = 0.0
                for anchor in ascending:
                    if own[anchor] == own[anchor]:
                        for dimension in range(len(codes)):
                            held[codes[dimension, anchor]] += weights[anchor]
            _inverted_cdf(own, (weights, codes, held), ascending, levels, statistics[1:, column])


@compiled
def _totals(
    values: Matrix, columns: Ints, anchors: tuple[NDArray[np.float64], Ints, NDArray[np.float64], Ints]
) -> tuple[Matrix, Matrix, Ints]:
    """(G, m) each, of some columns in each segment: sums of w v, of w, and the number of values that are not NaN.

    All columns of an anchor are added at once: no sum waits for the one before. A column without NaN rests on all.
    """
    weights, codes, masses, sizes = anchors
    width, count = len(columns), len(masses)
    rows, gaps = np.empty((len(weights), width)), np.zeros(width, np.bool_)
    total, mass, counted = np.zeros((count, width)), np.empty((count, width)), np.empty((count, width), np.int64)
    for anchor in range(len(weights)):
        for at in range(width):
            value = values[columns[at], anchor]
            gaps[at] |= value != value
            rows[anchor, at] = weights[anchor] * value if value == value else 0.0
    for anchor in range(len(weights)):
        for dimension in range(len(codes)):
            row, sums = rows[anchor], total[codes[dimension, anchor]]
            for at in range(width):
                sums[at] += row[at]
    for at in range(width):
        mass[:, at], counted[:, at] = masses, sizes
        if gaps[at]:
            mass[:, at], counted[:, at] = 0.0, 0
            for anchor in range(len(weights)):
                if values[columns[at], anchor] == values[columns[at], anchor]:
                    for dimension in range(len(codes)):
                        mass[codes[dimension, anchor], at] += weights[anchor]
                        counted[codes[dimension, anchor], at] += 1
    return total, mass, counted


@compiled
def _beyond(
    values: NDArray[np.float64], limit: float, weights: NDArray[np.float64], codes: Ints, made: Matrix
) -> None:
    """(G,) the weight in each segment of the anchors whose value is above a limit."""
    made[:] = 0.0
    for anchor in range(len(values)):
        if values[anchor] > limit:
            for dimension in range(len(codes)):
                made[codes[dimension, anchor]] += weights[anchor]


@compiled
def _whole_numbers(weights: NDArray[np.float64]) -> bool:
    """Whether all sums of these are exact."""
    total = 0.0
    for weight in weights:
        total += weight if weight == np.floor(weight) else np.inf
    return total < _EXACT


@compiled
def _inverted_cdf(
    values: Matrix,
    anchors: tuple[NDArray[np.float64], Ints, NDArray[np.float64]],
    order: Ints,
    levels: NDArray[np.float64],
    made: Matrix,
) -> None:
    """Fill (Q.., G) quantiles of one column; `anchors` are their weights, their codes, and by segment the weight of
    those that have a value.
    """
    (weights, codes, whole), count = anchors, len(anchors[2])
    running, near = np.zeros(count), np.full(count, np.inf)
    found, left = np.zeros(count, np.int64), 0  # levels reached; they ascend
    for group in range(count):
        made[: len(levels), group] = np.nan
        if whole[group] > 0.0:
            near[group] = levels[0] * whole[group] * _NEARLY
            left += 1
    for anchor in order:
        value, weight = values[anchor], weights[anchor]
        if left == 0 or value != value:
            return
        for dimension in range(len(codes)):
            group = codes[dimension, anchor]
            running[group] += weight
            if running[group] >= near[group]:
                share, at = running[group] / whole[group], found[group]
                while at < len(levels) and share >= levels[at]:
                    made[at, group] = value
                    at += 1
                found[group], done = at, at == len(levels)
                near[group] = np.inf if done else levels[at] * whole[group] * _NEARLY
                left -= done


@compiled
def _ahead(values: Matrix, column: int, left: int, right: int) -> bool:
    """Whether an anchor stands before another one: by value, NaN last, equal ones by number."""
    one, other = values[column, left], values[column, right]
    if one != other and (one == one or other == other):
        return bool(one < other or other != other)
    return left < right


@compiled
def _reorder(before: Ints, values: Matrix, columns: Ints, order: Ints) -> None:
    """Mend the orders of some columns in place: what moved is taken out, put in order by itself, and merged in.

    Args:
        before: (M, A) bits of the values that the orders are of.
        values: (M, A).
        columns: (S,) whose orders they are.
        order: (S, A) is mended.
    """
    bits, anchors = values.view(np.int64), values.shape[1]
    moved, aside, kept = np.empty(anchors, np.bool_), np.empty(anchors, np.int64), np.empty(anchors, np.int64)
    for at in range(len(columns)):
        column, own, count, held = columns[at], order[at], 0, 0
        for anchor in range(anchors):
            moved[anchor] = before[column, anchor] != bits[column, anchor]
            count += moved[anchor]
        if not count:
            continue
        count = 0
        for anchor in own:
            if moved[anchor]:
                aside[count] = anchor
                count += 1
            else:
                kept[held] = anchor
                held += 1
        _sort(values, column, aside[:count], own)
        left = put = 0
        for anchor in aside[:count]:
            step, end = 1, left  # as many of the kept as stand before it, found in steps that double
            while end < held and _ahead(values, column, kept[min(end + step, held) - 1], anchor):
                end = min(end + step, held)
                step *= 2
            most = min(end + step, held)
            while end < most:
                middle = (end + most) // 2
                if _ahead(values, column, kept[middle], anchor):
                    end = middle + 1
                else:
                    most = middle
            while left < end:
                own[put] = kept[left]
                left += 1
                put += 1
            own[put] = anchor
            put += 1
        while left < held:
            own[put] = kept[left]
            left += 1
            put += 1


@compiled
def _sort(values: Matrix, column: int, anchors: Ints, room: Ints) -> None:
    """Put anchors in the order of their values: runs one by one, then merged; most stand nearly right already."""
    count = len(anchors)
    for first in range(0, count, _RUN):
        for place in range(first + 1, min(first + _RUN, count)):
            anchor, into = anchors[place], place
            while into > first and _ahead(values, column, anchor, anchors[into - 1]):
                anchors[into] = anchors[into - 1]
                into -= 1
            anchors[into] = anchor
    width = _RUN
    while width < count:
        for first in range(0, count - width, 2 * width):
            left, right, end = first, first + width, min(first + 2 * width, count)
            while left < right and not _ahead(values, column, anchors[right], anchors[left]):
                left += 1
            held, one, put = right - left, 0, left
            room[:held] = anchors[left:right]
            while one < held:
                if right < end and _ahead(values, column, anchors[right], room[one]):
                    anchors[put] = anchors[right]
                    right += 1
                else:
                    anchors[put] = room[one]
                    one += 1
                put += 1
        width *= 2
