"""The Kafka source against librdkafka's mock cluster: what is there is delivered, in order, once."""

import pytest

from monitor.core.model.events import TIMESTAMP_HEADER, Partition, Position, Record
from tests.kafka_mock import (
    CREATE_TIME,
    MockCluster,
    contract_source,
)
from tests.kafka_reading import Start, count, numbered, until, values


def test_partitions_are_read_in_order_each_record_once(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(6)
    for partition in range(6):
        cluster.produce(topic, partition, numbered(200, f"p{partition}-"))
    source = started(topic)
    records, faults = until(source, count(1200), batch=97)
    assert faults == []
    assert len(records) == 1200
    assert source.partitions() == {Partition(topic, p) for p in range(6)}
    for partition in range(6):
        assert values(records, partition) == [value for _, value in numbered(200, f"p{partition}-")]
        offsets = [r.position.offset for r in records if r.position.partition == partition]
        assert offsets == list(range(200))
    ends = source.end()
    assert ends == {Partition(topic, p): 200 for p in range(6)}
    assert source.positions() == ends
    assert source.poll(10, 0.0).records == []


def test_stored_positions_are_where_reading_goes_on(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(2)
    for partition in range(2):
        cluster.produce(topic, partition, numbered(50))
    source = started(topic, positions={Partition(topic, 0): 30, Partition(topic, 1): 50})
    records, faults = until(source, count(20))
    assert faults == []
    assert [record.position for record in records] == [Position(topic, 0, offset) for offset in range(30, 50)]


def test_keys_tombstones_headers_and_time(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, [(b"chunk", None)])
    forged = [("ce_type", b"x"), (TIMESTAMP_HEADER, b"1"), ("empty", None), ("ce_type", b"y")]
    cluster.produce(topic, 0, [(None, b"text")], headers=forged)
    records, _ = until(started(topic), count(2))
    stamp = (TIMESTAMP_HEADER, b"%d" % (CREATE_TIME * 1000))
    assert records[0] == Record(Position(topic, 0, 0), b"chunk", None, (stamp,))
    assert records[1].key is None
    assert records[1].headers == (("ce_type", b"x"), ("empty", b""), ("ce_type", b"y"), stamp)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_all_compressions_are_read(cluster: MockCluster, started: Start, codec: str) -> None:
    topic = cluster.fresh(1)
    wanted = [(b"k%d" % i, b"a text that repeats itself " * 40 + b"%d" % i) for i in range(300)]
    cluster.produce(topic, 0, wanted, codec=codec)
    records, faults = until(started(topic, positions={Partition(topic, 0): 7}), count(293))
    assert faults == []
    assert [(record.key, record.value) for record in records] == wanted[7:]


def test_a_paused_partition_keeps_what_was_fetched_and_loses_nothing(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(3)
    for partition in range(3):
        cluster.produce(topic, partition, numbered(300))
    source = started(topic)
    first, _ = until(source, count(1), batch=10)
    halted = first[0].position.source
    source.pause(frozenset({halted}))
    others, _ = until(source, count(600 + len(values(first, halted.partition)) - len(first)))
    assert all(record.position.source != halted for record in others)
    assert source.poll(10, 0.05).records == []
    source.resume(frozenset({halted}))
    rest, _ = until(source, count(300 - len(values(first, halted.partition))))
    assert values(first + rest, halted.partition) == [value for _, value in numbered(300)]


def test_several_paused_partitions_come_back_whole(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(4)
    for partition in range(4):
        cluster.produce(topic, partition, numbered(100))
    source = started(topic)
    records: list[Record] = []
    paused: set[Partition] = set()
    while len(paused) < 4:
        got, _ = until(source, count(1), batch=5)
        records += got
        paused.add(got[-1].position.source)
        source.pause(frozenset(paused))
    assert source.poll(10, 0.0).records == []
    source.resume(frozenset(paused))
    rest, _ = until(source, count(400 - len(records)), batch=33)
    for partition in range(4):
        assert values(records + rest, partition) == [value for _, value in numbered(100)]


def test_latest_and_a_time_are_honoured_at_a_first_start(cluster: MockCluster, started: Start) -> None:
    topic = cluster.fresh(1)
    cluster.produce(topic, 0, numbered(10))
    latest = started(topic, start="latest")
    assert latest.positions() == {Partition(topic, 0): 10}
    cluster.produce(topic, 0, [(b"k", b"new")])
    records, _ = until(latest, count(1))
    assert [record.value for record in records] == [b"new"]
    never = started(topic, start="2999-01-01T00:00:00Z")
    assert never.positions()[Partition(topic, 0)] == 11


def test_control_topics_are_read_too(cluster: MockCluster, started: Start) -> None:
    events, control = cluster.fresh(2), cluster.fresh(1)
    cluster.produce(events, 1, numbered(3))
    cluster.produce(control, 0, numbered(2))
    records, _ = until(started(events, control_topics=(control,)), count(5))
    assert {record.position.topic for record in records} == {events, control}


def test_the_contract_factory_gives_a_source_that_was_not_started() -> None:
    with contract_source([numbered(3), [], [(None, b"x"), (b"gone", None)]]) as source:
        assert source.partitions() == frozenset()
        source.start({})
        records, faults = until(source, count(5))
        assert faults == []
        assert len(source.partitions()) == 3
        assert len(records) == 5
