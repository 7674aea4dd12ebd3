"""What is asked of one leg's lists, and how the columns of per-anchor values that answer it are named."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.arrays_of import RankedArrays, arrays_of
from monitor.core.measures.formulas.ranking import PERSISTENCE
from monitor.core.model.lists import RankedLists

NOT_REPLAYED = "not_replayed"
DEPTH_NOT_KEPT = "depth_not_kept"
NOISE_GAP_UNKNOWN = "noise_gap_unknown"
TOO_FEW_RESULTS = "too_few_results"
FUSED_QUERY = "fused_query"
"""The served list is that of a fused query: what rests on scores of vectors, or on the exact list, has no value."""


class Name(NamedTuple):
    """A column: a metric, its depth (0 where no depth applies), and whether it holds the baseline's own values."""

    metric: str
    k: int
    own: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure.

    Args:
        depths: distinct depths k >= 1.
        persistence: p of the rank-biased overlap.
        noise_gap: p95 of the score change between two builds of the same index; None while unknown.
        score_threshold: production's threshold on the first score, None if there is none.
        gap_threshold: production's threshold on the gap, None if there is none.
        tie_eps: scores within it tie at the cut and are no churn; None: the lists are compared as they are.
    """

    depths: tuple[int, ...] = (10,)
    persistence: float = PERSISTENCE
    noise_gap: float | None = None
    score_threshold: float | None = None
    gap_threshold: float | None = None
    tie_eps: float | None = None

    def __post_init__(self) -> None:
        if not self.depths or min(self.depths) < 1 or len(set(self.depths)) != len(self.depths):
            message = f"measure: depths {self.depths}, expected one or more distinct depths from 1"
            raise ValueError(message)

    @property
    def watches_confidence(self) -> bool:
        """Whether production has a threshold that an anchor could cross."""
        return self.score_threshold is not None or self.gap_threshold is not None


@dataclass(frozen=True, slots=True, eq=False)
class ListPair:
    """One leg's lists of the same A anchors.

    Args:
        baseline: A lists.
        current: A lists; may have another depth.

    Raises:
        ValueError: if the numbers of anchors differ.
    """

    baseline: RankedLists
    current: RankedLists

    def __post_init__(self) -> None:
        if len(self.baseline) != len(self.current):
            message = f"measure: {len(self.baseline)} baseline lists, {len(self.current)} current ones"
            raise ValueError(message)

    @property
    def depth(self) -> int:
        """The deepest k at which the lists compare."""
        return min(self.baseline.depth, self.current.depth)

    def take(self, rows: NDArray[np.int64] | slice) -> "ListPair":
        """The same of some anchors."""
        return ListPair(self.baseline.take(rows), self.current.take(rows))

    def at(self, depth: int) -> "ListPair":
        """The same cut at a depth."""
        return ListPair(self.baseline.at(depth), self.current.at(depth))

    def compared(self) -> tuple[RankedLists, RankedLists]:
        """Both lists, each known only where the other is too."""
        known = self.baseline.known & self.current.known
        return replace(self.baseline, known=known), replace(self.current, known=known)


class PairRows:
    """Some anchors of a pair of lists: what is compiled looks at them where they stand, all else at a copy.

    Args:
        whole: the pair.
        rows: which anchors, all or (R,) int64.
    """

    def __init__(self, whole: ListPair, rows: NDArray[np.int64] | slice = slice(None)) -> None:
        self.whole, self.rows = whole, rows

    @cached_property
    def pair(self) -> ListPair:
        """Their lists."""
        return self.whole.take(self.rows)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """(R,) int64, the rows by number."""
        return np.arange(len(self.whole.current))[self.rows] if isinstance(self.rows, slice) else self.rows

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(R,) bool, where both lists are known."""
        known: NDArray[np.bool_] = (self.whole.baseline.known & self.whole.current.known)[self.rows]
        return known

    @cached_property
    def unknown(self) -> NDArray[np.int64]:
        """Places among the R where one of the lists is not known."""
        return np.flatnonzero(~self.known)

    @cached_property
    def arrays(self) -> tuple[RankedArrays, RankedArrays]:
        """Of the whole lists, then and now."""
        return arrays_of(self.whole.baseline), arrays_of(self.whole.current)
