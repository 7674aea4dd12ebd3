"""The Kafka source against Apache Kafka itself: what the mock cluster has not, or may have wrong."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count as counting
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Spot
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from monitor.adapters.sources.kafka.dead_letters import DeadLetterSettings, KafkaDeadLetters
from monitor.adapters.sources.kafka.library import KafkaConsumer, TopicPartition
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.core.model.events import Partition, Position
from monitor.core.records.committed import Quarantined
from monitor.ports import UnreachableError
from tests.kafka_admin import caught_up, created, done, eventually, produce
from tests.kafka_reading import Start, count, numbered, until, values
from tests.stack import PASSWORD, USER, KafkaBroker, kafka_broker, need

pytestmark = pytest.mark.stack
NAMES = counting()


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with ExitStack() as stack:
        yield need(kafka_broker(), stack)


@pytest.fixture(scope="module")
def admin(broker: KafkaBroker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})


@pytest.fixture
def topic(admin: AdminClient) -> str:
    return created(admin, f"corpus-{next(NAMES)}", 6)


@pytest.fixture
def started(broker: KafkaBroker) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(topic: str, positions: dict[Partition, int] | None = None, **changes: Any) -> KafkaSource:
            source = KafkaSource(KafkaSettings((broker.bootstrap,), (topic,), **changes))
            stack.callback(source.close)
            source.start(positions or {})
            return source

        yield start


def test_six_partitions_in_four_compressions(broker: KafkaBroker, topic: str, started: Start) -> None:
    codecs = ["none", "gzip", "snappy", "lz4", "zstd", "none"]
    for partition, codec in enumerate(codecs):
        produce(broker, topic, partition, numbered(500, f"{codec} "), **{"compression.type": codec})
    source = started(topic)
    records, faults = until(source, count(3000))
    assert faults == []
    for partition, codec in enumerate(codecs):
        assert values(records, partition) == [value for _, value in numbered(500, f"{codec} ")]
    assert source.positions() == source.end() == {Partition(topic, p): 500 for p in range(6)}


def test_start_at_a_time(broker: KafkaBroker, topic: str, started: Start) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for second in range(10):
        producer.produce(topic, b"x", b"k", 0, timestamp=1_767_225_600_000 + second * 1000)
    assert producer.flush(20) == 0
    source = started(topic, start="2026-01-01T00:00:06.5Z")
    records, _ = until(source, count(3))
    assert [record.position.offset for record in records] == [7, 8, 9]
    assert records[0].headers[-1] == ("corpus-drift-timestamp-us", b"1767225607000000")


def test_deleted_records_are_a_gap(broker: KafkaBroker, admin: AdminClient, topic: str, started: Start) -> None:
    produce(broker, topic, 2, numbered(100))
    assert done(admin.delete_records([Spot(topic, 2, 60)]))
    source = started(topic, {Partition(topic, p): 10 if p == 2 else 0 for p in range(6)})
    records, faults = until(source, count(40))
    assert [(fault.kind, fault.position) for fault in faults] == [("gap", Position(topic, 2, 60))]
    assert [record.position.offset for record in records] == list(range(60, 100))


def test_records_deleted_under_a_paused_reader_are_a_gap(
    broker: KafkaBroker, admin: AdminClient, topic: str, started: Start
) -> None:
    source = started(topic)
    assert source.poll(10, 0.3).records == []
    halted = frozenset({Partition(topic, 1)})
    source.pause(halted)
    until_quiet(source)
    produce(broker, topic, 1, numbered(100))
    assert done(admin.delete_records([Spot(topic, 1, 70)]))
    source.resume(halted)
    records, faults = until(source, count(30))
    assert [(fault.kind, fault.position) for fault in faults] == [("gap", Position(topic, 1, 70))]
    assert [record.position.offset for record in records] == list(range(70, 100))


def until_quiet(source: KafkaSource) -> None:
    """Let a fetch that was under way when a partition was paused come back."""
    assert source.poll(10, 0.3).records == []


def test_a_recreated_topic_is_held(broker: KafkaBroker, admin: AdminClient, started: Start) -> None:
    topic = created(admin, f"recreated-{next(NAMES)}", 1)
    produce(broker, topic, 0, numbered(10))
    source = started(topic, partition_check_seconds=0.5)
    until(source, count(10))
    assert done(admin.delete_topics([topic]))
    created(admin, topic, 1)
    produce(broker, topic, 0, numbered(4))
    records, faults = until(source, lambda _, faults: bool(faults))
    assert [(fault.kind, fault.position) for fault in faults] == [("recreated", Position(topic, 0, 10))]
    assert records == []
    assert source.poll(10, 0.3).records == []
    again = started(topic, {Partition(topic, 0): 10})
    assert [fault.kind for fault in again.poll(10, 0.5).faults] == ["recreated"]


def test_added_partitions_are_found(broker: KafkaBroker, admin: AdminClient, started: Start) -> None:
    topic = created(admin, f"grown-{next(NAMES)}", 2)
    source = started(topic, partition_check_seconds=0.3, start="latest")
    assert done(admin.create_partitions([NewPartitions(topic, 5)]))
    for partition in range(5):
        produce(broker, topic, partition, numbered(20))
    records, faults = until(source, count(100))
    assert {fault.position for fault in faults} == {Position(topic, p, 0) for p in (2, 3, 4)}
    assert {fault.kind for fault in faults} == {"added_partition"}
    for partition in range(5):
        assert values(records, partition) == [value for _, value in numbered(20)]


def test_aborted_transactions_are_not_delivered_and_markers_do_not_look_like_lag(
    broker: KafkaBroker, topic: str, started: Start
) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, "transactional.id": topic})
    producer.init_transactions(20)
    kept: list[bytes] = []
    for n, commit in enumerate([True, False, True, False]):
        producer.begin_transaction()
        for i in range(5):
            producer.produce(topic, b"%d-%d" % (n, i), b"k", 0)
            kept += [b"%d-%d" % (n, i)] if commit else []
        assert producer.flush(20) == 0
        producer.commit_transaction(20) if commit else producer.abort_transaction(20)
    source = started(topic)
    records, faults = until(source, lambda records, _: len(records) >= 10 and caught_up(source))
    assert faults == []
    assert [record.value for record in records] == kept
    assert source.end() == source.positions()
    assert source.positions()[Partition(topic, 0)] == 24
    assert records[-1].position.offset < 23
    again = started(topic, dict(source.positions()))
    assert caught_up(again)
    producer.begin_transaction()
    producer.produce(topic, b"open", b"k", 0)
    assert producer.flush(20) == 0
    assert source.poll(10, 0.3).records == []
    assert caught_up(source), "an open transaction is not lag: nobody may read it yet"
    producer.commit_transaction(20)
    assert [record.value for record in until(source, count(1))[0]] == [b"open"]


def test_compacted_offsets_are_holes_not_lag(broker: KafkaBroker, admin: AdminClient, started: Start) -> None:
    config = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    topic = created(admin, f"compacted-{next(NAMES)}", 1, **config)
    for n in range(20):
        produce(broker, topic, 0, [(b"same", b"%d" % n), (b"other %d" % (n % 2), b"x")])
    threading.Event().wait(0.2)  # let the segment be old enough to be closed by the next record
    produce(broker, topic, 0, [(b"last", b"x")])

    def compacted() -> bool:
        source = started(topic)
        records, faults = until(source, lambda *_: caught_up(source))
        assert faults == []
        assert [r.position.offset for r in records] == sorted({r.position.offset for r in records})
        assert source.positions() == {Partition(topic, 0): 41}
        source.close()
        assert {b"19", b"x"} <= {record.value for record in records}
        return len(records) < 10

    eventually(compacted)


def test_a_partition_whose_last_records_were_compacted_away_is_caught_up(
    broker: KafkaBroker, admin: AdminClient, started: Start
) -> None:
    topic = created(admin, f"emptied-{next(NAMES)}", 1)
    produce(broker, topic, 0, numbered(50))
    assert done(admin.delete_records([Spot(topic, 0, 50)]))
    source = started(topic, {Partition(topic, 0): 20})
    faults = source.poll(10, 0.3).faults
    assert [(fault.kind, fault.position.offset) for fault in faults] == [("gap", 50)]
    assert caught_up(source)


def test_group_offsets_are_seen_by_lag_tools(broker: KafkaBroker, topic: str, started: Start) -> None:
    produce(broker, topic, 0, numbered(10))
    source = started(topic, group_id="lag-tools")
    until(source, count(10))
    source.commit(source.positions())
    source.close()
    seen = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id="lag-tools", enable_auto_commit=False)
    try:
        assert seen.committed(TopicPartition(topic, 0), timeout_ms=10_000) == 10
    finally:
        seen.close(autocommit=False)


def test_a_password_is_used_and_never_logged(
    broker: KafkaBroker, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    produce(broker, topic, 0, numbered(3))
    source = KafkaSource(sasl_settings(broker, topic, PASSWORD))
    with caplog.at_level(logging.DEBUG):
        source.start({})
        records, _ = until(source, count(3))
        letters = KafkaDeadLetters(sasl_settings(broker, topic, PASSWORD), DeadLetterSettings(topic))
        letters.publish([Quarantined(Position(topic, 0, 1), "not_json", "why", b"k", b"v", 1)])
        letters.close()
        source.close()
    assert len(records) == 3
    assert "SaslAuthenticateRequest(hidden)" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_wrong_password_is_one_line_without_the_password(broker: KafkaBroker, topic: str) -> None:
    source = KafkaSource(sasl_settings(broker, topic, "not-the-secret"))
    with pytest.raises(UnreachableError, match=r"kafka: no answer from .*SASL_PLAINTEXT.*uthentication") as caught:
        source.start({})
    assert "not-the-secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def sasl_settings(broker: KafkaBroker, topic: str, password: str) -> KafkaSettings:
    return KafkaSettings(
        (broker.sasl_bootstrap,),
        (topic,),
        security="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=USER,
        sasl_password=password,
        allow_sasl_without_tls=True,
        start_timeout=6.0,
    )


def test_a_missing_topic_is_not_created(broker: KafkaBroker, admin: AdminClient) -> None:
    with pytest.raises(UnreachableError, match="topic not-there not found on 127"):
        KafkaSource(KafkaSettings((broker.bootstrap,), ("not-there",))).start({})
    assert "not-there" not in admin.list_topics(timeout=10).topics


def test_a_record_of_the_largest_size_the_topic_allows_is_delivered(
    broker: KafkaBroker, admin: AdminClient, started: Start
) -> None:
    topic = created(admin, f"large-{next(NAMES)}", 1, **{"max.message.bytes": "12000000"})
    large = [(b"small", b"1"), (b"large", bytes(11_000_000)), (b"small", b"2")]
    produce(broker, topic, 0, large, **{"message.max.bytes": 12_000_000})
    source = started(topic, max_fetch_bytes=1_000_000)
    records, faults = until(source, count(3))
    assert faults == []
    assert [len(record.value or b"") for record in records] == [1, 11_000_000, 1]
