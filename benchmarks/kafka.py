"""From a Kafka topic to published metrics: events per second against the bare consumer, and event-to-metric latency.

    python -m benchmarks.kafka --data FOLDER --size 100000 --events 20000 --rates 1000,5000 --seconds 10

The broker is librdkafka's mock cluster over TCP, or Apache Kafka with `--broker real` (Java; see `tests.stack`). The
program is the real loop with its real Kafka source, decoder, engine, report and state file, 1,000 anchors, at its
usual pace; the maintained lists stand for the served ones. `rate`: a topic of base64 events is read by a bare
kafka-python consumer (bytes in, checksums on, nothing decoded), then by the program to the last published view.
`latency`: another process produces at a steady rate, and another thread looks at the metrics twenty times a second.
Of each look, how old the oldest event is that it does not show when it is answered: no event is later to be seen.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Producer

from benchmarks.corpus import KeyValue, Material, write_case
from benchmarks.machine import ONE_CORE, busy, facts
from benchmarks.stage import FILE_SOURCE, Feed, Relay, fill, staged
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.app.loop import Monitor
from monitor.app.parts import LoopTiming
from monitor.core.places import named_positions
from monitor.core.records.published import Published
from tests.kafka_mock import API_VERSION, mock_cluster

PARTITION_BYTES = 4 << 20
"""The mock keeps 5 MiB of a partition."""
PATIENCE = 120.0
LOOK = 0.05
"""Seconds between two looks; the text of the whole page is made once a second."""
PACE = 0.004
"""Seconds that the producer is late at most, and then makes up for."""
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
    """Quantiles of how far the metrics are behind the producer."""
    total = int(rate * options.seconds)
    records = material.update(options.size, min(total, options.size)).records[:total]
    partitions = spread(records, options.broker)
    topic = broker.topic(partitions)
    relay.to(broker.source(topic))
    with tempfile.TemporaryDirectory() as name:
        lines, log = Path(name) / "records", Path(name) / "log.npy"
        lines.write_bytes(b"".join(key + b"\t" + value + b"\n" for key, value in records))
        command = [sys.executable, "-m", "benchmarks.kafka", "--produce", str(lines), "--log", str(log)]
        command += ["--linger", str(options.linger), "--bootstrap", broker.bootstrap, "--topic", topic]
        command += ["--rates", str(rate), "--partitions", str(partitions)]
        with subprocess.Popen(command) as producer:
            looks = watch(monitor, topic, partitions, len(records))
        assert producer.returncode == 0
        sent = np.load(log)
    begun = sent[0] + 1.0  # the first second starts everything
    looks = [look for look in looks if begun < look.asked < sent[-1]]
    late = np.array([behind_producer(look, sent) for look in looks]) * 1e3
    took = np.array([look.answered - look.asked for look in looks]) * 1e3
    made = (len(sent) - 1) / (sent[-1] - sent[0])
    print(f"\n{len(records):,} events at {made:,.0f} events/s, {partitions} partitions; {busy()}")
    print(
        f"  event to metric: p50 {np.median(late):.1f} ms, p99 {np.quantile(late, 0.99):.1f} ms, worst"
        f" {late.max():.1f} ms over {len(looks):,} looks; a look takes {np.median(took):.1f} ms (median),"
        f" p99 {np.quantile(took, 0.99):.1f} ms"
    )


@dataclass(frozen=True, slots=True)
class Look:
    """When somebody asked, when the answer was there (seconds since the epoch), and the offsets it had reached."""

    asked: float
    answered: float
    offsets: tuple[int, ...]


def watch(monitor: Monitor, topic: str, partitions: int, events: int) -> list[Look]:
    """Turn until a look shows all events; every look on the way."""
    page, over, looks = MetricsPage(), threading.Event(), list[Look]()

    def look() -> None:
        for at in count():
            asked = time.time()
            view = monitor.published
            if at % int(1 / LOOK) == 0:
                page.render(view)
            looks.append(Look(asked, time.time(), offsets(view, topic, partitions)))
            if over.wait(LOOK):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        begun = time.perf_counter()
        while not looks or sum(looks[-1].offsets) < events:
            assert time.perf_counter() - begun < PATIENCE, f"{looks[-1:]} of {events} events shown"
            monitor.turn(0.2)
    finally:
        over.set()
        looking.join()
    return looks


def offsets(view: Published | None, topic: str, partitions: int) -> tuple[int, ...]:
    """Next offset of each partition in a view."""
    positions = {} if view is None else view.report.positions
    return tuple(positions.get(f"{topic}/{partition}", 0) for partition in range(partitions))


def behind_producer(look: Look, sent: Any) -> float:
    """Seconds since the oldest event was produced that a look does not show, 0 where it shows all.

    Event i, in order of production, is record i // p of partition i % p.
    """
    partitions = len(look.offsets)
    first = min(offset * partitions + partition for partition, offset in enumerate(look.offsets))
    return max(0.0, look.answered - float(sent[first])) if first < len(sent) else 0.0


def steady(options: argparse.Namespace) -> int:
    """The producing process: so many records per second, and when each was handed over."""
    records = [line.split(b"\t", 1) for line in options.produce.read_bytes().splitlines()]
    producer = Producer({"bootstrap.servers": options.bootstrap, "linger.ms": options.linger, "log_level": 0})
    producer.list_topics(options.topic, timeout=10)
    sent, begun = np.empty(len(records)), time.time() + 1.0
    for at, (key, value) in enumerate(records):
        early = begun + at / float(options.rates) - time.time()
        if early > 0:  # a few at a time: another machine's work is not to be felt on this one
            time.sleep(early + PACE)
        producer.poll(0)
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
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):  # as the program itself has it
        command = [sys.executable, "-m", "benchmarks.kafka", *argv]
        return subprocess.run(command, env={**os.environ, **ONE_CORE}, check=False).returncode
    print(facts())
    material = Material(options.data, "nl")
    with tempfile.TemporaryDirectory() as name, brokered(options.broker) as broker:
        feed = Feed()
        relay = Relay(feed)
        config = write_case(Path(name), material, options.anchors, source=FILE_SOURCE)
        with staged(config, relay, LoopTiming(full_replay=1e9), alone=False) as monitor:
            fill(monitor, feed, (batch.records for batch in material.load(options.size)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            print(f"\n{options.size:,} chunks, {options.anchors:,} anchors; broker: {options.broker}", flush=True)
            rates(broker, monitor, relay, material, options)
            for rate in map(float, options.rates.split(",")):
                latency(broker, monitor, relay, material, options, rate=rate)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
