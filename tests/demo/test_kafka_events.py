"""The producer's side of Kafka, over librdkafka's mock cluster: order, barriers, and named failures."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Deploy, Partition, Record, Upsert, text_hash
from monitor.demo.kafka_events import KafkaEvents
from monitor.ports import ConfigurationError, UnreachableError
from tests.kafka_mock import PRODUCE, MockCluster, mock_cluster, settings_for

VECTOR = np.array([0.5, -0.5], np.float32)
NOT_ENOUGH_REPLICAS, UNKNOWN_SERVER_ERROR = 19, -1


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(partitions=3) as made:
        yield made


def upsert(name: str, text: str) -> Upsert:
    return Upsert(Chunk(name, "doc", 0, text, VECTOR, "e", (("source", "s"),), 1_000, text_hash(text)))


def read(cluster: MockCluster, topic: str, count: int) -> dict[Partition, list[Record]]:
    source = KafkaSource(settings_for(cluster, topic))
    source.start({})
    made: dict[Partition, list[Record]] = {part: [] for part in source.partitions()}
    try:
        for _ in range(100):
            for record in source.poll(1_000, 0.2).records:
                made[record.position.source].append(record)
            if sum(map(len, made.values())) >= count:
                return made
    finally:
        source.close()
    message = f"{count} records expected, {made}"
    raise AssertionError(message)


def test_a_chunks_events_stay_in_order_and_every_partition_gets_each_marker(cluster: MockCluster) -> None:
    topic = cluster.fresh()
    writer = KafkaEvents(settings_for(cluster, topic))
    writer.start()
    events: list[CorpusEvent] = []
    for turn in range(3):
        events += [upsert(f"c{at}", f"text {turn}") for at in range(40)]
        events += [Delete("c7", 2_000), Deploy(f"d{turn}", 3_000, {})]
    writer.write(events[:50])
    writer.write(events[50:])
    writer.close()
    made = read(cluster, topic, 3 * (40 + 1 + 3))
    assert len(made) == 3
    for records in made.values():
        assert records
        values = [json.loads(record.value or b"") for record in records]
        assert [one["deploy_id"] for one in values if one["op"] == "deploy"] == ["d0", "d1", "d2"]
        turn = 0
        for one in values:
            turn += one["op"] == "deploy"
            assert one["op"] != "upsert" or one["text"] == f"text {turn}"
    places = {record.key: part for part, records in made.items() for record in records if record.key[:1] == b"c"}  # type: ignore[index]  # no key is null here
    assert len(places) == 40
    assert len(set(places.values())) == 3


def test_writing_nothing_is_nothing(cluster: MockCluster) -> None:
    writer = KafkaEvents(settings_for(cluster, cluster.fresh()))
    writer.start()
    writer.write([])
    writer.close()
    writer.close()


def test_an_unknown_topic_is_named(cluster: MockCluster) -> None:
    cluster.refuse("nowhere", 3)
    writer = KafkaEvents(settings_for(cluster, "nowhere", start_timeout=1.0))
    with pytest.raises(
        UnreachableError, match=r"^kafka: topic 'nowhere' on 127\.0\.0\.1:\d+: not found within 1 s: "
    ):
        writer.start()


def test_no_broker_is_named() -> None:
    with mock_cluster() as gone:
        settings = settings_for(gone, "topic", start_timeout=0.5)
    with pytest.raises(
        UnreachableError, match=r"^kafka: topic 'topic' on 127\.0\.0\.1:\d+: not found within 0.5 s: "
    ):
        KafkaEvents(settings, timeout=0.5).start()


def test_settings_that_cannot_work_are_refused(cluster: MockCluster) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka topic 'a b'; expected 1 to 249"):
        KafkaEvents(settings_for(cluster, "a b")).start()


def test_what_is_not_acknowledged_is_an_error_and_one_hiccup_is_none(cluster: MockCluster) -> None:
    topic = cluster.fresh()
    writer = KafkaEvents(settings_for(cluster, topic), timeout=1.0)
    writer.start()
    cluster.fail_next(PRODUCE, NOT_ENOUGH_REPLICAS)
    writer.write([upsert("c", "text")])
    cluster.fail_next(PRODUCE, *[UNKNOWN_SERVER_ERROR] * 40)
    with pytest.raises(UnreachableError, match="1 events not written"):
        writer.write([upsert("c", "text")])
    writer.close()
