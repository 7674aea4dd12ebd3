"""Pictures as SVG text: pure functions from numbers to shapes, escaped, without script, style or words in them.

Words stand beside a picture, never inside it: a text browser shows them as they are, and a screen reader gets the
picture's label. Every picture fills the width it is given, so strokes keep their width (`vector-effect` in the
stylesheet) and a dot is a stroke without length.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup, escape

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to places; a value beyond the ends stands at the end.

    Args:
        low: the value at `start`.
        high: the value at `end`; equal to `low`, everything stands in the middle.
        start: a place in the picture.
        end: another one; below `start` to turn the axis around, as SVG's y does.

    >>> Scale(0.0, 10.0, 100.0, 0.0)(2.5), Scale(0.0, 10.0, 100.0, 0.0)(99.0), Scale(3.0, 3.0, 0.0, 8.0)(3.0)
    (75.0, 0.0, 4.0)
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value stands."""
        if not self.high > self.low:
            return (self.start + self.end) / 2
        part = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return self.start + part * (self.end - self.start)


def bounds(values: Iterable[float], *, least: float) -> tuple[float, float] | None:
    """The least and the greatest of the numbers that are known, at least so far apart; None where none is.

    >>> bounds([0.9, float("nan"), 1.0], least=0.02), bounds([2.0], least=0.5), bounds([], least=1.0)
    ((0.9, 1.0), (1.75, 2.25), None)
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    low, high = min(known), max(known)
    missing = max(0.0, least - (high - low)) / 2
    return low - missing, high + missing


def line(places: Sequence[Place | None]) -> str:
    """A path through places in order; None is a gap, and a place between two gaps is a dot.

    >>> line([(0, 1), (2, 3.14159), None, (4, 5)])
    'M0 1L2 3.14M4 5h0'
    """
    made = []
    for known, run in groupby(places, key=lambda place: place is not None):
        if known:
            points = [f"{_short(x)} {_short(y)}" for x, y in (place for place in run if place is not None)]
            made.append(f"M{'L'.join(points)}{'h0' if len(points) == 1 else ''}")
    return "".join(made)


def steps(places: Sequence[Place | None]) -> str:
    """A path that stays level from each place to halfway before the next: for a limit, which holds until it changes.

    >>> steps([(0, 5), (2, 5), (4, 1)])
    'M0 5H1H3V1H4'
    """
    made = []
    for known, run in groupby(places, key=lambda place: place is not None):
        level = [place for place in run if place is not None]
        if not known:
            continue
        (x, y), *_ = level
        path = f"M{_short(x)} {_short(y)}"
        for one, other in pairwise(level):
            path += f"H{_short((one[0] + other[0]) / 2)}" + ("" if one[1] == other[1] else f"V{_short(other[1])}")
        made.append(path + (f"H{_short(level[-1][0])}" if len(level) > 1 else "h0"))
    return "".join(made)


def dots(places: Iterable[Place]) -> str:
    """A path of strokes without length.

    >>> dots([(1, 2), (3, 4)])
    'M1 2h0M3 4h0'
    """
    return "".join(f"M{_short(x)} {_short(y)}h0" for x, y in places)


def crosses(places: Iterable[Place], half: Place) -> str:
    """A path of crosses, each so far from its middle in both directions.

    >>> crosses([(5, 5)], (1, 2))
    'M4 3l2 4m0-4l-2 4'
    """
    wide, high = _short(2 * half[0]), _short(2 * half[1])
    corners = ((_short(x - half[0]), _short(y - half[1])) for x, y in places)
    return "".join(f"M{x} {y}l{wide} {high}m0-{high}l-{wide} {high}" for x, y in corners)


def element(name: str, attributes: Mapping[str, object], *children: str) -> Markup:
    """An element; names are ours, values are escaped, an attribute of None or "" is left out.

    >>> str(element("path", {"class": "dense", "d": 'M"<'}))
    '<path class="dense" d="M&#34;&lt;"></path>'
    """
    given = "".join(
        f' {key}="{escape(_clean(str(value)))}"' for key, value in attributes.items() if value not in (None, "")
    )
    inside = "".join(child if isinstance(child, Markup) else str(escape(_clean(child))) for child in children)
    return Markup(f"<{name}{given}>{inside}</{name}>")  # noqa: S704 - each part is escaped


def picture(size: Place, label: str, shapes: Iterable[Markup], kind: str = "") -> Markup:
    """A picture that fills the width it is given.

    Args:
        size: width and height of its coordinates.
        label: what it shows, in words, for those who do not see it; "" where the words beside it say all of it.
        shapes: elements.
        kind: class of the stylesheet.
    """
    heard = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    given = {"class": kind, "viewBox": f"0 0 {_short(size[0])} {_short(size[1])}", "preserveAspectRatio": "none"}
    return element("svg", {**given, "focusable": "false", **heard}, *shapes)


def path(kind: str, of: str) -> Markup:
    """A path of a class; nothing for an empty one."""
    return element("path", {"class": kind, "d": of}) if of else Markup("")


def _short(number: float) -> str:
    """At most two digits after the point.

    >>> [_short(number) for number in (1.0, 2.345, -0.001)]
    ['1', '2.35', '0']
    """
    made = f"{number + 1e-9:.2f}".rstrip("0").rstrip(".")
    return "0" if made == "-0" else made


def _clean(text: str) -> str:
    """Without the characters that XML does not know, whatever a name holds."""
    return "".join(
        one
        if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
        else "\ufffd"
        for one in text
    )
