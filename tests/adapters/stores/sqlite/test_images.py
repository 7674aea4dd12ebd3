"""When a state file names an image: until a chunk changes, by whatever program, and never of another state."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.arrays.image import Image
from monitor.core.index.corpus import Change, Corpus
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert
from monitor.core.records.committed import Commit
from monitor.ports import UnreachableError

NOW = Commit({Partition("t", 0): 1})
IMAGE: Image = {"arrays": np.arange(9)}


def changes(*events: Upsert | Delete) -> tuple[Change, ...]:
    return Corpus(2).apply([Located(Position("t", 0, at), event) for at, event in enumerate(events)]).changes


PUT = Upsert(Chunk("c", "d", 0, "text", np.ones(2, np.float32), "v", (), 1, "hash"))


def stored(folder: Path) -> SqliteStore:
    """A state with one chunk and an image."""
    store = SqliteStore(folder / "state.db")
    store.start()
    store.commit(replace(NOW, changes=changes(PUT)))
    store.keep_image(IMAGE, "s")
    return store


def has(store: SqliteStore) -> bool:
    image, why = store.image("s")
    assert image is None or not why
    return image is not None


def test_it_stays_as_long_as_no_chunk_changes(tmp_path: Path) -> None:
    with closing(stored(tmp_path)) as store:
        store.commit(replace(NOW, counters={("events",): 3}, newest_event_time=9, bookmark="b"))
        assert has(store)
        assert store.image("another")[0] is None
    with closing(SqliteStore(tmp_path / "state.db", read_only=True)) as reader:
        reader.start()
        found, _ = reader.image("s")
        assert found is not None
        assert found["arrays"].tolist() == list(range(9))


CHANGED = [replace(NOW, changes=changes(PUT, Delete("c", 2, None))), replace(NOW, forgotten=(1,))]


@pytest.mark.parametrize("commit", CHANGED, ids=["changed", "forgotten"])
def test_a_commit_that_changes_chunks_takes_name_and_file_away(tmp_path: Path, commit: Commit) -> None:
    with closing(stored(tmp_path)) as store:
        store.commit(commit)
        assert store.image("s") == (None, "")
        assert not store.path.with_name("state.db.image").exists()
        store.keep_image(IMAGE, "s")
        assert has(store), "the next one is kept as the first was"


def test_a_commit_that_fails_leaves_it(tmp_path: Path) -> None:
    with closing(stored(tmp_path)) as store:
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store._db.execute("PRAGMA busy_timeout=0")
            with pytest.raises(UnreachableError):
                store.commit(replace(NOW, changes=changes(PUT)))
        assert has(store)


STATEMENTS = {
    "INSERT OR REPLACE INTO chunk SELECT * FROM chunk": False,
    "INSERT INTO chunk SELECT key+1,chunk_id||'2',{rest} FROM chunk": False,
    "UPDATE chunk SET at=at+1": False,
    "DELETE FROM chunk": False,
    "DELETE FROM chunk WHERE key=-1": True,
    "INSERT OR REPLACE INTO meta VALUES ('x', 1)": True,
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_another_program_that_writes_a_chunk_withdraws_it(tmp_path: Path, statement: str) -> None:
    stored(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        rest = ",".join(row[1] for row in other.execute("PRAGMA table_info(chunk)").fetchall()[2:])
        other.execute(statement.format(rest=rest))
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        store.start()
        assert has(store) == STATEMENTS[statement]


def test_of_a_killed_run_there_is_none_or_one_that_nobody_names(tmp_path: Path) -> None:
    """Killed behind the file and before the name: the name that there is is of the file before."""
    with closing(stored(tmp_path)) as store:
        before = store.path.with_name("state.db.image").read_bytes()
        store.keep_image({"arrays": np.arange(8)}, "s")
        store.path.with_name("state.db.image").write_bytes(before)
        image, why = store.image("s")
        assert image is None
        assert "not the image that the state names" in why


def test_one_that_cannot_be_written_leaves_the_state_as_it_is(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store.start()
    (tmp_path / "state.db.image").mkdir()
    with closing(store), pytest.raises(UnreachableError, match="cannot keep an image: "):
        store.keep_image(IMAGE, "s")
    assert [path.name for path in tmp_path.glob("*.image*")] == ["state.db.image"]
