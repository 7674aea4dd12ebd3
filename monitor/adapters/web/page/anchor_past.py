"""An anchor's own page: where each result stood over the last deploys, and what touched its lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from monitor.adapters.web.page import svg
from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.words import shown
from monitor.core.records.history import HISTORY_LEGS, AnchorPast, HistoryPoint, Track

DEPLOYS = 24
"""Newest deploys in a picture."""
COLUMNS = 8
"""Newest deploys in the table of positions."""
TOUCHES = 12
"""Newest times that a list changed."""
WIDTH, ROW = 600.0, 10.0


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result: its name, what became of it since the oldest deploy in the picture, its position at each deploy."""

    name: str
    chunk_id: str
    state: str
    positions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TouchLine:
    """One deploy that changed a list: what came and left, and which events stand in it."""

    deploy_id: str
    verdict: str
    said: str
    events: tuple[tuple[str, str, str], ...]
    """What each did, to which chunk, and where it stands in the stream."""
    more: int


@dataclass(frozen=True, slots=True)
class LegPast:
    """One leg's lists over deploys."""

    leg: str
    picture: Markup
    deploys: tuple[str, ...]
    """Of the columns of positions, oldest first."""
    listed: tuple[ResultRow, ...]
    """Results of the newest list, in order."""
    gone: tuple[ResultRow, ...]
    """Results that stood in a list and do not now."""
    touches: tuple[TouchLine, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """A deploy: its point and the list that stood then."""

    point: HistoryPoint
    track: Track | None

    @property
    def keys(self) -> tuple[int, ...] | None:
        return None if self.track is None else self.track.keys


def _made(page: PageContext) -> Document | None:
    if not page.asked.anchor or page.service is None:
        return None
    past = page.service.anchor_past(page.asked.anchor)
    legs = [made for leg in HISTORY_LEGS if (made := leg_past(past, leg)) is not None]
    return {"legs_past": legs, "name": shown(page.asked.anchor, 160)}


def leg_past(past: AnchorPast, leg: str) -> LegPast | None:
    """One leg of an anchor; None where nothing of it is kept."""
    tracks = [track for track in past.tracks if track.leg == leg]
    columns = _columns(past.points, tracks)[-DEPLOYS:]
    if not columns or all(column.track is None for column in columns):
        return None
    newest = columns[-1].keys or ()
    seen = dict.fromkeys(key for column in reversed(columns) for key in column.keys or ())
    gone = [key for key in seen if key not in newest]
    first = next((column.keys for column in columns if column.keys is not None), ())
    states = {key: "stayed" if key in first else "came" for key in newest} | dict.fromkeys(gone, "left")
    rows = {key: _row(key, states[key], columns[-COLUMNS:], past) for key in seen}
    return LegPast(
        leg=leg,
        picture=bump(columns_of(columns), states),
        deploys=tuple(shown(column.point.deploy_id, 24) for column in columns[-COLUMNS:]),
        listed=tuple(rows[key] for key in newest),
        gone=tuple(rows[key] for key in gone),
        touches=tuple(_touches(columns, tracks)[:TOUCHES]),
    )


def _columns(points: Sequence[HistoryPoint], tracks: Sequence[Track]) -> list[_Column]:
    """At each deploy the newest list that was there by then."""
    made, standing, at = [], None, 0
    for point in points:
        while at < len(tracks) and tracks[at].number <= point.number:
            standing, at = tracks[at], at + 1
        made.append(_Column(point, standing))
    return made


def columns_of(columns: Sequence[_Column]) -> list[tuple[str, tuple[int, ...] | None]]:
    """Question and list of each deploy."""
    return [("" if column.track is None else column.track.asked, column.keys) for column in columns]


def bump(columns: Sequence[tuple[str, tuple[int, ...] | None]], states: Mapping[int, str]) -> Markup:
    """Lines of positions over deploys, the first on top: solid for what stayed, bold for what came, dashed for left.

    Args:
        columns: at each deploy the question asked and the list, None where it is not known; another question begins
            new lines.
        states: `stayed`, `came` or `left` by result.
    """
    depth = max((len(keys) for _, keys in columns if keys is not None), default=0)
    across = svg.Scale(-0.5, len(columns) - 0.5, 0.0, WIDTH)
    shapes = []
    for state in ("left", "stayed", "came"):
        lines, ends = [], []
        for key in (key for key, of in states.items() if of == state):
            places: list[svg.Place | None] = []
            for at, (asked, keys) in enumerate(columns):
                if at and asked != columns[at - 1][0]:
                    places.append(None)
                there = keys is not None and key in keys
                places.append((across(at), ROW * (keys.index(key) + 0.5)) if keys is not None and there else None)
            lines.append(svg.line(places))
            ends += [place for place in places if place is not None]
        shapes += [svg.path(state, "".join(lines)), svg.path(f"{state} ends", svg.dots(ends))]
    label = f"positions of {len(states)} results over {len(columns)} deploys, in the table below"
    return svg.picture((WIDTH, max(1, depth) * ROW), label, shapes, "bump")


def _row(key: int, state: str, columns: Sequence[_Column], past: AnchorPast) -> ResultRow:
    named = past.names.get(key)
    positions = tuple(
        "?" if column.keys is None else str(column.keys.index(key) + 1) if key in column.keys else "-"
        for column in columns
    )
    name = "a chunk that is no longer known" if named is None else shown(named.chunk_id, 160)
    return ResultRow(name, "" if named is None else named.chunk_id, state, positions)


def _touches(columns: Sequence[_Column], tracks: Sequence[Track]) -> list[TouchLine]:
    """The times that the list changed, newest first; a list without a former one has not changed."""
    made = []
    shown_numbers = [column.point.number for column in columns]
    for former, track in pairwise(tracks):
        at = next((at for at, number in enumerate(shown_numbers) if number >= track.number), None)
        if at is None or track.number < shown_numbers[0]:
            continue
        point = columns[at].point
        events = tuple((touch.how, touch.chunk_id, touch.place) for touch in track.touches)
        said = _change(former, track)
        made.append(TouchLine(point.deploy_id, point.verdict, said, events, track.touched - len(events)))
    return made[::-1]


def _change(former: Track, track: Track) -> str:
    if former.asked != track.asked:
        return "the anchor asks something else since"
    if track.keys is None:
        return "the list could not be had"
    if former.keys is None:
        return "the list could be had again"
    came, left = len({*track.keys} - {*former.keys}), len({*former.keys} - {*track.keys})
    return f"{came} came, {left} left" if came or left else "results changed places"


SECTION = PageSection("anchor-past", "", "anchor_past.html", _made)
