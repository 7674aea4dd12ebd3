"""How each segment moved over the last deploys and hours: one row a segment, a small picture a leg."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.web.page.charts import Chart, over_deploys, over_hours, past_table
from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.heat import heat_of
from monitor.adapters.web.page.words import place
from monitor.core.records.history import HEADLINES, HISTORY_LEGS, History, HistoryPoint, Series
from monitor.core.records.reading import PastTable

TIMELINE = 60
"""Newest deploys that a page reads: those of its timeline."""
DEPLOYS = 40
HOURS = 48
"""Newest points in a small picture."""
LARGE_DEPLOYS = 200
LARGE_HOURS = 336
"""Newest points in a segment's own pictures."""
ROWS = 24
"""Segments in view, the worst first; each of the others has its own page."""
TITLES = {
    "kept_answers_ratio": "Answers kept",
    "new_results": "New results",
    "collapsed_swaps": "Exchanged, by content",
    "swaps": "Exchanged, by id",
    "jaccard_ratio": "Jaccard",
    "rank_churn_ratio": "Rank churn",
}


@dataclass(frozen=True, slots=True)
class TrendCell:
    """One leg of a row: pictures over deploys and hours; None where there is none."""

    deploys: Chart | None
    hours: Chart | None


@dataclass(frozen=True, slots=True)
class TrendRow:
    """A segment and its pictures, one cell a leg."""

    dimension: str
    segment: str
    name: str
    cells: tuple[TrendCell, ...]


def past_of(page: PageContext) -> History | None:
    """The history that this page shows; None where nothing keeps one."""
    if page.service is None:
        return None
    large = bool(page.asked.segment)
    return page.service.history(LARGE_DEPLOYS if large else TIMELINE, LARGE_HOURS if large else HOURS)


def legs_of(points: Sequence[HistoryPoint]) -> tuple[str, ...]:
    """The legs that any point has a number of."""
    found = {series.leg for point in points for series in point.series}
    return tuple(leg for leg in HISTORY_LEGS if leg in found)


def chosen_at(page: PageContext, deploys: Sequence[HistoryPoint]) -> int | None:
    """Where the deploy stands that the page is about; None for none, and for one that is older than the picture."""
    names = [point.deploy_id for point in deploys]
    return names.index(page.subject.deploy_id) if page.subject.deploy_id in names else None


def _made(page: PageContext) -> Document | None:
    past = page.once(past_of)
    if past is None or page.asked.segment:
        return None
    metric = page.asked.measure if page.asked.measure in HEADLINES else judged_first(past)
    past = History(past.deploys[-DEPLOYS:], past.hours, past.approvals)
    legs = legs_of([*past.deploys, *past.hours])
    heat = page.once(heat_of)
    segments = [(row.dimension, row.segment) for row in (*heat.opened, *heat.folded)]
    at = chosen_at(page, past.deploys)
    tables = past_table(past.deploys), past_table(past.hours)
    return {
        "past": past,
        "legs": legs,
        "metric": metric,
        "titles": TITLES,
        "rows": [_row(past, tables, of, [Series(metric, leg) for leg in legs], at) for of in segments[:ROWS]],
        "left_out": max(0, len(segments) - ROWS),
        "asked_deploy": page.subject.deploy_id,
    }


def judged_first(past: History) -> str:
    """The first headline measure that the policy had a limit for at the newest point; the first where it had none."""
    newest = [*past.deploys[-1:], *past.hours[-1:]]
    limited = {
        of.metric for point in newest for of, row in zip(point.series, point.limits.T, strict=True) if _any(row)
    }
    return next((metric for metric in HEADLINES if metric in limited), HEADLINES[0])


def _any(limits: NDArray[np.float64]) -> bool:
    return not bool(np.isnan(limits).all())


def _row(
    past: History,
    tables: tuple[PastTable, PastTable],
    of: tuple[str, str],
    wanted: Sequence[Series],
    chosen: int | None,
) -> TrendRow:
    cells = []
    for series in wanted:
        deploys, hours = (table.reading(*of, series) for table in tables)
        cells.append(TrendCell(over_deploys(deploys, chosen=chosen), over_hours(hours, past.hours, past.deploys)))
    return TrendRow(*of, place(*of), tuple(cells))


SECTION = PageSection("over-time", "Over time", "over_time.html", _made)
