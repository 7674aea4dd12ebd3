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
STATISTICS = ("mean", "p05", "p50", "p95", "share", "covered")
"""What is known of a column in a segment, besides the number of anchors it rests on."""
_SHARE, _COVERED = STATISTICS.index("share"), STATISTICS.index("covered")
_STEPS = 16
"""Places per value that an order is mended by, before it is cheaper to sort anew."""
_NEARLY = 1.0 - 1e-9
"""Of the weight at which a level is reached: from there on the share itself is looked at, which takes a division."""
_FEW = 64
"""So many values that moved are taken out of an order and merged in; more are mended where they stand."""


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

        Values are compared by their bits. A segment in which none of a column's is another one keeps what it has.
        """
        before, now = self.values.view(np.int64), fixed(values)
        order = self.order.copy()
        done = _reordered(before, now, self.spread, order, _STEPS * values.shape[1])
        others = np.flatnonzero(~done)
        if len(others):
            order[others] = np.argsort(values[self.spread[others]], axis=1, kind="stable")
        made = Aggregates(self.anchors, now, self.spread, self.limits, order, self.statistics.copy(), self.n.copy())
        made._bring(before)
        return made

    def _bring(self, before: Ints) -> None:
        """Fill in the statistics where bits are others than before."""
        of, ordered = self.anchors, np.full(len(self.values), -1, np.int64)
        ordered[self.spread] = np.arange(len(self.spread))
        by = (of.weights, of.codes, of.masses, of.firsts, of.members, of.starts)
        _aggregate(
            before, self.values, by, (ordered, self.order), self.limits, np.array(LEVELS), self.statistics, self.n
        )


@compiled
def _aggregate(
    before: Ints,
    values: Matrix,
    anchors: tuple[NDArray[np.float64], Ints, NDArray[np.float64], Ints, Ints, Ints],
    orders: tuple[Ints, Ints],
    limits: NDArray[np.float64],
    levels: NDArray[np.float64],
    statistics: NDArray[np.float64],
    n: Ints,
) -> None:
    """Bring statistics up to date; see `Aggregates`.

    Anchors are added in their order, and for quantiles segment by segment in ascending order of the values, not as
    differences of one sum: only so they round as numpy's own mean and quantile do.
    """
    (weights, codes, masses, firsts, members, starts), (ordered, order) = anchors, orders
    bits, count = values.view(np.int64), len(masses)
    for group in range(count):
        if masses[group] == 0.0:
            statistics[_COVERED, :, group] = 0.0
    for column in range(len(values)):
        others = np.int64(0)
        for anchor in range(values.shape[1]):
            others |= before[column, anchor] ^ bits[column, anchor]
        if not others:
            continue
        stale, own = np.zeros(count, np.bool_), values[column]
        for anchor in range(values.shape[1]):
            if before[column, anchor] != bits[column, anchor]:
                for dimension in range(len(codes)):
                    stale[codes[dimension, anchor]] = True
        for group in range(count):
            if stale[group]:
                total = mass = beyond = 0.0
                counted, limit = 0, limits[column]
                for at in range(starts[group], starts[group + 1]):
                    anchor = members[at]
                    value = own[anchor]
                    if value == value:
                        total += weights[anchor] * value
                        mass += weights[anchor]
                        counted += 1
                        if value > limit:
                            beyond += weights[anchor]
                n[column, group] = counted
                statistics[0, column, group] = total / mass
                statistics[_COVERED, column, group] = mass / masses[group]
                if limit == limit:
                    statistics[_SHARE, column, group] = beyond / mass
        if ordered[column] >= 0:
            ascending = order[ordered[column]]
            for dimension in range(len(codes)):
                made = statistics[1:, column]
                if firsts[dimension + 1] - firsts[dimension] == 1:
                    _whole_cdf(own, weights, ascending, levels, made[:, firsts[dimension]])
                else:
                    _inverted_cdf(own, weights, codes[dimension], ascending, levels, stale, made)


@compiled
def _whole_cdf(
    values: Matrix,
    weights: NDArray[np.float64],
    order: Ints,
    levels: NDArray[np.float64],
    made: NDArray[np.float64],
) -> None:
    """Fill (Q..,) quantiles of one column over all anchors."""
    whole = running = 0.0
    found, last = 0, np.nan
    for anchor in order:
        if values[anchor] == values[anchor]:
            whole += weights[anchor]
    near = levels[0] * whole * _NEARLY
    for anchor in order:
        value = values[anchor]
        if value == value:
            running += weights[anchor]
            last = value
            if running >= near:
                share = running / whole
                while found < len(levels) and share >= levels[found]:
                    made[found] = value
                    found += 1
                if found == len(levels):
                    return
                near = levels[found] * whole * _NEARLY
    made[found : len(levels)] = last


@compiled
def _inverted_cdf(
    values: Matrix,
    weights: NDArray[np.float64],
    codes: Ints,
    order: Ints,
    levels: NDArray[np.float64],
    stale: NDArray[np.bool_],
    made: Matrix,
) -> None:
    """Fill (Q.., G) quantiles of one column in the segments of one dimension that are stale."""
    count = len(stale)
    whole, running, last = np.zeros(count), np.zeros(count), np.full(count, np.nan)
    found, near = np.zeros(count, np.int64), np.empty(count)  # levels reached; they ascend
    for anchor in order:
        if values[anchor] == values[anchor]:
            whole[codes[anchor]] += weights[anchor]
    for group in range(count):
        near[group] = levels[0] * whole[group] * _NEARLY if stale[group] else np.inf
    for anchor in order:
        value, group = values[anchor], codes[anchor]
        if value == value:
            running[group] += weights[anchor]
            last[group] = value
            if running[group] >= near[group]:
                share = running[group] / whole[group]
                while found[group] < len(levels) and share >= levels[found[group]]:
                    made[found[group], group] = value
                    found[group] += 1
                done = found[group] == len(levels)
                near[group] = np.inf if done else levels[found[group]] * whole[group] * _NEARLY
    here = np.zeros(count, np.bool_)
    here[codes] = True
    for group in range(count):
        if here[group] and stale[group]:
            for at in range(found[group], len(levels)):
                made[at, group] = last[group]


@compiled
def _ahead(values: Matrix, column: int, left: int, right: int) -> bool:
    """Whether an anchor stands before another one: by value, NaN last, equal ones by number."""
    one, other = values[column, left], values[column, right]
    if one != other and (one == one or other == other):
        return bool(one < other or other != other)
    return left < right


@compiled
def _reordered(before: Ints, values: Matrix, columns: Ints, order: Ints, most: int) -> NDArray[np.bool_]:
    """Mend the orders of some columns in place; (S,) bool, False where that would take more than `most` steps: sort
    those anew.

    Args:
        before: (M, A) bits of the values that the orders are of.
        values: (M, A).
        columns: (S,) whose orders they are.
        order: (S, A) is mended.
        most: places that values are moved by, at most.
    """
    done, bits, anchors = np.ones(len(columns), np.bool_), values.view(np.int64), values.shape[1]
    moved = np.empty(anchors, np.bool_)
    for at in range(len(columns)):
        column, own, count = columns[at], order[at], 0
        for anchor in range(anchors):
            moved[anchor] = before[column, anchor] != bits[column, anchor]
            count += moved[anchor]
        if 0 < count <= _FEW:
            _merge(values, column, own, moved, count)
        elif count > 0:
            done[at] = _settle(values, column, own, most)
    return done


@compiled
def _merge(values: Matrix, column: int, own: Ints, moved: NDArray[np.bool_], count: int) -> None:
    """Mend an order in which only these anchors are out of place."""
    aside, kept, put, held = np.empty(count, np.int64), np.empty(len(own) - count, np.int64), 0, 0
    for anchor in own:
        if not moved[anchor]:
            kept[held] = anchor
            held += 1
            continue
        into = put
        while into > 0 and _ahead(values, column, anchor, aside[into - 1]):
            aside[into] = aside[into - 1]
            into -= 1
        aside[into] = anchor
        put += 1
    left = right = 0
    for at in range(len(own)):
        if right == count or (left < held and _ahead(values, column, kept[left], aside[right])):
            own[at] = kept[left]
            left += 1
        else:
            own[at] = aside[right]
            right += 1


@compiled
def _settle(values: Matrix, column: int, own: Ints, most: int) -> bool:
    """Mend an order step by step; False where it takes too many."""
    steps = 0
    for place in range(1, len(own)):
        anchor, into = own[place], place
        while into > 0 and _ahead(values, column, anchor, own[into - 1]):
            own[into] = own[into - 1]
            into -= 1
        own[into] = anchor
        steps += place - into
        if steps > most:
            return False
    return True
