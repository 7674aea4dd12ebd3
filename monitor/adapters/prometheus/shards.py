"""Prometheus families of the parts in which a corpus lies."""

import math
from collections.abc import Iterator

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import counter, gauge
from monitor.core.records.published import Health


def shard_families(health: Health) -> Iterator[Metric]:
    """How each shard is; nothing where one process has the corpus whole. Counters start anew with the coordinator."""
    if not health.shards:
        return
    up, chunks, step = gauge("shard_up"), gauge("shard_chunks"), gauge("shard_step")
    position, lag = gauge("shard_position_events"), gauge("shard_lag_events")
    staged, ranked = counter("shard_stage_seconds"), counter("shard_rank_seconds")
    exchanged, restarts = counter("shard_bytes"), counter("shard_restarts")
    for of in health.shards:
        labels, behind = (str(of.number),), health.behind(of.number)
        up.add_metric(labels, float(not of.away))
        chunks.add_metric(labels, of.chunks)
        step.add_metric(labels, of.epoch)
        position.add_metric(labels, sum(of.positions.values()))
        lag.add_metric(labels, math.nan if behind is None else float(behind))
        staged.add_metric(labels, of.stage_seconds)
        ranked.add_metric(labels, of.rank_seconds)
        restarts.add_metric(labels, of.restarts)
        for direction, size in (("sent", of.sent), ("received", of.received)):
            if size is not None:
                exchanged.add_metric((*labels, direction), size)
    yield from (up, chunks, step, position, lag, staged, ranked, exchanged, restarts)
