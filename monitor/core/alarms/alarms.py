"""Alarms between deploys: rounds are closed, learnt from and looked at; what is kept of them is one immutable state.

A round is as long as the full replay's period, an hour at least, and begins at a multiple of that since the epoch.
It is closed when everything that arrived in it is measured. Each series (a segment on a leg) has the normal churn of
the round's class of hours, learnt from rounds that were approved; while too few of a class are, the series is
*learning* in it: such a round is no evidence for anything.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.budget import PageBudget
from monitor.core.alarms.churn import ChurnStream, ContentLists, WatchedSegments, churn
from monitor.core.alarms.detector import LEAST_NORMAL, grown, no_evidence, share_of_limit
from monitor.core.alarms.hours import HourClasses
from monitor.core.alarms.normal import normal_churn
from monitor.core.alarms.rounds import ClosedRound, standing_as
from monitor.core.alarms.state import NO_LOG10, Alarm, AlarmState, StreamEvidence, StreamState
from monitor.core.model.anchors import AnchorSet

ENOUGH = 48
"""Approved rounds of a class: with fewer the bound says next to nothing (48 rounds without churn: 0.07)."""
KEPT = 1_344
"""Rounds that are kept and learnt from: eight weeks of hours."""
MOST_SPAN = 24
"""Rounds without a measurement after which the next one begins anew: what moved meanwhile is no series."""
RAISED = 50
"""Newest alarms that are kept."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """How rounds become alarms. Pure: each method gives the next state.

    Args:
        budget: of false pages.
        hours: the classes of hours.
        watched: which segments.
        k: depth of the lists that are compared.
        setup: digest of the measuring set-up.
        length: seconds of a round.
        enough: approved rounds of a class from which on it is watched.
    """

    budget: PageBudget
    hours: HourClasses
    watched: WatchedSegments
    k: int
    setup: str = ""
    length: float = 3_600.0
    enough: int = ENOUGH

    def resumed(self, kept: AlarmState | None) -> AlarmState:
        """Where a state left off; anew where it was measured otherwise, as its rounds then say nothing of these."""
        if kept is None or (kept.setup, kept.length) != (self.setup, self.length):
            alarms = 0 if kept is None else kept.alarms
            return AlarmState(self.setup, self.length, alarms=alarms)
        return kept

    def over(self, seconds: float) -> int:
        """The number of the last round that is over at these seconds since the epoch."""
        return int(seconds // self.length) - 1

    def closed(
        self, state: AlarmState, number: int, lists: ContentLists, anchors: AnchorSet, seen: int
    ) -> AlarmState:
        """After a round was measured.

        Rounds in which nothing could be measured are never closed: the next one that is spans them, and its churn is
        divided by their number, which is no more than the mean of theirs (swaps are a distance). It is held against
        the mean of what is normal in each. Over `MOST_SPAN` the series begins anew, as where the clock was set back.

        Args:
            state: before.
            number: of the round.
            lists: at its end.
            anchors: in use.
            seen: newest event time in the corpus, microseconds.
        """
        begun = replace(state, number=number, lists=lists, doubtful=False)
        if state.number is not None and number <= state.number:  # the clock was set back
            return replace(begun, rounds=tuple(of for of in state.rounds if of.number < number))
        if state.number is None or state.lists is None or number - state.number > MOST_SPAN:
            return begun
        span = number - state.number
        found = churn(state.lists, lists, anchors, self.watched)
        streams, values = tuple(found), np.array(list(found.values())) / span
        limit = self.budget.limit(max(1, len(streams)), self.length)
        names = [self.hours.at(at * self.length) for at in range(number - span + 1, number + 1)]
        known = self._normal(state.rounds, streams, names)
        evidence = dict(self._looked(state, (streams, values, known), names, limit))
        alarms = tuple(_alarms(evidence, number, math.log10(limit)))
        closed = ClosedRound(number, span, seen, "doubted" if state.doubtful else "pending", streams, values)
        rounds = _trimmed((*state.rounds, closed))
        return replace(
            begun,
            rounds=standing_as(rounds, "doubted", instead=("pending",)) if alarms else rounds,
            streams=MappingProxyType(evidence),
            limit_log10=math.log10(limit),
            raised=(*state.raised, *alarms)[-RAISED:],
            alarms=state.alarms + len(alarms),
        )

    def passed(self, state: AlarmState) -> AlarmState:
        """A deploy passed its gate: the rounds before it are approved, unless they are doubted."""
        return replace(state, rounds=standing_as(state.rounds, "approved", instead=("pending",)))

    def failed(self, state: AlarmState) -> AlarmState:
        """A deploy failed its gate: the rounds that led to it, and the one that runs, are not learnt from."""
        return replace(state, rounds=standing_as(state.rounds, "doubted", instead=("pending",)), doubtful=True)

    def approved(self, state: AlarmState, until: int) -> AlarmState:
        """A person approved a baseline: all rounds up to its event time are, and what speaks against them is void."""
        rounds = standing_as(state.rounds, "approved", instead=("pending", "doubted"), until=until)
        streams = {
            stream: replace(of, shares=no_evidence(), log10=min(NO_LOG10, of.log10), alarm=False)
            for stream, of in state.streams.items()
        }
        return replace(state, rounds=rounds, streams=MappingProxyType(streams))

    def counted(self, state: AlarmState) -> Mapping[str, int]:
        """Approved rounds by class of hours: what is learnt from."""
        names = [self.hours.at(of.number * self.length) for of in state.rounds if _learnt(of)]
        return {name: names.count(name) for name in self.hours.distinct}

    def _normal(
        self, rounds: Sequence[ClosedRound], streams: Sequence[ChurnStream], names: Sequence[str]
    ) -> NDArray[np.float64]:
        """(S,) mean over the spanned hours of what is normal in each; NaN where too little is approved of one."""
        total = np.zeros(len(streams))
        for name in set(names):
            learnt = [of for of in rounds if _learnt(of) and self.hours.at(of.number * self.length) == name]
            bounds = np.array([self._bound(column) for column in _columns(learnt, streams)])
            total += bounds * names.count(name)
        return total / len(names)

    def _bound(self, approved: NDArray[np.float64]) -> float:
        values = approved[~np.isnan(approved)]
        return max(LEAST_NORMAL, normal_churn(values)) if len(values) >= self.enough else math.nan

    def _looked(
        self,
        state: AlarmState,
        series: tuple[Sequence[ChurnStream], NDArray[np.float64], NDArray[np.float64]],
        names: Sequence[str],
        limit: float,
    ) -> Iterator[tuple[ChurnStream, StreamEvidence]]:
        hours = " + ".join(dict.fromkeys(names))
        for stream, value, normal in zip(*series, strict=True):
            before = state.streams.get(stream)
            shares = no_evidence() if before is None else before.shares
            x, m = float(value), float(normal)
            if math.isnan(x) or math.isnan(m):
                why: StreamState = "unmeasured" if math.isnan(x) else "learning"
                yield stream, StreamEvidence(shares, why, x, m, hours, math.nan)
                continue
            after = grown(shares, x, m, 1.0 / limit)
            share = float(share_of_limit(after))
            log10 = max(NO_LOG10, math.log10(share) + math.log10(limit))
            alarm = share >= 1.0
            yield stream, StreamEvidence(no_evidence() if alarm else after, "watched", x, m, hours, log10, alarm)


def _alarms(evidence: Mapping[ChurnStream, StreamEvidence], number: int, limit: float) -> Iterator[Alarm]:
    for stream, of in evidence.items():
        if of.alarm:
            yield Alarm(stream, number, of.hours, of.churn, of.normal, of.log10, limit)


def _trimmed(rounds: Sequence[ClosedRound]) -> tuple[ClosedRound, ...]:
    """The newest of those that are learnt from, and of those that may be."""
    kept = {of.number for group in (True, False) for of in [one for one in rounds if _learnt(one) is group][-KEPT:]}
    return tuple(of for of in rounds if of.number in kept)


def _learnt(of: ClosedRound) -> bool:
    """A round that stands for others: of several together nobody knows what each was."""
    return of.standing == "approved" and of.span == 1


def _columns(rounds: Sequence[ClosedRound], streams: Sequence[ChurnStream]) -> Iterator[NDArray[np.float64]]:
    """(n,) values of each series, NaN where a round has none."""
    table = np.full((len(streams), len(rounds)), np.nan)
    at = {stream: row for row, stream in enumerate(streams)}
    for column, of in enumerate(rounds):
        for stream, value in zip(of.streams, of.values.tolist(), strict=True):
            row = at.get(stream)
            if row is not None:
                table[row, column] = value
    yield from table
