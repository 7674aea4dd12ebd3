"""Reading from a source in tests until something is there, with a deadline; and the records that are produced."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.core.model.events import Partition, Record
from monitor.ports import Fault
from tests.kafka_mock import MockCluster, settings_for

DEADLINE = 60.0
Start = Callable[..., KafkaSource]


@contextmanager
def starting(cluster: MockCluster) -> Iterator[Start]:
    """A function that starts sources over topics of the cluster; they are closed at the end."""
    opened: list[KafkaSource] = []

    def start(*topics: str, positions: dict[Partition, int] | None = None, **changes: object) -> KafkaSource:
        source = KafkaSource(settings_for(cluster, *topics, **changes))
        opened.append(source)
        source.start(positions or {})
        return source

    try:
        yield start
    finally:
        for source in opened:
            source.close()


def until(
    source: KafkaSource, enough: Callable[[list[Record], list[Fault]], bool], *, batch: int = 500
) -> tuple[list[Record], list[Fault]]:
    records: list[Record] = []
    faults: list[Fault] = []
    deadline = time.monotonic() + DEADLINE
    while not enough(records, faults):
        assert time.monotonic() < deadline, (
            f"{len(records)} records, faults {faults}, last error {source.last_error()!r}"
        )
        polled = source.poll(batch, 0.2)
        assert len(polled.records) + len(polled.faults) <= batch + len(source.partitions())
        records += polled.records
        faults += polled.faults
    return records, faults


def count(n: int) -> Callable[[list[Record], list[Fault]], bool]:
    return lambda records, _faults: len(records) >= n


def numbered(n: int, mark: str = "v") -> list[tuple[bytes | None, bytes | None]]:
    return [(b"k%d" % i, f"{mark}{i}".encode()) for i in range(n)]


def values(records: Iterable[Record], partition: int) -> list[bytes | None]:
    return [record.value for record in records if record.position.partition == partition]
