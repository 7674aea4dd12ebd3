"""What the exporter says of shards; what is not known is not there, and nothing is without shards."""

import math

from monitor.adapters.prometheus.shards import shard_families
from monitor.core.model.events import Partition
from monitor.core.shards.messages import ShardStatus, shard_of
from tests.adapters.prometheus.test_engine import series
from tests.adapters.views import health

PARTS = [Partition("events", number) for number in range(4)]
HOME = {shard_of(part, 2): part for part in PARTS[:2]}
STATUS = (
    ShardStatus(0, 7, {HOME[0]: 5}, 30, stage_seconds=1.5, rank_seconds=2.5, steps=7, sent=100, received=40),
    ShardStatus(1, 6, {HOME[1]: 3}, 20, away="node lost", restarts=2),
)


def test_one_process_has_no_shards() -> None:
    assert series(shard_families(health())) == {}


def test_each_shard_says_how_it_is() -> None:
    found = series(shard_families(health(shards=STATUS, lag=dict(zip(PARTS, (1, 20, 300, 4_000), strict=True)))))
    lag = {shard_of(part, 2): 0 for part in PARTS}
    for part, events in zip(PARTS, (1, 20, 300, 4_000), strict=True):
        lag[shard_of(part, 2)] += events
    assert found == {
        ("corpus_drift_shard_up", "shard=0"): 1,
        ("corpus_drift_shard_up", "shard=1"): 0,
        ("corpus_drift_shard_chunks", "shard=0"): 30,
        ("corpus_drift_shard_chunks", "shard=1"): 20,
        ("corpus_drift_shard_step", "shard=0"): 7,
        ("corpus_drift_shard_step", "shard=1"): 6,
        ("corpus_drift_shard_position_events", "shard=0"): 5,
        ("corpus_drift_shard_position_events", "shard=1"): 3,
        ("corpus_drift_shard_lag_events", "shard=0"): lag[0],
        ("corpus_drift_shard_lag_events", "shard=1"): lag[1],
        ("corpus_drift_shard_stage_seconds_total", "shard=0"): 1.5,
        ("corpus_drift_shard_stage_seconds_total", "shard=1"): 0,
        ("corpus_drift_shard_rank_seconds_total", "shard=0"): 2.5,
        ("corpus_drift_shard_rank_seconds_total", "shard=1"): 0,
        ("corpus_drift_shard_bytes_total", "direction=sent", "shard=0"): 100,
        ("corpus_drift_shard_bytes_total", "direction=received", "shard=0"): 40,
        ("corpus_drift_shard_restarts_total", "shard=0"): 0,
        ("corpus_drift_shard_restarts_total", "shard=1"): 2,
    }


def test_a_lag_that_is_not_known_is_no_number() -> None:
    found = series(shard_families(health(shards=STATUS, lag=None)))
    assert math.isnan(found["corpus_drift_shard_lag_events", "shard=0"])
