"""The Kafka source against a mock cluster that misbehaves: every fault has its name, and nothing good is lost."""

import time

import pytest

from monitor.adapters.sources.kafka.library import KafkaConsumer, TopicPartition
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.core.model.events import Partition, Position
from monitor.ports import ConfigurationError, UnreachableError
from tests.kafka_mock import (
    FETCH,
    FIND_COORDINATOR,
    UNKNOWN_TOPIC,
    MockCluster,
    Row,
    mock_cluster,
    record_batch,
    sealed,
    settings_for,
)
from tests.kafka_reading import Start, count, numbered, until, values


def test_a_retention_gap_is_reported_at_start(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(30))
    cluster.delete_records(topic, 0, 20)
    source = started(topic, positions={Partition(topic, 0): 5})
    records, faults = until(source, count(10))
    assert [(fault.kind, fault.position) for fault in faults] == [("gap", Position(topic, 0, 20))]
    assert "records 5 to 19 are gone" in faults[0].detail
    assert [record.position.offset for record in records] == list(range(20, 30))


def test_a_retention_gap_while_running_is_reported(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(5))
    source = started(topic)
    until(source, count(5))
    source.pause(frozenset({Partition(topic, 0)}))
    cluster.produce(topic, 0, numbered(30))
    cluster.delete_records(topic, 0, 25)
    source.resume(frozenset({Partition(topic, 0)}))
    records, faults = until(source, lambda records, _: bool(records) and records[-1].position.offset == 34)
    if faults:  # a fetch sent before the deletion may still have brought all of them
        assert [(fault.kind, fault.position) for fault in faults] == [("gap", Position(topic, 0, 25))]
    assert [record.position.offset for record in records] == list(range(25 if faults else 5, 35))


def test_a_first_start_has_no_gap(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(30))
    cluster.delete_records(topic, 0, 20)
    records, faults = until(started(topic), count(10))
    assert faults == []
    assert records[0].position.offset == 20


def test_a_topic_that_ends_below_the_position_is_held(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(2)
    cluster.produce(topic, 0, numbered(3))
    cluster.produce(topic, 1, numbered(3))
    source = started(topic, positions={Partition(topic, 0): 10, Partition(topic, 1): 1})
    records, faults = until(source, count(2))
    assert [(fault.kind, fault.position) for fault in faults] == [("recreated", Position(topic, 0, 10))]
    cluster.produce(topic, 0, numbered(20))
    source.resume(source.partitions())
    assert source.poll(100, 0.3).records == []
    assert [record.position for record in records] == [Position(topic, 1, 1), Position(topic, 1, 2)]
    assert source.positions()[Partition(topic, 0)] == 10


def test_a_topic_recreated_while_running_is_held(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(10))
    source = started(topic)
    until(source, count(10))
    cluster.delete(topic)
    cluster.create(topic, 1)
    cluster.produce(topic, 0, numbered(4))
    records, faults = until(source, lambda _, faults: bool(faults))
    assert [(fault.kind, fault.position) for fault in faults] == [("recreated", Position(topic, 0, 10))]
    assert records == []
    assert source.poll(10, 0.3).records == []


def test_added_partitions_are_reported_and_read_from_the_beginning(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(10))
    source = started(topic, partition_check_seconds=0.1, start="latest")
    assert source.poll(10, 0.0).records == []
    cluster.delete(topic)  # the mock cannot add partitions, but a topic of the same end with more of them looks alike
    cluster.create(topic, 3)
    for partition in range(3):
        cluster.produce(topic, partition, numbered(10))
    records, faults = until(source, count(20))
    added = {fault.position for fault in faults if fault.kind == "added_partition"}
    assert added == {Position(topic, 1, 0), Position(topic, 2, 0)}
    assert source.partitions() == {Partition(topic, p) for p in range(3)}
    for partition in (1, 2):
        assert values(records, partition) == [value for _, value in numbered(10)]


def test_a_partition_added_while_we_were_away_is_not_skipped_by_latest(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(2)
    cluster.produce(topic, 0, numbered(5))
    cluster.produce(topic, 1, numbered(5))
    source = started(topic, positions={Partition(topic, 0): 5}, start="latest")
    records, faults = until(source, count(5))
    assert [(fault.kind, fault.position) for fault in faults] == [("added_partition", Position(topic, 1, 0))]
    assert {record.position.partition for record in records} == {1}


def test_brokers_down_is_nothing_to_read_and_no_end_then_all_is_read(cluster: MockCluster, started: Start) -> None:
    with mock_cluster() as own:
        topic = own.fresh(2)
        own.produce(topic, 0, numbered(10))
        source = KafkaSource(settings_for(own, topic, answer_timeout=5.0))
        source.start({})
        until(source, count(10))
        assert source.end() is not None
        own.down()
        began = time.monotonic()
        assert source.poll(10, 0.1).records == []
        assert source.end() is None
        source.commit({Partition(topic, 0): 10})
        assert source.last_error()
        assert time.monotonic() - began < 30.0
        own.up()
        own.produce(topic, 1, numbered(10))
        records, faults = until(source, count(10))
        assert faults == []
        assert [record.position.offset for record in records] == list(range(10))
        assert source.end() == {Partition(topic, 0): 10, Partition(topic, 1): 10}
        own.down()
        began = time.monotonic()
        source.close()
        source.close()
        assert time.monotonic() - began < 30.0


@pytest.mark.parametrize("damage", ["checksum", "record", "header", "bomb"])
def test_good_records_around_a_bad_batch_are_all_delivered(cluster: MockCluster, started: Start, damage: str) -> None:
    topic = cluster.fresh(2)
    size = 100_000 if damage == "bomb" else 10
    rows: list[Row] = [(1000, b"k%d" % i, bytes(size), []) for i in range(5)]
    bad = record_batch(rows, codec=1 if damage == "bomb" else 0)
    if damage == "checksum":
        bad[-1] ^= 1
    elif damage == "record":
        bad[bad.index(b"k2") - 1] = 0x7E
        bad = sealed(bad)
    elif damage == "header":
        bad[23:27] = b"\x40\x00\x00\x00"
    cluster.produce(topic, 0, numbered(10))
    cluster.append(topic, 0, bytes(bad))
    cluster.produce(topic, 0, numbered(10))
    cluster.produce(topic, 1, numbered(10))
    source = started(topic, max_batch_bytes=100_000)
    records, faults = until(source, lambda records, faults: len(records) + len(faults) >= 35, batch=7)
    assert {fault.kind for fault in faults} == {"unreadable"}
    lost = [12] if damage == "record" else [10, 11, 12, 13, 14]
    assert [fault.position for fault in faults] == [Position(topic, 0, offset) for offset in lost]
    kept = [record.position.offset for record in records if record.position.partition == 0]
    assert kept == [offset for offset in range(25) if offset not in lost]
    assert source.positions() == source.end() == {Partition(topic, 0): 25, Partition(topic, 1): 10}


@pytest.mark.parametrize("code", [-1, 2, 6, 29], ids=["unknown", "corrupt", "not_leader", "not_authorised"])
def test_injected_errors_lose_nothing(cluster: MockCluster, started: Start, code: int) -> None:
    topic = cluster.fresh(2)
    source = started(topic)
    cluster.fail_next(FETCH, code, code, code)
    for partition in range(2):
        cluster.produce(topic, partition, numbered(50))
    records, faults = until(source, count(100))
    assert faults == []
    for partition in range(2):
        assert values(records, partition) == [value for _, value in numbered(50)]


def test_a_leader_that_moves_loses_nothing() -> None:
    with mock_cluster(brokers=3) as own:
        topic = own.fresh(1)
        own.lead(topic, 0, 1)
        own.produce(topic, 0, numbered(20))
        source = KafkaSource(settings_for(own, topic, partition_check_seconds=0.2))
        source.start({})
        first, _ = until(source, count(20))
        own.lead(topic, 0, 2)
        own.down(1)
        own.produce(topic, 0, numbered(20))
        rest, faults = until(source, count(20))
        source.close()
        assert faults == []
        assert [record.position.offset for record in first + rest] == list(range(40))


def test_group_offsets_are_published_for_lag_tools(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(2)
    source = started(topic, group_id="lag-tools")
    source.commit({Partition(topic, 0): 3})
    source.commit({Partition(topic, 1): 4})
    source.commit({Partition(topic, 0): 5})
    source.close()
    seen = KafkaConsumer(bootstrap_servers=cluster.bootstrap, api_version=(2, 3), group_id="lag-tools")
    try:
        assert [seen.committed(TopicPartition(topic, p), timeout_ms=5000) for p in range(2)] == [5, 4]
    finally:
        seen.close(autocommit=False)


def test_a_failing_coordinator_does_not_stop_the_reading(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(10))
    source = started(topic, group_id="refused")
    cluster.fail_next(FIND_COORDINATOR, 30, 30)
    source.commit({Partition(topic, 0): 1})
    records, _ = until(source, count(10))
    assert len(records) == 10


def test_a_missing_topic_is_one_line(cluster: MockCluster, started: Start) -> None:
    absent = cluster.fresh(1)  # the mock creates what it is asked for, so it has to be told to deny this one
    cluster.refuse(absent, UNKNOWN_TOPIC)
    with pytest.raises(UnreachableError, match=f"topic {absent} not found on 127"):
        started(cluster.fresh(1), absent)


def test_no_broker_is_one_line_in_time() -> None:
    settings = KafkaSettings(("127.0.0.1:1",), ("t",), start_timeout=0.5)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"kafka: no answer from 127\.0\.0\.1:1 \(PLAINTEXT\) within 0\.5 s"):
        KafkaSource(settings).start({})
    assert time.monotonic() - began < 30.0


def test_wrong_settings_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(ConfigurationError, match="expected host:port"):
        KafkaSource(KafkaSettings(("nothing",), ("t",))).start({})
