"""Prometheus: every measurement of the last report as text, rendered once per report from an immutable view."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.core.published import Durations, Published
from monitor.core.report import Measurement

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
        yield InfoMetricFamily(f"{PREFIX}build", "Version of the monitor", {"version": __version__})
        yield from _measurements(self._view.report.measurements)
        yield from _verdicts(self._view)
        yield from _counters(self._view)
        yield from _health(self._view)


class MetricsPage:
    """The text of /metrics, rendered on the first scrape of a view and kept until the next view."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped upstream; `_created` series would double the count and say nothing here
        self._rendered: tuple[Published, bytes] | None = None

    def render(self, view: Published | None) -> bytes:
        """The page; before the first report only what is known without one."""
        if view is None:
            registry = CollectorRegistry()
            registry.register(_Starting())
            return generate_latest(registry)
        kept = self._rendered
        if kept is not None and kept[0] is view:
            return kept[1]
        registry = CollectorRegistry()
        registry.register(ReportCollector(view))
        text = generate_latest(registry)
        self._rendered = (view, text)
        return text


class _Starting(Collector):
    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily(f"{PREFIX}build", "Version of the monitor", {"version": __version__})
        yield _verdict_family("unknown", "Verdict on the corpus as it is now; 1 for the one that holds")


def _measurements(measurements: Iterable[Measurement]) -> Iterator[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    measured = GaugeMetricFamily(
        f"{PREFIX}measured_anchors",
        "Anchors a segment's ranking measurements rest on, by leg",
        labels=("leg", "dimension", "segment"),
    )
    for item in measurements:
        family = families.get(item.metric)
        if family is None:
            help_text = f"See MEASUREMENTS: {item.metric.replace('_', ' ')}, per segment of anchors"
            family = families[item.metric] = GaugeMetricFamily(PREFIX + item.metric, help_text, labels=_LABELS)
        family.add_metric((item.leg, str(item.k), item.dimension, item.segment, item.stat), item.value)
        if item.metric == "swaps" and item.stat == "mean":
            measured.add_metric((item.leg, item.dimension, item.segment), item.n)
    yield from families.values()
    yield measured


def _verdicts(view: Published) -> Iterator[Metric]:
    yield _verdict_family(view.verdict.verdict, "Verdict on the corpus as it is now; 1 for the one that holds")
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
    yield _gauge(
        "changed_anchors", "Anchors left out because they ask something else now", view.report.changed_anchors
    )
    yield from (_gauge(name, f"{name} in the corpus, live", value) for name, value in view.report.corpus.items())
    if view.ledger:
        last = view.ledger[-1]
        info = InfoMetricFamily(f"{PREFIX}last_deploy", "The newest deploy judged", labels=())
        info.add_metric((), {"deploy": last.deploy_id, "verdict": last.verdict})
        yield info
        yield _gauge("last_deploy_timestamp_seconds", "Event time of the newest deploy judged", last.event_time / 1e6)
    baseline = view.report.baseline
    if baseline is not None:
        stamp = baseline.captured_event_time / 1e6
        yield _gauge("baseline_timestamp_seconds", "Event time at which the baseline was captured", stamp)


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
