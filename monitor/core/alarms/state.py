"""What is kept of rounds and alarms, and what is shown of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.churn import ChurnStream, ContentLists
from monitor.core.alarms.rounds import ClosedRound

StreamState = Literal["watched", "learning", "unmeasured"]
STREAM_STATES: tuple[StreamState, ...] = get_args(StreamState)
NO_LOG10 = -2.0
"""Below a hundredth evidence is none."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Evidence reached its limit.

    Args:
        stream: the segment and leg.
        number: of the round.
        hours: class of the round's hours, whose normal churn was taken.
        churn: of that round.
        normal: the bound it is held against.
        log10: logarithm of the evidence.
        limit_log10: of the limit.
    """

    stream: ChurnStream
    number: int
    hours: str
    churn: float
    normal: float
    log10: float
    limit_log10: float

    @property
    def said(self) -> str:
        """One line for people."""
        of = self.stream
        return (
            f"{of.leg} {of.dimension}={of.segment}: more churn than normal round after round, in the last one "
            f"{self.churn:.3f} of the results, normal in {self.hours!r} is at most {self.normal:.3f} "
            f"(evidence 10^{self.log10:.1f}, limit 10^{self.limit_log10:.1f})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class StreamEvidence:
    """What is known of one series after the last round.

    Args:
        shares: (5,) evidence by bet as shares of the limit, after an alarm 0.
        state: `watched`; `learning`: too few rounds of the class are approved; `unmeasured`: no churn is known.
        churn: X of the last round, NaN where it was not measured.
        normal: the bound it was held against, NaN while learning.
        hours: class of the round.
        log10: logarithm of the evidence, an alarm's own where it was one; NaN where the round said nothing.
        alarm: whether it reached its limit in this round.
    """

    shares: NDArray[np.float64]
    state: StreamState
    churn: float
    normal: float
    hours: str
    log10: float
    alarm: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AlarmState:
    """All that is kept between two rounds.

    Args:
        setup: digest of the measuring set-up; another one begins anew.
        length: seconds of a round.
        number: of the last round that was measured; None before the first.
        lists: at its end.
        rounds: kept, oldest first.
        streams: by series.
        limit_log10: logarithm of the limit in the last round, NaN before the first.
        raised: the newest alarms, oldest first.
        alarms: how many there were in all.
        doubtful: whether the round that runs holds a FAIL.
    """

    setup: str = ""
    length: float = 3_600.0
    number: int | None = None
    lists: ContentLists | None = None
    rounds: tuple[ClosedRound, ...] = ()
    streams: Mapping[ChurnStream, StreamEvidence] = field(default_factory=lambda: MappingProxyType({}))
    limit_log10: float = math.nan
    raised: tuple[Alarm, ...] = ()
    alarms: int = 0
    doubtful: bool = False

    def newly(self, before: "AlarmState") -> Sequence[Alarm]:
        """The alarms that an earlier state had not raised yet."""
        return self.raised[len(self.raised) - min(self.alarms - before.alarms, len(self.raised)) :]


@dataclass(frozen=True, slots=True, eq=False)
class AlarmView:
    """What is shown of alarms between deploys.

    Args:
        state: after the last round.
        pages: b, false pages in `seconds`.
        seconds: T.
        approved: approved rounds by class of hours.
        enough: of a class, from which on it is watched.
    """

    state: AlarmState
    pages: float
    seconds: float
    approved: Mapping[str, int]
    enough: int

    @property
    def ended(self) -> float:
        """When the last measured round ended, seconds since the epoch; NaN before the first."""
        return math.nan if self.state.number is None else (self.state.number + 1) * self.state.length

    def counted(self) -> Mapping[StreamState, int]:
        """How many series are watched, learning and unmeasured."""
        states = [of.state for of in self.state.streams.values()]
        return {name: states.count(name) for name in STREAM_STATES}
