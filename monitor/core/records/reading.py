"""One number of one segment over the past, with what was allowed then: what every picture of it is made from."""

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

    @classmethod
    def of(
        cls, points: Sequence[HistoryPoint], dimension: str, segment: str, series: Series, names: Sequence[str]
    ) -> "Reading":
        """A series of one segment over some points."""
        pairs = [point.at(dimension, segment, series) for point in points]
        rows = [(point, point.row(dimension, segment)) for point in points]
        return cls(
            series,
            tuple(value for value, _ in pairs),
            tuple(limit for _, limit in pairs),
            tuple(names),
            tuple("" if row is None else point.verdicts[row] for point, row in rows),
        )

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
