"""The page's section on alarms between deploys: evidence by segment and leg, what is normal, what is not known."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.heat import Shade
from monitor.adapters.web.page.words import clock, percent, place
from monitor.core.alarms.churn import ChurnStream
from monitor.core.alarms.state import AlarmView, StreamEvidence
from monitor.core.text.wording import count_of, duration

MOST_ROWS = 12
"""Segments and legs that are shown, those with most evidence first."""
MOST_ALARMS = 10
_NEAR = 0.75
"""Of the limit's power of ten: from there on evidence is worth a look."""


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One segment on one leg: its evidence as a power of ten, churn in the last round, what is normal."""

    name: str
    leg: str
    evidence: str
    shade: Shade
    churn: str
    normal: str
    hours: str


@dataclass(frozen=True, slots=True)
class RaisedLine:
    """An alarm: the end of its round, and what it says."""

    at: str
    said: str


def evidence_lines(of: AlarmView) -> tuple[EvidenceLine, ...]:
    """Every series after the last round, most evidence first; what is not known stands before what is calm."""
    limit = of.state.limit_log10
    found = sorted(of.state.streams.items(), key=lambda pair: _order(*pair))
    return tuple(_line(stream, evidence, limit) for stream, evidence in found)


def _order(stream: ChurnStream, of: StreamEvidence) -> tuple[float, ChurnStream]:
    return (1.0 if math.isnan(of.log10) else -of.log10 if of.log10 > 1.0 else 2.0, stream)


def _line(stream: ChurnStream, of: StreamEvidence, limit: float) -> EvidenceLine:
    normal = "unknown" if math.isnan(of.normal) else f"at most {percent(of.normal)}"
    churn = "unknown" if math.isnan(of.churn) else percent(of.churn)
    name = "All anchors" if stream.dimension == "all" else place(stream.dimension, stream.segment)
    if of.state != "watched":
        said = "learning" if of.state == "learning" else "not measured"
        return EvidenceLine(name, stream.leg, said, "unknown", churn, normal, of.hours)
    shade: Shade = "high" if of.alarm else "some" if of.log10 >= _NEAR * limit else "calm"
    return EvidenceLine(name, stream.leg, f"10^{of.log10:.1f}", shade, churn, normal, of.hours)


def sentences(of: AlarmView) -> Iterator[str]:
    """What is to be said above the table."""
    state, counted = of.state, of.counted()
    if math.isnan(of.ended):
        yield "No round was measured yet: rounds begin with an approved baseline, at a full hour (UTC)."
        return
    yield f"The last measured round ended at {clock(of.ended)}."
    if not state.streams:
        return
    total = len(state.streams)
    yield f"It watches {counted['watched']:,} of {count_of(total, 'segment and leg', 'segments and legs')}."
    if counted["learning"]:
        yield f"{counted['learning']:,} still learn what is normal in these hours: no alarm can come from them."
    if counted["unmeasured"]:
        yield f"{counted['unmeasured']:,} could not be measured in it, which says nothing good of them."
    if not math.isnan(state.limit_log10):
        pages = f"{of.pages:g} false page{'s' * (of.pages != 1)} in {duration(of.seconds)}"
        limit = f"10^{state.limit_log10:.1f}"
        yield f"Evidence of {limit} is an alarm: it keeps the budget of {pages} over all of them."


def learning_said(of: AlarmView) -> str:
    """How many rounds are approved of each class of hours."""
    return ", ".join(f"{name}: {min(count, of.enough)} of {of.enough}" for name, count in of.approved.items())


def _made(page: PageContext) -> Document | None:
    of = page.view.alarms
    if of is None or page.subject.deploy_id:
        return None
    lines = evidence_lines(of)
    raised = [RaisedLine(clock((one.number + 1) * of.state.length), one.said) for one in of.state.raised]
    return {
        "sentences": tuple(sentences(of)),
        "lines": lines[:MOST_ROWS],
        "more": max(0, len(lines) - MOST_ROWS),
        "raised": raised[-MOST_ALARMS:][::-1],
        "learnt": learning_said(of),
    }


SECTION = PageSection("alarms", "Alarms", "alarms.html", _made)
