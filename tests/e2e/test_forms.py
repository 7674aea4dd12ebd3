"""Every wire form, and every hostile input, through the whole program over a broker that speaks TCP."""

import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.app import asking
from monitor.app.configuration import Configuration, load
from monitor.app.wiring import read_state
from monitor.app.wiring.sources import build_decoder
from monitor.core.model.events import (
    TIMESTAMP_HEADER,
    Delete,
    Deploy,
    Heartbeat,
    MalformedEvent,
    Position,
    Record,
    Upsert,
)
from tests import corpora
from tests.adapters.codecs.hostile import HOSTILE
from tests.e2e import wire_forms
from tests.e2e.kafka_case import differing
from tests.e2e.program import command, without
from tests.e2e.streams import configured, kafka_source
from tests.e2e.wire_forms import Wire
from tests.kafka_mock import MockCluster, mock_cluster, record_batch, settings_for
from tests.kafka_reading import until

SEED = 5
SHAPE = corpora.Shape(chunks=240, deploys=4, anchors=60, churn=0.1)
EVENTS = wire_forms.shortened(corpora.events(SEED, SHAPE))
PARTITIONS = 4
HANG_SECONDS = 300.0
MUTATIONS = 2_000
VALUE_BYTES = 262_144
TOLERATED = {"text_too_long", "text_too_long_in_bytes", "no_event_time_no_stamp", "heartbeat_without_time"}
"""No malformed events here: the limit of a text is 1 MiB and not 64 KiB, and a record of Kafka has a time."""


@dataclass(frozen=True)
class State:
    """What a run left behind: the live chunks, and each deploy's report without positions."""

    chunks: dict[str, Any]
    reports: dict[str, Any]


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(partitions=PARTITIONS) as running:
        yield running


@pytest.fixture(scope="module")
def native_state(cluster: MockCluster, tmp_path_factory: pytest.TempPathFactory) -> State:
    """The events alone, all of them in the native form."""
    topic = cluster.fresh()
    records = wire_forms.partitioned(EVENTS, PARTITIONS, lambda event, _: wire_forms.as_native(event))
    wire_forms.written(cluster.bootstrap, topic, records)
    return run(case(tmp_path_factory.mktemp("native") / "run", cluster, topic))


def case(folder: Path, cluster: MockCluster, topic: str, extra: str = "") -> Path:
    """The configuration of a run over a topic."""
    options = f"api_version = [2, 3]\n{extra}[source.fields]\n{wire_forms.FIELDS}"
    path = configured(
        folder,
        kafka_source(cluster.bootstrap, topic, options),
        seed=SEED,
        shape=SHAPE,
        corpus=f'dimension = {wire_forms.DIMENSION}\nembedding_version = "{wire_forms.VERSION}"',
        source=f"max_event_bytes = {VALUE_BYTES}",
        http="enabled = false",
    )
    anchors = wire_forms.shortened_anchors(corpora.anchors(SEED, SHAPE))
    write_anchors(folder / "anchors.jsonl", anchors)
    return path


def run(config: Path) -> State:
    """Run until caught up; what was committed."""
    assert attempted(config) == (0, 0)
    return committed(config)


def attempted(config: Path) -> tuple[int, int]:
    """Crashes and hangs of one run until caught up, in a process of its own."""
    try:
        done = command("run", "-c", config, "--until-end", seconds=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        return 0, 1
    return int(done.code != 0 or "Traceback" in done.err), 0


def committed(config: Path) -> State:
    """The state that a run left behind."""
    with read_state(configuration(config)) as store:
        chunks = {
            row.chunk_id: (
                row.doc_id,
                row.ordinal,
                row.segment,
                row.embedding_version,
                row.event_time,
                row.content_hash,
                row.version,
                text,
                None if vector is None else vector.tobytes(),
            )
            for batch in store.chunks(1_000)
            for row, text, vector in batch
            if row.live
        }
        reports = {
            judged.deploy_id: without(asking.stored_report(store, judged.deploy_id), "positions")
            for judged in store.ledger()
        }
    return State(chunks, reports)


def configuration(config: Path) -> Configuration:
    return load(config, {})


def same(left: State, right: State) -> None:
    """Both states hold the same chunks, and every deploy was reported alike."""
    assert left.chunks == right.chunks
    assert list(left.reports) == list(right.reports)
    assert differing(left.reports, right.reports) == []


def test_the_native_run_is_worth_comparing_with(native_state: State) -> None:
    assert {type(event) for event in EVENTS} == {Upsert, Delete, Deploy, Heartbeat}
    assert len(native_state.chunks) > 200
    assert native_state.reports["d0"]["verdict"]["verdict"] == "unknown"
    assert len(native_state.reports) == SHAPE.deploys
    assert all(len(one["measurements"]) > 100 for one in list(native_state.reports.values())[1:])


def test_a_topic_of_mixed_forms_gives_the_corpus_of_the_native_form(
    cluster: MockCluster, native_state: State, tmp_path: Path
) -> None:
    topic = cluster.fresh()
    records = wire_forms.partitioned(EVENTS, PARTITIONS, wire_forms.mixed)
    wire_forms.written(cluster.bootstrap, topic, records)
    config = case(tmp_path / "run", cluster, topic)
    same(run(config), native_state)
    assert quarantined(config) == {}


@dataclass(frozen=True)
class Bad:
    """A record that is no event, and why."""

    wire: Wire
    reason: str


def hostile(config: Path) -> list[Bad]:
    """The hostile inputs of the codecs' tests, then seeded mutations of good events that the decoder refuses."""
    listed = [
        Bad(Wire(key, value, list(headers)), reason)
        for name, key, value, headers, reason in HOSTILE
        if name not in TOLERATED
    ]
    return [*listed, *mutations(config)]


def mutations(config: Path) -> Iterator[Bad]:
    """Good events with bytes flipped, cut out, doubled or cut off, as far as that makes them malformed."""
    decoder = build_decoder(configuration(config), wire_forms.DIMENSION, wire_forms.VERSION)
    generator = random.Random(SEED)
    upserts = [event for event in EVENTS if isinstance(event, Upsert)]
    for _ in range(MUTATIONS):
        wire = generator.choice(wire_forms.FORMS)(generator.choice(upserts))[-1]
        assert wire.value is not None
        spoilt = wire._replace(value=mutated(wire.value, generator))
        stamp = (TIMESTAMP_HEADER, str(spoilt.time * 1_000).encode())
        record = Record(Position("t", 0, 0), spoilt.key, spoilt.value, (*spoilt.headers, stamp))
        try:
            decoder.decode(record)
        except MalformedEvent as error:
            yield Bad(spoilt, error.reason)


def mutated(value: bytes, generator: random.Random) -> bytes:
    at, size = generator.randrange(len(value)), generator.randrange(1, 9)
    kind = generator.randrange(4)
    if kind == 0:
        return value[:at] + generator.randbytes(size) + value[at + size :]
    if kind == 1:
        return value[:at] + value[at + size :]
    return value[: at + size] + value[at:] if kind == 2 else value[:at]


def interleaved(good: Sequence[Wire], bad: Sequence[Bad]) -> tuple[list[Wire], dict[int, str]]:
    """Good records with bad ones spread between them, and the offset and reason of each bad one."""
    per_gap = -(-len(bad) // max(1, len(good)))
    gaps = [bad[at : at + per_gap] for at in range(0, len(bad), per_gap)]
    mixed: list[Wire] = []
    reasons: dict[int, str] = {}
    for group, one in zip_longest(gaps, good, fillvalue=None):
        for item in group or ():
            reasons[len(mixed)] = item.reason
            mixed.append(item.wire)
        if one is not None:
            mixed.append(one)
    return mixed, reasons


def quarantined(config: Path) -> dict[Position, str]:
    """Reason by position of what was set aside; each position once."""
    with read_state(configuration(config)) as store:
        items = store.quarantine(100_000)
    found = {item.position: item.reason for item in items}
    assert len(found) == len(items), "a record set aside twice"
    return found


def test_hostile_records_cost_nothing_but_themselves(
    cluster: MockCluster, native_state: State, tmp_path: Path, record_property: Any
) -> None:
    """No crash, no hang, no good event lost, each bad record in quarantine once and in the dead-letter topic."""
    topic, letters = cluster.fresh(), cluster.fresh(1)
    config = case(tmp_path / "run", cluster, topic, f'dead_letter_topic = "{letters}"\n')
    all_may_be_bad = "[source]\nmax_refused_ratio = 1.0\n"
    config.write_text(config.read_text().replace("[source]\n", all_may_be_bad, 1), encoding="utf-8")
    good = wire_forms.partitioned(EVENTS, PARTITIONS, wire_forms.mixed)
    bad = hostile(config)
    records: list[list[Wire]] = []
    expected: dict[Position, str] = {}
    for partition in range(PARTITIONS):
        made, reasons = interleaved(good[partition], bad[partition::PARTITIONS])
        records.append(made)
        expected |= {Position(topic, partition, offset): reason for offset, reason in reasons.items()}
    wire_forms.written(cluster.bootstrap, topic, records)
    expected |= damaged_batch(cluster, topic, partition=1, base=len(records[1]))
    crashes, hangs = attempted(config)
    state = committed(config)
    lost = native_state.chunks.keys() - state.chunks.keys()
    figures = f"inputs tried {len(expected)}, crashes {crashes}, hangs {hangs}, good events lost {len(lost)}"
    record_property("hostile", figures)
    print(figures)  # noqa: T201 - cited
    assert len(expected) > 1_000
    assert (crashes, hangs) == (0, 0)
    assert not lost
    same(state, native_state)
    assert quarantined(config) == expected
    assert published(cluster, letters, len(expected)) >= expected.keys()


def damaged_batch(cluster: MockCluster, topic: str, *, partition: int, base: int) -> dict[Position, str]:
    """A batch of three records whose checksum is wrong, at the end of a partition."""
    batch = record_batch([(1_787_134_320_000, b"k%d" % at, b"{}", []) for at in range(3)])
    batch[-1] ^= 1
    cluster.append(topic, partition, bytes(batch))
    return {Position(topic, partition, base + at): "unreadable" for at in range(3)}


def published(cluster: MockCluster, letters: str, n: int) -> set[Position]:
    """The positions that the dead-letter topic tells of."""
    source = KafkaSource(settings_for(cluster, letters))
    source.start({})
    try:
        records, _ = until(source, lambda found, _: len(found) >= n)
    finally:
        source.close()
    return {told(record) for record in records}


def told(record: Record) -> Position:
    story = {name.removeprefix("corpus-drift-"): text.decode() for name, text in record.headers}
    return Position(story["topic"], int(story["partition"]), int(story["offset"]))
