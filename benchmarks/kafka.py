"""From a Kafka topic to published metrics: events per second against the bare consumer, and event-to-metric latency.

    python -m benchmarks.kafka --data FOLDER --size 100000 --events 20000 --rates 1000,5000 --seconds 10

The broker is librdkafka's mock cluster over TCP, or Apache Kafka with `--broker real` (Java; see `tests.stack`). The
program is the real loop with its real Kafka source, decoder, engine, report and state file, 1,000 anchors, at its
usual pace; the maintained lists stand for the served ones. `rate`: a topic of base64 events is read by a bare
kafka-python consumer (bytes in, checksums on, nothing decoded), then by the program to the last published view.
`latency`: another process produces at a steady rate; an event's latency ends when a view is published whose positions
lie behind it.
"""

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Producer

from benchmarks.corpus import KeyValue, Material, write_case
from benchmarks.machine import busy, facts, quantile
from benchmarks.stage import FILE_SOURCE, Feed, Relay, fill, staged
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.app.loop import Monitor
from monitor.app.measuring import Measured
from monitor.app.parts import LoopTiming
from monitor.core.places import named_positions
from tests.kafka_mock import API_VERSION, mock_cluster

PARTITION_BYTES = 4 << 20
"""The mock keeps 5 MiB of a partition."""
PATIENCE = 120.0
_TOPICS = count()


@dataclass(frozen=True)
class Broker:
    """Where it listens, the version the client is told, and how a topic with so many partitions is made."""

    bootstrap: str
    api_version: tuple[int, ...] | None
    create: Callable[[str, int], object]

    def topic(self, partitions: int) -> str:
        """A new topic."""
        name = f"bench-{next(_TOPICS)}"
        self.create(name, partitions)
        return name

    def source(self, topic: str) -> KafkaSource:
        """The program's own source over a topic."""
        servers = tuple(self.bootstrap.split(","))
        return KafkaSource(KafkaSettings(servers, (topic,), api_version=self.api_version))


@contextmanager
def brokered(kind: str) -> Iterator[Broker]:
    """The mock, or Apache Kafka."""
    if kind == "mock":
        with mock_cluster() as cluster:
            yield Broker(cluster.bootstrap, API_VERSION, cluster.create)
        return
    from confluent_kafka.admin import AdminClient

    from tests.kafka_admin import created
    from tests.stack import kafka_broker

    with kafka_broker() as real:
        admin = AdminClient({"bootstrap.servers": real.bootstrap})
        yield Broker(real.bootstrap, None, lambda topic, partitions: created(admin, topic, partitions))


def spread(records: Sequence[KeyValue], kind: str) -> int:
    """How many partitions records of this size need."""
    size = sum(len(key) + len(value) + 20 for key, value in records)
    return max(4, math.ceil(size / PARTITION_BYTES)) if kind == "mock" else 6


def produce(broker: Broker, topic: str, records: Sequence[KeyValue], partitions: int) -> None:
    """Append in turns over the partitions (a chunk's records keep to one), and wait until the broker has all."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 20, "log_level": 0})
    for at, (key, value) in enumerate(records):
        producer.produce(topic, value, key, at % partitions)
        if at % 5000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0


def bare(broker: Broker, topic: str, partitions: int, events: int) -> float:
    """Events per second that kafka-python alone hands over as bytes."""
    from kafka import KafkaConsumer, TopicPartition

    options: dict[str, Any] = {} if broker.api_version is None else {"api_version": broker.api_version}
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap.split(","), auto_offset_reset="earliest", **options)
    consumer.assign([TopicPartition(topic, at) for at in range(partitions)])
    got, begun = 0, time.perf_counter()
    while got < events:
        assert time.perf_counter() - begun < PATIENCE, f"{got} of {events} events read"
        got += sum(len(part) for part in consumer.poll(timeout_ms=1000, max_records=1024).values())
    taken = time.perf_counter() - begun
    consumer.close()
    return events / taken


def through(monitor: Monitor, relay: Relay, source: KafkaSource, events: int) -> tuple[float, float]:
    """Events per second to the last published view, by the clock and of this thread's computing."""
    before = done(monitor)
    relay.to(source)
    begun, used = time.perf_counter(), time.thread_time()
    while done(monitor) - before < events or monitor.measuring.touched() or behind(monitor):
        assert time.perf_counter() - begun < PATIENCE, f"{done(monitor) - before} of {events} events applied"
        monitor.turn(0.2)
    taken = time.perf_counter() - begun, time.thread_time() - used
    source.close()
    return events / taken[0], events / taken[1]


def done(monitor: Monitor) -> int:
    """Upserts applied so far."""
    return sum(n for (kind, *rest), n in monitor.session.counters.items() if kind == "events" and rest[0] == "upsert")


def behind(monitor: Monitor) -> bool:
    """Whether the published view is older than the corpus."""
    view = monitor.published
    return view is None or view.report.positions != named_positions(monitor.intake.positions)


def rates(broker: Broker, monitor: Monitor, relay: Relay, material: Material, options: argparse.Namespace) -> None:
    """Both rates, round by round on the same topic."""
    theirs, ours, works = [], [], []
    for _ in range(options.rounds):
        records = material.update(options.size, options.events).records
        partitions = spread(records, options.broker)
        topic = broker.topic(partitions)
        produce(broker, topic, records, partitions)
        theirs.append(bare(broker, topic, partitions, len(records)))
        rate, work = through(monitor, relay, broker.source(topic), len(records))
        ours.append(rate)
        works.append(work)
    share = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
    size = sum(len(value) for _, value in records) / len(records)
    print(
        f"\n{options.events:,} events of {size:,.0f} bytes, {partitions} partitions, {options.rounds} rounds; {busy()}"  # noqa: E501 - one line of output
    )
    print(f"  bare kafka-python consumer      {statistics.median(theirs):10,.0f} events/s")
    print(
        f"  topic to published metrics      {statistics.median(ours):10,.0f} events/s   {share:.1%} of that;"
        f" {statistics.median(works):,.0f} events/s of computing"
    )


def latency(
    broker: Broker, monitor: Monitor, relay: Relay, material: Material, options: argparse.Namespace, *, rate: float
) -> None:
    """Quantiles of the time from the moment an event is produced to a published view that holds it."""
    total = int(rate * options.seconds)
    records = material.update(options.size, min(total, options.size)).records[:total]
    partitions = spread(records, options.broker)
    topic = broker.topic(partitions)
    relay.to(broker.source(topic))
    with tempfile.TemporaryDirectory() as name:
        lines, log = Path(name) / "records", Path(name) / "log.npy"
        lines.write_bytes(b"".join(key + b"\t" + value + b"\n" for key, value in records))
        command = [sys.executable, "-m", "benchmarks.kafka", "--produce", str(lines), "--log", str(log)]
        command += [
            "--linger",
            str(options.linger),
            "--bootstrap",
            broker.bootstrap,
            "--topic",
            topic,
            "--rates",
            str(rate),
        ]
        with subprocess.Popen([*command, "--partitions", str(partitions)]) as producer:
            views = watch(monitor, topic, len(records))
        assert producer.returncode == 0
        sent = np.load(log)
    seen = published(views, partitions, len(records))
    waited = (seen - sent)[int(rate) :] * 1000.0  # the first second starts everything
    turns = np.diff([at for at, _ in views])
    made = (len(sent) - 1) / (sent[-1] - sent[0])
    print(f"\n{len(records):,} events at {made:,.0f} events/s, {partitions} partitions; {busy()}")
    print(
        f"  event to published metric: p50 {np.median(waited):.1f} ms, p99 {np.quantile(waited, 0.99):.1f} ms,"
        f" worst {waited.max():.1f} ms; {len(views):,} views, one every {np.median(turns) * 1e3:.1f} ms (median),"
        f" p99 {quantile(turns.tolist(), 0.99) * 1e3:.1f} ms"
    )


def watch(monitor: Monitor, topic: str, events: int) -> list[tuple[float, Mapping[int, int]]]:
    """Turn until all events are published; when each view was, and the offsets it holds. Scraped once a second."""
    views: list[tuple[float, Mapping[int, int]]] = []
    publish = monitor.measuring.publish

    def noted(measured: Measured, *, whole: bool = True) -> None:
        publish(measured, whole=whole)
        views.append(
            (
                time.time(),
                {part.partition: at for part, at in monitor.intake.positions.items() if part.topic == topic},
            )
        )

    monitor.measuring.publish = noted  # type: ignore[method-assign]  # the moment of publication is what is measured
    page, over = MetricsPage(), threading.Event()
    scraper = threading.Thread(
        target=lambda: [page.render(monitor.published) for _ in iter(lambda: over.wait(1.0), True)]
    )
    scraper.start()
    try:
        begun = time.perf_counter()
        while not views or sum(views[-1][1].values()) < events:
            assert time.perf_counter() - begun < PATIENCE, f"{views[-1:]} of {events} events published"
            monitor.turn(0.01)
    finally:
        monitor.measuring.publish = publish  # type: ignore[method-assign]  # as it was
        over.set()
        scraper.join()
    return views


def published(views: Sequence[tuple[float, Mapping[int, int]]], partitions: int, events: int) -> Any:
    """When each event, in order of production, was in a view first: event i is record i // p of partition i % p."""
    times = np.array([at for at, _ in views])
    made = np.empty(events)
    for partition in range(partitions):
        offsets = np.array([held.get(partition, 0) for _, held in views])
        own = np.arange(partition, events, partitions)
        made[own] = times[np.searchsorted(offsets, np.arange(1, len(own) + 1))]
    return made


def steady(options: argparse.Namespace) -> int:
    """The producing process: so many records per second, and when each was handed over."""
    records = [line.split(b"\t", 1) for line in options.produce.read_bytes().splitlines()]
    producer = Producer({"bootstrap.servers": options.bootstrap, "linger.ms": options.linger, "log_level": 0})
    producer.list_topics(options.topic, timeout=10)
    sent, begun = np.empty(len(records)), time.time() + 1.0
    for at, (key, value) in enumerate(records):
        due = begun + at / float(options.rates)
        while (early := due - time.time()) > 0:
            producer.poll(min(early, 0.001))
        sent[at] = time.time()
        producer.produce(options.topic, value, key, at % options.partitions)
    assert producer.flush(60) == 0
    np.save(options.log, sent)
    return 0


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--broker", choices=("mock", "real"), default="mock")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rates", default="1000,2000,5000", help="events per second to produce at")
    parser.add_argument("--linger", type=float, default=5.0, help="the producer's, in ms; Kafka's own default is 5")
    parser.add_argument("--seconds", type=float, default=8.0)
    for name, kind in (("produce", Path), ("log", Path), ("bootstrap", str), ("topic", str), ("partitions", int)):
        parser.add_argument(f"--{name}", type=kind, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.produce is not None:
        return steady(options)
    print(facts())
    material = Material(options.data, "nl")
    with tempfile.TemporaryDirectory() as name, brokered(options.broker) as broker:
        feed = Feed()
        relay = Relay(feed)
        config = write_case(Path(name), material, options.anchors, source=FILE_SOURCE)
        with staged(config, relay, LoopTiming(full_replay=1e9)) as monitor:
            fill(monitor, feed, (batch.records for batch in material.load(options.size)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            print(f"\n{options.size:,} chunks, {options.anchors:,} anchors; broker: {options.broker}", flush=True)
            rates(broker, monitor, relay, material, options)
            for rate in map(float, options.rates.split(",")):
                latency(broker, monitor, relay, material, options, rate=rate)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
