"""A stream over several partitions, an index that others fill, and what a monitor over any number of shards says.

Every chunk is in one partition. Partitions are read unevenly, markers close barriers, some events come late or twice.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.native_form import native
from monitor.adapters.prometheus.exporter import reported
from monitor.adapters.prometheus.text import page_text
from monitor.adapters.registry import REGISTERED
from monitor.adapters.stores.sqlite.snapshots import pack_deploy, pack_snapshot
from monitor.app.configuration import Configuration, load
from monitor.app.explaining import stored_card
from monitor.app.health import Clocks
from monitor.app.loop import Monitor
from monitor.app.wiring import around, open_monitor, read_state
from monitor.core.explain.card import CardQuery
from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import CorpusEvent, Delete, Located, Partition, Position, Record, Upsert, chunk_key
from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.core.model.scoring import Distance, prepare
from monitor.core.records.committed import Quarantined
from monitor.core.records.documents import gate_document, judged_document, report_document
from monitor.kinds import RealIndex, RetrieverContext, RetrieverKind, Section
from monitor.ports import Replay, Unanswered
from tests.app.scripted import TOPIC, Item, ScriptedSource
from tests.contracts.toys import ToyStore
from tests.corpora import Shape, anchors, configuration, events

PARTITIONS = 5
SEED = 7
SHAPE = Shape(chunks=80, deploys=5, anchors=24, churn=0.3, incident=True)
BATCH = 17
"""So that batches and barriers fall anywhere."""


def partition_of(chunk_id: str) -> int:
    return chunk_key(chunk_id) % PARTITIONS


def stream(shape: Shape = SHAPE) -> list[Item]:
    """What is delivered, in order: each chunk's events in its partition, a copy of each marker in every one."""
    return [item for item, _ in told(shape)]


def told(shape: Shape = SHAPE) -> list[tuple[Record, CorpusEvent | None]]:
    """The same with what each record says; None for what nobody can read."""
    generator, ends = np.random.default_rng(SEED), [0] * PARTITIONS
    queues: list[list[tuple[Record, CorpusEvent | None]]] = [[] for _ in range(PARTITIONS)]
    for event in _hurt(generator, events(SEED, shape)):
        if isinstance(event, Upsert | Delete):
            chunk_id = event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id
            parts = [partition_of(chunk_id)]
        else:
            parts = [*range(PARTITIONS)]
        value = b"{broken" if event is None else native(event)[1]
        for part in parts:
            queues[part].append((Record(Position(TOPIC, part, ends[part]), None, value), event))
            ends[part] += 1
    made: list[tuple[Record, CorpusEvent | None]] = []
    while any(queues):  # some partitions run ahead of others: what they have behind a marker waits
        part = int(generator.choice([at for at, queue in enumerate(queues) if queue]))
        taken = int(generator.integers(1, 9))
        made += queues[part][:taken]
        queues[part] = queues[part][taken:]
    return made


def _hurt(generator: Generator, made: Sequence[CorpusEvent]) -> list[CorpusEvent | None]:
    """The stream as the world has it: moved, copied, delivered again, late, of no version, malformed (None)."""
    hurt: list[CorpusEvent | None] = []
    seen: list[CorpusEvent] = []
    for event in made:
        if isinstance(event, Upsert):
            chunk, luck = event.chunk, generator.random()
            if luck < 0.1:  # moves to another document and segment
                segment = (("language", "en"), ("source", "blog"))
                event = replace(event, chunk=replace(chunk, doc_id="moved", segment=segment))
            elif luck < 0.2 and seen:  # says what another chunk says, in whatever partition that is
                other = seen[int(generator.integers(len(seen)))]
                if isinstance(other, Upsert):
                    same = replace(chunk, text=other.chunk.text, content_hash=other.chunk.content_hash)
                    event = replace(event, chunk=replace(same, vector=other.chunk.vector))
        hurt.append(event)
        if isinstance(event, Upsert | Delete):
            seen.append(event)
            if generator.random() < 0.1:
                hurt.append(seen[int(generator.integers(len(seen)))])  # again, and maybe long superseded
            if generator.random() < 0.02:
                hurt.append(None)
    return hurt


class FrozenSection(Section):
    """An index that others filled, and that nobody brings up to date."""


def _frozen(section: FrozenSection, context: RetrieverContext) -> RealIndex:
    del section
    index, corpus = ToyStore(context.dimension, context.distance, 1 << 20), Corpus(context.dimension)
    for at, event in enumerate(events(SEED, SHAPE)):
        if isinstance(event, Upsert) and event.chunk.vector is not None and at % 7:
            vector = prepare(event.chunk.vector[None], Distance.COSINE)[0]
            made = Located(Position("t", 0, at), replace(event, chunk=replace(event.chunk, vector=vector)))
            index.apply(corpus.delta(corpus.apply([made]).changes))
    return RealIndex(index)


class Following(ToyStore):
    """An index that production brings up to date before the monitor looks: it holds what the monitor has read."""

    def __init__(self, dimension: int, distance: Distance, state: Path) -> None:
        super().__init__(dimension, distance, 1 << 20)
        self.read: Callable[[], Mapping[Partition, int]] = lambda: _positions(state)
        """Next offset by partition of what it is to hold."""
        self._corpus, self._told, self._taken = Corpus(dimension), told(), set[Position]()

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        self._follow()
        return super().replay(anchors, rows, k=k, deadline=deadline)

    def count(self) -> int | Unanswered:
        self._follow()
        return super().count()

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        self._follow()
        return super().content_hashes(chunk_ids, deadline=deadline)

    def _follow(self) -> None:
        upto = self.read()
        fresh = [
            Located(record.position, _prepared(event))
            for record, event in self._told
            if isinstance(event, Upsert | Delete)
            and record.position.offset < upto.get(record.position.source, 0)
            and record.position not in self._taken
        ]
        self._taken.update(located.position for located in fresh)
        self.apply(self._corpus.delta(self._corpus.apply(fresh).changes))


def _prepared(event: Upsert | Delete) -> Upsert | Delete:
    if isinstance(event, Delete) or event.chunk.vector is None:
        return event
    return replace(event, chunk=replace(event.chunk, vector=prepare(event.chunk.vector[None], Distance.COSINE)[0]))


def _following(section: FrozenSection, context: RetrieverContext) -> RealIndex:
    del section
    return RealIndex(Following(context.dimension, context.distance, context.located(context.state)))


def _searched(_: FrozenSection) -> SearchConfig:
    return SearchConfig("toy", SearchMode.EXACT)


FROZEN = RetrieverKind("frozen", FrozenSection, _frozen, search=_searched, owned=False, flat=True)
FOLLOWING = RetrieverKind("following", FrozenSection, _following, search=_searched, owned=False, flat=True)
MODEL = Configuration.of(REGISTERED.extended(retrievers=[FROZEN, FOLLOWING]))


def write_case(folder: Path, shards: int, *, index: str = "following", extra: str = "") -> Path:
    """Anchors and configuration, with this index or "none"; the stream is a script."""
    folder.mkdir(exist_ok=True)
    shape = replace(SHAPE, dense=index != "none")
    write_anchors(folder / "anchors.jsonl", anchors(SEED, shape))
    text = configuration(shape, f"[shards]\ncount = {shards}\n{extra}").replace('"embedded"', f'"{index}"')
    text = text.replace("[source.file]", f"[source]\nbatch = {BATCH}\n[source.file]")
    text = text.replace("[dense]", "[dense]\nready_timeout = 0.0\nsettle_seconds = 0.0")
    path = folder / "corpus-drift.toml"
    path.write_text(text, encoding="utf-8")
    return path


class Hands:
    """Clocks that a test moves: what is measured when must not depend on how fast the machine is."""

    def __init__(self) -> None:
        self.now = 1_000.0

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: self.now)


@contextmanager
def opening(config: Path, items: Sequence[Item], hands: Hands) -> Iterator[Monitor]:
    """A monitor over the script, as `run` opens it."""
    source = ScriptedSource(items, partitions=PARTITIONS)
    with open_monitor(load(config, {}, MODEL), source=source, clocks=hands.clocks) as monitor:
        if isinstance(monitor.parts.retriever, Following):
            monitor.parts.retriever.read = lambda: monitor.intake.positions
        yield monitor


@dataclass(frozen=True)
class Said:
    """Everything that must not depend on in how many parts the corpus lies, nor on restarts."""

    deploys: Mapping[str, bytes]
    gates: tuple[Any, ...]
    cards: tuple[Any, ...]
    judged: tuple[Any, ...]
    baselines: tuple[bytes, ...]
    chunks: tuple[tuple[ChunkRow, str, bytes | None], ...]
    sketches: str
    positions: Mapping[Partition, int]
    quarantine: tuple[Quarantined, ...]
    past: str
    names: str


def left(config: Path, model: type[Configuration] = MODEL) -> Said:
    """The committed state, canonically, as any reader has it."""
    settings = load(config, {}, model)
    with read_state(settings) as store:
        ledger = store.ledger()
        records = [record for judged in ledger if (record := store.deploy(judged.deploy_id)) is not None]
        assert len(records) == len(ledger)
        stored = [item for part in store.chunks(7) for item in part]
        context = around(settings, "corpus-drift.toml")
        cards = [stored_card(store, of.deploy_id, CardQuery(), context) for of in records]
        keys = [row.key for row, _, _ in stored]
        past = [store.tracked(), [(key, store.versions(key)) for key in keys]]
        with np.printoptions(threshold=1 << 40):
            return Said(
                {of.deploy_id: pack_deploy(of) for of in records},
                tuple(gate_document(of.deploy_id, of.report, of.verdict) for of in records),
                tuple(cards),
                tuple(judged_document(of, ledger) for of in records),
                tuple(pack_snapshot(of) for of in store.baselines()),
                tuple((row, text, None if of is None else of.tobytes()) for row, text, of in stored),
                repr(sorted(store.sketches(keys).items())),
                _positions(config.parent / "state.db"),
                tuple(sorted(store.quarantine(1_000), key=lambda item: item.position)),
                repr(past),
                repr(
                    [
                        sorted(store.named(keys).items()),
                        sorted((key, of.text) for key, of in store.said(keys).items()),
                    ]
                ),
            )


def _positions(state: Path) -> Mapping[Partition, int]:
    with closing(sqlite3.connect(state)) as db:
        return {Partition(topic, part): at for topic, part, at in db.execute("SELECT * FROM position ORDER BY 1,2")}


def shown(monitor: Monitor) -> dict[str, Any]:
    """What a running monitor shows of the corpus: the report as JSON, and every metric of it."""
    view = monitor.published
    assert view is not None
    work = view.health.engine
    return {
        "report": report_document(view.report, view.own),
        "metrics": page_text(reported(view)).decode(),
        "counters": sorted(monitor.session.counters.items()),
        "points": view.health.index_points,
        "foreign": view.health.foreign,
        "tombstones": None if work is None else work.tombstones,
        # lexical lists of one process wait for a look
        "touched": None if work is None else work.touched.get("dense"),
    }
