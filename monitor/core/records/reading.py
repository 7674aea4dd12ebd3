"""Numbers of one segment over the past, with what was allowed then: what every picture of them is made from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.measures.registry import REGISTRY
from monitor.core.records.history import HistoryPoint, Series

LEAST_SPAN = 0.02
"""Of an axis: noise below it is no mountain."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A series of one segment: what was measured at each point, and what was allowed then.

    Args:
        series: which measure on which leg.
        values: at each point, NaN where not known.
        limits: at each point, NaN where no rule judged it.
        names: of the points, for people.
        verdicts: of the segment at each point, "" where it was not there.
    """

    series: Series
    values: tuple[float, ...]
    limits: tuple[float, ...]
    names: tuple[str, ...]
    verdicts: tuple[str, ...]

    @property
    def rises(self) -> bool:
        """Whether more is better."""
        measure = REGISTRY.by_name.get(self.series.metric)
        return measure is not None and measure.better == "higher"

    @property
    def best(self) -> float:
        """The value of a corpus in which nothing moved."""
        return 1.0 if self.rises else 0.0

    @property
    def known(self) -> tuple[int, ...]:
        """Points whose value is known."""
        return tuple(at for at, value in enumerate(self.values) if not math.isnan(value))

    @property
    def worst(self) -> int | None:
        """The point with the worst value, the first of equal ones; None where nothing is known."""
        at = (min if self.rises else max)(self.known, key=lambda of: self.values[of], default=None)
        return None if at is None else int(at)

    @property
    def limit(self) -> float:
        """The newest limit there was, NaN for none."""
        return next((limit for limit in reversed(self.limits) if not math.isnan(limit)), math.nan)

    @property
    def beyond(self) -> tuple[int, ...]:
        """Points whose value is on the wrong side of the limit of then; unknown is on neither side.

        >>> Reading(Series("swaps", "dense"), (1.0, 3.0, float("nan")), (2.0,) * 3, (), ()).beyond
        (1,)
        """
        sides = zip(self.values, self.limits, strict=True)
        return tuple(
            at for at, (value, limit) in enumerate(sides) if (value < limit if self.rises else value > limit)
        )

    @property
    def axis(self) -> tuple[float, float]:
        """From the best value to whatever is furthest from it, limits among it: a limit far off makes noise small.

        >>> Reading(Series("swaps", "dense"), (0.5, 1.0), (2.0, 2.0), (), ()).axis
        (0.0, 2.0)
        """
        there = [of for of in (*self.values, *self.limits, self.best) if math.isfinite(of)]
        low, high = min(there), max(there)
        if high - low >= LEAST_SPAN:
            return low, high
        return (high - LEAST_SPAN, high) if self.rises else (low, low + LEAST_SPAN)


class PastTable:
    """Points made ready to be asked for many series: each asks for one place of each point.

    Args:
        points: deploys or hours, oldest first.
        names: of the points, for people.
    """

    def __init__(self, points: Sequence[HistoryPoint], names: Sequence[str]) -> None:
        self.points, self.names = points, tuple(names)
        self._rows = [{at: row for row, at in enumerate(point.segments)} for point in points]
        self._columns = [{series: column for column, series in enumerate(point.series)} for point in points]
        self._values = [point.values.tolist() for point in points]
        self._limits = [point.limits.tolist() for point in points]

    @property
    def series(self) -> frozenset[Series]:
        """Every series that any point has."""
        return frozenset(series for columns in self._columns for series in columns)

    def reading(self, dimension: str, segment: str, series: Series) -> Reading:
        """A series of one segment; NaN where a point does not have it."""
        at = (dimension, segment)
        values, limits, verdicts = [], [], []
        for point, rows, columns, known, allowed in zip(
            self.points, self._rows, self._columns, self._values, self._limits, strict=True
        ):
            row, column = rows.get(at), columns.get(series)
            there = row is not None and column is not None
            values.append(known[row][column] if there else math.nan)
            limits.append(allowed[row][column] if there else math.nan)
            verdicts.append("" if row is None else point.verdicts[row])
        return Reading(series, tuple(values), tuple(limits), self.names, tuple(verdicts))
