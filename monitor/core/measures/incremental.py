"""The one incremental table: columns of anchors, of which only those are measured anew whose inputs changed."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.columns import DEPTH_NOT_KEPT, Name
from monitor.core.measures.measure import Group, MatrixRow, Measure, MissingReason, Need, Values, View

Mask = NDArray[np.bool_]
RowSelection = NDArray[np.int64] | slice
ALL = slice(None)
NOTHING_MISSING: Mapping[Any, str] = MappingProxyType({})
_MOST = 0.75
"""Above this share of stale anchors all are measured: copying their rows would cost what it saves."""


class Stale(NamedTuple):
    """Anchors to be measured anew, ALL or some, and the view of them; None where nothing is to be measured anew."""

    rows: RowSelection
    view: Any

    def seen(self, make: Callable[[Any], Any]) -> "Stale":
        """The same anchors in a view that is made of this one, where there is any."""
        return Stale(self.rows, None if self.view is None else make(self.view))


NOTHING: Stale = Stale(np.zeros(0, np.int64), None)


def stale(mask: Mask, view: Callable[[RowSelection], View]) -> Stale:
    """What is to be measured anew.

    Args:
        mask: (P,) bool, anchors whose inputs changed.
        view: makes the view of some anchors, or of ALL; not called where nothing changed.
    """
    count = int(np.count_nonzero(mask))
    if not count and len(mask):
        return NOTHING
    rows = ALL if count > _MOST * len(mask) or not len(mask) else np.flatnonzero(mask)
    return Stale(rows, view(rows))


class _Column(NamedTuple, Generic[View]):
    name: Name
    need: Need[View]
    compute: Callable[[View, int], Values | MissingReason]


class _Computation(NamedTuple):
    """Columns that come out of one call: of a row each of a matrix, or of a single column's values.

    Args:
        k: their depth.
        compute: as of `Measure`, or of a `MatrixRow`.
        columns: m of them: a slice where they follow each other, else (m,) int64.
        rows: which row of the matrix each is, likewise; None for a single column.
    """

    k: int
    compute: Callable[[Any, int], Values | MissingReason]
    columns: RowSelection
    rows: RowSelection | None


class MeasureColumns(Generic[View]):
    """(M, P) values of the measures of one view, kept from report to report.

    The values are those of a measurement of all anchors, bit for bit: a value depends on its own anchor's inputs
    alone, and an anchor whose inputs changed is measured anew. What is not known is NaN, whatever a measure computed
    of it. Arrays once handed out are never written to again.

    Args:
        measures: in the order of their columns, group by group: those with a depth for each depth, those without one,
            then the baseline's own values in the same order.
        depths: the depths k to measure at.
    """

    def __init__(self, measures: Sequence[Measure[View]], depths: Sequence[int]) -> None:
        self._measures, self._depths = measures, depths
        self._computed: Mapping[Need[View], Sequence[_Computation]] = {}
        self.names: tuple[Name, ...] = ()
        self.groups: tuple[Group, ...] = ()
        """Of each column."""
        self.values: Values = np.zeros((0, 0))
        self.reasons: tuple[str, ...] = ()
        """Why a whole column is not measurable, "" where it is."""

    def update(
        self, count: int, changed: Mapping[Need[View], Stale], missing: Mapping[Need[View], str] = NOTHING_MISSING
    ) -> None:
        """Measure anew what changed, by need; at first that has to be all anchors.

        Args:
            count: P, all anchors.
            changed: by need; those whose views are of the same anchors should share one, for what it works out. Of a
                need that is not in it nothing changed.
            missing: by need, why nothing that is computed from it has a value.
        """
        if not self.names:
            columns = self._made({need: of.view for need, of in changed.items()})
            self.names, self.groups = tuple(of.name for of in columns), tuple(of.need.group for of in columns)
            self.values, self.reasons = np.full((len(self.names), count), np.nan), ("",) * len(self.names)
            self._computed = _grouped(columns)
        parts = {need: part for need, part in changed.items() if part.view is not None}
        if not parts:
            return
        values, reasons = self.values.copy(), list(self.reasons)
        self.values = values  # what is computed of others finds them there
        for need, computed in self._computed.items():
            if need in parts:
                _measure(parts[need], computed, missing.get(need, ""), values, reasons)
        values.flags.writeable = False
        self.reasons = tuple(reasons)

    def _made(self, views: Mapping[Need[View], View]) -> list[_Column[View]]:
        made: list[_Column[View]] = []
        for group in dict.fromkeys(of.needs.group for of in self._measures if of.needs is not None):
            then: list[_Column[View]] = []
            for k in (*self._depths, 0):
                for of in self._measures:
                    need = of.needs
                    if need is None or need.group != group or of.compute is None or of.deep != (k > 0):
                        continue
                    if of.only_if is None or of.only_if(views[need]):
                        made.append(_Column(Name(of.name, k), need, of.compute))
                        if of.then is not None:
                            then.append(_Column(Name(of.name, k, own=True), need, of.then))
            made += then
        return made

    def of(self, metric: str, k: int = 0) -> Values:
        """The (P,) values of one column; KeyError naming it if it was not measured."""
        name = Name(metric, k)
        if name not in self.names:
            raise KeyError(name)
        column: Values = self.values[self.names.index(name)]
        return column


def _grouped(columns: Sequence[_Column[View]]) -> Mapping[Need[View], Sequence[_Computation]]:
    """What is computed together, by need, in the order of the columns."""
    found: dict[tuple[Need[View], int, Any], list[int]] = {}
    for at, (name, need, compute) in enumerate(columns):
        one = compute.matrix if isinstance(compute, MatrixRow) else at
        found.setdefault((need, name.k, one), []).append(at)
    made: dict[Need[View], list[_Computation]] = {}
    for (need, k, _), places in found.items():
        computes, into = [columns[place].compute for place in places], _span(places)
        rows = [of for of in computes if isinstance(of, MatrixRow)]
        if rows:
            of = _Computation(k, rows[0].matrix, into, _span([row.at for row in rows]))
        else:
            of = _Computation(k, computes[0], into, None)
        made.setdefault(need, []).append(of)
    return made


def _span(numbers: Sequence[int]) -> RowSelection:
    """Numbers to index with: a slice, which copies nothing, where they follow each other."""
    first, until = numbers[0], numbers[0] + len(numbers)
    return slice(first, until) if list(numbers) == list(range(first, until)) else np.array(numbers, np.int64)


def _measure(part: Stale, computed: Sequence[_Computation], missing: str, values: Values, reasons: list[str]) -> None:
    """Fill in what is computed from one input; of each column also why it has no value."""
    rows, view = part
    unknown: NDArray[np.int64] = view.unknown if isinstance(rows, slice) else rows[view.unknown]
    for k, compute, columns, of in computed:
        reason = missing or (DEPTH_NOT_KEPT if k > view.depth else "")
        found = MissingReason(reason) if reason else compute(view, k)
        into = columns if isinstance(columns, slice) or isinstance(rows, slice) else columns[:, None]
        if isinstance(found, MissingReason):
            values[into, rows] = np.nan
            reason = found.text
        else:
            values[into, rows] = found if of is None else found[of]
            if len(unknown):
                values[columns if isinstance(columns, slice) else columns[:, None], unknown] = np.nan
        for at in np.arange(len(reasons))[columns].tolist():
            reasons[at] = reason
