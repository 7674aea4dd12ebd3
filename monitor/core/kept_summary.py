"""Summaries kept from report to report: only columns of which a value changed are summarised anew."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.core.alignment import Alignment
from monitor.core.measure.columns import Name
from monitor.core.measure.leg import BASELINE_OF
from monitor.core.measure.moved import moved_columns
from monitor.core.report import Measurement
from monitor.core.summary import Table, summarise


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A table as it was last, the failures it was summarised with, and what came of it."""

    table: Table
    failures: Mapping[int, str]
    made: list[Measurement]
    places: Mapping[Name, list[int]]
    """Where the measurements of each column stand in `made`."""


class KeptSummaries:
    """`summarise` for tables that come again and again, over one alignment: the same measurements, in its order.

    Args:
        alignment: the anchors compared and their segments.
    """

    def __init__(self, alignment: Alignment) -> None:
        self._alignment = alignment
        self._kept: dict[tuple[str, tuple[Name, ...]], _Kept] = {}

    def forget(self) -> None:
        """Summarise everything anew next time."""
        self._kept.clear()

    def of(self, table: Table, failures: Mapping[int, str]) -> list[Measurement]:
        """All statistics of the table, per dimension and segment."""
        key = (table.leg, table.names)
        kept = self._kept.get(key)
        if kept is None or kept.table.reasons != table.reasons or kept.failures != failures:
            self._kept[key] = kept = _whole(table, self._alignment, failures)
            return kept.made
        columns = _with_own(table, np.flatnonzero(moved_columns(kept.table.values, table.values)).tolist())
        if columns:
            part = Table(
                table.leg,
                tuple(table.names[at] for at in columns),
                table.values[columns],
                tuple(table.reasons[at] for at in columns),
            )
            made = list(kept.made)
            places = sorted(at for name in part.names for at in kept.places.get(name, ()))
            for at, measurement in zip(places, summarise(part, self._alignment, failures), strict=True):
                made[at] = measurement
            self._kept[key] = kept = _Kept(table, kept.failures, made, kept.places)
        return kept.made


def _whole(table: Table, alignment: Alignment, failures: Mapping[int, str]) -> _Kept:
    made = list(summarise(table, alignment, failures))
    places: dict[Name, list[int]] = {}
    for at, measurement in enumerate(made):
        places.setdefault(Name(measurement.metric, measurement.k), []).append(at)
    return _Kept(table, dict(failures), made, places)


def _with_own(table: Table, columns: list[int]) -> list[int]:
    """These columns and, for a level, the one of the baseline's own values (and the other way round), ascending."""
    at = {name: column for column, name in enumerate(table.names)}
    wanted = set(columns)
    for metric, own in BASELINE_OF.items():
        for k in {name.k for name in table.names if name.metric == metric}:
            pair = {at[Name(metric, k)], at[Name(own, k)]}
            if pair & wanted:
                wanted |= pair
    return sorted(wanted)
