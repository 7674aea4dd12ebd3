"""Segments by metrics: the heat table's rows with a verdict each, the worst first."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.words import number, place
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.judging.segment_verdicts import ORDER, segment_verdicts
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import ALL, DriftReport, Measurement, SegmentSize, judged_depth

Shade = Literal["calm", "low", "some", "high", "plain", "unknown", "absent"]
LEGS: tuple[Literal["dense", "lexical"], ...] = ("dense", "lexical")
SHADES: tuple[tuple[float, Shade], ...] = ((0.2, "high"), (0.1, "some"), (0.02, "low"))
"""Above this share of the list, or of the anchors, a cell has this shade."""
OPEN_ROWS = 16
"""Rows shown at once; more only where they are not calm."""
MOST_OPEN = 40
"""Rows shown at once in any case; the rest is folded away."""


@dataclass(frozen=True, slots=True)
class HeatColumn:
    """One metric, shown for both legs side by side."""

    metric: str
    stat: str
    heading: str
    note: str


COLUMNS = (
    HeatColumn("kept_answers_ratio", "mean", "Answers kept", "of anchors, in the list"),
    HeatColumn("gone_answers_ratio", "mean", "Answers gone", "nowhere any more"),
    HeatColumn("displaced_answers_ratio", "mean", "Answers displaced", "behind others"),
    HeatColumn("new_first_ratio", "mean", "New first result", "of anchors, by content"),
    HeatColumn("new_results", "mean", "New results", "mean, by content"),
)
"""What the default policy judges, the sharpest question first, and what became of the answers that were lost."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: its text, its shade, why it is unknown, and whether a critical rule fails on it."""

    text: str
    shade: Shade
    why: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """One segment. `cells` are dense, lexical for each of COLUMNS in turn; `harm` sorts, infinite where unknown."""

    dimension: str
    segment: str
    name: str
    verdict: str
    anchors: int | None
    cells: tuple[Cell, ...]
    harm: tuple[float, float]
    """Share of the answers that were lost, and results that are new, on the leg where that is more."""

    @property
    def unknown(self) -> str:
        """The one reason why nothing of it is known, "" where something is or the reasons differ."""
        reasons = {of.why if of.shade == "unknown" else "" for of in self.cells if of.shade != "absent"}
        return reasons.pop() if len(reasons) == 1 else ""


@dataclass(frozen=True, slots=True)
class Heatmap:
    """The table: rows in view, rows folded away, and what is only counted."""

    depth: int
    opened: tuple[HeatmapRow, ...]
    folded: tuple[HeatmapRow, ...]
    counts: tuple[tuple[str, int], ...]
    """Segments by verdict, the worst first; the row of all anchors is none."""
    quiet: tuple[tuple[str, int], ...]
    """The same of the rows folded away."""
    small: tuple[SegmentSize, ...]
    """Segments with too few anchors, measured together as `other`."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is said of all rows: the depth, the cells beyond a critical limit, verdicts and anchors by segment."""

    depth: int
    over: frozenset[tuple[str, str, int, str, str, str]]
    verdicts: Mapping[tuple[str, str], str]
    anchors: Mapping[tuple[str, str], int]


def heat(report: DriftReport, verdict: Verdict, *, old: bool = False) -> Heatmap:
    """The heat table of a report at the depth it is judged at.

    Args:
        report: the measurements.
        verdict: what the rules say of it.
        old: the input is stale: whatever was measured then, every segment is unknown now.
    """
    depth, verdicts = judged_depth(report.measurements), segment_verdicts(report, verdict, old=old)
    beyond = (found for found in verdict.findings if found.verdict == "fail" and found.severity == "critical")
    sizes = {(of.dimension, of.segment): of.anchors for of in report.segments}
    said = _Judged(depth, frozenset(_key(found) for found in beyond), verdicts, sizes)
    found: dict[tuple[str, str], dict[tuple[str, str, str], Measurement]] = {}
    for item in report.measurements:
        if item.leg in LEGS and item.k in (0, depth):
            found.setdefault((item.dimension, item.segment), {})[item.metric, item.stat, item.leg] = item
    rows = [_row(at, cells, said) for at, cells in found.items()]
    rows.sort(key=_rank)
    uneasy = sum(row.verdict in ORDER[:4] for row in rows)
    cut = min(MOST_OPEN, max(OPEN_ROWS, uneasy))
    return Heatmap(
        depth=depth,
        opened=tuple(rows[:cut]),
        folded=tuple(rows[cut:]),
        counts=_counts(rows),
        quiet=_counts(rows[cut:]),
        small=tuple(of for of in report.segments if not of.watched and of.dimension != ALL),
    )


def _counts(rows: Sequence[HeatmapRow]) -> tuple[tuple[str, int], ...]:
    counted = Counter(row.verdict for row in rows if row.dimension != ALL)
    return tuple((name, counted[name]) for name in ORDER if counted[name])


def _rank(row: HeatmapRow) -> tuple[bool, int, float, float, str, str]:
    """All anchors first, then the worst verdict, then the most answers lost, then the most new results."""
    lost, new = row.harm
    return row.dimension != ALL, ORDER.index(row.verdict), -lost, -new, row.dimension, row.segment


def _key(found: Finding | Measurement) -> tuple[str, str, int, str, str, str]:
    return found.metric, found.stat, found.k, found.leg, found.dimension, found.segment


def _row(at: tuple[str, str], found: Mapping[tuple[str, str, str], Measurement], said: _Judged) -> HeatmapRow:
    cells: list[Cell] = []
    for column in COLUMNS:
        for leg in LEGS:
            item = found.get((column.metric, column.stat, leg))
            cells.append(cell(item, said.depth, over=item is not None and _key(item) in said.over))
    harm = (-_least(found, "kept_answers_ratio", sign=1.0), -_least(found, "new_results", sign=-1.0))
    return HeatmapRow(*at, place(*at), said.verdicts[at], said.anchors.get(at), tuple(cells), harm)


def _least(found: Mapping[tuple[str, str, str], Measurement], metric: str, *, sign: float) -> float:
    """The worst leg's mean, where less is worse; minus infinity where any is unknown."""
    values = [item.value for leg in LEGS if (item := found.get((metric, "mean", leg))) is not None]
    return -math.inf if not values or any(math.isnan(value) for value in values) else min(sign * of for of in values)


def cell(item: Measurement | None, depth: int, *, over: bool = False) -> Cell:
    """One measurement as a cell; what is not known says why, and never has the shade of calm."""
    if item is None:
        return Cell("-", "absent", "not measured")
    if math.isnan(item.value):
        return Cell("unknown", "unknown", item.reason or "no value")
    why = f"of {item.n:,} anchors" if item.n < item.expected else ""
    return Cell(number(item.value, item.metric), shade(item, depth), why, over)


def shade(item: Measurement, depth: int) -> Shade:
    """How much of the list, or how many of the anchors, changed; `plain` for what has no such scale."""
    measure = REGISTRY.by_name.get(item.metric)
    harm = None if measure is None else measure.harm(item.value, depth)
    if harm is None:
        return "plain"
    return next((name for least, name in SHADES if harm > least), "calm")


def heat_of(page: PageContext) -> Heatmap:
    """The heat table of the report that is shown."""
    return heat(page.subject.report, page.subject.verdict, old=page.subject.old)


def _made(page: PageContext) -> Document:
    return {"heat": page.once(heat_of)}


SECTION = PageSection("segments", "Segments", "heat.html", _made)
