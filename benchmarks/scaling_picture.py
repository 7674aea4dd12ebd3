"""Cost against size as a picture: a panel for each thing that grows, both axes logarithmic. Plain SVG."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#1f6f8b", "#c0392b", "#7fae7f", "#b8860b", "#6a4c93", "#444444", "#d2691e", "#2e8b57", "#999999")
LEFT, TOP, WIDTH, HEIGHT, BETWEEN, FOOT = 60, 70, 340, 260, 80, 50


@dataclass(frozen=True, slots=True)
class Panel:
    """One thing that grows.

    Args:
        title: what it is.
        points: its values, ascending, each with milliseconds by name.
    """

    title: str
    points: Sequence[tuple[int, Mapping[str, float]]]


def svg(panels: Sequence[Panel]) -> str:
    """The picture; panels share the axis of time."""
    shown = [panel for panel in panels if panel.points]
    names = list(dict.fromkeys(name for panel in shown for _, costs in panel.points for name in costs))
    every = [cost for panel in shown for _, costs in panel.points for cost in costs.values()]
    least, most = (math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))) if every else (0, 1)
    scale = least, max(most, least + 1)
    width = LEFT + len(shown) * (WIDTH + BETWEEN)
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + FOOT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="10" y="24" font-size="16" font-weight="bold">What a turn costs, milliseconds of one core</text>',
    ]
    for at, name in enumerate(names):
        x = 10 + at * 170
        made.append(f'<rect x="{x}" y="40" width="12" height="4" fill="{_colour(at)}"/>{_text(x + 18, 46, name)}')
    for at, panel in enumerate(shown):
        made += _panel(panel, names, LEFT + at * (WIDTH + BETWEEN), scale)
    return "\n".join([*made, "</svg>"]) + "\n"


def apart(title: str, panels: Sequence[Panel]) -> str:
    """Panels of different things, each with an axis and names of its own."""
    width, top = LEFT + len(panels) * (WIDTH + BETWEEN), 30
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + top + HEIGHT + FOOT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="10" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        f'<g transform="translate(0 {top})">',
    ]
    for at, panel in enumerate(panels):
        left = LEFT + at * (WIDTH + BETWEEN)
        names = list(dict.fromkeys(name for _, costs in panel.points for name in costs))
        every = [cost for _, costs in panel.points for cost in costs.values() if cost > 0]
        least = math.floor(math.log10(min(every)))
        scale = least, max(math.ceil(math.log10(max(every))), least + 1)
        for place, name in enumerate(names):
            x, y = left + place % 3 * 120, TOP - 42 + place // 3 * 14
            made.append(f'<rect x="{x}" y="{y - 6}" width="12" height="4" fill="{_colour(place)}"/>')
            made.append(_text(x + 18, y, name))
        made += _panel(panel, names, left, scale)
    return "\n".join([*made, "</g></svg>"]) + "\n"


def _panel(panel: Panel, names: Sequence[str], left: int, scale: tuple[int, int]) -> Iterator[str]:
    first, last = (math.log10(panel.points[at][0]) for at in (0, -1))
    wide = max(last - first, 1e-9)

    def x(value: float) -> float:
        return left + WIDTH * (math.log10(value) - first) / wide

    def y(value: float) -> float:
        return TOP + HEIGHT * (scale[1] - math.log10(value)) / (scale[1] - scale[0])

    for power in range(scale[0], scale[1] + 1):
        level = y(10.0**power)
        yield f'<line x1="{left}" x2="{left + WIDTH}" y1="{level:.1f}" y2="{level:.1f}" stroke="#dddddd"/>'
        yield _text(left - 6, level + 4, f"{10.0**power:g}", anchor="end")
    for value, _ in panel.points:
        yield _text(x(value), TOP + HEIGHT + 16, _short(value), anchor="middle")
    yield _text(left + WIDTH / 2, TOP + HEIGHT + 36, panel.title, anchor="middle")
    for at, name in enumerate(names):
        line = [(x(value), y(costs[name])) for value, costs in panel.points if name in costs]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in line)
        yield f'<polyline points="{path}" fill="none" stroke="{_colour(at)}" stroke-width="2"/>'
        for across, down in line:
            yield f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{_colour(at)}"/>'


def _colour(at: int) -> str:
    return COLOURS[at % len(COLOURS)]


def _short(value: int) -> str:
    if value >= 1_000_000:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1_000 else str(value)


def _text(x: float, y: float, said: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'
