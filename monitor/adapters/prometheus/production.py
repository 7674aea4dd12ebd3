"""How asking production's retriever goes, or overhearing it."""

import math
from collections.abc import Iterator

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import gauge, plain
from monitor.core.records.published import ProductionHealth


def production_families(found: ProductionHealth | None) -> Iterator[Metric]:
    """Nothing where production is neither asked nor overheard."""
    if found is None:
        return
    failures = gauge("production_failures")
    for reason, count in sorted(found.failures.items()):
        failures.add_metric((reason,), count)
    yield failures
    yield plain("last_production_timestamp_seconds", found.asked_at or math.nan)
    if found.passive:
        skipped = gauge("production_log_skipped")
        for reason, count in sorted(found.skipped.items()):
            skipped.add_metric((reason,), count)
        yield skipped
        return
    latencies = gauge("production_latency_seconds")
    for stat, seconds in zip(("p50", "p95", "p99"), found.latencies or (math.nan,) * 3, strict=True):
        latencies.add_metric((stat,), seconds)
    yield latencies
