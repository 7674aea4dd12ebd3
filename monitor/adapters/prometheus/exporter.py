"""Prometheus: every measurement of the last report as text, rendered once per report from an immutable view."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric

from monitor import __version__
from monitor.adapters.prometheus.alarms import alarm_families
from monitor.adapters.prometheus.blame import blame_families, cause_families
from monitor.adapters.prometheus.engine import anchors_families, audit_families, engine_families, folded_families
from monitor.adapters.prometheus.families import counter, gauge, histogram, info, plain
from monitor.adapters.prometheus.kept_lines import KeptMeasurements, KeptParts, KeptVerdicts, Part
from monitor.adapters.prometheus.migration import migration_families
from monitor.adapters.prometheus.production import production_families
from monitor.adapters.prometheus.shards import shard_families
from monitor.adapters.prometheus.text import page_text
from monitor.adapters.prometheus.traffic import panel_families, traffic_families
from monitor.core.alarms.state import AlarmState
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Finding
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.events import Partition
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import CauseName, DriftReport, Measurement
from monitor.core.records.published import Published
from monitor.ports import FaultKind

_UNTOLD: tuple[CauseName, ...] = ("PRODUCTION",)
"""Classes of causes that nothing can tell where production is neither asked nor overheard."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERSIONS = "embedding_version_chunks"
"""The one measurement that has its segment as a label of its own."""
VERDICTS = ("pass", "fail", "inconclusive", "unknown")
COUNTERS = {
    "events": "events",
    "quarantined": "quarantined",
    "stream": "stream_faults",
    "doubtful": "doubtful_events",
}
"""Family of a stored counter -> metric."""


class MetricsPage:
    """The text of /metrics, rendered on the first scrape of a view and kept until the next view.

    What the report says is by far the most: it is rendered once per report, and of that only the lines that moved.
    The monitor's own health, a few dozen series, is rendered once per view.

    Args:
        registry: what may be exported, and how it is described.
    """

    def __init__(self, registry: MeasureRegistry = REGISTRY) -> None:
        self._measured = KeptMeasurements(lambda items: _measurements(items, registry), (_ANCHORS, _counted))
        self._ruled = KeptVerdicts(_rules)
        self._parts = KeptParts()
        self._report: tuple[DriftReport, tuple[Finding, ...], AlarmState | None, bytes] | None = None
        self._rendered: tuple[Published, bytes] | None = None

    def render(self, view: Published | None) -> bytes:
        """The page; before the first report only what is known without one."""
        if view is None:
            return page_text(_starting())
        kept = self._rendered
        if kept is not None and kept[0] is view:
            return kept[1]
        text = self._report_text(view) + self._parts.text(_alive(view)).encode()
        self._rendered = (view, text)
        return text

    def _report_text(self, view: Published) -> bytes:
        kept, alarms = self._report, None if view.alarms is None else view.alarms.state
        if kept is not None and kept[0] is view.report and kept[1] is view.verdict.findings and kept[2] is alarms:
            return kept[3]
        measured, ruled = self._measured.text(view.report.measurements), self._ruled.text(view.verdict.findings)
        text = "".join((measured, ruled, self._parts.text(_circumstances(view)))).encode()
        self._report = (view.report, view.verdict.findings, alarms, text)
        return text


def _starting() -> Iterator[Metric]:
    yield info("build", version=__version__)
    yield _verdict_family("unknown")


def reported(view: Published, registry: MeasureRegistry = REGISTRY) -> Iterator[Metric]:
    """What depends on the report, its findings and the last round alone."""
    yield from _measurements(view.report.measurements, registry)
    yield _rules(view.verdict.findings)
    yield from _families(_circumstances(view))


def alive(view: Published) -> Iterator[Metric]:
    """What moves from view to view of one report."""
    yield from _families(_alive(view))


def _families(parts: Iterable[Part]) -> Iterator[Metric]:
    for part in parts:
        yield from part.families()


def _circumstances(view: Published) -> Iterator[Part]:
    """Of a report what stands beside measurements and rules."""
    report, untold = view.report, _UNTOLD if view.health.production is None else ()
    around = report.segments, report.changed_anchors, report.problems, report.baseline
    yield Part("around", around, lambda: _around(view))
    yield Part("blame", report.blame, lambda: blame_families(report.blame))
    yield Part("alarms", view.alarms, lambda: alarm_families(view.alarms))
    compared = report.baseline is not None
    yield Part(
        "causes",
        (report.causes, compared, untold),
        lambda: cause_families(report.causes, compared=compared, without=untold),
    )
    # Not the bare name: measurements per segment have it, and one page may not hold a family twice.
    yield Part("corpus", None, lambda: (plain(f"corpus_{name}", value) for name, value in report.corpus.items()))


def _alive(view: Published) -> Iterator[Part]:
    """What moves from view to view of one report."""
    health, last = view.health, view.ledger[-1:]
    yield Part("build", __version__, lambda: (info("build", version=__version__),))
    yield Part("verdict", view.verdict.verdict, lambda: (_verdict_family(view.verdict.verdict),))
    yield Part("last_deploy", last, lambda: _last_deploy(last))
    yield Part("counters", view.counters, lambda: _counters(view))
    yield Part("health", None, lambda: _health(view))
    yield Part("audits", health.audits, lambda: audit_families(health.audits))
    yield Part("engine", health.engine, lambda: engine_families(health.engine))
    yield Part("anchors", health.anchors, lambda: anchors_families(health.anchors))
    yield Part("shards", None, lambda: shard_families(health))
    yield Part("migration", view.assessment, lambda: migration_families(view.assessment))
    yield Part("production", health.production, lambda: production_families(health.production))
    yield Part("traffic", view.traffic, lambda: traffic_families(view.traffic))
    yield Part("panel", None, lambda: panel_families(view.bridges))


def _measurements(measurements: Sequence[Measurement], registry: MeasureRegistry) -> Iterator[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    measured = gauge(_ANCHORS)
    for item in measurements:
        family = families.get(item.metric)
        if family is None:
            family = families[item.metric] = gauge(item.metric, registry)
        if item.metric == VERSIONS:
            family.add_metric((item.segment,), item.value)
        else:
            family.add_metric((item.leg, str(item.k), item.dimension, item.segment, item.stat), item.value)
    yield from families.values()
    for at in _counted(measurements):
        item = measurements[at]
        measured.add_metric((item.leg, item.dimension, item.segment), item.n)
    yield measured


_ANCHORS = "measured_anchors"


def _counted(measurements: Sequence[Measurement]) -> Sequence[int]:
    """Which measurements say how many anchors were measured in each place: it is the same at every depth."""
    places: dict[tuple[str, str, str], int] = {}
    for at, item in enumerate(measurements):
        if item.metric == "swaps" and item.stat == "mean":
            places.setdefault((item.leg, item.dimension, item.segment), at)
    return list(places.values())


def _rules(findings: Sequence[Finding]) -> GaugeMetricFamily:
    rules = gauge("rule_verdict")
    for found in findings:
        for name in VERDICTS:
            labels = (found.rule, found.severity, found.leg, found.dimension, found.segment, name)
            rules.add_metric(labels, float(name == found.verdict))
    return rules


def _around(view: Published) -> Iterator[Metric]:
    anchors = gauge("segment_anchors")
    for size in view.report.segments:
        anchors.add_metric((size.dimension, size.segment, str(size.watched).lower()), size.anchors)
    yield anchors
    yield from folded_families(view.report.segments)
    yield plain("changed_anchors", view.report.changed_anchors)
    yield _problems(view.report.problems)
    baseline = view.report.baseline
    if baseline is not None:
        yield plain("baseline_timestamp_seconds", baseline.captured_event_time / 1e6)


def _problems(problems: Iterable[Problem]) -> GaugeMetricFamily:
    """Every kind from 0 on, so that it is known to be absent."""
    counted, family = Counter(problem.kind for problem in problems), gauge("problems")
    for kind in ProblemKind:
        family.add_metric((kind.value,), counted[kind])
    return family


def _last_deploy(ledger: Sequence[Judged]) -> Iterator[Metric]:
    for last in ledger:
        yield info("last_deploy", deploy=last.deploy_id, verdict=last.verdict)
        yield plain("last_deploy_timestamp_seconds", last.event_time / 1e6)


def _verdict_family(verdict: str) -> GaugeMetricFamily:
    family = gauge("verdict")
    for name in VERDICTS:
        family.add_metric((name,), float(name == verdict))
    return family


def _counters(view: Published) -> Iterator[Metric]:
    families = {name: counter(metric) for name, metric in COUNTERS.items()}
    # From 0 on: a counter that appears with its first fault never rose, for whoever asks by how much it rose.
    none: dict[tuple[str, ...], int] = {("stream", kind): 0 for kind in get_args(FaultKind)}
    none |= {("events", kind, "stale"): 0 for kind in ("upsert", "delete")}
    for (name, *labels), value in sorted((none | dict(view.counters)).items()):
        if name in families:
            families[name].add_metric(labels, value)
    yield from families.values()
    yield plain("open_gaps", view.counters.get(("open_gaps",), 0))


def _lag(view: Published) -> GaugeMetricFamily:
    """The lag of every partition ever read; NaN where it is not known: a series that vanishes says nothing."""
    read = dict.fromkeys(map(Partition.of, view.report.positions), math.nan)
    family = gauge("lag_events")
    for part, behind in sorted({**read, **(view.health.lag or {})}.items()):
        family.add_metric((part.topic, str(part.partition)), float(behind))
    return family


def _health(view: Published) -> Iterator[Metric]:
    health = view.health
    for name, value in (
        ("last_turn", health.turned),
        ("last_event", health.last_event),
        ("last_report", health.last_report),
        ("last_full_replay", health.last_full_replay),
        ("last_commit", health.last_commit),
    ):
        yield plain(f"{name}_timestamp_seconds", value or math.nan)
    yield plain("input_stale", float(view.verdict is not view.own and view.verdict != view.own))
    yield plain("newest_event_timestamp_seconds", view.report.now / 1e6)
    yield _lag(view)
    failures = gauge("replay_failures")
    for reason, count in sorted(health.failures.items()):
        failures.add_metric((reason,), count)
    yield failures
    yield plain("replayed_anchors", health.touched)
    yield plain("state_bytes", health.state_bytes)
    yield plain("open_barriers", len(health.waiting))
    yield plain("index_awaited", float(bool(health.awaited)))
    yield plain("index_points", math.nan if health.index_points is None else health.index_points)
    if health.foreign is not None:
        yield plain("foreign_results", health.foreign)
        yield plain("index_remarks", len(health.remarks))
    latencies = gauge("replay_latency_seconds")
    for stat, seconds in zip(("p50", "p95", "p99"), health.replay_latencies or (math.nan,) * 3, strict=True):
        latencies.add_metric((stat,), seconds)
    yield latencies
    if health.freshness is not None:
        yield histogram("freshness_seconds", health.freshness)
    yield histogram("batch_duration_seconds", health.batches)
    yield histogram("replay_duration_seconds", health.replays)
