"""A segment's own page: each headline measure over all kept deploys and hours, with its limit and its figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapters.web.page.charts import Chart, over_deploys, over_hours, past_table
from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.detail import detail_of
from monitor.adapters.web.page.over_time import TITLES, chosen_at, legs_of, past_of
from monitor.adapters.web.page.words import number, shown
from monitor.core.measures.registry import REGISTRY
from monitor.core.records.history import HEADLINES, HistoryPoint, Series

FIGURES = 20
"""Newest deploys in the table of figures."""


@dataclass(frozen=True, slots=True)
class MeasurePast:
    """One measure: its pictures by leg, over deploys and over hours; those that know nothing are left out."""

    metric: str
    title: str
    meaning: str
    legs: tuple[tuple[str, Chart | None, Chart | None], ...]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One deploy in the table of figures."""

    deploy_id: str
    verdict: str
    numbers: tuple[str, ...]


def _made(page: PageContext) -> Document | None:
    past, found = page.once(past_of), page.once(detail_of)
    if past is None or found is None:
        return None
    of = (found.dimension, found.segment)
    legs, at = legs_of([*past.deploys, *past.hours]), chosen_at(page, past.deploys)
    tables, made = (past_table(past.deploys), past_table(past.hours)), []
    for metric in HEADLINES:
        pictures = []
        for leg in legs:
            deploys, hours = (table.reading(*of, Series(metric, leg)) for table in tables)
            if deploys.known or hours.known:
                large = over_hours(hours, past.hours, past.deploys, large=True) if hours.known else None
                pictures.append((leg, over_deploys(deploys, large=True, chosen=at), large))
        if pictures:
            made.append(MeasurePast(metric, TITLES[metric], REGISTRY.entries[metric].help, tuple(pictures)))
    columns = [(metric, leg) for metric in HEADLINES for leg in legs if _in(past.deploys, Series(metric, leg))]
    return {
        "past": past,
        "measures": made,
        "columns": [(TITLES[metric], leg) for metric, leg in columns],
        "rows": [_figures(point, of, columns) for point in reversed(past.deploys[-FIGURES:])],
        "name": shown(found.name),
    }


def _in(points: Sequence[HistoryPoint], series: Series) -> bool:
    return any(series in point.series for point in points)


def _figures(point: HistoryPoint, of: tuple[str, str], columns: Sequence[tuple[str, str]]) -> FigureRow:
    row = point.row(*of)
    numbers = (number(point.at(*of, Series(metric, leg))[0], metric) for metric, leg in columns)
    return FigureRow(point.deploy_id, "unknown" if row is None else point.verdicts[row], tuple(numbers))


SECTION = PageSection("segment-past", "", "segment_past.html", _made)
