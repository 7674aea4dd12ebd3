"""Partitions as real clients choose them."""

from confluent_kafka import Producer

from monitor.adapters.corpus_files.partitioners import PARTITIONERS, fitting
from tests.kafka_mock import mock_cluster

KEYS = [f"guide/{at}.md#ä{at}".encode() for at in range(60)]
NAMES = {"murmur2": "murmur2_random", "crc32": "consistent_random"}
"""By ours: what librdkafka calls it."""


def test_keys_are_where_librdkafka_puts_them() -> None:
    with mock_cluster(partitions=7) as cluster:
        for ours, theirs in NAMES.items():
            found: dict[bytes, int] = {}
            topic = cluster.create(f"topic-{ours}", 7)
            producer = Producer({"bootstrap.servers": cluster.bootstrap, "partitioner": theirs})

            def told(error: object, message: object, found: dict[bytes, int] = found) -> None:
                assert error is None
                found[message.key()] = message.partition()  # type: ignore[attr-defined]

            for key in KEYS:
                producer.produce(topic, b"x", key, on_delivery=told)
            assert producer.flush(30) == 0
            del producer
            assert set(found.values()) == set(range(7))
            assert {key: PARTITIONERS[ours](key, 7) for key in KEYS} == found
            assert fitting(found, 7) == [ours]
