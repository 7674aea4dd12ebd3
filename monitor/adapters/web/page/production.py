"""The page's section on production: what users get from the whole retriever, beside its baseline and the legs."""

import math
from dataclasses import dataclass

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.heat import Shade, shade
from monitor.adapters.web.page.words import number, percent
from monitor.core.measures.production import LEG_OFF
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import ALL, DriftReport, Measurement, judged_depth

_SHOWN = (
    ("kept_answers_ratio", "Answers kept", "anchors whose first answer is still served"),
    ("collapsed_swaps", "Results exchanged", "mean, by content"),
    ("production_noise_swaps", "Exchanged without any change", "between two calls: movement below it says nothing"),
    ("production_explained_ratio", "Found by either leg", "share of what is served; the rest the legs do not list"),
    ("production_dense_ratio", "Found by the dense leg", "share of what is served"),
    ("production_lexical_ratio", "Found by the lexical leg", "share of what is served"),
    ("production_displacement", "Moved by reranking", "ranks, mean, from the better leg's"),
    ("production_unmapped_ratio", "No known chunk", "share of what is served: by id, text and likeness"),
    ("production_ghost_ratio", "Deleted chunks", "share of what is served although the events deleted it"),
    ("production_empty_ratio", "Answered with nothing", "anchors"),
)


@dataclass(frozen=True, slots=True)
class ProductionLine:
    """One number of production: its name, its value now and then, a shade, and what it means or why it is unknown."""

    name: str
    metric: str
    value: str
    before: str
    shade: Shade
    note: str


def production_lines(report: DriftReport) -> tuple[ProductionLine, ...]:
    """Over all anchors at the depth that is judged; nothing where production is neither asked nor overheard."""
    depth = judged_depth(report.measurements)
    found = {
        of.metric: of
        for of in report.measurements
        if of.leg == "production" and of.dimension == ALL and of.stat == "mean" and of.k in (0, depth)
    }
    on = {metric: of for metric, of in found.items() if of.reason != LEG_OFF}
    return tuple(_line(on[metric], depth, name, note) for metric, name, note in _SHOWN if metric in on)


def _line(of: Measurement, depth: int, name: str, note: str) -> ProductionLine:
    if math.isnan(of.value):
        return ProductionLine(name, of.metric, "unknown", "", "unknown", of.reason or "no value")
    before = "" if math.isnan(of.baseline) else _said(of.metric, of.baseline)
    missing = f"; of {of.n:,} of {of.expected:,} anchors: {of.reason}" if of.n < of.expected and of.reason else ""
    return ProductionLine(name, of.metric, _said(of.metric, of.value), before, shade(of, depth), note + missing)


def _said(metric: str, value: float) -> str:
    return percent(value) if REGISTRY.by_name[metric].unit == "ratio" else number(value, metric)


def _made(page: PageContext) -> Document | None:
    lines = production_lines(page.subject.report)
    return {"production": lines} if lines else None


SECTION = PageSection("production", "Production", "production.html", _made)
