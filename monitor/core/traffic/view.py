"""The anchors beside the traffic, at one moment: everything that is said of it, with nothing that may not be said."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.model.report import ALL
from monitor.core.traffic.carrying import JudgementState
from monitor.core.traffic.coverage import AnchorTraffic, CoverageFigure, TrafficWeight
from monitor.core.traffic.intents import TrafficIntent
from monitor.core.traffic.leak import AnchorLeak
from monitor.core.traffic.panel import PanelBridge
from monitor.core.traffic.proposal import AnchorProposal
from monitor.core.traffic.rotation import PanelMonth
from monitor.core.traffic.shares import ShareEstimate

LEAST_JUDGED = 0.5
"""Share of the traffic that must be judged, or its coverage is unknown."""
UNKNOWN_SHARE = ShareEstimate(math.nan, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class TrafficLog:
    """How the log of traffic is read.

    Args:
        outcomes: records and queries by what became of them: `counted`, `ignored`, `not_sampled`, `too_old`,
            `no_words`, or why they were set aside.
        last_error: why the log, or the encoder, does not answer; one line, "" where it does.
        waiting: whether more lies in the log than was read by now.
    """

    outcomes: Mapping[str, int]
    last_error: str = ""
    waiting: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TrafficView:
    """What is known of the traffic of the last 28 days and the anchors.

    Args:
        newest: the newest day with traffic, days since the epoch; 0 where there is none.
        days: from the oldest kept day of the window to the newest.
        asks: queries counted in the window.
        clients: that asked them, the anonymous ones not counted.
        questions: distinct ones.
        sampled: the share of the clients that is looked at.
        legs: questions by the leg that judged them, "" for those that found nothing.
        judged: the share of the traffic of which it is known whether an anchor represents it.
        coverage: the shares that anchors represent; of all traffic first.
        unseen: the share of coming asks whose question nobody asked yet.
        anchors: by anchor, its share.
        divergence: by dimension, between the anchors' mix of segments and the traffic's, bits.
        log: how the log is read.
        intents: new ones that no anchor represents, largest first.
        leaks: anchors that stand elsewhere word for word.
        month: whose group of the panel is to be replaced; None where nobody asked.
        due: anchors of that group that still are; 0 once some of it came in that month.
        gap: between the anchors that may be seen and those that are held out; empty where none are.
        judgements: of the anchors, by what became of the judged chunk; empty where they have none.
        proposals: what a person may merge into the anchors.
        least: coverage below which the anchors no longer speak for the traffic.
    """

    newest: int
    days: int
    asks: int
    clients: int
    questions: int
    sampled: float
    legs: Mapping[str, int]
    judged: ShareEstimate
    coverage: tuple[CoverageFigure, ...]
    unseen: ShareEstimate
    anchors: tuple[AnchorTraffic, ...]
    divergence: Mapping[str, float]
    log: TrafficLog
    intents: tuple[TrafficIntent, ...] = ()
    leaks: tuple[AnchorLeak, ...] = ()
    month: PanelMonth | None = None
    due: int = 0
    gap: tuple[PanelBridge, ...] = ()
    judgements: Mapping[JudgementState, int] = field(default_factory=dict)
    proposals: tuple[AnchorProposal, ...] = ()
    least: float = 0.5

    def share(self, dimension: str = ALL, segment: str = ALL, weight: TrafficWeight = "asks") -> ShareEstimate:
        """The coverage of a segment; unknown where it has no traffic, or too little of all traffic is judged."""
        if not self.judged.share >= LEAST_JUDGED:
            return UNKNOWN_SHARE
        found = (of for of in self.coverage if (of.dimension, of.segment, of.weight) == (dimension, segment, weight))
        return next((of.estimate for of in found), UNKNOWN_SHARE)

    @property
    def verdict(self) -> str:
        """`covered`, `behind` where the whole interval lies below the least, `undecided`, or `unknown`."""
        found = self.share()
        if math.isnan(found.share):
            return "unknown"
        if found.upper < self.least:
            return "behind"
        return "covered" if found.lower >= self.least else "undecided"
