"""Restoring: corpus and engine rebuilt from the committed table equal the ones that lived, to the bit."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.app import restore as restoring
from monitor.app import running
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor, read_state
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Engine
from monitor.core.model.events import CorpusEvent, Delete, Located, Position, Upsert
from tests.app.loops import to_end
from tests.app.scripted import ScriptedSource, records, scripted
from tests.corpora import Shape, events, write_case

SHAPE = Shape(30, 3, anchors=9, churn=0.5)


def history(seed: int) -> list[CorpusEvent]:
    """A corpus's events, in any order for some seeds, with re-deliveries and stragglers at the end."""
    generator = np.random.default_rng(seed)
    made = [event for event in events(seed, SHAPE) if isinstance(event, Upsert | Delete)]
    places = generator.permutation(len(made)) if seed % 3 == 0 else np.arange(len(made))
    return [made[at] for at in (*places.tolist(), *generator.integers(0, len(made), 20).tolist())]


def described(corpus: Corpus) -> dict[int, tuple[object, ...]]:
    """Everything known of every chunk but the place of its vector."""
    return {
        row.key: (*(getattr(row, name) for name in row.__match_args__ if name != "slot"), vector(corpus, row.slot))
        for row in corpus.rows()
    }


def vector(corpus: Corpus, slot: int) -> bytes | None:
    return None if slot < 0 else corpus.vectors[slot].tobytes()


def lists(monitor: Monitor) -> dict[str, tuple[object, ...]]:
    return {
        leg: (one.keys.tobytes(), one.scores.tobytes(), one.lengths.tolist())
        for leg, one in monitor.parts.engine.lists().items()
    }


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 25), st.sampled_from(["okapi", "lucene"]), st.booleans())
def test_what_is_restored_is_what_was_there(seed: int, batch: int, variant: str, dense: bool) -> None:
    with TemporaryDirectory() as folder:
        shape = Shape(SHAPE.chunks, SHAPE.deploys, SHAPE.anchors, dense=dense)
        extra = f'[source]\nbatch = {batch}\n[lexical]\nvariant = "{variant}"\n'
        config = write_case(Path(folder), seed=seed, shape=shape, extra=extra)
        with scripted(config, ScriptedSource(records(history(seed)))) as monitor:
            assert to_end(monitor)
            expected, known = lists(monitor), described(monitor.parts.corpus)
            newest = monitor.parts.corpus.newest_event_time
        with scripted(config, ScriptedSource([])) as again:
            assert set(lists(again)) == ({"exact", "lexical"} if dense else {"lexical"})
            assert lists(again) == expected
            assert described(again.parts.corpus) == known
            assert again.parts.corpus.newest_event_time == newest


def test_a_large_state_is_announced_with_the_number_of_its_chunks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    with scripted(config, ScriptedSource(records(history(1)))) as monitor:
        assert to_end(monitor)
        chunks = len(monitor.parts.corpus)
    assert any(isinstance(event, Delete) for event in history(1))
    capsys.readouterr()
    with open_monitor(load(config, {}), source=ScriptedSource([]), restoring=running.restoring):
        assert capsys.readouterr().err == ""
    monkeypatch.setattr(running, "MANY", chunks)
    with open_monitor(load(config, {}), source=ScriptedSource([]), restoring=running.restoring):
        first, last = capsys.readouterr().err.splitlines()
    assert first == f"restoring {chunks} chunks from the state"
    assert re.fullmatch(r"restored in \d+\.\d s", last)


def counted(monitor: Monitor) -> list[object]:
    """What is measured of the corpus: its statistics, its copies, and what a later comparison would be with."""
    engine, corpus = monitor.parts.engine, monitor.parts.corpus
    lexical = None if engine.lexical is None else engine.lexical.statistics()
    made = engine.statistics.at(lexical, (0, 0), cap=50)
    population = engine.statistics.population()
    contents = [population.keys.tolist(), population.digests.tolist(), population.documents.tolist()]
    copies = engine.duplicates.counts("language")
    return [sorted(map(repr, made.measurements())), contents, copies, len(corpus)]


def ended(config: Path, items: Sequence[CorpusEvent], start: int = 0) -> None:
    """A run to the end of these events, as a process has it."""
    with scripted(config, ScriptedSource(records(items, start=start))) as monitor:
        monitor.run(until_end=True)


SPOILT: dict[str, Callable[[Path], object]] = {
    "as it was": lambda image: image,
    "gone": Path.unlink,
    "empty": lambda image: image.write_bytes(b""),
    "cut short": lambda image: image.write_bytes(image.read_bytes()[:-1]),
    "a byte is another": lambda image: image.write_bytes(flipped(image.read_bytes(), 1_000)),
    "the header is another": lambda image: image.write_bytes(flipped(image.read_bytes(), -200)),
}


def flipped(data: bytes, at: int) -> bytes:
    made = bytearray(data)
    made[at] ^= 1
    return bytes(made)


@pytest.mark.parametrize(("spoil", "dense"), [*((spoil, True) for spoil in SPOILT), ("as it was", False)])
def test_an_image_is_what_the_chunks_give_and_never_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, spoil: str, dense: bool
) -> None:
    """Taken up where it is whole; else the chunks are read. Both give what was there, now and after more events."""
    monkeypatch.setattr(restoring, "WORTH_AN_IMAGE", 1)
    config = write_case(tmp_path, shape=Shape(SHAPE.chunks, SHAPE.deploys, SHAPE.anchors, dense=dense))
    first, later = history(1)[:60], history(1)[60:]
    with scripted(config, ScriptedSource(records(first))) as monitor:
        assert to_end(monitor)
        expected, known, statistics = lists(monitor), described(monitor.parts.corpus), counted(monitor)
    assert not (tmp_path / "state.db.image").exists(), "only a run that ends keeps one"
    ended(config, [])
    SPOILT[spoil](tmp_path / "state.db.image")
    taken: Counter[str] = Counter()
    load_all = Engine.load

    def counting(*args: Any, **named: Any) -> None:
        taken["read"] += 1
        load_all(*args, **named)

    monkeypatch.setattr(Engine, "load", counting)
    caplog.set_level("INFO", "monitor.app.restore")
    with scripted(config, ScriptedSource(records(later, start=len(first)))) as again:
        assert taken["read"] == (spoil != "as it was")
        assert ("the chunks are read instead" in caplog.text) == (spoil != "as it was")
        assert lists(again) == expected
        assert described(again.parts.corpus) == known
        assert counted(again) == statistics
        assert to_end(again)
        assert not (tmp_path / "state.db.image").exists(), "what chunks said before stays nowhere"
        expected, known, statistics = lists(again), described(again.parts.corpus), counted(again)
    with scripted(config, ScriptedSource([])) as rebuilt:
        assert lists(rebuilt) == expected
        assert described(rebuilt.parts.corpus) == known
        assert counted(rebuilt) == statistics


def test_an_image_of_other_anchors_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(restoring, "WORTH_AN_IMAGE", 1)
    config = write_case(tmp_path, shape=SHAPE)
    ended(config, history(1))
    anchors = tmp_path / "anchors.jsonl"
    anchors.write_text("".join(anchors.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    caplog.set_level("INFO", "monitor.app.restore")
    with scripted(config, ScriptedSource([])) as again:
        assert len(again.parts.engine.anchors) == SHAPE.anchors - 1
        assert "another set-up" in caplog.text


def test_a_chunk_that_an_older_program_writes_withdraws_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows nothing of images: the state file sees to it."""
    monkeypatch.setattr(restoring, "WORTH_AN_IMAGE", 1)
    config = write_case(tmp_path, shape=SHAPE)
    ended(config, history(1))
    assert (tmp_path / "state.db.image").exists()
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as older:
        older.execute("UPDATE chunk SET event_time=event_time+1 WHERE key=(SELECT MIN(key) FROM chunk WHERE live)")
        assert not older.execute("SELECT COUNT(*) FROM meta WHERE name='image'").fetchone()[0]
        stored = dict(older.execute("SELECT key,event_time FROM chunk"))
    with scripted(config, ScriptedSource([])) as again:
        assert {row.key: row.event_time for row in again.parts.corpus.rows()} == stored


def test_a_small_corpus_keeps_no_image(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    ended(config, history(1))
    assert not list(tmp_path.glob("*.image*"))


def test_an_index_ahead_of_the_state_is_mended(tmp_path: Path) -> None:
    """The index was told of a batch that was never committed: after the restart it holds the committed table."""
    config = write_case(tmp_path, shape=SHAPE)
    with scripted(config, ScriptedSource(records(history(1)))) as monitor:
        assert to_end(monitor)
        corpus, index = monitor.parts.corpus, monitor.parts.index
        committed = len(corpus)
        assert index is not None
        later = [item for item in events(2, SHAPE) if isinstance(item, Upsert)]
        located = [Located(Position("events", 0, 10_000 + at), event) for at, event in enumerate(later)]
        batch, _ = monitor.parts.embedder.embed(located)
        index.apply(corpus.delta(corpus.apply(batch).changes))
        assert index.count() != committed
    with read_state(load(config, {})) as store:
        assert sum(row.live for stored in store.chunks(1_000) for row, _, _ in stored) == committed
    with scripted(config, ScriptedSource([])) as again:
        assert again.parts.index is not None
        assert again.parts.index.count() == committed == len(again.parts.corpus)
        again.measuring.replay(full=True)
        served, exact = again.session.lists()["dense"], again.session.lists()["exact"]
        assert served.known.all()
        assert served.keys.tobytes() == exact.keys.tobytes()
        assert served.scores.tobytes() == exact.scores.tobytes()
