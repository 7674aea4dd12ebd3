"""A target that others fill on a Qdrant server, by both routes: a collection behind an alias, a named vector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.app.loop import Monitor
from monitor.core.migration.model import Phase
from monitor.core.model.events import Chunk, CorpusEvent, Embed, text_hash
from monitor.core.model.scoring import Distance
from tests.app.loops import opened, to_end
from tests.app.migrating import D_NEW, NEW, SECTION, asked, migrated, second
from tests.app.test_migration import SHAPE, view_of
from tests.corpora import DIMENSION, VERSION, configuration, written
from tests.qdrant_stub import QdrantStub

from monitor.adapters.anchors_file import write as write_anchors  # isort: skip

TURNS = 60


def stub(dimension: int, collection: str, vector_name: str = "") -> QdrantStub:
    return QdrantStub(Distance.COSINE, dimension, vector_name, collection)


def put(server: QdrantStub, number: int, chunk: Chunk, *, new: bool, text: str = "") -> None:
    """What a pipeline writes: the vector with the content's hash."""
    vector = second(chunk.vector) if new else chunk.vector
    assert vector is not None
    payload = {"chunk_id": chunk.chunk_id, "hash": text_hash(text) if text else chunk.content_hash}
    server.put(number, vector, payload)


@contextmanager
def pipeline(
    folder: Path, old: QdrantStub, new: QdrantStub, stream: Sequence[CorpusEvent], extra: str
) -> Iterator[Monitor]:
    """A monitor over both servers."""
    urls = old.start(), new.start()
    try:
        (folder / "events.jsonl").write_bytes(written(stream))
        write_anchors(folder / "anchors.jsonl", asked(7, SHAPE))
        dense = f"""[dense]
engine = "server"
url = "{urls[0]}"
collection = "{old.collection}"
vector_name = "{old.vector_name}"
chunk_id_field = "chunk_id"
content_hash_field = "hash"
settle_seconds = 0
ready_timeout = 0
"""
        text = configuration(SHAPE, f'{SECTION}[migration.dense]\nurl = "{urls[1]}"\n{extra}')
        config = folder / "corpus-drift.toml"
        config.write_text(text.replace('[dense]\nengine = "embedded"\n', dense), encoding="utf-8")
        with opened(config) as monitor:
            yield monitor
    finally:
        old.stop()
        new.stop()


def seen(monitor: Monitor) -> None:
    """Turn until a whole list of the target's points was looked at, and measure."""
    to_end(monitor, turns=TURNS)
    watch = monitor.parts.migration
    assert watch is not None
    watch.hurry()
    for _ in range(20):
        monitor.turn(0.0)
    monitor.measuring.replay(full=True)
    monitor.measuring.refresh()


ROUTES = [
    pytest.param("", 'collection = "new"\nalias = "docs"\nread = true\n', id="two collections"),
    pytest.param("v2", 'vector_name = "v2"\nread = true\n', id="named vectors"),
]


@pytest.mark.parametrize(("named", "extra"), ROUTES)
def test_vectors_are_read_from_the_new_index_and_its_faults_are_found(tmp_path: Path, named: str, extra: str) -> None:
    made = migrated(shape=SHAPE, until="backfilled")
    stream = [event for event in made.made if not isinstance(event, Embed)]
    collections = ("all", "all") if named else ("old", "new")
    old = stub(DIMENSION, collections[0], "v1" if named else "")
    new = stub(D_NEW, collections[1], named)
    old.aliases.add("docs")
    names = sorted(made.live)
    for number, name in enumerate(names):
        put(old, number, made.live[name], new=False)
        put(new, number, made.live[name], new=True)
    missing, stale = names[3], names[4]
    if named:
        new.bare.add(3)
    else:
        del new.points[3]
    put(new, 4, made.live[stale], new=True, text="the text before")
    stranger = Chunk("stranger", "stranger", 0, "", made.live[stale].vector, VERSION, (), 0, "h")
    put(new, 900, stranger, new=True)
    with pipeline(tmp_path, old, new, stream, extra) as monitor:
        seen(monitor)
        found = view_of(monitor)
        assert found.phase is Phase.SHADOWING
        coverage = found.coverage
        assert (coverage.missing_ids, coverage.stale_ids, coverage.foreign_ids) == (
            (missing,),
            (stale,),
            ("stranger",),
        )
        assert not coverage.unscanned
        assert (coverage.source_points, coverage.target_points) == (len(names), len(names))
        assert found.lists[NEW].served.known.all()
        assert found.serving[1].ann_recall > 0.9
        if named:
            assert found.alias is None
        else:
            assert found.alias is not None
            assert (found.alias.target, found.alias.version, found.alias.problem) == ("old", VERSION, "")
            old.aliases.clear()
            new.aliases.add("docs")
            seen(monitor)
            switched = view_of(monitor).alias
            assert switched is not None
            assert (switched.target, switched.version) == ("new", NEW)
            new.aliases.clear()
            seen(monitor)
            lost = view_of(monitor).alias
            assert lost is not None
            assert lost.problem == "alias 'docs' leads to neither index"
        # the pipeline mends what was found
        put(new, 3, made.live[missing], new=True)
        new.bare.clear()
        put(new, 4, made.live[stale], new=True)
        del new.points[900]
        seen(monitor)
        assert view_of(monitor).coverage.faults == 0
    written_to = {(sent.method, sent.path.rpartition("/")[2]) for sent in [*old.sent, *new.sent]}
    assert {method for method, _ in written_to} <= {"GET", "POST"}


def test_an_index_that_does_not_answer_is_said_and_nothing_is_taken_as_fine(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE, until="backfilled")
    stream = [event for event in made.made if not isinstance(event, Embed)]
    old, new = stub(DIMENSION, "old"), stub(D_NEW, "new")
    for number, name in enumerate(sorted(made.live)):
        put(old, number, made.live[name], new=False)
        put(new, number, made.live[name], new=True)
    new.misbehave["/points/scroll"] = lambda handler, _: handler.fail(500, "broken")
    new.misbehave["/points/count"] = lambda handler, _: handler.fail(500, "broken")
    with pipeline(tmp_path, old, new, stream, 'collection = "new"\nread = true\n') as monitor:
        seen(monitor)
        found = view_of(monitor)
        assert found.coverage.unscanned
        assert found.coverage.covered < found.coverage.live
        assert found.coverage.target_points is None
        assert any("not listed" in problem for problem in found.problems)
        new.misbehave.clear()
        seen(monitor)
        assert view_of(monitor).coverage.faults == 0
        assert not view_of(monitor).coverage.unscanned
