"""Summaries: from per-anchor columns to measurements per dimension and segment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, repeat
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
            yield _Place(grouping, segment, expected[at], _most_common([failures[row] for row in missing]))


def _said(
    table: SummaryTable,
    alignment: Alignment,
    rows: Sequence[_Row],
    places: Sequence[_Place],
    limits: Mapping[str, float],
    orders: dict[int, NDArray[np.int64]],
) -> list[Sequence[tuple[Measurement, ...]]]:
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
    groupings = [of for of, _ in groupby(places, key=lambda place: place.grouping)]
    stats = _statistics(part, alignment.weights, groupings, (ordered, spread), shares)
    where = _Where.of(places)
    return [_measurements(part, row, stats, where) for row in moved]


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Plain numbers, [column][place]."""

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
    weights: NDArray[np.float64],
    groupings: Sequence[Grouping],
    spread: tuple[Ordered, list[int]],
    beyond: tuple[NDArray[np.float64], list[int]],
) -> _Statistics:
    """All of some dimensions, one behind the other; quantiles of the columns that export any, NaN for the others."""
    counts = [len(of.segments) for of in groupings]
    means = [mean_by_segment(table.values, weights, of.codes, n) for of, n in zip(groupings, counts, strict=True)]
    ordered, columns = spread
    quantiles = np.full((len(LEVELS), len(table.values), sum(counts)), np.nan)
    if columns:
        found = [ordered.quantiles(of.codes, n, LEVELS) for of, n in zip(groupings, counts, strict=True)]
        quantiles[:, columns] = np.concatenate(found, axis=2)
    over, columns = beyond
    shares = np.full(quantiles.shape[1:], np.nan)
    if columns:
        parts = [mean_by_segment(over, weights, of.codes, n).mean for of, n in zip(groupings, counts, strict=True)]
        shares[columns] = np.concatenate(parts, axis=1)
    mean, n, covered = (
        np.concatenate([getattr(of, name) for of in means], axis=1) for name in ("mean", "n", "covered")
    )
    values = {"mean": mean, **dict(zip(QUANTILES, quantiles, strict=True)), SHARE: shares}
    return _Statistics({name: of.tolist() for name, of in values.items()}, n.tolist(), covered.tolist())


@dataclass(frozen=True, slots=True)
class _Where:
    """Places as columns, so that what is said of all of them is made at once."""

    places: Sequence[_Place]
    dimensions: Sequence[str]
    segments: Sequence[str]
    expected: Sequence[int]

    @classmethod
    def of(cls, places: Sequence[_Place]) -> "_Where":
        """The columns."""
        dimensions, segments = [of.grouping.dimension for of in places], [of.segment for of in places]
        return cls(places, dimensions, segments, [of.expected for of in places])

    def reasons(self, told: str, counts: Sequence[int], note: str) -> Sequence[str]:
        """Why there is no value, or what is missing in it, by place."""
        if not told and counts == self.expected and 0 not in counts:
            return [note] * len(counts)
        return [
            told if told and (told != NOT_REPLAYED or not place.why) else _why(counted, place) or note
            for place, counted in zip(self.places, counts, strict=True)
        ]


def _measurements(
    table: SummaryTable, row: _Row, stats: _Statistics, where: _Where
) -> Sequence[tuple[Measurement, ...]]:
    """What is said of one row in each place."""
    column, own, (metric, k, _), counts = row.column, row.own, row.name, stats.n[row.column]
    reasons = where.reasons(table.reasons[column], counts, table.note)
    covered = [share if n else 0.0 for share, n in zip(stats.covered[column], where.expected, strict=True)]
    made = []
    for stat in row.stats:
        values = stats.values[stat]
        before = repeat(_NONE) if own < 0 else values[own]
        said = zip(
            repeat(metric), repeat(table.leg), repeat(k), where.dimensions, where.segments, repeat(stat),
            values[column], counts, where.expected, before, reasons, covered,
        )  # fmt: skip
        made.append(map(Measurement._make, said))
    return list(zip(*made, strict=True))


def _why(counted: int, place: _Place) -> str:
    if not place.expected:
        return NO_ANCHORS
    return "" if counted == place.expected else place.why or TOO_FEW_RESULTS


def _most_common(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    reason, count = min(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{SETTLING}: {count} anchors" if reason == SETTLING else f"{NOT_REPLAYED}: {count} x {reason}"
