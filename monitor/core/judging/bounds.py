"""Bounds of one rule's harm over a sample of anchors: means, shares and quantiles, more is worse."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.judging import beta, resampling
from monitor.core.judging.resampling import Clusters, Values

ALPHA = 0.05
"""One-sided level: of the bounds that are shown and that a PASS needs, and of all FAILs together."""


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSample:
    """Anchors that were measured.

    Args:
        values: (n,) float64 harm, no NaN; more is worse.
        weights: (n,) float64, positive.
        cluster_ids: (n,) int64, the cluster of each: the document that answers it.
        range: least and greatest harm an anchor can have; infinite where none is known.
        covered: share of the weight that was measured at all, in (0, 1]; the rest may be anything in the range.
        within: (n,) int64, which anchors of a cluster still stand or fall together: those of one answer. None: all.
        drawn: of all the clusters there are to ask about, the share that these anchors do ask about, 0 to 1.
    """

    values: Values
    weights: Values
    cluster_ids: NDArray[np.int64]
    range: tuple[float, float]
    covered: float = 1.0
    within: NDArray[np.int64] | None = None
    drawn: float = 0.0


@dataclass(frozen=True, slots=True)
class ConfidenceBounds:
    """What a sample says of a harm.

    Args:
        lower: one-sided 95% lower bound.
        upper: one-sided 95% upper bound; infinite where there is none.
        p: p-value of "the harm is at most the tolerance"; small speaks for FAIL.
        clusters: independent witnesses.
        deviation: of the harm, per cluster (see `Clusters.deviation`); NaN with fewer than two.
    """

    lower: float
    upper: float
    p: float
    clusters: int
    deviation: float


def mean_bounds(sample: AnchorSample, tolerance: float) -> ConfidenceBounds:
    """Bounds of the weighted mean, by the clustered bootstrap of `resampling`; no anchors: everything is possible.

    Anchors are a sample twice over: documents of all there are, and questions of each document. What is drawn of the
    documents shrinks their part of the error by sqrt(1 - drawn) (the finite population correction): where all of them
    are asked about, which ones is no accident. The questions' part stays, and bounds are never closer than it allows.

    Where no range is known, Student's t over the clusters; it says nothing (infinite bounds, p = 1) where all
    clusters are equal or there is one only: equal values are no evidence of how far others can be.

    Source: Cochran, Sampling Techniques, 3rd ed., 1977, sections 2.6 and 10.3.
    """
    low, high = sample.range
    if not len(sample.values):
        return ConfidenceBounds(low, high, 1.0, 0, math.nan)
    open_ = 1.0 - sample.covered
    limit = (tolerance - _part(open_, low)) / sample.covered
    found = _bounds(Clusters.of(sample.values, sample.weights, sample.cluster_ids), sample.range, limit, sample.drawn)
    if sample.within is not None:
        found = _wider(
            found, _bounds(Clusters.of(sample.values, sample.weights, sample.within), sample.range, limit, 0.0)
        )
    return replace(
        found,
        lower=sample.covered * found.lower + _part(open_, low),
        upper=sample.covered * found.upper + _part(open_, high),
    )


def _bounds(clusters: Clusters, ends: tuple[float, float], limit: float, drawn: float) -> ConfidenceBounds:
    """Bounds of the clusters' mean, each that share closer to it that the finite population correction takes off."""
    mean, left = clusters.mean, math.sqrt(1.0 - drawn)
    if not left > 0.0:
        return ConfidenceBounds(mean, mean, float(not mean > limit), clusters.count, 0.0)
    limit = mean - (mean - limit) / left
    if math.isinf(ends[0]) or math.isinf(ends[1]):
        found = _student(clusters, limit)
    elif ends == (0.0, 1.0) and _plain_share(clusters):
        found = _share(clusters, limit)
    else:
        found = _resampled(clusters, ends, limit)
    return replace(
        found,
        lower=mean - (mean - found.lower) * left,
        upper=mean + (found.upper - mean) * left,
        deviation=found.deviation * left,
    )


def _wider(one: ConfidenceBounds, other: ConfidenceBounds) -> ConfidenceBounds:
    """What both allow; the deviation is that of the less certain mean, for the clusters of the first."""
    deviation = other.deviation * math.sqrt(one.clusters / other.clusters)
    return replace(
        one,
        lower=min(one.lower, other.lower),
        upper=max(one.upper, other.upper),
        p=max(one.p, other.p),
        deviation=deviation if math.isnan(one.deviation) else max(one.deviation, deviation),
    )


def quantile_bounds(sample: AnchorSample, tolerance: float, level: float) -> ConfidenceBounds:
    """Bounds of the weighted quantile at `level`, from order statistics.

    The quantile is above v exactly when more than 1 - level of the anchors are above v, so each bound is the order
    statistic at which the bound of that share (`mean_bounds` of zeros and ones) crosses 1 - level. With
    equal weights and clusters of one these are the binomial intervals (David, Nagaraja, Order Statistics, 7.1).
    """
    ordered: Values = np.unique(sample.values)
    rest = 1.0 - level

    def above(limit: float, *, at_it: bool = False) -> ConfidenceBounds:
        beyond = sample.values >= limit if at_it else sample.values > limit
        return mean_bounds(replace(sample, values=beyond.astype(np.float64), range=(0.0, 1.0)), rest)

    own = above(tolerance)
    safe = _first(len(ordered), lambda at: above(float(ordered[at])).upper <= rest + 1e-12)
    short = _first(len(ordered), lambda at: above(float(ordered[at]), at_it=True).lower <= rest)
    low, high = sample.range
    upper = float(ordered[safe]) if safe < len(ordered) else high
    return ConfidenceBounds(float(ordered[short - 1]) if short else low, upper, own.p, own.clusters, own.deviation)


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The first of `count` indices from which on something holds; `count` where it never does."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _part(share: float, end: float) -> float:
    """What the anchors that were not measured add: nothing if there are none, whatever the end of the range."""
    return share * end if share > 1e-12 else 0.0


def _plain_share(clusters: Clusters) -> bool:
    """Zeros and ones in clusters of one anchor each and of equal weight: the binomial case."""
    weights = clusters.weights
    return bool(np.all(weights == weights[0]) and np.all((clusters.totals == 0.0) | (clusters.totals == weights[0])))


def _share(clusters: Clusters, limit: float) -> ConfidenceBounds:
    harmed, n = float(clusters.counts[clusters.totals > 0.0].sum()), float(clusters.count)
    return ConfidenceBounds(
        beta.share_lower(harmed, n, ALPHA), beta.share_upper(harmed, n, ALPHA), beta.share_excess(harmed, n, limit),
        clusters.count, clusters.deviation,
    )  # fmt: skip


def _resampled(clusters: Clusters, ends: tuple[float, float], limit: float) -> ConfidenceBounds:
    low, high = ends
    return ConfidenceBounds(
        resampling.lower(clusters, low, ALPHA), resampling.upper(clusters, high, ALPHA),
        resampling.excess(clusters, low, limit), clusters.count, clusters.deviation,
    )  # fmt: skip


def _student(clusters: Clusters, limit: float) -> ConfidenceBounds:
    mean, deviation, count = clusters.mean, clusters.deviation, clusters.count
    if count < 2 or not deviation > 0.0:
        return ConfidenceBounds(-math.inf, math.inf, 1.0, count, deviation)
    error = deviation / math.sqrt(count)
    half = beta.student_quantile(ALPHA, count - 1.0) * error
    return ConfidenceBounds(
        mean - half, mean + half, beta.student_tail((mean - limit) / error, count - 1.0), count, deviation
    )
