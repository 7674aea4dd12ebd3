"""The summary as a picture: a row for each class, a bar for each detector, coloured by verdict. Plain SVG."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.lab.score import CLASSES, Cell, Class

COLOURS: Mapping[str, str] = {
    "fail": "#c0392b",
    "inconclusive": "#e0a030",
    "unknown": "#8e8e8e",
    "error": "#5b2c6f",
    "pass": "#7fae7f",
}
LEFT, TOP, BAR, GAP, WIDTH, LABEL = 250, 70, 11, 3, 360, 118


def svg(detectors: Sequence[str], cells: Mapping[Class, Mapping[str, Cell]]) -> str:
    """The picture.

    Args:
        detectors: names, in the order of bars.
        cells: counts by class and detector.
    """
    band = len(detectors) * (BAR + GAP) + 16
    height = TOP + len(cells) * band + 10
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + LABEL + WIDTH + 30} {height}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="10" y="24" font-size="16" font-weight="bold">Verdicts by what really happened</text>',
        *_legend(),
    ]
    for row, (of, found) in enumerate(cells.items()):
        y = TOP + row * band
        runs = max((one.runs for one in found.values()), default=0)
        made.append(_text(10, y + 12, f"{CLASSES[of]}", bold=True))
        made.append(_text(10, y + 27, f"{runs} deploys; {_wanted(of)}"))
        for at, name in enumerate(detectors):
            if name in found:
                made += _bar(y + at * (BAR + GAP), name, found[name])
    return "\n".join([*made, "</svg>"]) + "\n"


def _wanted(of: Class) -> str:
    if of in {"severe", "loss", "incident"}:
        return "red is right"
    return "either is arguable" if of in {"small", "exchanged", "eroded"} else "green is right"


def _legend() -> list[str]:
    made, x = [], LEFT + LABEL
    for name, colour in COLOURS.items():
        if name != "error":
            made.append(f'<rect x="{x}" y="38" width="10" height="10" fill="{colour}"/>')
            made.append(_text(x + 14, 47, name.upper()))
            x += 95
    return made


def _bar(y: int, name: str, cell: Cell) -> list[str]:
    made = [f'<text x="{LEFT + LABEL - 6}" y="{y + 10}" text-anchor="end">{escape(name)}</text>']
    x = float(LEFT + LABEL)
    for verdict, colour in COLOURS.items():
        width = WIDTH * cell.share(verdict)
        if width > 0:
            made.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>')
            x += width
    return made


def _text(x: int, y: int, said: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{escape(said)}</text>'
