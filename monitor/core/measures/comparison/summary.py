"""Summaries: from per-anchor columns to measurements per dimension and segment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.formulas.aggregate import LEVELS, Ordered, mean_by_segment
from monitor.core.measures.formulas.columns import NOT_REPLAYED, TOO_FEW_RESULTS, Name
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.report import SHARE, Leg, Measurement

QUANTILES = ("p05", "p50", "p95")
SETTLING = "settling"
"""Why an anchor is left out whose chunks production may still be writing to its index."""
NO_ANCHORS = "no_anchors"
"""Why a segment has no value of which no anchor asks the same as in the baseline."""
NO_LIMITS: Mapping[str, float] = MappingProxyType({})
_NONE = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class SummaryTable:
    """(M, P) columns of one leg by name, with why a column has no value."""

    leg: Leg
    names: tuple[Name, ...]
    values: NDArray[np.float64]
    reasons: tuple[str, ...]
    missing: Mapping[int, str] = field(default_factory=dict)
    """Why anchors (rows among those of now) have no value in this table, besides the replay's failures."""
    note: str = ""
    """Said as the reason of values that are all there: what they do not cover."""


@dataclass(frozen=True, slots=True, eq=False)
class Summarised:
    """A table, the alignment it is summarised over, and whether only over all anchors."""

    table: SummaryTable
    alignment: Alignment
    only_all: bool = False


class Summaries:
    """Summaries of the tables of one baseline, kept from look to look: of a column that nobody moved all is said.

    What is kept is replaced whole, so that several threads may look.

    Args:
        limits: by metric; `share` is then the weighted share of the anchors whose value is above it, in [0, 1].
        registry: says which statistics are exported of a measure.
    """

    def __init__(self, limits: Mapping[str, float] = NO_LIMITS, registry: MeasureRegistry = REGISTRY) -> None:
        self.limits, self._registry = limits, registry
        self._kept: dict[tuple[Leg, tuple[Name, ...]], _Kept] = {}

    def of(
        self, table: SummaryTable, alignment: Alignment, failures: Mapping[int, str], *, only_all: bool = False
    ) -> Iterator[Measurement]:
        """All statistics of one leg's columns, per dimension and segment.

        Args:
            table: the columns.
            alignment: anchors, weights and segments.
            failures: why anchors (rows among those of now) have no value.
            only_all: leave the segments out.
        """
        failures = {**table.missing, **failures}
        kept = self._kept.get((table.leg, table.names))
        if kept is None or not kept.holds(table, alignment, failures, only_all=only_all):
            rows = _exported(table, self.limits, self._registry)
            places = tuple(_places(table, alignment, failures, only_all=only_all))
            kept = _Kept(table, alignment, failures, only_all, rows, places, {}, {})
        moved = kept.moved(table)
        if moved:
            chosen, orders = [kept.rows[at] for at in moved], dict(kept.orders)
            found = _said(table, alignment, chosen, kept.places, self.limits, orders)
            said = {**kept.said, **dict(zip(moved, found, strict=True))}
            kept = replace(kept, table=table, said=said, orders=orders)
        self._kept[table.leg, table.names] = kept
        every = [kept.said[at] for at in range(len(kept.rows))]
        for at in range(len(kept.places)):
            for of in every:
                yield from of[at]


@dataclass(frozen=True, slots=True)
class _Row:
    """A column that is exported: its statistics, and the column of the baseline's own values, -1 for none."""

    name: Name
    column: int
    own: int
    stats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    grouping: Grouping
    segment: str
    at: int
    """Index of the segment in its dimension."""
    expected: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A table as it was last summarised, and what was said, by row and place."""

    table: SummaryTable
    alignment: Alignment
    failures: Mapping[int, str]
    only_all: bool
    rows: Sequence[_Row]
    places: Sequence[_Place]
    said: Mapping[int, Sequence[Sequence[Measurement]]]
    orders: Mapping[int, NDArray[np.int64]]
    """By column, its anchors by value when it was summarised last."""

    def holds(
        self, table: SummaryTable, alignment: Alignment, failures: Mapping[int, str], *, only_all: bool
    ) -> bool:
        """Whether all is as it was but for single columns."""
        return (
            alignment is self.alignment
            and only_all == self.only_all
            and table.note == self.table.note
            and failures == self.failures
        )

    def moved(self, table: SummaryTable) -> list[int]:
        """The rows of which a value, one of the baseline's own or the reason is another; compared by their bits."""
        if not self.said:
            return list(range(len(self.rows)))
        before = self.table
        if before.values is table.values and before.reasons == table.reasons:
            return []
        bits = [np.ascontiguousarray(of.values).view(np.int64) for of in (before, table)]
        others: list[bool] = np.any(bits[0] != bits[1], axis=1).tolist()
        return [
            at
            for at, row in enumerate(self.rows)
            if others[row.column]
            or (row.own >= 0 and others[row.own])
            or before.reasons[row.column] != table.reasons[row.column]
        ]


def _places(
    table: SummaryTable, alignment: Alignment, failures: Mapping[int, str], *, only_all: bool
) -> Iterator[_Place]:
    """Every segment of every dimension, and why anchors of it have no value."""
    failed = np.isin(alignment.now, np.fromiter(failures, np.int64, len(failures)))
    for grouping in alignment.groupings[:1] if only_all else alignment.groupings:
        expected = np.bincount(grouping.codes, minlength=len(grouping.segments)).tolist()
        for at, segment in enumerate(grouping.segments):
            missing = alignment.now[failed & (grouping.codes == at)].tolist() if table.leg != "lexical" else ()
            yield _Place(grouping, segment, at, expected[at], _most_common([failures[row] for row in missing]))


def _said(
    table: SummaryTable,
    alignment: Alignment,
    rows: Sequence[_Row],
    places: Sequence[_Place],
    limits: Mapping[str, float],
    orders: dict[int, NDArray[np.int64]],
) -> list[list[tuple[Measurement, ...]]]:
    """What is said of each row in each place; `orders` of columns are brought up to date."""
    columns = sorted({column for row in rows for column in (row.column, row.own) if column >= 0})
    place = {column: at for at, column in enumerate(columns)}
    part = replace(
        table,
        names=tuple(table.names[at] for at in columns),
        values=table.values[columns],
        reasons=tuple(table.reasons[at] for at in columns),
    )
    moved = [replace(row, column=place[row.column], own=place.get(row.own, -1)) for row in rows]
    spread = sorted({at for row in moved if len(row.stats) > 1 for at in (row.column, row.own) if at >= 0})
    every = np.arange(len(alignment.weights))
    near = [orders.get(columns[at], every) for at in spread]
    ordered = Ordered.of(part.values[spread], alignment.weights, np.stack(near) if near else None)
    orders.update(zip((columns[at] for at in spread), ordered.order, strict=True))
    shares = _shares(part, moved, limits)
    groupings = dict.fromkeys(id(of.grouping) for of in places)
    by_grouping = {
        id(of): _statistics(part, alignment, of, (ordered, spread), shares)
        for of in alignment.groupings
        if id(of) in groupings
    }
    stats = [by_grouping[id(of.grouping)] for of in places]
    return [_measurements(part, row, stats, places) for row in moved]


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Plain numbers, [column][segment]: one look-up each is all that a measurement costs."""

    values: Mapping[str, list[list[float]]]
    n: list[list[int]]
    covered: list[list[float]]


def _exported(table: SummaryTable, limits: Mapping[str, float], registry: MeasureRegistry) -> list[_Row]:
    at = {name: column for column, name in enumerate(table.names)}
    return [
        _Row(name, column, at.get(name._replace(own=True), -1), _stats(name.metric, limits, registry))
        for name, column in at.items()
        if not name.own
    ]


def _stats(metric: str, limits: Mapping[str, float], registry: MeasureRegistry) -> tuple[str, ...]:
    stats = registry.statistics(metric)
    return (*stats, SHARE) if metric in limits else stats


def above(values: NDArray[np.float64], limit: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """1.0 where a value is above the limit, 0.0 where not, NaN where it is; any shape."""
    return np.where(np.isnan(values), np.nan, values > limit)


def _shares(
    table: SummaryTable, rows: Sequence[_Row], limits: Mapping[str, float]
) -> tuple[NDArray[np.float64], list[int]]:
    """(m, P) whether each anchor is above the limit of its metric, and which columns these are."""
    limit = {at: limits[row.name.metric] for row in rows if SHARE in row.stats for at in (row.column, row.own)}
    columns = sorted(limit.keys() - {-1})
    bounds = np.array([limit[column] for column in columns])
    return above(table.values[columns], bounds[:, None]), columns


def _statistics(
    table: SummaryTable,
    alignment: Alignment,
    grouping: Grouping,
    spread: tuple[Ordered, list[int]],
    beyond: tuple[NDArray[np.float64], list[int]],
) -> _Statistics:
    """All of one dimension; quantiles of the columns that export any, NaN for the others."""
    count, weights = len(grouping.segments), alignment.weights
    means = mean_by_segment(table.values, weights, grouping.codes, count)
    ordered, columns = spread
    quantiles = np.full((len(LEVELS), *means.mean.shape), np.nan)
    quantiles[:, columns] = ordered.quantiles(grouping.codes, count, LEVELS)
    values = {name: quantiles[at].tolist() for at, name in enumerate(QUANTILES)}
    over, columns = beyond
    shares = np.full(means.mean.shape, np.nan)
    shares[columns] = mean_by_segment(over, weights, grouping.codes, count).mean
    values[SHARE] = shares.tolist()
    return _Statistics({"mean": means.mean.tolist(), **values}, means.n.tolist(), means.covered.tolist())


def _measurements(
    table: SummaryTable, row: _Row, stats: Sequence[_Statistics], places: Sequence[_Place]
) -> list[tuple[Measurement, ...]]:
    """What is said of one row in each place."""
    column, own, leg, (metric, k, _), told = row.column, row.own, table.leg, row.name, table.reasons[row.column]
    made = []
    for place, of in zip(places, stats, strict=True):
        at, expected, dimension, segment = place.at, place.expected, place.grouping.dimension, place.segment
        counted = of.n[column][at]
        reason = told
        if not reason or (reason == NOT_REPLAYED and place.why):
            reason = _why(counted, place) or table.note
        covered = of.covered[column][at] if expected else 0.0
        said = []
        for stat in row.stats:
            values = of.values[stat]
            before = _NONE if own < 0 else values[own][at]
            said.append(
                Measurement(
                    metric, leg, k, dimension, segment, stat, values[column][at], counted, expected, before, reason,
                    covered,
                )
            )  # fmt: skip
        made.append(tuple(said))
    return made


def _why(counted: int, place: _Place) -> str:
    if not place.expected:
        return NO_ANCHORS
    return "" if counted == place.expected else place.why or TOO_FEW_RESULTS


def _most_common(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    reason, count = min(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{SETTLING}: {count} anchors" if reason == SETTLING else f"{NOT_REPLAYED}: {count} x {reason}"
