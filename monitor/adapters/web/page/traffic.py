"""The page's section on traffic: what the anchors represent of it, what is new in it, what left it."""

import math
from dataclasses import dataclass
from shlex import quote

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.heat import Shade
from monitor.adapters.web.page.words import percent, place
from monitor.core.traffic.coverage import CoverageFigure
from monitor.core.traffic.shares import ShareEstimate
from monitor.core.traffic.view import TrafficView

_SEGMENTS = 12
_PROPOSALS = 12
_VERDICTS = {
    "covered": "The anchors speak for the traffic.",
    "undecided": "Whether the anchors speak for the traffic cannot be told yet: more clients decide it.",
    "behind": "The anchors no longer speak for the traffic.",
    "unknown": "Whether the anchors speak for the traffic is unknown: none was read, or too little of it is judged.",
}
_SHADES: dict[str, Shade] = {"behind": "high", "covered": "calm", "undecided": "some"}


@dataclass(frozen=True, slots=True)
class TrafficLine:
    """One share: of what, its value, its interval, a shade."""

    name: str
    value: str
    interval: str
    shade: Shade


def traffic_lines(of: TrafficView) -> tuple[TrafficLine, ...]:
    """All traffic first, then the segments that the anchors speak least for; then what nobody asked before."""
    first, rest = of.coverage[:1], sorted(of.coverage[1:], key=_worst)
    covered = (_line(_name(one), of.share(one.dimension, one.segment, one.weight), of) for one in (*first, *rest))
    unseen = of.unseen
    new = TrafficLine("Never asked in the window, of coming queries", _said(unseen.share), _bounds(unseen), "unknown")
    return (*list(covered)[:_SEGMENTS], new)


def _worst(of: CoverageFigure) -> tuple[float, str, str]:
    return (math.inf if math.isnan(of.estimate.share) else of.estimate.share, of.dimension, of.segment)


def _name(of: CoverageFigure) -> str:
    return place(of.dimension, of.segment) + (", by value" if of.weight == "value" else "")


def _line(name: str, found: ShareEstimate, of: TrafficView) -> TrafficLine:
    shade: Shade = "unknown"
    if not math.isnan(found.share):
        shade = "high" if found.upper < of.least else "calm" if found.lower >= of.least else "some"
    return TrafficLine(name, _said(found.share), _bounds(found), shade)


def _said(share: float) -> str:
    return "unknown" if math.isnan(share) else percent(share)


def _bounds(of: ShareEstimate) -> str:
    return "" if math.isnan(of.share) else f"{percent(of.lower)} to {percent(of.upper)}"


def _made(page: PageContext) -> Document | None:
    of = page.view.traffic
    if of is None or page.asked.deploy:
        return None
    return {
        "traffic": of,
        "traffic_said": _VERDICTS[of.verdict],
        "traffic_shade": _SHADES.get(of.verdict, "unknown"),
        "traffic_lines": traffic_lines(of),
        "traffic_proposals": of.proposals[:_PROPOSALS],
        "config": quote(page.config),
        "traffic_more": max(0, len(of.proposals) - _PROPOSALS),
    }


SECTION = PageSection("traffic", "Anchors and traffic", "traffic.html", _made)
