"""One corpus stream for the tests over a real broker: what is written, and what a run over one file says of it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from monitor.app import asking
from monitor.app.configuration import load
from monitor.app.wiring import read_state
from tests import corpora
from tests.e2e.mortal_kafka import MortalBroker
from tests.e2e.program import Running, command, without
from tests.e2e.streams import MALFORMED, PARTITIONS, Stream, configured, kafka_source, stream
from tests.kafka_admin import created

SEED = 11
SHAPE = corpora.Shape(chunks=1_500, deploys=5, anchors=300, churn=0.002, incident=True)
STREAM = stream(SEED, SHAPE)
DEPLOYS = STREAM.deploys
FILE_SOURCE = '[source.file]\npath = "events.jsonl"\n'
Series = dict[tuple[str, ...], float]


@dataclass(frozen=True)
class Expected:
    """Report and gate answer of each deploy, without positions, as a run over the same events in a file has them."""

    reports: dict[str, Any]
    gates: dict[str, Any]


def file_run(folder: Path, **sections: str) -> Expected:
    """Run the stream as one file to its end, and read what was committed."""
    config = configured(folder, FILE_SOURCE, seed=SEED, shape=SHAPE, **sections)
    (folder / "events.jsonl").write_bytes(STREAM.lines())
    done = command("run", "-c", config, "--until-end")
    assert done.code == 0, done.err
    with read_state(load(config, {})) as store:
        reports = {deploy: asking.stored_report(store, deploy) for deploy in DEPLOYS}
        gates = {deploy: asking.stored_gate(store, deploy) for deploy in DEPLOYS}
    assert {gates[deploy]["verdict"] for deploy in DEPLOYS} >= {"pass", "fail"}, (
        "a stream that nothing can be read off"
    )
    return Expected(_unplaced(reports), _unplaced(gates))


def as_file_run(running: Running, expected: Expected, deploys: list[str]) -> None:
    """Wait for deploys and assert that everything about them but positions is what the file run says."""
    for deploy in deploys:
        report, answer = running.judged(deploy), running.get("/api/v1/gate", deploy=deploy)
        assert differing(without(report, "positions"), expected.reports[deploy]) == []
        assert differing(without(answer, "positions"), expected.gates[deploy]) == []


def differing(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two documents differ, with both values; empty when they are equal."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        return [line for key in left for line in differing(left[key], right[key], f"{where}.{key}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [line for at, (one, other) in pairs for line in differing(one, other, f"{where}[{at}]")]
    return [] if left == right else [f"{where}: {left!r} and {right!r}"]


def kafka_run(folder: Path, broker: MortalBroker, topic: str, **sections: str) -> Path:
    """The configuration of a run over a topic, in a folder of its own."""
    return configured(folder, kafka_source(broker.bootstrap, topic), seed=SEED, shape=SHAPE, **sections)


def new_topic(broker: MortalBroker, name: str) -> str:
    """A topic of six partitions."""
    return created(AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}), name, PARTITIONS)


def written(broker: MortalBroker, topic: str, made: Stream) -> None:
    """Append a stream to the partitions of a topic; returns when the broker has it."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, "compression.type": "zstd"})
    for partition, records in enumerate(made.partitioned()):
        for key, value in records:
            producer.produce(topic, value, key, partition)
    assert producer.flush(60) == 0


def gate(config: Path, deploy: str, *options: str) -> Any:
    """The gate's answer in JSON; its exit code says the same."""
    done = command("gate", "-c", config, "--deploy", deploy, "--format", "json", *options)
    assert done.code == {"pass": 0, "fail": 1}.get(done.document["verdict"], 3), done.err
    return done.document


def lags(running: Running) -> Series:
    """The lag where it is known, by name and labels as written."""
    return {
        (name,): value
        for name, value in running.metrics().items()
        if name.startswith("corpus_drift_lag_events") and not math.isnan(value)
    }


def caught_up(running: Running) -> bool:
    """Whether the lag of every partition is known, and 0."""
    found = lags(running)
    return len(found) == PARTITIONS and not any(found.values())


def events_counted(running: Running) -> dict[str, float]:
    """The counters of events, which a record read twice would move."""
    return {name: value for name, value in running.metrics().items() if name.startswith("corpus_drift_events_total")}


def set_aside(config: Path) -> list[tuple[int, int, str]]:
    """Partition, offset and reason of what is in quarantine, sorted."""
    listed = command("quarantine", "list", "-c", config, "--limit", "10000", "--json").document
    return sorted((one["partition"], one["offset"], one["reason"]) for one in listed)


def malformed(made: Stream) -> list[tuple[int, int, str]]:
    """Partition, offset and reason of the malformed records of a stream, sorted."""
    reasons = {value: reason for _, value, reason in MALFORMED}
    return sorted(
        (partition, offset, reasons[value])
        for partition, records in enumerate(made.partitioned())
        for offset, (_, value) in enumerate(records)
        if value in reasons
    )


def as_series(report: Any) -> Series:
    """The measurements of a report as Prometheus should hold them; what is not measurable is NaN."""
    keys = ("leg", "k", "dimension", "segment", "stat")
    return {
        (f"corpus_drift_{one['metric']}", *(str(one[key]) for key in keys)): (
            math.nan if one["value"] is None else one["value"]
        )
        for one in report["measurements"]
        if one["metric"] != "embedding_version_chunks"  # by version instead
    }


def same(left: Series, right: Series) -> bool:
    """Equal to the bit, NaN being NaN."""
    return left.keys() == right.keys() and all(
        left[key] == right[key] or (math.isnan(left[key]) and math.isnan(right[key])) for key in left
    )


def _unplaced(documents: dict[str, Any]) -> dict[str, Any]:
    return {deploy: without(document, "positions") for deploy, document in documents.items()}
