"""A measure in one object: its name, what it is computed from and how, its statistics, its range, its meaning."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.entry import Metric

View = TypeVar("View")
"""What a measure is computed from, of some anchors or of all; see `monitor.core.measures.views`."""
Values = NDArray[np.float64]
Family = Literal[
    "Ranking stability",
    "Scores",
    "Confidence without labels",
    "With labels",
    "Index against corpus",
    "Production",
    "The corpus itself",
]
"""Under which title a measure is documented and shown."""
Group = Literal["lists", "said", "answers", "fates", "legs", "index", "held", "documents", "coverage", "labels",
                "ghosts", "dead", "rewrites", "pinned", "production"]  # fmt: skip
"""Columns that are computed from one view and stand together in a report."""
MEAN = ("mean",)


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a measure can have of one anchor, infinite where no bound is known.

    Args:
        low: the least.
        high: the greatest; times k where `per_depth`.
        per_depth: whether the measure counts results of a list, so that k bounds it.
    """

    low: float
    high: float
    per_depth: bool = False

    def at(self, k: int) -> tuple[float, float]:
        """The ends at one depth.

        >>> SHARE.at(10), COUNT.at(10)
        ((0.0, 1.0), (0.0, 10.0))
        """
        return self.low, self.high * k if self.per_depth else self.high


SHARE = Range(0.0, 1.0)
COUNT = Range(0.0, 1.0, per_depth=True)
"""Counts results of a list: 0 to k."""
CHANGE = Range(-1.0, 1.0)
"""A difference of two shares."""
UNBOUNDED = Range(-math.inf, math.inf)


class SegmentValues(NamedTuple):
    """What is measured of each of G segments, those of all dimensions, as a whole.

    Args:
        value: (G,) float64, NaN where not measurable.
        n: (G,) int64, anchors each rests on.
        known: (P,) bool, the anchors that could be measured.
        why: G reasons, of those that have no value although anchors are expected.
        then: (G,) float64, the baseline's own values; None where it has none.
        stat: the statistic's name.
    """

    value: Values
    n: NDArray[np.int64]
    known: NDArray[np.bool_]
    why: Sequence[str]
    then: Values | None = None
    stat: str = "mean"


class MissingReason(NamedTuple):
    """Instead of values: why no anchor at all has one."""

    text: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Computes a measure as one row of a matrix that its view works out in one go, for all measures that name it.

    Args:
        matrix: (view of R anchors, k) -> (m, R) float64, NaN where not measurable, or why none of it is.
        at: which row.
    """

    matrix: Callable[[Any, int], Values | MissingReason]
    at: int

    def __call__(self, view: Any, k: int) -> Values | MissingReason:
        """The row, as if it had been computed by itself."""
        found = self.matrix(view, k)
        if isinstance(found, MissingReason):
            return found
        row: Values = found[self.at]
        return row


@dataclass(frozen=True, slots=True)
class Need(Generic[View]):
    """What a measure is computed from. An anchor is measured anew when this changed for it, and only then.

    Args:
        name: of the input, distinct.
        group: which columns are computed from the same view.
    """

    name: str
    group: Group


@dataclass(frozen=True, slots=True)
class Measure(Metric, Generic[View]):
    """One measure, whole: everything that the product knows of it stands here.

    Args:
        family: under which title it is documented; None for what is judged only and not exported.
        needs: what it is computed from; None where it is no column of anchors: measured of a segment as a whole, or
            of the corpus or by the attribution, and then only described here.
        compute: (view of R anchors, k) -> (R,) float64, NaN where not measurable, or the Reason why none is. Each
            anchor's value depends on its own rows of the view alone. k is 0 where no depth applies.
        then: the baseline's own values, computed alike, where the measure has any.
        statistics: of the anchors of a segment, exported: `mean`, `p05`, `p50`, `p95`.
        range: the values of one anchor; what a rule may assume of anchors that were not measured.
        better: which way is good, where one is.
        deep: whether a depth k applies.
        percent: whether people read it as a share of the anchors, in per cent.
        only_if: whether a comparison has it at all, by its view; None: always.
        by_segment: (`SegmentsView` of one leg, k) -> what is no statistic of the anchors' values but measured of each
            segment as a whole, when somebody looks at the report; None where nothing is.
    """

    family: Family | None = None
    needs: Need[View] | None = None
    compute: Callable[[View, int], Values | MissingReason] | None = None
    then: Callable[[View, int], Values | MissingReason] | None = None
    statistics: tuple[str, ...] = MEAN
    range: Range = UNBOUNDED
    better: Literal["lower", "higher"] | None = None
    deep: bool = True
    percent: bool = False
    only_if: Callable[[View], bool] | None = None
    by_segment: Callable[[Any, int], SegmentValues] | None = None

    def harm(self, value: float, k: int) -> float | None:
        """How bad a value is, 0 (best) to 1 (worst possible); None where the measure has no such scale.

        >>> Measure("swaps", "swaps", "", "", range=COUNT, better="lower").harm(2.0, 10)
        0.2
        >>> Measure("rbo_ratio", "ratio", "", "", range=SHARE, better="higher").harm(0.75, 10)
        0.25
        """
        low, high = self.range.at(k)
        if self.better is None or not math.isfinite(high - low) or high <= low:
            return None
        return (value - low if self.better == "lower" else high - value) / (high - low)


AnyMeasure = Measure[Any]
