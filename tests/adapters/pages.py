"""Reading a page as a browser would: tags in order and closed as opened, tables by rows, addresses, visible text."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

from monitor.adapters.web.page.render import PageData, PageQuery, render_page
from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Rule, Severity
from monitor.core.model.report import Leg, Measurement, SegmentSize
from monitor.core.records.published import Published
from tests.adapters.views import measurement, view

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
BLOCKS = {"dt", "dd", "li", "p", "td", "th", "h1", "h2", "h3", "h4", "summary", "title"}
DIMENSIONS = ("source", "language", "doc_type", "domain")
METRICS = (
    ("kept_answers_ratio", "mean", -0.05),
    ("gone_answers_ratio", "mean", 0.03),
    ("displaced_answers_ratio", "mean", 0.02),
    ("new_first_ratio", "mean", 0.1),
    ("new_results", "mean", 1.0),
    ("top1_score_drop", "p95", 0.02),
)
"""Metric, statistic, and how much it changes for each new result; shares that fall begin at 1."""


class Reader(HTMLParser):
    """A page in parts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.classes: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.classes.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.classes[-1].append(str(dict(attrs).get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " " if tag in BLOCKS else ""

    def handle_data(self, data: str) -> None:
        self.text += " " if "style" in self.open else data
        if self.rows and ("td" in self.open or "th" in self.open):
            self.rows[-1][-1] += data

    def values(self, attribute: str, tag: str = "") -> list[str]:
        """Every value of an attribute, in order."""
        return [str(value) for of, name, value in self.attributes if name == attribute and tag in ("", of)]

    @property
    def words(self) -> str:
        """The text, white space folded."""
        return " ".join(self.text.split())


def read(shown: Published | None, asked: PageQuery | None = None, found: PageData | None = None) -> Reader:
    """The page of a view, read."""
    return Reader(render_page(shown, asked, found))


def moved(*places: tuple[str, str, float], k: int = 10) -> Published:
    """A judged view whose segments (dimension, segment) have so many new results; NaN: not measurable."""
    measured: list[Measurement] = []
    for dimension, segment, new in (("all", "all", 0.5), *places):
        for leg in ("dense", "lexical"):
            measured += _measured(dimension, segment, leg, new, k)
    sizes = tuple(SegmentSize(dimension, segment, 24, 24, True) for dimension, segment, _ in places)
    whole = SegmentSize("all", "all", 1_000, 1_000, True)
    made = view([])
    report = replace(made.report, measurements=tuple(measured), segments=(whole, *sizes))
    return judged(replace(made, report=report), k=k)


def judged(shown: Published, *, k: int = 10) -> Published:
    """The view with the verdict of a policy on new results and new first ones."""
    verdict = judge(_rules(k), shown.report)
    return replace(shown, own=verdict, verdict=verdict)


def _rules(k: int) -> list[Rule]:
    """Two new results in ten fail, one warns; a quarter of new first ones fails, in a segment it warns."""
    made = []
    legs: tuple[Leg, ...] = ("dense", "lexical")
    for leg, dimension in itertools.product(legs, ("all", *DIMENSIONS)):
        first: Severity = "critical" if dimension == "all" else "warning"
        new, new_first = "new_results", "new_first_ratio"
        named = f"{leg}-{dimension}"
        made += [
            Rule(f"new-{named}", new, leg, "mean", k, dimension, max=0.2 * k),
            Rule(f"new-warning-{named}", new, leg, "mean", k, dimension, max=0.1 * k, severity="warning"),
            Rule(f"first-{named}", new_first, leg, "mean", 0, dimension, max=0.25, severity=first),
        ]
    return made


def _measured(dimension: str, segment: str, leg: str, new: float, k: int) -> list[Measurement]:
    made = []
    for metric, stat, factor in METRICS:
        value = float(factor < 0.0) + factor * new
        lost = value != value
        fields = {"n": 0 if lost else 24, "expected": 24, "reason": "not_replayed: 24 x deadline" if lost else ""}
        depth = 0 if metric in ("top1_score_drop", "new_first_ratio") else k
        made.append(measurement(metric, segment, value, stat=stat, leg=leg, dimension=dimension, k=depth, **fields))
    return made


def crowd(segments: int, dimensions: Sequence[str] = DIMENSIONS) -> Published:
    """So many segments in each dimension, most of them calm, some failing, one unknown."""
    new = (4.2, float("nan"), 2.4, 1.4, 0.7)
    return moved(
        *(
            (dimension, f"{dimension}-segment-{at}", new[at] if at < len(new) else 0.01 * (at % 40))
            for dimension in dimensions
            for at in range(segments)
        )
    )
