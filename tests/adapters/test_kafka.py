"""The Kafka source against librdkafka's mock cluster: real TCP, real record batches."""

import time
from collections.abc import Callable, Iterator

import pytest

from monitor.adapters.kafka import TIMESTAMP_HEADER, KafkaSettings, KafkaSource
from monitor.adapters.kafka_python import KafkaConsumer, TopicPartition
from monitor.core.events import Partition, Position, Record
from monitor.ports import ConfigurationError, Fault, UnreachableError
from tests.kafka_mock import (
    CREATE_TIME,
    FETCH,
    FIND_COORDINATOR,
    UNKNOWN_TOPIC,
    MockCluster,
    Row,
    contract_source,
    mock_cluster,
    record_batch,
    sealed,
    settings_for,
)

DEADLINE = 10.0
Start = Callable[..., KafkaSource]


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as running:
        yield running


@pytest.fixture
def started(cluster: MockCluster) -> Iterator[Start]:
    opened: list[KafkaSource] = []

    def start(*topics: str, positions: dict[Partition, int] | None = None, **changes: object) -> KafkaSource:
        source = KafkaSource(settings_for(cluster, *topics, **changes))
        opened.append(source)
        source.start(positions or {})
        return source

    yield start
    for source in opened:
        source.close()


def until(
    source: KafkaSource, enough: Callable[[list[Record], list[Fault]], bool], *, batch: int = 500
) -> tuple[list[Record], list[Fault]]:
    records: list[Record] = []
    faults: list[Fault] = []
    deadline = time.monotonic() + DEADLINE
    while not enough(records, faults):
        assert time.monotonic() < deadline, f"{len(records)} records, faults {faults}, trouble {source.trouble()!r}"
        polled = source.poll(batch, 0.2)
        assert len(polled.records) + len(polled.faults) <= batch + len(source.partitions())
        records += polled.records
        faults += polled.faults
    return records, faults


def count(n: int) -> Callable[[list[Record], list[Fault]], bool]:
    return lambda records, _faults: len(records) >= n


def numbered(n: int, mark: str = "v") -> list[tuple[bytes | None, bytes | None]]:
    return [(b"k%d" % i, f"{mark}{i}".encode()) for i in range(n)]


def values(records: list[Record], partition: int) -> list[bytes | None]:
    return [record.value for record in records if record.position.partition == partition]


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


def test_brokers_down_is_nothing_to_read_and_no_end_then_all_is_read(cluster: MockCluster, started: Start) -> None:
    with mock_cluster() as own:
        topic = own.fresh(2)
        own.produce(topic, 0, numbered(10))
        source = KafkaSource(settings_for(own, topic, answer_timeout=0.3))
        source.start({})
        until(source, count(10))
        assert source.reachable()
        own.down()
        began = time.monotonic()
        assert source.poll(10, 0.1).records == []
        assert source.end() is None
        assert not source.reachable()
        source.commit({Partition(topic, 0): 10})
        assert source.trouble()
        assert time.monotonic() - began < 3.0
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
        assert time.monotonic() - began < 3.0


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
    assert time.monotonic() - began < 5.0


def test_wrong_settings_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(ConfigurationError, match="expected host:port"):
        KafkaSource(KafkaSettings(("nothing",), ("t",))).start({})


def test_the_contract_factory_gives_a_source_that_was_not_started() -> None:
    with contract_source([numbered(3), [], [(None, b"x"), (b"gone", None)]]) as source:
        assert source.partitions() == frozenset()
        source.start({})
        records, faults = until(source, count(5))
        assert faults == []
        assert len(source.partitions()) == 3
        assert len(records) == 5
