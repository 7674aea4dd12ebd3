"""Is the new version better? Paired differences of quality per anchor, and whether it can be called no worse.

Both versions answer the same anchors, so the anchors' own difficulty cancels: what is averaged is new minus old per
anchor. Judgements give nDCG, recall and MRR; known items (clicked, cited, an expected source) give hit@k. An item
that says what the query says is no known item: a document is never its own query.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.judging.bounds import ALPHA, AnchorSample, ConfidenceBounds, mean_bounds
from monitor.core.judging.holm import rejected
from monitor.core.judging.planning import POWER, DecisionPlan
from monitor.core.measures.formulas import labelled
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import ALL, VerdictName

QualityMetric = Literal["ndcg", "recall", "mrr", "hit"]
METRICS: tuple[QualityMetric, ...] = ("ndcg", "recall", "mrr", "hit")
Column = NDArray[np.float64]
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, eq=False)
class KnownItems:
    """What is known to answer A anchors, independently of either encoder.

    Args:
        keys: (A, j) int64, `chunk_key` of the known chunks, NO_CHUNK behind the last.
        sources: A sets of source names, any chunk of which answers; empty: none is known.
    """

    keys: NDArray[np.int64]
    sources: Sequence[frozenset[str]]

    @classmethod
    def of(
        cls,
        chunks: Sequence[Sequence[str]],
        sources: Sequence[frozenset[str]],
        questions: Sequence[str],
        contents: Mapping[int, str],
    ) -> "KnownItems":
        """From what people clicked or cited.

        Args:
            chunks: A lists of chunk ids.
            sources: A sets of expected sources.
            questions: A content hashes of the anchors' own texts.
            contents: content hash by chunk key; an item of the anchor's own hash is left out.
        """
        rows = [
            [key for key in dict.fromkeys(map(chunk_key, row)) if contents.get(key) != asked]
            for row, asked in zip(chunks, questions, strict=True)
        ]
        keys = np.full((len(rows), max(map(len, rows), default=0)), NO_CHUNK, np.int64)
        for at, row in enumerate(rows):
            keys[at, : len(row)] = row
        return cls(keys, sources)


@dataclass(frozen=True, slots=True, eq=False)
class QualityLabels:
    """What quality is measured against: judgements, known items, and the source of each listed chunk by its key."""

    judged: Judgements
    known: KnownItems
    sources: Mapping[int, str]


def hit(lists: RankedLists, known: KnownItems, sources: Mapping[int, str], depth: int) -> Column:
    """1 where a known item, or a chunk of an expected source, stands in the top-k, else 0.

    Returns:
        (A,) float64; NaN where nothing is known or the list could not be had; 0 for an empty list.
    """
    cut = lists.keys[:, :depth]
    found = np.any(first_ranks(known.keys, cut) > 0, axis=0)
    some = np.any(known.keys != NO_CHUNK, axis=1)
    for at, wanted in enumerate(known.sources):
        if wanted:
            some[at] = True
            found[at] |= any(sources.get(key) in wanted for key in cut[at, : lists.lengths[at]].tolist())
    return np.where(some & lists.known, found.astype(np.float64), np.nan)


def quality(metric: QualityMetric, lists: RankedLists, labels: QualityLabels, depth: int) -> Column:
    """(A,) float64 in [0, 1] of one version, NaN where an anchor has nothing to measure against or no list."""
    if metric == "hit":
        return hit(lists, labels.known, labels.sources, depth)
    formulas = {"ndcg": labelled.ndcg, "recall": labelled.recall, "mrr": labelled.reciprocal_rank}
    return formulas[metric](lists, labels.judged, depth)


def measurable(metric: QualityMetric, labels: QualityLabels) -> NDArray[np.bool_]:
    """(A,) which anchors the metric has labels for, whatever was listed."""
    if metric == "hit":
        named = np.array([bool(wanted) for wanted in labels.known.sources], np.bool_)
        found: NDArray[np.bool_] = named | np.any(labels.known.keys != NO_CHUNK, axis=1)
        return found
    least = 0.0 if metric == "ndcg" else labelled.RELEVANT
    grades = labels.judged.grades
    relevant = grades > least if metric == "ndcg" else grades >= least
    some: NDArray[np.bool_] = np.any(relevant & (labels.judged.keys != NO_CHUNK), axis=1)
    return some


@dataclass(frozen=True, slots=True, eq=False)
class PairedColumn:
    """One metric of both versions.

    Args:
        metric: which.
        depth: k.
        old: (A,) float64, NaN where it is not measurable.
        new: (A,) float64.
        labelled: (A,) bool, anchors that have labels.
        weights: (A,) float64, positive.
        members: (A,) int64, cluster of each anchor: those that stand or fall together.
    """

    metric: QualityMetric
    depth: int
    old: Column
    new: Column
    labelled: NDArray[np.bool_]
    weights: NDArray[np.float64]
    members: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QualityDifference:
    """New minus old over the anchors of a segment; bigger is better.

    `lower` and `upper` are one-sided 95% bounds, from the clustered bootstrap. `detectable` is the smallest loss that
    would be found with 80% power; `needed` anchors would decide a difference as large as this one, 0 where no number
    would. `no_worse` and `worse` are p-values of "worse than the margin" and "no worse than
    the margin": small ones reject. `n` anchors were measured of `expected` that have labels.
    """

    metric: QualityMetric
    depth: int
    dimension: str
    segment: str
    old: float
    new: float
    difference: float
    lower: float
    upper: float
    margin: float
    n: int
    expected: int
    clusters: int
    detectable: float
    no_worse: float
    worse: float
    needed: int = 0
    verdict: VerdictName = "unknown"


def difference(
    column: PairedColumn, inside: NDArray[np.bool_], margin: float, place: tuple[str, str]
) -> QualityDifference:
    """The paired difference over some anchors, not judged yet.

    Args:
        column: both versions.
        inside: (A,) bool, the anchors of the segment.
        margin: the loss that is allowed, 0 or more.
        place: dimension and segment.

    Returns:
        NaN figures and p-values of 1 where no anchor could be measured. An anchor that has labels and no list of
        either version may have any difference: the bounds allow for it.
    """
    wanted = inside & column.labelled
    change = column.new - column.old
    there = wanted & ~np.isnan(change)
    expected, n = int(wanted.sum()), int(there.sum())
    if not n:
        nothing = (math.nan,) * 5
        return QualityDifference(
            column.metric, column.depth, *place, *nothing, margin, 0, expected, 0, math.nan, 1.0, 1.0
        )
    weights = column.weights[there]
    covered = float(weights.sum() / column.weights[wanted].sum())
    members = column.members[there]
    gain = mean_bounds(AnchorSample(change[there], weights, members, (-1.0, 1.0), covered), -margin)
    loss = mean_bounds(AnchorSample(-change[there], weights, members, (-1.0, 1.0), covered), margin)
    return QualityDifference(
        column.metric,
        column.depth,
        *place,
        float(np.average(column.old[there], weights=weights)),
        float(np.average(column.new[there], weights=weights)),
        float(np.average(change[there], weights=weights)),
        gain.lower,
        gain.upper,
        margin,
        n,
        expected,
        gain.clusters,
        detectable(gain.deviation, gain.clusters, _alike(weights, members)),
        gain.p,
        loss.p,
        _needed(gain, float(np.average(change[there], weights=weights)), margin, n),
    )


def _needed(gain: ConfidenceBounds, change: float, margin: float, n: int) -> int:
    """Anchors, clustered as these are, that would decide whether such a change is within the margin."""
    plan = DecisionPlan(gain.deviation, (-1.0, 1.0), margin, 1.0)
    return math.ceil(plan.clusters_needed(-change) * n / gain.clusters)


def _alike(weights: NDArray[np.float64], members: NDArray[np.int64]) -> float:
    """How many clusters of equal weight tell as much: (sum W)^2 / sum W^2."""
    mass = np.bincount(np.unique(members, return_inverse=True)[1], weights=weights)
    return float(mass.sum() ** 2 / (mass**2).sum())


def detectable(deviation: float, clusters: int, alike: float) -> float:
    """The smallest loss that is told from none with 80% power: (z_alpha + z_power) s / sqrt(C).

    Plus 1 / C_alike, for clusters of equal weight: what was not sampled may be a total loss. NaN below two clusters.
    """
    if clusters < 2 or math.isnan(deviation):
        return math.nan
    scores = _NORMAL.inv_cdf(1.0 - ALPHA) + _NORMAL.inv_cdf(POWER)
    return scores * deviation / math.sqrt(clusters) + 1.0 / alike


def non_inferiority(overall: QualityDifference, segments: Sequence[QualityDifference]) -> list[QualityDifference]:
    """Judge them: no worse than the margin (pass), worse (fail), or not decided.

    READY claims all of them at once: it is wrong only if one that is worse passed, and each passes wrongly with
    chance 5% at most, so no correction is due (an intersection-union test: Berger, Technometrics 24, 1982). NOT_READY
    claims any one of them: losses in segments are Holm-corrected. Nothing measured: UNKNOWN.

    Returns:
        the overall difference first, then the segments in the order given.
    """
    lost = [overall.worse <= ALPHA, *rejected([of.worse for of in segments], ALPHA)]
    return [_judged(of, fails=bad) for of, bad in zip((overall, *segments), lost, strict=True)]


def _judged(of: QualityDifference, *, fails: bool) -> QualityDifference:
    verdict: VerdictName = "pass" if of.no_worse <= ALPHA else "inconclusive"
    if not of.n:
        verdict = "unknown"
    elif fails:
        verdict = "fail"
    return replace(of, verdict=verdict)


def compared_quality(
    column: PairedColumn,
    segments: Mapping[str, Sequence[str]],
    *,
    margin: float,
    segment_margin: float,
    least: int,
) -> list[QualityDifference]:
    """Overall, and every segment with at least so many labelled anchors, judged.

    Args:
        column: both versions.
        segments: dimension -> segment name of each anchor (`all` may be among them and is left out).
        margin: the loss allowed overall.
        segment_margin: the loss allowed in a segment.
        least: labelled anchors that a segment needs to be judged.
    """
    whole = np.ones(len(column.old), np.bool_)
    overall = difference(column, whole, margin, (ALL, ALL))
    found = []
    for dimension, names in segments.items():
        told = np.array(names, np.str_)
        for name in sorted(set(names)) if dimension != ALL else ():
            inside = told == name
            if np.count_nonzero(inside & column.labelled) >= least:
                found.append(difference(column, inside, segment_margin, (dimension, name)))
    return non_inferiority(overall, found)
