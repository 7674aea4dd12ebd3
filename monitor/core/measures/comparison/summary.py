"""Summaries: from per-anchor columns to measurements per dimension and segment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.formulas.aggregate import STATISTICS, Aggregates
from monitor.core.measures.formulas.columns import NOT_REPLAYED, TOO_FEW_RESULTS, Name
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.report import SHARE, Leg, Measurement

SETTLING = "settling"
"""Why an anchor is left out whose chunks production may still be writing to its index."""
NO_ANCHORS = "no_anchors"
"""Why a segment has no value of which no anchor asks the same as in the baseline."""
NO_LIMITS: Mapping[str, float] = MappingProxyType({})
_NONE = float("nan")
_NOTHING = Measurement("", "both", 0, "", "", "", _NONE, 0, 0)


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
    ) -> tuple[Measurement, ...]:
        """All statistics of one leg's columns, per dimension and segment.

        Args:
            table: the columns.
            alignment: anchors, weights and segments.
            failures: why anchors (rows among those of now) have no value.
            only_all: leave the segments out.

        Returns:
            By segment, column and statistic. What is as it was is the very object of the last call.
        """
        failures = {**table.missing, **failures}
        kept = self._kept.get((table.leg, table.names))
        if kept is None or not kept.holds(table, alignment, failures, only_all=only_all):
            kept = _Kept.of(table, _Layout.of(table, alignment, failures, only_all, self.limits, self._registry))
        elif kept.table.values is not table.values or kept.table.reasons != table.reasons:
            kept = kept.moved(table)
        self._kept[table.leg, table.names] = kept
        return kept.said


@dataclass(frozen=True, slots=True)
class _Row:
    """A column that is exported: its statistics, and the column of the baseline's own values, -1 for none."""

    name: Name
    column: int
    own: int
    stats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    dimension: str
    segment: str
    expected: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """What is said of a table whatever its values are: L lines, each a statistic of a column, in P places.

    Args:
        alignment: what is summarised over.
        failures: why anchors have no value.
        only_all: whether segments are left out.
        anchors: in the segments of all dimensions.
        places: these segments.
        expected: (P,) int64, the anchors of each.
        lines: (3, L) int64, by line its column, that of the baseline's own values (-1 for none), and its statistic.
        spread: columns of which quantiles are exported.
        limits: by column, NaN for none.
        heads: what each measurement begins with, place by place.
    """

    alignment: Alignment
    failures: Mapping[int, str]
    only_all: bool
    anchors: Grouped
    places: Sequence[_Place]
    expected: NDArray[np.int64]
    lines: NDArray[np.int64]
    spread: NDArray[np.int64]
    limits: NDArray[np.float64]
    heads: Sequence[tuple[Any, ...]]

    @classmethod
    def of(
        cls,
        table: SummaryTable,
        alignment: Alignment,
        failures: Mapping[int, str],
        only_all: bool,
        limits: Mapping[str, float],
        registry: MeasureRegistry,
    ) -> "_Layout":
        """Of one table; arguments as of `Summaries.of`."""
        groupings = alignment.groupings[:1] if only_all else alignment.groupings
        anchors = Grouped.of(alignment.weights, [(of.codes, len(of.segments)) for of in groupings])
        places = tuple(_places(table, alignment, groupings, failures))
        rows = _exported(table, limits, registry)
        lines = [(row.column, row.own, STATISTICS.index(stat)) for row in rows for stat in row.stats]
        said = [(row.name.metric, table.leg, row.name.k, stat) for row in rows for stat in row.stats]
        spread = {at for row in rows if len(row.stats) > 1 for at in (row.column, row.own) if at >= 0}
        return cls(
            alignment,
            failures,
            only_all,
            anchors,
            places,
            np.array([of.expected for of in places], np.int64),
            np.array(lines, np.int64).reshape(-1, 3).T.copy(),
            np.array(sorted(spread), np.int64),
            np.array([limits.get(name.metric, _NONE) for name in table.names]),
            [(*head, of.dimension, of.segment, stat) for of in places for *head, stat in said],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A table as it was last summarised.

    Args:
        table: then.
        layout: of what is said.
        aggregates: of its columns.
        cells: (P L, 4) float64, by measurement its value, the baseline's own, what it covers and `n`.
        said: all of it.
    """

    table: SummaryTable
    layout: _Layout
    aggregates: Aggregates
    cells: NDArray[np.float64]
    said: tuple[Measurement, ...]

    @classmethod
    def of(cls, table: SummaryTable, layout: _Layout) -> "_Kept":
        """Summarise all."""
        aggregates = Aggregates.of(layout.anchors, table.values, layout.spread, layout.limits)
        blank = cls(
            table, layout, aggregates, np.full((len(layout.heads), 4), np.nan), (_NOTHING,) * len(layout.heads)
        )
        return blank._say(table, aggregates, np.ones(layout.lines.shape[1], np.bool_))

    def holds(
        self, table: SummaryTable, alignment: Alignment, failures: Mapping[int, str], *, only_all: bool
    ) -> bool:
        """Whether all is as it was but for single columns."""
        of = self.layout
        return (
            alignment is of.alignment
            and only_all == of.only_all
            and table.note == self.table.note
            and failures == of.failures
        )

    def moved(self, table: SummaryTable) -> "_Kept":
        """With other columns: only what any of them moves is said anew."""
        before, now = self.table.reasons, table.reasons
        others = np.zeros(self.layout.lines.shape[1], np.bool_)
        if before != now:
            differs = np.array([one != other for one, other in zip(before, now, strict=True)])
            others = differs[self.layout.lines[0]]
        return self._say(table, self.aggregates.moved(table.values), others)

    def _say(self, table: SummaryTable, aggregates: Aggregates, others: NDArray[np.bool_]) -> "_Kept":
        """Say anew what is another number, and all of the lines that are others."""
        layout, cells, said = self.layout, self.cells.copy(), list(self.said)
        found = _others(aggregates.statistics, aggregates.n, layout.lines, others, cells)
        which, lines = np.divmod(found, layout.lines.shape[1])
        columns, n, expected = layout.lines[0, lines], cells[found, 3].astype(np.int64), layout.expected[which]
        why = [table.note] * len(found)
        told = np.array([bool(of) for of in table.reasons], np.bool_)[columns]
        for at in np.flatnonzero(told | (n != expected) | (expected == 0)).tolist():
            why[at] = _reason(table, table.reasons[columns[at]], int(n[at]), layout.places[which[at]])
        values, before, covered = cells[found, :3].T.tolist()
        places = found.tolist()
        ends = zip(values, n.tolist(), expected.tolist(), before, why, covered, strict=True)
        whole = map(add, map(layout.heads.__getitem__, places), ends)
        for at, one in zip(places, map(partial(tuple.__new__, Measurement), whole), strict=True):
            said[at] = one
        return _Kept(table, layout, aggregates, cells, tuple(said))


@compiled
def _others(
    statistics: NDArray[np.float64],
    n: NDArray[np.int64],
    lines: NDArray[np.int64],
    every: NDArray[np.bool_],
    cells: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Bring cells up to date; which of them are others than they were by any bit, or are of every line marked so.

    Args:
        statistics: (STATISTICS, M, P) of columns.
        n: (M, P).
        lines: see `_Layout`.
        every: (L,) lines of which all is asked for.
        cells: (P L, 4), see `_Kept`; is written to.
    """
    count, found, put = lines.shape[1], np.empty(len(cells), np.int64), 0
    bits, now = cells.view(np.int64), np.empty(4)
    covered = len(statistics) - 1
    for at in range(len(cells)):
        place, line = at // count, at % count
        column, own, stat = lines[0, line], lines[1, line], lines[2, line]
        now[0] = statistics[stat, column, place]
        now[1] = statistics[stat, own, place] if own >= 0 else np.nan
        now[2] = statistics[covered, column, place]
        now[3] = n[column, place]
        differs, seen = every[line], now.view(np.int64)
        for part in range(4):
            differs |= bits[at, part] != seen[part]
            cells[at, part] = now[part]
        if differs:
            found[put] = at
            put += 1
    return found[:put].copy()


def _places(
    table: SummaryTable, alignment: Alignment, groupings: Sequence[Grouping], failures: Mapping[int, str]
) -> Iterator[_Place]:
    """Every segment of every dimension, and why anchors of it have no value."""
    failed = np.isin(alignment.now, np.fromiter(failures, np.int64, len(failures)))
    for grouping in groupings:
        expected = np.bincount(grouping.codes, minlength=len(grouping.segments)).tolist()
        for at, segment in enumerate(grouping.segments):
            missing = alignment.now[failed & (grouping.codes == at)].tolist() if table.leg != "lexical" else ()
            yield _Place(grouping.dimension, segment, expected[at], _most_common([failures[row] for row in missing]))


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


def _reason(table: SummaryTable, told: str, counted: int, place: _Place) -> str:
    """Why there is no value, or what is missing in it."""
    if told and (told != NOT_REPLAYED or not place.why):
        return told
    return _why(counted, place) or table.note


def _why(counted: int, place: _Place) -> str:
    if not place.expected:
        return NO_ANCHORS
    return "" if counted == place.expected else place.why or TOO_FEW_RESULTS


def _most_common(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    reason, count = min(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{SETTLING}: {count} anchors" if reason == SETTLING else f"{NOT_REPLAYED}: {count} x {reason}"
