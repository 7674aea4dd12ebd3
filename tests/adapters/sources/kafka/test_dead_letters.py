"""Dead letters reach their topic with their story, or the caller is told."""

import time
from collections.abc import Iterator

import pytest

from monitor.adapters.sources.kafka.dead_letters import DeadLetterSettings, KafkaDeadLetters
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.core.model.events import Partition, Position, Record
from monitor.core.records.committed import Quarantined
from monitor.ports import UnreachableError
from tests.kafka_mock import PRODUCE, MockCluster, mock_cluster, settings_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(partitions=1) as running:
        yield running


def letter(
    offset: int, *, key: bytes | None = b"k", value: bytes | None = b"{bad", detail: str = "why"
) -> Quarantined:
    size = len(value or b"")
    return Quarantined(Position("corpus", 2, offset), "not_json", detail, key, value, size)


def read(cluster: MockCluster, topic: str, n: int) -> list[Record]:
    source = KafkaSource(settings_for(cluster, topic))
    source.start({})
    records: list[Record] = []
    deadline = time.monotonic() + 60
    while len(records) < n:
        assert time.monotonic() < deadline
        records += source.poll(100, 0.2).records
    source.close()
    return records


def test_key_value_and_story_arrive_in_order(cluster: MockCluster) -> None:
    topic = cluster.fresh()
    publisher = KafkaDeadLetters(settings_for(cluster, "corpus"), DeadLetterSettings(topic, max_bytes=10))
    publisher.publish([])
    publisher.publish([letter(7), letter(8, key=None, value=None, detail="ein Fehler: \u00e4")])
    publisher.publish([letter(9, value=b"0123456789abc")])
    publisher.close()
    publisher.close()
    records = read(cluster, topic, 3)
    assert [(record.key, record.value) for record in records] == [
        (b"k", b"{bad"),
        (b"", None),
        (b"k", b"0123456789"),
    ]
    story = dict(records[0].headers)
    assert {name: story[f"corpus-drift-{name}"] for name in ("reason", "topic", "partition", "offset", "size")} == {
        "reason": b"not_json",
        "topic": b"corpus",
        "partition": b"2",
        "offset": b"7",
        "size": b"4",
    }
    assert dict(records[1].headers)["corpus-drift-detail"].decode() == "ein Fehler: \u00e4"
    assert dict(records[2].headers)["corpus-drift-size"] == b"13"


def test_a_huge_key_and_value_are_cut_and_sent(cluster: MockCluster) -> None:
    topic = cluster.fresh()
    publisher = KafkaDeadLetters(settings_for(cluster, "corpus"), DeadLetterSettings(topic))
    publisher.publish([letter(1, key=bytes(3_000_000), value=bytes(3_000_000), detail="x" * 100_000)])
    publisher.close()
    (record,) = read(cluster, topic, 1)
    assert record.key == bytes(65_536)
    assert record.value == bytes(900_000)


def test_a_passing_error_of_the_broker_loses_nothing(cluster: MockCluster) -> None:
    topic = cluster.fresh()
    publisher = KafkaDeadLetters(settings_for(cluster, "corpus"), DeadLetterSettings(topic))
    cluster.fail_next(PRODUCE, 7, 7)
    publisher.publish([letter(n) for n in range(50)])
    publisher.close()
    offsets = [int(dict(record.headers)["corpus-drift-offset"]) for record in read(cluster, topic, 50)]
    assert sorted(set(offsets)) == list(range(50))


def test_no_broker_is_one_line_in_bounded_time_and_the_next_call_works() -> None:
    with mock_cluster(partitions=1) as own:
        topic = own.fresh()
        publisher = KafkaDeadLetters(settings_for(own, "corpus"), DeadLetterSettings(topic, timeout=0.5))
        publisher.publish([letter(1)])
        own.down()
        began = time.monotonic()
        with pytest.raises(
            UnreachableError, match=f"kafka: 2 dead letters not published to {topic} on 127"
        ) as caught:
            publisher.publish([letter(2), letter(3)])
        assert time.monotonic() - began < 30.0
        assert "\n" not in str(caught.value)
        own.up()
        publisher.publish([letter(2), letter(3)])
        publisher.close()
        offsets = {int(dict(record.headers)["corpus-drift-offset"]) for record in read(own, topic, 3)}
        assert offsets == {1, 2, 3}


def test_a_broker_that_never_was_is_one_line() -> None:
    with mock_cluster(partitions=1) as own:
        settings = settings_for(own, "corpus", api_version=None)
        own.down()
        publisher = KafkaDeadLetters(settings, DeadLetterSettings("letters", timeout=0.3))
        with pytest.raises(UnreachableError, match="1 dead letters not published to letters"):
            publisher.publish([letter(2)])
        publisher.close()


def test_the_original_topic_is_not_written(cluster: MockCluster) -> None:
    topic, original = cluster.fresh(), cluster.fresh()
    publisher = KafkaDeadLetters(settings_for(cluster, original), DeadLetterSettings(topic))
    publisher.publish([letter(1)])
    publisher.close()
    source = KafkaSource(settings_for(cluster, original))
    source.start({})
    assert source.end() == {Partition(original, 0): 0}
    source.close()
