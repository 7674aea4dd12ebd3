"""One segment in full: every measurement at the judged depth, both legs side by side, and what the rules say."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.words import number, place
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.judging.segment_verdicts import segment_verdicts
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import ALL, DriftReport, Measurement, SegmentSize, judged_depth

LEGS = ("dense", "lexical", "production", "both", "corpus")
OTHER_FAMILY = "Other"
Key = tuple[str, str, str]
"""Metric, statistic, leg."""
_FAMILY: Mapping[str, str] = {entry.name: title for title, entries in REGISTRY.families.items() for entry in entries}


@dataclass(frozen=True, slots=True)
class Value:
    """One measurement in words: its value, the baseline's own, and why it is not known or rests on fewer anchors."""

    text: str
    before: str = ""
    why: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One metric and statistic, with a value for each of the detail's legs; None where the leg has none."""

    metric: str
    stat: str
    meaning: str
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """A segment in full."""

    dimension: str
    segment: str
    name: str
    verdict: str
    depth: int
    size: SegmentSize | None
    legs: tuple[str, ...]
    families: tuple[tuple[str, tuple[MetricLine, ...]], ...]
    findings: tuple[Finding, ...]


def detail(report: DriftReport, verdict: Verdict, name: str, *, old: bool = False) -> Detail | None:
    """A segment by its name (`all`, or `dimension=value`); None where this report has none of that name.

    Args:
        report: the measurements.
        verdict: what the rules say of it.
        name: which segment.
        old: the input is stale: the verdict is unknown, whatever was measured then.
    """
    dimension, _, segment = ("", "", "") if not name else (ALL, "", ALL) if name == ALL else name.partition("=")
    verdicts = segment_verdicts(report, verdict, old=old)
    if (dimension, segment) not in verdicts:
        return None
    depth = judged_depth(report.measurements)
    found: dict[Key, Measurement] = {
        (of.metric, of.stat, of.leg): of
        for of in report.measurements
        if (of.dimension, of.segment) == (dimension, segment) and of.k in (0, depth)
    }
    legs = tuple(leg for leg in LEGS if any(key[2] == leg for key in found))
    return Detail(
        dimension=dimension,
        segment=segment,
        name=place(dimension, segment),
        verdict=verdicts[dimension, segment],
        depth=depth,
        size=next((of for of in report.segments if (of.dimension, of.segment) == (dimension, segment)), None),
        legs=legs,
        families=tuple(_families(found, legs)),
        findings=tuple(of for of in verdict.findings if (of.dimension, of.segment) == (dimension, segment)),
    )


def known_segments(report: DriftReport, most: int = 20) -> tuple[str, ...]:
    """Names of segments that `detail` knows, for people who asked for another."""
    places = dict.fromkeys((of.dimension, of.segment) for of in report.segments)
    places |= dict.fromkeys((of.dimension, of.segment) for of in report.measurements)
    return tuple(place(*at) for at in list(places)[:most])


def _families(
    found: Mapping[Key, Measurement], legs: tuple[str, ...]
) -> Iterator[tuple[str, tuple[MetricLine, ...]]]:
    grouped: dict[str, list[MetricLine]] = {}
    for metric, stat in dict.fromkeys((metric, stat) for metric, stat, _ in found):
        known = REGISTRY.entries.get(metric)
        values = tuple(_value(found.get((metric, stat, leg))) for leg in legs)
        family = grouped.setdefault(_FAMILY.get(metric, OTHER_FAMILY), [])
        said = not known or any(line.metric == metric for line in family)
        family.append(MetricLine(metric, stat, "" if said or known is None else known.help, values))
    for title in (*REGISTRY.families, OTHER_FAMILY):
        if title in grouped:
            yield title, tuple(grouped[title])


def _value(item: Measurement | None) -> Value | None:
    if item is None:
        return None
    if math.isnan(item.value):
        return Value("unknown", why=item.reason or "no value", known=False)
    before = "" if math.isnan(item.baseline) else number(item.baseline, item.metric)
    why = f"{item.n:,} of {item.expected:,}: {item.reason}" if item.n < item.expected else ""
    return Value(number(item.value, item.metric), before, why)


def detail_of(page: PageContext) -> Detail | None:
    """The segment that was asked for; None where none was, or the report has none of that name."""
    return detail(page.subject.report, page.subject.verdict, page.asked.segment, old=page.subject.old)


def _made(page: PageContext) -> Document | None:
    found = page.once(detail_of)
    return None if found is None else {"detail": found}


SECTION = PageSection("segment", "", "detail.html", _made)
