"""Topics and records on a real Kafka broker, for tests."""

import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from monitor.adapters.sources.kafka.source import KafkaSource
from tests.stack import KafkaBroker


def created(admin: AdminClient, topic: str, partitions: int, **config: str) -> str:
    """Create a topic, also one whose deletion is still going on; its name."""
    eventually(lambda: done(admin.create_topics([NewTopic(topic, partitions, 1, config=config)])))
    return topic


def done(futures: dict[Any, Any]) -> bool:
    """Whether all answers of an admin request are good."""
    for future in futures.values():
        try:
            future.result(10)
        except Exception:
            return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return when the condition holds; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{condition} not within {seconds} s"
        pause.wait(0.1)


def produce(broker: KafkaBroker, topic: str, partition: int, records: list[Any], **config: Any) -> None:
    """Append records in order and wait until the broker has them; `config` is librdkafka's."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **config})
    for key, value in records:
        producer.produce(topic, value, key, partition)
    assert producer.flush(20) == 0


def caught_up(source: KafkaSource) -> bool:
    """Whether nothing is left to read, by the positions and not by the last record."""
    ends = source.end()
    positions = source.positions()
    return ends is not None and all(positions[partition] >= end for partition, end in ends.items())
