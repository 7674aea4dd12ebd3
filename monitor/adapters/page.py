"""The page for people at `/`: self-contained HTML of the last published view, everything escaped."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.core.published import Published
from monitor.core.report import Measurement, Share

SHOWN = (
    ("collapsed_swaps", "mean", "swaps by content"),
    ("swaps", "mean", "swaps by id"),
    ("jaccard_ratio", "mean", "Jaccard"),
    ("rbo_ratio", "mean", "RBO"),
    ("top1_changed_ratio", "mean", "first result changed"),
    ("top1_score_drop", "p95", "score drop p95"),
)
"""Columns of the table: metric, statistic, heading."""
BLAMED = 5
"""Sources, and documents, named per leg."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TEMPLATES = Environment(
    loader=PackageLoader("monitor.adapters", "templates"), autoescape=True, undefined=StrictUndefined
)


def render_page(view: Published | None) -> str:
    """The page; before the first report it says that the state is being restored."""
    template = _TEMPLATES.get_template("page.html")
    if view is None:
        return template.render(view=None)
    return template.render(
        view=view,
        columns=SHOWN,
        rows=_rows(view),
        blame=_blame(view.report.blame),
        moment=_moment(view.report.now),
        deploys=[(entry, _moment(entry.event_time)) for entry in reversed(view.ledger[-30:])],
        findings=[found for found in view.verdict.findings if found.verdict != "pass"][:30],
    )


def _blame(shares: Sequence[Share]) -> list[Share]:
    """The heaviest few of each leg and level, sources before documents."""
    ordered = sorted(shares, key=lambda share: (share.leg, share.level != "source", share.level, -share.share))
    return [share for _, group in groupby(ordered, lambda one: (one.leg, one.level)) for share in [*group][:BLAMED]]


def _rows(view: Published) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """One row per leg, dimension and segment: the cells' text and their level, worst segments first."""
    cells: dict[tuple[str, str, str], dict[tuple[str, str], Measurement]] = {}
    depth = min((item.k for item in view.report.measurements if item.k), default=0)
    for item in view.report.measurements:
        if item.k in (0, depth) and item.leg in ("dense", "lexical"):
            place = cells.setdefault((item.leg, item.dimension, item.segment), {})
            place[item.metric, item.stat] = item
    made = []
    for (leg, dimension, segment), found in cells.items():
        worst = found.get(("collapsed_swaps", "mean"))
        line = [_cell(found.get((metric, stat)), depth) for metric, stat, _ in SHOWN]
        # What is not known may be the worst of all: it stands first.
        known = worst is not None and worst.value == worst.value
        made.append((worst.value if worst is not None and known else math.inf, (leg, dimension, segment, line)))
    made.sort(key=lambda pair: (pair[1][1] != "all", -pair[0], pair[1][:3]))
    return [row for _, row in made]


def _cell(item: Measurement | None, depth: int) -> tuple[str, str]:
    if item is None or item.value != item.value:
        return "unknown", "unknown"
    if item.metric.endswith("swaps") and depth:
        share = item.value / depth
    elif item.metric == "top1_changed_ratio":
        share = item.value
    elif item.metric == "jaccard_ratio":
        share = (1.0 - item.value) / (1.0 + item.value)  # s swaps of k are a Jaccard of (k - s) / (k + s)
    elif item.metric == "rbo_ratio":
        share = 1.0 - item.value
    else:
        share = 0.0
    level = "high" if share > 0.2 else "some" if share > 0.1 else "low" if share > 0.02 else "calm"
    return f"{item.value:.2f}" if item.metric.endswith("swaps") else f"{item.value:.3f}", level


def _moment(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M UTC")
