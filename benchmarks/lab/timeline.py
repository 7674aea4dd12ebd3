"""A history as a picture: what each deploy lost, and the verdict on it, in both modes of the baseline. Plain SVG."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.lab.picture import COLOURS

HARM = {"none": "#9fb4c7", "loss": "#e08a2e", "severe": "#b3261e"}
LEFT, STEP, HEIGHT, LANE, TOP = 60, 6, 120, 210, 60
MOST = 1.0
"""The loss at the top of a lane."""
SAID = {
    "pinned": "Baseline pinned: each deploy against the first one, or the last one that was accepted",
    "previous-deploy": "Baseline moves on: each deploy against the last one that did not FAIL, or was accepted",
}


def svg(histories: Sequence[Mapping[str, Any]]) -> str:
    """The picture of one stream's histories, a lane each."""
    deploys = max(len(one["deploys"]) for one in histories)
    width, height = max(760, LEFT + deploys * STEP + 20), TOP + LANE * len(histories)
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(
            10, 24, f"{histories[0]['stream']}: {deploys} deploys, what each lost and what was said of it", size=15
        ),
        *_legend(),
    ]
    for row, one in enumerate(histories):
        made += _lane(one, TOP + row * LANE)
    return "\n".join([*made, "</svg>"]) + "\n"


def _legend() -> list[str]:
    made, x = [], 10
    said = {
        HARM["none"]: "no such loss", HARM["loss"]: "loss", HARM["severe"]: "severe",
        **{colour: f"{name.upper()} (dot)" for name, colour in COLOURS.items() if name != "error"},
    }  # fmt: skip
    for colour, name in said.items():
        made.append(f'<rect x="{x}" y="34" width="10" height="10" fill="{colour}"/>{_text(x + 14, 43, name)}')
        x += 24 + 7 * len(name)
    return made


def _lane(one: Mapping[str, Any], y: int) -> list[str]:
    base = y + 26 + HEIGHT
    made = [_text(10, y + 16, SAID[one["mode"]], bold=True)]
    for share in (0.0, 0.5, 1.0):
        at = base - share * HEIGHT / MOST
        made.append(f'<path d="M{LEFT - 4} {at:.1f}H{LEFT + len(one["deploys"]) * STEP}" stroke="#dddddd"/>')
        made.append(_text(10, at + 4, f"{100 * share:.0f} points"))
    for number, deploy in enumerate(one["deploys"]):
        made += _deploy(deploy, LEFT + number * STEP, base)
    end = LEFT + len(one["deploys"]) * STEP
    first, last = one["deploys"][0]["deploy"], one["deploys"][-1]["deploy"]
    made.append(_text(LEFT, base + 32, first))
    made.append(f'<text x="{end}" y="{base + 32}" text-anchor="end">{escape(last)}</text>')
    return made


def _deploy(deploy: Mapping[str, Any], x: int, base: int) -> list[str]:
    loss = deploy["worst"]
    points = max(0.0, loss["before"] - loss["after"])
    tall = min(points / MOST, 1.0) * HEIGHT
    where = f"{loss['leg']} {loss['segment']}"
    said = f"{deploy['deploy']}: {where} lost {100 * points:.0f} points; {deploy['verdict'].upper()}"
    bar = f'x="{x}" y="{base - tall:.1f}" width="{STEP - 1}" height="{max(tall, 0.5):.1f}"'
    return [
        f"<g><title>{escape(said)}</title>"
        f'<rect {bar} fill="{HARM[deploy["harm"]]}"/>'
        f'<circle cx="{x + STEP / 2 - 0.5}" cy="{base + 10}" r="2.4" fill="{COLOURS[deploy["verdict"]]}"/></g>'
    ]


def _text(x: float, y: float, said: str, *, bold: bool = False, size: int = 11) -> str:
    weight = ' font-weight="bold"' if bold or size > 11 else ""
    return f'<text x="{x}" y="{y:.0f}" font-size="{size}"{weight}>{escape(said)}</text>'
