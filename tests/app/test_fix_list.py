"""A pipeline applies the fix list to a real engine that others fill, and what it serves is what the events say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.app.replay import Served
from monitor.core.explain.schema import explain_schema
from monitor.core.index.corpus import Corpus
from monitor.core.model.changes import ChunkRow, Delta, replaced
from monitor.core.model.events import Chunk, Upsert, chunk_key
from monitor.core.model.fixes import Fix
from monitor.core.model.report import DriftReport
from monitor.core.model.scoring import Distance
from monitor.core.records.documents import report_document, report_schema
from monitor.core.session import ServedLists, Session
from tests import corpora

SHAPE = corpora.Shape(chunks=60, deploys=1, anchors=24)


@dataclass
class Production:
    """A session that watches a real engine which is written by somebody else, and misses some of what happens."""

    world: corpora.World
    session: Session
    index: EmbeddedIndex
    served: Served

    def tell(self, *, reaches_index: bool) -> None:
        """What was made since, as events; an index that is not reached stays as it was."""
        ingested = self.session.apply(self.world.made)
        self.world.made.clear()
        if reaches_index:
            self.index.apply(ingested.delta)

    def look(self) -> DriftReport:
        """All anchors replayed, and the report."""
        self.served.refresh(np.arange(SHAPE.anchors), 0.0, full=True)
        said = ServedLists(
            self.served.lists, self.served.hashes, names=self.served.names, nameless=self.served.nameless
        )
        self.session.observe(said, restated=self.served.restated)
        return self.session.report()

    def apply(self, fixes: tuple[Fix, ...]) -> None:
        """What a pipeline does, from the lines alone and its own chunks."""
        corpus, nothing = self.session.corpus, np.zeros(0, np.int64)
        gone = [fix.chunk_id for fix in fixes if fix.action == "delete"]
        rows = [row_of(corpus, fix.chunk_id) for fix in fixes if fix.action in ("write", "embed")]
        slots = np.array([row.slot for row in rows], np.int64)
        keys = np.array([chunk_key(name) for name in gone], np.int64)
        vectors = corpus.vectors[slots] if rows else np.zeros((0, corpora.DIMENSION), np.float32)
        self.index.apply(Delta(nothing, slots, rows, [""] * len(rows), vectors, keys))


def row_of(corpus: Corpus, chunk_id: str) -> ChunkRow:
    row = corpus.row(chunk_key(chunk_id))
    assert row is not None
    return row


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    world = corpora.World(np.random.default_rng(3), SHAPE)
    for at in range(SHAPE.chunks):
        world.upsert(f"doc{at // 4}#{at % 4}", world.text(at % corpora.TOPICS), corpora.SOURCES[at % 3])
    session = Session(corpora.anchors(3, SHAPE), dimension=corpora.DIMENSION, depths=(10,), min_anchors=1)
    index = EmbeddedIndex(EmbeddedSettings(corpora.DIMENSION, Distance.COSINE, tmp_path / "index", exact=True))
    index.start()
    index.reconcile((), np.zeros((0, corpora.DIMENSION), np.float32))
    served = Served(index, session.engine.anchors, k=10, deadline=30.0)
    made = Production(world, session, index, served)
    made.tell(reaches_index=True)
    made.look()
    session.compare_with(session.snapshot("main"))
    yield made
    index.close()


def ghosts(report: DriftReport) -> float:
    return next(
        of.value
        for of in report.measurements
        if (of.metric, of.leg, of.dimension, of.stat) == ("ghost_ratio", "dense", "all", "mean")
    )


def test_the_fix_list_brings_ghosts_to_zero(production: Production) -> None:
    world, names = production.world, sorted(production.world.live)
    for name in names[:9]:
        world.delete(name)
    for name in names[9:14]:
        world.upsert(name, world.text(5), "guide")
    production.tell(reaches_index=False)
    report = production.look()
    assert ghosts(report) > 0.1
    fixes = report.fix_list.fixes
    assert {(fix.action, fix.reason) for fix in fixes} == {("delete", "deleted"), ("write", "other_content")}
    assert {fix.chunk_id for fix in fixes} <= set(names[:14])
    first = fixes[0]
    row = row_of(production.session.corpus, first.chunk_id)
    assert (first.doc_id, first.since) == (row.doc_id, row.event_time)
    assert first.source in corpora.SOURCES
    rounds = 0
    while fixes:  # what stood behind a ghost may be another one
        production.apply(fixes)
        report = production.look()
        fixes, rounds = report.fix_list.fixes, rounds + 1
        assert rounds < 5
    assert ghosts(report) == 0.0


def test_what_no_event_tells_of_is_for_somebody_to_look_at(production: Production) -> None:
    chunk = next(iter(production.world.live.values()))
    row = replaced(row_of(production.session.corpus, chunk.chunk_id), key=chunk_key("stray#1"), chunk_id="stray#1")
    vector = production.session.corpus.vectors[[row.slot]]
    nothing = np.zeros(0, np.int64)
    production.index.apply(Delta(nothing, np.array([row.slot]), [row], [""], vector, nothing))
    fixes = production.look().fix_list.fixes
    assert [(fix.action, fix.chunk_id, fix.reason, fix.since) for fix in fixes] == [
        ("review", "stray#1", "no_event", None)
    ]


def test_another_encoder_is_encoded_again(production: Production) -> None:
    world = production.world
    name = min(world.live)
    chunk = world.live[name]
    vector = chunk.vector
    assert vector is not None
    version = "another:1:l2:8:cosine"
    made = Chunk(name, chunk.doc_id, 0, chunk.text, vector, version, chunk.segment, world.now, chunk.content_hash)
    production.session.apply([Upsert(made, world.version + 1)])
    (fix,) = production.look().fix_list.fixes
    assert (fix.action, fix.chunk_id, fix.reason) == ("embed", name, "other_encoder")


def test_an_index_that_serves_what_the_events_say_has_nothing_to_fix(production: Production) -> None:
    production.world.delete(min(production.world.live))
    production.tell(reaches_index=True)
    report = production.look()
    assert (report.fix_list.fixes, report.fix_list.unnamed, ghosts(report)) == ((), 0, 0.0)


def test_documents_have_it_in_their_schemas(production: Production) -> None:
    production.world.delete(min(production.world.live))
    production.world.delete(min(production.world.live))
    production.tell(reaches_index=False)
    report = production.look()
    document = report_document(report, production.session.judge())
    assert set(document) <= set(report_schema()["properties"])
    lines = [json.loads(json.dumps(fix)) for fix in document["fix_list"]["fixes"]]
    kinds = report_schema()["properties"]["fix_list"]["properties"]["fixes"]["items"]
    assert lines
    for line in lines:
        assert set(line) == set(kinds["required"])
        assert line["reason"] in kinds["properties"]["reason"]["enum"]
    assert "fix_list" in explain_schema()["properties"]
