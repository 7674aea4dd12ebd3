"""Rounds that are over, and what became of them: the series that alarms look at and learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.churn import ChurnStream

RoundReview = Literal["pending", "approved", "doubted"]
"""`pending`: nobody has said yet whether it was as it should be. `approved`: a gate or a person has; it is learnt
from. `doubted`: it came before an alarm or a FAIL; a person may approve it, a gate's PASS does not."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedRound:
    """One round, measured.

    Args:
        number: of the round, its beginning in lengths of a round since the epoch.
        span: rounds since the last one that was measured, 1 where none is missing; its churn is that of all of them
            together, divided by their number.
        seen: newest event time (microseconds) when it was closed.
        standing: whether it may be learnt from.
        streams: the series, in the order of the values.
        values: (S,) float64 X in [0, 1], NaN where a series was not measured.
    """

    number: int
    span: int
    seen: int
    standing: RoundReview
    streams: tuple[ChurnStream, ...]
    values: NDArray[np.float64]


def standing_as(
    rounds: Iterable[ClosedRound], standing: RoundReview, *, instead: Sequence[RoundReview], until: int | None = None
) -> tuple[ClosedRound, ...]:
    """The rounds, with another standing where they had one of `instead` and saw no event after `until`."""
    return tuple(
        replace(of, standing=standing) if of.standing in instead and (until is None or of.seen <= until) else of
        for of in rounds
    )
