"""The producer against Apache Kafka itself: order, partitions, markers, another start."""

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from confluent_kafka.admin import AdminClient

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.core.model.events import Chunk, CorpusEvent, Deploy, Partition, Upsert, text_hash
from monitor.demo.kafka_events import KafkaEvents
from monitor.ports import UnreachableError
from tests.kafka_admin import caught_up, created
from tests.stack import KafkaBroker, kafka_broker, need

pytestmark = pytest.mark.stack
CHUNKS, PARTITIONS = 200, 3
READER = decoder("native", FormOptions(), EventLimits(dimension=2))


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with ExitStack() as stack:
        yield need(kafka_broker(), stack)


def update(turn: int) -> list[CorpusEvent]:
    vector = np.array([1.0, turn], np.float32)
    made: list[CorpusEvent] = [
        Upsert(Chunk(f"c{at}", "doc", at, f"text {turn}", vector, "e", (), 1_000 + turn, text_hash(f"text {turn}")))
        for at in range(CHUNKS)
    ]
    return [*made, Deploy(f"d{turn}", 2_000 + turn, {})]


def read(settings: KafkaSettings) -> dict[Partition, list[CorpusEvent]]:
    source = KafkaSource(settings)
    source.start({})
    made: dict[Partition, list[CorpusEvent]] = {part: [] for part in source.partitions()}
    try:
        while not caught_up(source):
            polled = source.poll(1_000, 1.0)
            assert not polled.faults
            for record in polled.records:
                event = READER.decode(record)
                assert event is not None
                made[record.position.source].append(event)
        return made
    finally:
        source.close()


def test_what_a_real_broker_was_told_comes_back_in_order_behind_markers_in_every_partition(
    broker: KafkaBroker,
) -> None:
    created(AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}), "told", PARTITIONS)
    settings = KafkaSettings((broker.bootstrap,), ("told",))
    for turn in range(2):  # a producer that comes back finds the same partition for every chunk
        writer = KafkaEvents(settings)
        writer.start()
        writer.write(update(turn))
        writer.close()
    made = read(settings)
    assert len(made) == PARTITIONS
    for events in made.values():
        markers = [at for at, event in enumerate(events) if isinstance(event, Deploy)]
        assert len(markers) == 2
        assert markers[1] == len(events) - 1
        first, second = events[: markers[0]], events[markers[0] + 1 : -1]
        names = [[event.chunk.chunk_id for event in part if isinstance(event, Upsert)] for part in (first, second)]
        assert names[0] == names[1]
        assert len(names[0]) > CHUNKS / 10


def test_a_topic_that_nobody_created_is_not_created_on_the_way(broker: KafkaBroker) -> None:
    writer = KafkaEvents(KafkaSettings((broker.bootstrap,), ("nobodys",), start_timeout=5.0))
    with pytest.raises(UnreachableError, match=r"topic 'nobodys' on .*: not found within 5 s"):
        writer.start()
    assert "nobodys" not in AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics
