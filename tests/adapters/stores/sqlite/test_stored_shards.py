"""Shards with a file each: a kill at any point of a commit ends in the bits of a run that nobody disturbed."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from monitor.adapters.stores.sqlite.shard_files import ShardFiles
from monitor.adapters.stores.sqlite.shard_store import ShardStore
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.adapters.stores.sqlite.stored_shards import StoredShards
from monitor.core.index.baseline import Snapshot
from monitor.core.index.engine import Bm25Config
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import ChunkRow, replaced
from monitor.core.model.events import Delete, Located
from monitor.core.session import Session
from monitor.core.shards.messages import ShardCommit, ShardOutOfStepError, ShardPosition
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from monitor.ports import ConfigurationError
from tests.core.shards.streams import WORDS, D, Feed, anchor, anchor_set, config, drift_of, single, upsert
from tests.core.shards.test_exact import DAY, same_lists, same_snapshot, whole

BM25 = Bm25Config("okapi")
SHARDS = 3
ANCHORS = anchor_set([anchor(0, "w1 w2", 0), anchor(1, "w3 the", 1), anchor(2, "w4", 4)], [(), (), ()])


class Run:
    """A coordinator over stored shards, as far as a store of its own would have it."""

    def __init__(self, state: Path, anchors: AnchorSet = ANCHORS) -> None:
        self.state, self.anchors = state, anchors
        self.published = 0
        self.baseline: Snapshot | None = None
        self.counters: dict[tuple[str, ...], int] = {}
        self.begin()

    def begin(self) -> None:
        chosen = replace(config(1, 2, BM25), shards=SHARDS)
        self.shards = StoredShards(chosen, self.anchors, self.state, stream="events", space=f"{D} numbers")
        at, loaded = self.shards.start(self.published)
        corpus = ShardedCorpus(D, self.shards)
        engine = ShardedState(chosen, self.anchors, self.shards, corpus)
        engine.resume(at, loaded)
        self.session = Session.of(corpus, engine, drift_of(self.anchors, BM25, 2), index=False)
        self.session.counters.update(self.counters)
        self.session.compare_with(self.baseline)

    def commit(self) -> None:
        self.shards.commit(self.session.corpus.epoch)
        self.publish()

    def publish(self) -> None:
        self.published = self.session.corpus.epoch
        self.baseline, self.counters = self.session.baseline, dict(self.session.counters)

    def killed(self) -> None:
        """Nothing but the files is left."""
        self.shards.close()
        self.begin()


def batch(feed: Feed, generator: Generator) -> list[Located]:
    made = []
    for number in generator.integers(0, 15, 6).tolist():
        if generator.random() < 0.3:
            made.append(feed.place(number, Delete(f"c{number}", None)))
            continue
        text = " ".join(generator.choice(WORDS, int(generator.integers(0, 8))))
        segment = (("source", "docs" if number % 2 else "wiki"),)
        event = upsert(number, text, number % 6, number % 4, segment, int(generator.integers(0, 90)) * DAY)
        made.append(feed.place(number, event))
    return made


@pytest.mark.parametrize("stored", range(SHARDS + 1))
def test_a_kill_between_the_shards_commits_and_the_publication_changes_nothing(tmp_path: Path, stored: int) -> None:
    """`stored`: how many shards had committed when the process was killed."""
    generator, feed = np.random.default_rng(stored), Feed()
    run, one = Run(tmp_path / "state.sqlite"), single(config(1, 2, BM25), ANCHORS)
    for turn in range(8):
        events = batch(feed, generator)
        run.session.apply(events)
        if turn % 3 == 2:
            run.session.forget()
        epoch = run.session.corpus.epoch
        for shard, store in list(zip(run.shards.shards, run.shards._files.stores, strict=True))[:stored]:
            store.commit(shard.commit(epoch))
        run.killed()
        run.session.apply(events)  # the source goes on from the positions that were published
        one.apply(events)
        if turn % 3 == 2:
            assert sorted(run.session.forget()) == sorted(one.forget())
        if turn == 3:
            for session in (run.session, one):
                session.compare_with(session.snapshot("main"))
        run.commit()
        same_lists(run.session.lists(), one.lists())
        assert whole(run.session.engine.by_source()) == whole(one.engine.by_source())
        assert run.session.counters == one.counters
    same_snapshot(run.session.snapshot("now"), one.snapshot("now"))
    assert whole(run.session.report()) == whole(one.report())
    assert whole(run.session.judge(deploy_id="d1")) == whole(one.judge(deploy_id="d1"))


def test_a_published_run_goes_on_where_it_was(tmp_path: Path) -> None:
    generator, feed = np.random.default_rng(7), Feed()
    run, one = Run(tmp_path / "state.sqlite"), single(config(1, 2, BM25), ANCHORS)
    for _ in range(4):
        events = batch(feed, generator)
        assert [run.session.apply(events), one.apply(events)]
        run.commit()
        run.commit()  # nothing has happened since
        run.killed()
        same_lists(run.session.lists(), one.lists())
        same_snapshot(run.session.snapshot("now"), one.snapshot("now"))


def store(path: Path, *, number: int = 0, shards: int = 2, stream: str = "events", space: str = "4") -> ShardStore:
    return ShardStore(path, number=number, shards=shards, stream=stream, space=space)


@pytest.mark.parametrize("other", [{"number": 1}, {"shards": 3}, {"stream": "others"}, {"space": "8"}])
def test_a_file_of_another_shard_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    own = store(tmp_path / "s.sqlite")
    own.start(0)
    own.close()
    with pytest.raises(ConfigurationError, match=r"is 'shard 0 of 2; events; 4'; expected 'shard"):
        store(tmp_path / "s.sqlite", **other).start(0)  # type: ignore[arg-type]  # fields vary


def test_a_reader_says_which_shard_it_expected(tmp_path: Path) -> None:
    """It knows neither stream nor space."""
    own = store(tmp_path / "s.sqlite", number=1)
    own.start(0)
    own.close()
    with pytest.raises(
        ConfigurationError, match=r"is 'shard 1 of 2; events; 4'; expected 'shard 0 of 2', or another"
    ):
        ShardStore(tmp_path / "s.sqlite", number=0, shards=2, read_only=True).start(0)


def test_a_file_of_another_kind_or_run_is_refused(tmp_path: Path) -> None:
    state = SqliteStore(tmp_path / "state.sqlite")
    state.start()
    state.close()
    with pytest.raises(ConfigurationError, match="an SQLite file of something else"):
        store(tmp_path / "state.sqlite").start(0)
    own = store(tmp_path / "s.sqlite")
    own.start(0)
    with pytest.raises(ConfigurationError, match="expected a state file of corpus-drift"):
        SqliteStore(tmp_path / "s.sqlite").start()
    own.commit(ShardCommit(ShardPosition(3, {}, 0, 0), (), ()))
    own.commit(ShardCommit(ShardPosition(4, {}, 0, 0), (), ()))
    with pytest.raises(ShardOutOfStepError, match="changes at epoch 4, which is committed"):
        own.commit(ShardCommit(ShardPosition(4, {}, 0, 0), (), (7,)))
    own.close()
    with pytest.raises(ConfigurationError, match="stands at epoch 4, the state at 2; expected the files of one run"):
        store(tmp_path / "s.sqlite").start(2)
    (tmp_path / "text").write_text("no database", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="file is not a database"):
        store(tmp_path / "text").start(0)
    assert sqlite3.connect(tmp_path / "s.sqlite").execute("SELECT COUNT(*) FROM chunk").fetchone() == (0,)


def test_who_only_reads_sees_what_was_published(tmp_path: Path) -> None:
    """Shards that are one commit ahead are read as they were before it; what is two ahead cannot be read."""
    generator, feed = np.random.default_rng(11), Feed()
    run, one = Run(tmp_path / "state.sqlite"), single(config(1, 2, BM25), ANCHORS)
    rows: list[list[ChunkRow]] = []
    for _ in range(5):
        events = batch(feed, generator)
        run.session.apply(events)
        one.apply(events)
        if len(rows) == 3:
            run.session.forget()
            one.forget()
        run.commit()
        rows.append(sorted(one.corpus.rows(), key=lambda row: row.key))
    for published, expected in ((run.published, rows[-1]), (run.published - 1, rows[-2])):
        files = ShardFiles(tmp_path / "state.sqlite", SHARDS, read_only=True)
        files.start(published)
        stored = [item for part in files.chunks(4) for item in part]
        assert [replaced(row, slot=0) for row, _, _ in stored] == [replaced(row, slot=0) for row in expected]
        slots = [row.slot for row, _, _ in stored if row.live]
        assert slots == list(range(len(slots)))
        said = files.contents([row.key for row in expected] + [1])
        assert {key: of.text is not None for key, of in said.items()} == {row.key: row.live for row in expected}
        assert [said[row.key].content_hash for row in expected] == [row.content_hash for row in expected]
        assert files.size() > 0
        files.close()
    again = ShardFiles(tmp_path / "state.sqlite", SHARDS, read_only=True)
    with pytest.raises(ConfigurationError, match="expected the files of one run"):
        again.start(run.published - 2)
    again.close()
    run.shards.close()


def test_a_shard_whose_file_is_gone_is_missed(tmp_path: Path) -> None:
    run = Run(tmp_path / "state.sqlite")
    run.session.apply(batch(Feed(), np.random.default_rng(2)))
    run.commit()
    (tmp_path / "state.shard-1-of-3.sqlite").unlink()
    with pytest.raises(ConfigurationError, match=r"state\.shard-1-of-3\.sqlite: no such file, the state stands at"):
        run.killed()
    assert not (tmp_path / "state.shard-1-of-3.sqlite").exists()


def test_how_shards_are_is_counted(tmp_path: Path) -> None:
    now = iter(range(1_000))
    chosen = replace(config(1, 2, BM25), shards=SHARDS)
    shards = StoredShards(chosen, ANCHORS, tmp_path / "s", stream="e", space="4", clock=lambda: float(next(now)))
    at, loaded = shards.start(0)
    corpus = ShardedCorpus(D, shards)
    state = ShardedState(chosen, ANCHORS, shards, corpus)
    state.resume(at, loaded)
    session = Session.of(corpus, state, drift_of(ANCHORS, BM25, 2), index=False)
    session.apply(batch(Feed(), np.random.default_rng(2)))
    said = shards.status()
    assert [(of.number, of.epoch, of.steps, of.stage_seconds) for of in said] == [(at, 1, 1, 1.0) for at in range(3)]
    assert [of.rank_seconds for of in said] == [2.0] * 3  # once when they were restored
    assert sum(of.chunks for of in said) == len(corpus) > 0
    assert {part: at for of in said for part, at in of.positions.items()} == state.positions
    assert [(of.away, of.restarts, of.sent, of.received) for of in said] == [("", 0, None, None)] * 3
    shards.close()
