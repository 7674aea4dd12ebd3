"""Pictures of the past: a number over deploys or hours, with the policy's line, and its figures in words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitor.adapters.web.page import svg
from monitor.adapters.web.page.words import clock, number, shown
from monitor.core.records.history import HOUR, HistoryPoint
from monitor.core.records.reading import PastTable, Reading

MISSED = 1.5 * HOUR
"""Seconds between two hours beyond which nobody was there: a gap."""
SMALL: svg.Place = (120.0, 32.0)
LARGE: svg.Place = (600.0, 120.0)
EDGE = 4.0
"""Around the lines, so that no stroke is cut."""
MARKS = 14.0
"""Height of the row of verdicts below a large picture."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with what stands around it: ends of both axes, and its figures."""

    picture: Markup
    top: str
    bottom: str
    first: str
    last: str
    now: str
    said: str
    beyond: bool
    """Whether the newest value is beyond its limit."""


def past_table(points: Sequence[HistoryPoint]) -> PastTable:
    """Points made ready to be drawn, deploys named by their id and hours by their time."""
    return PastTable(points, [point.deploy_id if point.kind == "deploy" else _time(point) for point in points])


def over_deploys(of: Reading, *, large: bool = False, chosen: int | None = None) -> Chart | None:
    """A number over deploys, evenly spaced; None where there is no deploy.

    Args:
        of: the series.
        large: with a row of verdicts below.
        chosen: the deploy that the page is about.
    """
    count = len(of.values)
    if not count:
        return None
    places = [(at + 0.5) / count for at in range(count)]
    return _chart(of, places, large=large, lines=() if chosen is None else (places[chosen],))


def over_hours(
    of: Reading, points: Sequence[HistoryPoint], deploys: Sequence[HistoryPoint], *, large: bool = False
) -> Chart | None:
    """A number over hours, by the wall clock, with a line at each deploy; None where no hour was noted.

    Args:
        of: the series at these points.
        points: the hours.
        deploys: those whose time may be within.
        large: with names of the ends.
    """
    if not points:
        return None
    first, last = points[0].taken, points[-1].taken
    scale = svg.Scale(first, last, 0.0, 1.0)
    gaps = {at for at in range(1, len(points)) if points[at].taken - points[at - 1].taken > MISSED}
    lines = [scale(one.taken) for one in deploys if large and first <= one.taken <= last]
    return _chart(of, [scale(point.taken) for point in points], large=large, lines=lines, gaps=gaps)


def _chart(
    of: Reading,
    places: Sequence[float],
    *,
    large: bool,
    lines: Sequence[float] = (),
    gaps: "set[int] | frozenset[int]" = frozenset(),
) -> Chart:
    width, height = LARGE if large else SMALL
    floor = height - EDGE - (MARKS if large else 0.0)
    across = svg.Scale(0.0, 1.0, EDGE, width - EDGE)
    low, high = of.axis
    up = svg.Scale(low, high, floor, EDGE)
    xs = [across(place) for place in places]
    shapes = [svg.path("at", "".join(f"M{across(at):.2f} 0V{floor + EDGE:.2f}" for at in lines))]
    shapes.append(svg.path("limit", svg.steps(_split(_placed(xs, of.limits, up), gaps))))
    shapes.append(svg.path(of.series.leg, svg.line(_split(_placed(xs, of.values, up), gaps))))
    half = (4.0, 4.0) if large else (2.5, 2.5)
    shapes.append(svg.path("beyond", svg.crosses([(xs[at], up(of.values[at])) for at in of.beyond], half)))
    if large:
        shapes += _marks(xs, of.verdicts, height - MARKS / 2)
    metric = of.series.metric
    return Chart(
        picture=svg.picture((width, height), "", shapes, "large" if large else "small"),
        top=number(high, metric),
        bottom=number(low, metric),
        first=shown(of.names[0], 24),
        last=shown(of.names[-1], 24),
        now=number(of.values[-1], metric),
        said=figures(of, brief=not large),
        beyond=len(of.values) - 1 in of.beyond,
    )


def figures(of: Reading, *, brief: bool = False) -> str:
    """What a picture shows, in words: the worst value and where, the limit, what is beyond it, what is not known."""
    metric, worst = of.series.metric, of.worst
    if worst is None:
        return "nothing known"
    where = "" if brief else f" at {shown(of.names[worst], 40)}"
    said = [f"{'lowest' if of.rises else 'highest'} {number(of.values[worst], metric)}{where}"]
    said.append("no limit" if math.isnan(of.limit) else f"limit {number(of.limit, metric)}")
    if of.beyond:
        said.append(f"{len(of.beyond)} of {len(of.values)} beyond it")
    if len(of.known) < len(of.values):
        said.append(f"{len(of.values) - len(of.known)} unknown")
    return ", ".join(said)


def _placed(xs: Sequence[float], values: Sequence[float], up: svg.Scale) -> list[svg.Place | None]:
    return [None if math.isnan(value) else (x, up(value)) for x, value in zip(xs, values, strict=True)]


def _split(places: Sequence[svg.Place | None], gaps: "set[int] | frozenset[int]") -> list[svg.Place | None]:
    made: list[svg.Place | None] = []
    for at, place in enumerate(places):
        made += [None, place] if at in gaps else [place]
    return made


def _marks(xs: Sequence[float], verdicts: Sequence[str], y: float) -> list[Markup]:
    """A dot for a pass, a cross for a fail, a bar for what was not decided; nothing where nothing was judged."""

    def of(chosen: Callable[[str], bool]) -> list[svg.Place]:
        return [(x, y) for x, verdict in zip(xs, verdicts, strict=True) if chosen(verdict)]

    undecided = of(lambda verdict: verdict in ("unknown", "inconclusive", "warning"))
    return [
        svg.path("pass", svg.dots(of(lambda verdict: verdict == "pass"))),
        svg.path("fail", svg.crosses(of(lambda verdict: verdict == "fail"), (3.0, 3.5))),
        svg.path("odd", "".join(f"M{x - 3:.2f} {at:.2f}h6" for x, at in undecided)),
    ]


def _time(point: HistoryPoint) -> str:
    return clock(point.taken)[:16]
