"""Prometheus: every measurement of the last report as text, rendered once per report from an immutable view."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.adapters.prometheus_engine import audit_families, engine_families, folded_families
from monitor.core.policy import Finding
from monitor.core.published import Durations, Published
from monitor.core.report import DriftReport, Measurement

PREFIX = "corpus_drift_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERDICTS = ("pass", "fail", "inconclusive", "unknown")
_LABELS = ("leg", "k", "dimension", "segment", "stat")
COUNTERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "events": ("events", ("kind", "reason"), "Events by kind and how they ended"),
    "quarantined": ("quarantined", ("reason",), "Records set aside, by reason"),
}
"""Family of a stored counter -> metric name, labels, help."""


class ReportCollector(Collector):
    """One view of the monitor as metric families; a segment that is gone is gone from the page."""

    def __init__(self, view: Published) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """Every family of the view."""
        yield from _reported(self._view)
        yield from _alive(self._view)


class MetricsPage:
    """The text of /metrics, rendered on the first scrape of a view and kept until the next view.

    What the report says is by far the most and is rendered once per report; the monitor's own health, a few dozen
    series, once per view.
    """

    def __init__(self) -> None:
        self._report: tuple[DriftReport, tuple[Finding, ...], bytes] | None = None
        self._rendered: tuple[Published, bytes] | None = None

    def render(self, view: Published | None) -> bytes:
        """The page; before the first report only what is known without one."""
        if view is None:
            return _text(_starting())
        kept = self._rendered
        if kept is not None and kept[0] is view:
            return kept[1]
        text = self._report_text(view) + _text(_alive(view))
        self._rendered = (view, text)
        return text

    def _report_text(self, view: Published) -> bytes:
        kept = self._report
        if kept is not None and kept[0] is view.report and kept[1] is view.verdict.findings:
            return kept[2]
        text = _text(_reported(view))
        self._report = (view.report, view.verdict.findings, text)
        return text


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        yield from self._families


def _text(families: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(list(families)))
    return generate_latest(registry)


def _starting() -> Iterator[Metric]:
    yield InfoMetricFamily(f"{PREFIX}build", "Version of the monitor", {"version": __version__})
    yield _verdict_family("unknown", "Verdict on the corpus as it is now; 1 for the one that holds")


def _reported(view: Published) -> Iterator[Metric]:
    """What depends on the report and its findings alone."""
    yield from _measurements(view.report.measurements)
    yield from _findings(view)
    for name, value in view.report.corpus.items():
        # Not the bare name: measurements per segment have it, and one page may not hold a family twice.
        yield _gauge(f"corpus_{name}", f"{name} in the whole corpus, live; known before any baseline", value)


def _alive(view: Published) -> Iterator[Metric]:
    """What moves from view to view of one report."""
    yield InfoMetricFamily(f"{PREFIX}build", "Version of the monitor", {"version": __version__})
    yield _verdict_family(view.verdict.verdict, "Verdict on the corpus as it is now; 1 for the one that holds")
    yield from _last_deploy(view)
    yield from _counters(view)
    yield from _health(view)
    yield from audit_families(view.health.audits, PREFIX)
    yield from engine_families(view.health.engine, PREFIX)


def _measurements(measurements: Iterable[Measurement]) -> Iterator[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    measured = GaugeMetricFamily(
        f"{PREFIX}measured_anchors",
        "Anchors a segment's ranking measurements rest on, by leg",
        labels=("leg", "dimension", "segment"),
    )
    counts: dict[tuple[str, str, str], int] = {}
    for item in measurements:
        family = families.get(item.metric)
        if family is None:
            help_text = f"See MEASUREMENTS: {item.metric.replace('_', ' ')}, per segment of anchors"
            family = families[item.metric] = GaugeMetricFamily(PREFIX + item.metric, help_text, labels=_LABELS)
        family.add_metric((item.leg, str(item.k), item.dimension, item.segment, item.stat), item.value)
        if item.metric == "swaps" and item.stat == "mean":
            counts.setdefault((item.leg, item.dimension, item.segment), item.n)  # the same at every depth
    yield from families.values()
    for labels, count in counts.items():
        measured.add_metric(labels, count)
    yield measured


def _findings(view: Published) -> Iterator[Metric]:
    rules = GaugeMetricFamily(
        f"{PREFIX}rule_verdict",
        "Verdict of each rule on each segment; 1 for the one that holds",
        labels=("rule", "severity", "leg", "dimension", "segment", "verdict"),
    )
    for found in view.verdict.findings:
        for name in VERDICTS:
            labels = (found.rule, found.severity, found.leg, found.dimension, found.segment, name)
            rules.add_metric(labels, float(name == found.verdict))
    yield rules
    anchors = GaugeMetricFamily(
        f"{PREFIX}segment_anchors", "Anchors compared, by segment", labels=("dimension", "segment", "watched")
    )
    for size in view.report.segments:
        anchors.add_metric((size.dimension, size.segment, str(size.watched).lower()), size.anchors)
    yield anchors
    yield from folded_families(view.report.segments, PREFIX)
    yield _gauge(
        "changed_anchors", "Anchors left out because they ask something else now", view.report.changed_anchors
    )
    baseline = view.report.baseline
    if baseline is not None:
        stamp = baseline.captured_event_time / 1e6
        yield _gauge("baseline_timestamp_seconds", "Event time at which the baseline was captured", stamp)


def _last_deploy(view: Published) -> Iterator[Metric]:
    if view.ledger:
        last = view.ledger[-1]
        info = InfoMetricFamily(f"{PREFIX}last_deploy", "The newest deploy judged", labels=())
        info.add_metric((), {"deploy": last.deploy_id, "verdict": last.verdict})
        yield info
        yield _gauge("last_deploy_timestamp_seconds", "Event time of the newest deploy judged", last.event_time / 1e6)


def _verdict_family(verdict: str, help_text: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}verdict", help_text, labels=("verdict",))
    for name in VERDICTS:
        family.add_metric((name,), float(name == verdict))
    return family


def _counters(view: Published) -> Iterator[Metric]:
    families = {
        name: CounterMetricFamily(PREFIX + metric, help_text, labels=labels)
        for name, (metric, labels, help_text) in COUNTERS.items()
    }
    for (name, *labels), value in sorted(view.counters.items()):
        if name in families:
            families[name].add_metric(labels, value)
    yield from families.values()
    gaps = view.counters.get(("open_gaps",), 0)
    yield _gauge("open_gaps", "Losses in the stream since the newest approval of a baseline", gaps)


def _health(view: Published) -> Iterator[Metric]:
    health = view.health
    for name, value in (
        ("last_turn", health.turned),
        ("last_event", health.last_event),
        ("last_report", health.last_report),
        ("last_full_replay", health.last_full_replay),
        ("last_commit", health.last_commit),
    ):
        if value:
            yield _gauge(f"{name}_timestamp_seconds", f"Wall clock of the {name.replace('_', ' ')}", value)
    newest = view.report.now / 1e6
    yield _gauge("newest_event_timestamp_seconds", "Newest event time in the corpus", newest)
    if health.lag is not None:
        lag = GaugeMetricFamily(f"{PREFIX}lag_events", "Events not yet taken", labels=("topic", "partition"))
        for part, behind in sorted(health.lag.items()):
            lag.add_metric((part.topic, str(part.partition)), behind)
        yield lag
    failures = GaugeMetricFamily(
        f"{PREFIX}replay_failures", "Anchors the index does not answer for", labels=("reason",)
    )
    for reason, count in sorted(health.failures.items()):
        failures.add_metric((reason,), count)
    yield failures
    yield _gauge("replayed_anchors", "Anchors asked of the real index in the last replay", health.touched)
    yield _gauge("state_bytes", "Size of the state file", health.state_bytes)
    yield _gauge("open_barriers", "Deploys whose markers have not all arrived", len(health.waiting))
    if health.index_points is not None:
        yield _gauge("index_points", "Points in the real index", health.index_points)
    if health.replay_latencies is not None:
        latencies = GaugeMetricFamily(
            f"{PREFIX}replay_latency_seconds", "Query latency in a replay", labels=("stat",)
        )
        for stat, seconds in zip(("p50", "p95", "p99"), health.replay_latencies, strict=True):
            latencies.add_metric((stat,), seconds)
        yield latencies
    yield _histogram("batch_duration_seconds", "From a batch taken to its commit", health.batches)
    yield _histogram("replay_duration_seconds", "A whole replay", health.replays)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, help_text, value=value)


def _histogram(name: str, help_text: str, seen: Durations) -> HistogramMetricFamily:
    buckets = [(f"{bound:g}", count) for bound, count in zip(seen.bounds, seen.counts, strict=True)]
    return HistogramMetricFamily(
        PREFIX + name, help_text, buckets=[*buckets, ("+Inf", seen.total)], sum_value=seen.seconds
    )
