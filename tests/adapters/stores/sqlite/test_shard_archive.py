"""A shard's file made again from what was kept elsewhere: as it was published, whatever was written behind it."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.stores.sqlite.shard_archive import ShardArchive
from monitor.adapters.stores.sqlite.shard_store import ShardStore, StandsElsewhereError
from monitor.core.model.anchors import AnchorSet
from monitor.core.shards.messages import EpochSpan, Positions, ShardOutOfStepError, of_shard
from monitor.core.shards.shard import Shard
from monitor.errors import UnreachableError
from monitor.ports import ConfigurationError
from tests.adapters.stores.sqlite.test_stored_shards import ANCHORS, BM25, batch
from tests.core.shards.streams import Feed, config

SEED = 5


def store(path: Path) -> ShardStore:
    return ShardStore(path, number=0, shards=1, stream="events", space="4")


class Incarnation:
    """One birth of a shard over a file and an archive, fed the events of a stream from where it stands."""

    def __init__(self, number: int, file: Path, archive: ShardArchive, published: int) -> None:
        self.number, self.archive, self.store = number, archive, store(file)
        anchors: AnchorSet = ANCHORS
        at = self.store.start(published)
        archive.begin(number, self.store, published)
        self.shard = Shard(0, config(1, 2, BM25), anchors, stored=True)
        self.shard.load(at, self.store.chunks(10))
        self.upto: Positions = at.positions
        self._rank()

    def step(self, feed: Feed, seed: int) -> None:
        events = batch(feed, np.random.default_rng(seed))
        before = self.upto
        upto = {**before, **{one.position.source: one.position.offset + 1 for one in events}}
        self.shard.stage(EpochSpan(self.shard.epoch + 1, before, of_shard(upto, 0, 1)), events)
        self.upto = upto
        self._rank()

    def commit(self) -> None:
        commit = self.store.commit(self.shard.commit(self.shard.epoch))
        assert commit is not None
        self.archive.keep(self.number, self.store, commit)

    def _rank(self) -> None:
        lexical = self.shard.engine.lexical
        assert lexical is not None
        self.shard.rank(EpochSpan(self.shard.epoch, {}, self.upto), lexical.own(), {})


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a file says of chunks and of where it stands; what its last commit overwrote is no part of it."""
    with sqlite3.connect(path) as db:
        return {
            "chunk": db.execute("SELECT * FROM chunk ORDER BY key").fetchall(),
            "stand": db.execute("SELECT * FROM stand WHERE name <> 'before' ORDER BY name").fetchall(),
        }


def rebuilt(archive: ShardArchive, epoch: int, path: Path) -> dict[str, list[tuple[object, ...]]]:
    archive.rebuild(epoch, store(path))
    return content(path)


@pytest.mark.parametrize(("whole_after", "turns"), [(0, 120), (1 << 30, 12)])
def test_each_epoch_that_may_have_been_published_can_be_made_again(
    tmp_path: Path, whole_after: int, turns: int
) -> None:
    archive, feed = ShardArchive(tmp_path / "kept", whole_after=whole_after), Feed()
    one = Incarnation(1, tmp_path / "own.sqlite", archive, 0)
    for turn in range(turns):
        one.step(feed, turn)
        if turn % 3 == 1:
            one.step(feed, 100 + turn)  # two steps in one commit
        before = content(one.store.path)
        one.commit()
        for epoch, expected in (
            (one.shard.epoch, content(one.store.path)),
            (one.shard.epoch - 1 - (turn % 3 == 1), before),
        ):
            if turn:
                assert rebuilt(archive, epoch, tmp_path / "again.sqlite") == expected
    commits, wholes = (len(list((tmp_path / "kept").glob(f"*.{kind}"))) for kind in ("commit", "whole"))
    assert (commits < turns, wholes > 0) == ((True, True) if whole_after == 0 else (False, False))


def test_of_two_incarnations_that_wrote_one_epoch_the_later_ones_counts(tmp_path: Path) -> None:
    """The first was cut off, and goes on writing while its successor, made from the archive, does other steps."""
    archive, feed = ShardArchive(tmp_path / "kept"), Feed()
    first = Incarnation(1, tmp_path / "first.sqlite", archive, 0)
    for turn in range(3):
        first.step(feed, turn)
        first.commit()
    archive.rebuild(2, store(tmp_path / "second.sqlite"))
    second = Incarnation(archive.incarnation() + 1, tmp_path / "second.sqlite", archive, 2)
    other, late = Feed(), Feed()
    other.next = late.next = list(feed.next)
    second.step(other, 50)
    second.commit()
    first.step(late, 60)
    first.commit()
    assert rebuilt(archive, 3, tmp_path / "again.sqlite") == content(second.store.path)
    second.step(other, 51)
    second.commit()
    first.step(late, 61)
    first.commit()
    assert rebuilt(archive, 4, tmp_path / "again.sqlite") == content(second.store.path)


def test_a_file_from_before_there_was_an_archive_is_kept_whole(tmp_path: Path) -> None:
    none, feed = ShardArchive(tmp_path / "elsewhere"), Feed()
    one = Incarnation(1, tmp_path / "own.sqlite", none, 0)
    one.step(feed, 0)
    one.commit()
    one.store.close()
    archive = ShardArchive(tmp_path / "kept")
    one = Incarnation(1, tmp_path / "own.sqlite", archive, 1)
    assert rebuilt(archive, 1, tmp_path / "again.sqlite") == content(one.store.path)


def test_an_archive_of_another_run_is_refused(tmp_path: Path) -> None:
    archive, feed = ShardArchive(tmp_path / "kept"), Feed()
    one = Incarnation(1, tmp_path / "own.sqlite", archive, 0)
    for turn in range(2):
        one.step(feed, turn)
        one.commit()
    with pytest.raises(ConfigurationError, match="holds epoch 1, the state stands at 0; expected"):
        Incarnation(2, tmp_path / "new.sqlite", archive, 0)
    with pytest.raises(ConfigurationError, match="nothing leads to epoch 7"):
        archive.rebuild(7, store(tmp_path / "again.sqlite"))
    with pytest.raises(StandsElsewhereError, match="no such file"):
        store(tmp_path / "none.sqlite").start(2)
    foreign = ShardStore(tmp_path / "again.sqlite", number=0, shards=1, stream="others", space="4")
    with pytest.raises(ShardOutOfStepError, match="expected one of 'shard 0 of 1; others; 4'"):
        archive.rebuild(1, foreign)


def test_where_it_cannot_be_kept_nothing_may_be_published(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file", encoding="utf-8")
    one = Incarnation(1, tmp_path / "own.sqlite", ShardArchive(tmp_path / "kept"), 0)
    one.step(Feed(), 0)
    with pytest.raises(UnreachableError, match="expected a writable folder"):
        one.commit()
