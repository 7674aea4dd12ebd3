"""librdkafka's mock cluster as a TCP broker for tests: in the confluent-kafka wheel, started in milliseconds.

It is not Apache Kafka: no persistence, no compaction, no transactions worth the name, no TLS or SASL, and each
partition keeps only 100,000 records or 5 MiB: what is beyond is dropped silently, so `MockCluster.produce` counts.
The functions are marked experimental by librdkafka; the test extra pins the version.
"""

import ctypes
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import confluent_kafka
from crc32c import crc32c

from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource

MOST_RECORDS = 100_000
API_VERSION = (2, 3)
PRODUCE, FETCH, FIND_COORDINATOR = 0, 1, 10
UNKNOWN_TOPIC = 3
CREATE_TIME = 1_700_000_000_000

Row = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]
KeyValue = tuple[bytes | None, bytes | None]
_TOPICS = count()
_FORMAT: Any = import_module("kafka.record.default_records")  # after our own: its first import warns


@dataclass(frozen=True, slots=True)
class MockCluster:
    """A running mock cluster; `handle` is librdkafka's pointer to it."""

    bootstrap: str
    partitions: int
    handle: int
    _producer: list[Any] = field(default_factory=list)

    def create(self, topic: str, partitions: int | None = None) -> str:
        """Create a topic; its name."""
        self._check(
            _library().rd_kafka_mock_topic_create(self.handle, topic.encode(), partitions or self.partitions, 1)
        )
        return topic

    def delete(self, topic: str) -> None:
        """Delete a topic with all its records."""
        self._producer.clear()  # they remember its partitions
        self._check(_library().rd_kafka_mock_topic_delete(self.handle, topic.encode()))

    def refuse(self, topic: str, error: int) -> None:
        """Answer every metadata request for a topic with an error code (0: no more)."""
        _library().rd_kafka_mock_topic_set_error(self.handle, topic.encode(), error)

    def fresh(self, partitions: int | None = None) -> str:
        """Create a topic that no other test uses; its name."""
        return self.create(f"corpus-{next(_TOPICS)}", partitions)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Drop the records below an offset, as retention does."""
        self._check(_library().rd_kafka_mock_partition_delete_records(self.handle, topic.encode(), partition, before))

    def fail_next(self, api: int, *errors: int) -> None:
        """Answer the next requests of one kind with these error codes, one each."""
        codes = (ctypes.c_int * len(errors))(*errors)
        _library().rd_kafka_mock_push_request_errors_array(self.handle, api, len(errors), codes)

    def down(self, broker: int = 1) -> None:
        """Refuse and cut connections to a broker."""
        self._check(_library().rd_kafka_mock_broker_set_down(self.handle, broker))

    def up(self, broker: int = 1) -> None:
        """Let the broker answer again."""
        self._check(_library().rd_kafka_mock_broker_set_up(self.handle, broker))

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """Move the leader of a partition."""
        self._check(_library().rd_kafka_mock_partition_set_leader(self.handle, topic.encode(), partition, broker))

    def produce(self, topic: str, partition: int, records: Sequence[KeyValue], **options: Any) -> None:
        """Append records in order and wait for the acknowledgement; `options`: codec, headers, timestamp."""
        assert len(records) <= MOST_RECORDS, "the mock drops records beyond its limit"
        codec, headers = options.get("codec", "none"), options.get("headers")
        producer = self._writer(codec)
        failed: list[Any] = []
        for key, value in records:
            producer.produce(
                topic,
                value,
                key,
                partition,
                headers=headers,
                timestamp=options.get("timestamp", CREATE_TIME),
                on_delivery=lambda error, _message: failed.append(error) if error else None,
            )
        assert producer.flush(20) == 0
        assert not failed, failed[0]

    def append(self, topic: str, partition: int, batch: bytes) -> None:
        """Append one record batch as it is, good or bad: the mock checks neither checksum nor records."""
        name = topic.encode()
        body = struct.pack(">hhih4sh", 0, 3, 1, 4, b"test", -1)  # produce, version 3, no transaction
        body += struct.pack(">hiih", 1, 5000, 1, len(name)) + name
        body += struct.pack(">iii", 1, partition, len(batch)) + batch
        host, _, port = self.bootstrap.split(",")[0].rpartition(":")
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = connection.makefile("rb").read(4 + 4 + 4 + 2 + len(name) + 4 + 4 + 2)
        (error,) = struct.unpack(">h", answer[-2:])
        self._check(error)

    def _writer(self, codec: str) -> Any:
        for known, producer in self._producer:
            if known == codec:
                return producer
        producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "compression.type": codec,
                "linger.ms": 5,
                "topic.metadata.refresh.interval.ms": 200,
                "queue.buffering.max.messages": 2 * MOST_RECORDS,
                "log_level": 0,
            }
        )
        self._producer.append((codec, producer))
        return producer

    @staticmethod
    def _check(error: int) -> None:
        assert error == 0, f"librdkafka answered error {error}"


@contextmanager
def mock_cluster(brokers: int = 1, partitions: int = 4) -> Iterator[MockCluster]:
    """A cluster on free ports of 127.0.0.1; topics have `partitions` partitions unless said otherwise."""
    library = _library()
    conf = library.rd_kafka_conf_new()
    reason = ctypes.create_string_buffer(512)
    for name, value in ((b"log_level", b"0"), (b"bootstrap.servers", b"127.0.0.1:1")):
        library.rd_kafka_conf_set(conf, name, value, reason, len(reason))
    client = library.rd_kafka_new(0, conf, reason, len(reason))
    assert client, reason.value.decode()
    handle = library.rd_kafka_mock_cluster_new(client, brokers)
    cluster = MockCluster(library.rd_kafka_mock_cluster_bootstraps(handle).decode(), partitions, handle)
    try:
        yield cluster
    finally:
        cluster._producer.clear()
        library.rd_kafka_mock_cluster_destroy(handle)
        library.rd_kafka_destroy(client)


def settings_for(cluster: MockCluster, *topics: str, **changes: Any) -> KafkaSettings:
    """Settings that read these topics of the mock, with deadlines that only bound a hang."""
    defaults: dict[str, Any] = {"api_version": API_VERSION, "start_timeout": 30.0, "answer_timeout": 30.0}
    servers = tuple(cluster.bootstrap.split(","))
    return KafkaSettings(bootstrap_servers=servers, topics=topics, **{**defaults, **changes})


@contextmanager
def contract_source(records_by_partition: list[list[KeyValue]]) -> Iterator[KafkaSource]:
    """A not yet started source over a fresh topic that holds these records, list i in partition i."""
    with mock_cluster(partitions=len(records_by_partition)) as cluster:
        topic = cluster.fresh()
        for partition, records in enumerate(records_by_partition):
            if records:
                cluster.produce(topic, partition, records)
        source = KafkaSource(settings_for(cluster, topic))
        try:
            yield source
        finally:
            source.close()


def record_batch(rows: Sequence[Row], *, codec: int = 0, base: int = 0) -> bytearray:
    """A record batch (time, key, value, headers each) as kafka-python's producer writes it."""
    builder = _FORMAT.DefaultRecordBatchBuilder(2, codec, False, -1, -1, -1, 1 << 20)
    for offset, (stamp, key, value, headers) in enumerate(rows):
        assert builder.append(offset, stamp, key, value, headers)
    raw = bytearray(builder.build())
    struct.pack_into(">q", raw, 0, base)
    return raw


def sealed(raw: bytearray) -> bytearray:
    """The same bytes with the right length and checksum: damage that a bad producer makes, not the wire."""
    struct.pack_into(">i", raw, 8, len(raw) - 12)
    struct.pack_into(">I", raw, 17, crc32c(bytes(raw[21:])))
    return raw


def their_records(raw: bytes) -> list[Any]:
    """The records of a batch as kafka-python reads them."""
    return list(_FORMAT.DefaultRecordBatch(raw))


@cache
def _library() -> Any:
    beside = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = sorted(beside.glob("librdkafka*.so*"))
    assert found, f"no librdkafka in {beside}; expected the Linux wheel of confluent-kafka"
    library = ctypes.CDLL(str(found[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_topic_set_error": (None, [pointer, text, number]),
        "rd_kafka_mock_topic_delete": (number, [pointer, text]),
        "rd_kafka_mock_partition_delete_records": (number, [pointer, text, ctypes.c_int32, ctypes.c_int64]),
        "rd_kafka_mock_partition_set_leader": (number, [pointer, text, ctypes.c_int32, ctypes.c_int32]),
        "rd_kafka_mock_push_request_errors_array": (None, [pointer, ctypes.c_int16, ctypes.c_size_t, pointer]),
        "rd_kafka_mock_broker_set_down": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (number, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
