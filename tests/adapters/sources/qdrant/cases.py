"""A served collection, a configuration that scans it, and what the monitor knows after a look."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.model.scoring import Distance
from tests import corpora
from tests.qdrant_stub import Point, QdrantStub

SHAPE = corpora.Shape(chunks=60, deploys=1, anchors=24)
KEY = "a-secret-key"


def point(chunk_id: str) -> str:
    """The point of a chunk, as ingestion jobs make one."""
    return str(uuid5(NAMESPACE_URL, chunk_id))


@dataclass
class Collection:
    """A collection of production's, filled from a small world of texts."""

    stub: QdrantStub
    world: corpora.World

    def put(self, chunk_id: str, text: str, source: str = "guide") -> None:
        """Write a chunk as plain fields beside its id."""
        self.world.upsert(chunk_id, text, source)
        chunk = self.world.live[chunk_id]
        payload = {
            "chunk_id": chunk_id,
            "doc_id": chunk.doc_id,
            "text": text,
            "position": chunk.ordinal,
            "language": dict(chunk.segment)["language"],
            "source": dict(chunk.segment)["source"],
        }
        assert chunk.vector is not None
        self.stub.put(point(chunk_id), chunk.vector, payload)

    def drop(self, chunk_id: str) -> None:
        self.world.delete(chunk_id)
        del self.stub.points[point(chunk_id)]

    def texts(self) -> dict[str, str]:
        """Text by chunk id, as the collection has them."""
        return {payload["chunk_id"]: payload["text"] for _, payload in self.stub.points.values()}


def filled(shape: corpora.Shape = SHAPE, **stub: Any) -> Collection:
    made = Collection(
        QdrantStub(Distance.COSINE, corpora.DIMENSION, **stub), corpora.World(np.random.default_rng(7), shape)
    )
    for at in range(shape.chunks):
        source = corpora.SOURCES[at % len(corpora.SOURCES)]
        made.put(f"doc{at // 4}#{at % 4}", made.world.text(at % corpora.TOPICS), source)
    return made


SECTION = """[source.qdrant]
url = "{url}"
collection = "{collection}"
chunk_id_field = "chunk_id"
page = {page}
every = 3600
[source.fields]
segments = {{ language = "language", source = "source" }}
"""


def configured(folder: Path, url: str, section: str = SECTION, **changed: Any) -> Path:
    """A configuration of the small corpus that scans instead of reading its file."""
    path = corpora.write_case(folder, shape=SHAPE)
    values: Mapping[str, Any] = {"url": url, "collection": "chunks", "page": 16} | changed
    text = path.read_text().replace('[source.file]\npath = "events.jsonl"\n', section.format_map(values))
    path.write_text(text)
    return path


@contextmanager
def serving(collection: Collection) -> Iterator[str]:
    url = collection.stub.start()
    try:
        yield url
    finally:
        collection.stub.stop()


def looked(config: Path) -> None:
    """One look, as `run --until-end` has it."""
    with open_monitor(load(config, {})) as monitor:
        to_the_end(monitor)


def to_the_end(monitor: Monitor) -> None:
    monitor.run(until_end=True)


@dataclass(frozen=True)
class Known:
    """What the state knows."""

    texts: Mapping[str, str]
    deploys: tuple[str, ...]
    verdicts: tuple[str, ...]
    counters: Mapping[tuple[str, ...], int]
    bookmark: str


def known(config: Path) -> Known:
    store = SqliteStore(config.parent / "state.db", read_only=True)
    resumed = store.start()
    try:
        texts = {row.chunk_id: text for batch in store.chunks(1_000) for row, text, _ in batch if row.live}
        ledger = resumed.ledger
        return Known(
            texts,
            tuple(judged.deploy_id for judged in ledger),
            tuple(judged.verdict for judged in ledger),
            resumed.counters,
            resumed.bookmark,
        )
    finally:
        store.close()


def ids(count: int) -> list[Point]:
    """Point ids of both kinds."""
    return [at if at % 2 else point(str(at)) for at in range(count)]
