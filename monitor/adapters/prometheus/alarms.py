"""Prometheus families of alarms between deploys. What is not known is NaN, never 0."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import counter, gauge, plain
from monitor.core.alarms.state import AlarmView


def alarm_families(of: AlarmView | None) -> Iterator[Metric]:
    """All series of alarms; none where nobody looks at rounds."""
    if of is None:
        return
    evidence, limit = gauge("evidence_log10"), gauge("evidence_limit_log10")
    churn, normal = gauge("round_churn_ratio"), gauge("normal_churn_ratio")
    for stream, found in of.state.streams.items():
        evidence.add_metric(stream, found.log10)
        limit.add_metric(stream, of.state.limit_log10)
        churn.add_metric(stream, found.churn)
        normal.add_metric((*stream, found.hours), found.normal)
    yield from (evidence, limit, churn, normal)
    streams, approved, alarms = gauge("alarm_streams"), gauge("approved_rounds"), counter("alarms")
    for state, count in of.counted().items():
        streams.add_metric((state,), count)
    for hours, count in of.approved.items():
        approved.add_metric((hours,), count)
    alarms.add_metric((), of.state.alarms)
    yield from (streams, approved, alarms)
    yield plain("last_round_timestamp_seconds", of.ended)
