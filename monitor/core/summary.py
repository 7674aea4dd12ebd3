"""Summaries: from per-anchor columns to measurements per dimension and segment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.alignment import Alignment
from monitor.core.measure.aggregate import LEVELS, Ordered, mean_by_segment
from monitor.core.measure.columns import NOT_REPLAYED, TOO_FEW_RESULTS, Name
from monitor.core.measure.leg import BASELINE_OF
from monitor.core.report import Leg, Measurement

QUANTILES = ("p05", "p50", "p95")
_STATS: Mapping[str, tuple[str, ...]] = {
    "swaps": ("mean", "p50", "p95"),
    "collapsed_swaps": ("mean", "p50", "p95"),
    "jaccard_ratio": ("mean", "p05", "p50"),
    "rbo_ratio": ("mean", "p05", "p50"),
    "score_wasserstein": ("mean", "p95"),
    "top1_score_drop": ("mean", "p05", "p50", "p95"),
    "top1_score": ("mean", "p05", "p50"),
    "gap": ("mean", "p05", "p50"),
    "gap_drop": ("mean", "p95"),
}
"""Statistics exported per metric; the mean alone for the rest."""
NO_ANCHORS = "no_anchors"
"""Why a segment has no value of which no anchor asks the same as in the baseline."""
_INTERNAL = frozenset(BASELINE_OF.values())


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """(M, P) columns of one leg by name, with why a column has no value."""

    leg: Leg
    names: tuple[Name, ...]
    values: NDArray[np.float64]
    reasons: tuple[str, ...]


def summarise(
    table: Table, alignment: Alignment, failures: Mapping[int, str], *, only_all: bool = False
) -> Iterator[Measurement]:
    """All statistics of one leg's columns, per dimension and segment."""
    present = (~np.isnan(table.values)).astype(np.float64)
    ordered = Ordered.of(table.values, alignment.weights)
    failed = np.array([int(row) in failures for row in alignment.now], np.bool_)
    for grouping in alignment.groupings[:1] if only_all else alignment.groupings:
        count = len(grouping.segments)
        means = mean_by_segment(table.values, alignment.weights, grouping.members, count)
        quantiles = ordered.quantiles(grouping.members, count, LEVELS)
        covered = mean_by_segment(present, alignment.weights, grouping.members, count).mean
        expected = np.bincount(grouping.members, minlength=count)
        for segment, label in enumerate(grouping.segments):
            missing = alignment.now[failed & (grouping.members == segment)] if table.leg != "lexical" else ()
            why = _most_common([failures[int(row)] for row in missing])
            stats = {"mean": means.mean[:, segment]}
            stats.update({name: quantiles[at, :, segment] for at, name in enumerate(QUANTILES)})
            place = _Place(grouping.dimension, label, int(expected[segment]), why)
            yield from _rows(table, stats, (means.n[:, segment], covered[:, segment]), place)


@dataclass(frozen=True, slots=True)
class _Place:
    dimension: str
    segment: str
    expected: int
    why: str


def _rows(
    table: Table,
    stats: Mapping[str, NDArray[np.float64]],
    rests_on: tuple[NDArray[np.int64], NDArray[np.float64]],
    place: _Place,
) -> Iterator[Measurement]:
    n, covered = rests_on
    at = {name: column for column, name in enumerate(table.names)}
    for name, column in at.items():
        if name.metric in _INTERNAL:
            continue
        own = at.get(Name(BASELINE_OF[name.metric], name.k)) if name.metric in BASELINE_OF else None
        counted = int(n[column])
        reason = table.reasons[column] or _why(counted, place)
        for stat in _STATS.get(name.metric, ("mean",)):
            value = float(stats[stat][column])
            before = float("nan") if own is None else float(stats[stat][own])
            yield Measurement(
                name.metric, table.leg, name.k, place.dimension, place.segment, stat, value, counted,
                place.expected, before, reason, float(covered[column]) if place.expected else 0.0,
            )  # fmt: skip


def _why(counted: int, place: _Place) -> str:
    if not place.expected:
        return NO_ANCHORS
    return "" if counted == place.expected else place.why or TOO_FEW_RESULTS


def _most_common(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    reason, count = min(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{NOT_REPLAYED}: {count} x {reason}"
