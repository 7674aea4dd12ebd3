"""The state file that is not ours, not readable or not writable: one clear line, and nothing half stored."""

import re
import resource
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.index.corpus import ChunkRow
from monitor.core.model.events import Partition
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError
from tests.adapters.stores.sqlite.test_store import NOW, aside, started
from tests.contracts.stores import History


def one_line(error: pytest.ExceptionInfo[CorpusDriftError], *parts: str) -> None:
    said = str(error.value)
    assert "\n" not in said
    for part in parts:
        assert part in said


def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (a)")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    text = tmp_path / "text"
    text.write_bytes(b"this is no database, it is a shopping list " * 20)
    for path, said in ((foreign, "another program"), (text, "file is not a database")):
        before = path.read_bytes()
        for read_only in (True, False):
            store = SqliteStore(path, read_only=read_only)
            with pytest.raises(ConfigurationError) as error:
                store.start()
            store.close()
            one_line(error, str(path), said, "expected a state file of corpus-drift")
        assert path.read_bytes() == before


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    started(tmp_path / "state").close()
    connection = sqlite3.connect(tmp_path / "state")
    connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(ConfigurationError) as error:
        started(tmp_path / "state")
    one_line(error, "schema version 9, expected 4; use the corpus-drift that wrote it")


def test_a_state_of_schema_1_is_taken_over_by_its_owner(tmp_path: Path) -> None:
    """Nobody knows what changed its chunks first, nor where its deploys ended; all else is as it was."""
    store, history = started(tmp_path / "state"), History(3)
    rows: list[ChunkRow] = []
    while not store.ledger() or len({row.live for row in rows}) < 2:
        store.commit(history.turn())
        rows = [row for batch in store.chunks(100) for row, _, _ in batch]
    store.close()
    connection = sqlite3.connect(tmp_path / "state")
    for column in ("changed_topic", "changed_partition", "changed_at", "how"):
        connection.execute(f"ALTER TABLE chunk DROP COLUMN {column}")
    for column in ("positions", "adopted"):
        connection.execute(f"ALTER TABLE deploy DROP COLUMN {column}")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigurationError) as error:
        SqliteStore(tmp_path / "state", read_only=True).start()
    one_line(error, "schema version 1, expected 4; the next corpus-drift run")
    store = started(tmp_path / "state")
    taken = [row for batch in store.chunks(100) for row, _, _ in batch]
    assert [replace(row, changed=None, how="new") for row in rows] == [replace(row, how="new") for row in taken]
    assert {row.live: row.how for row in taken} == {True: "new", False: "deleted"}
    assert not any(judged.positions or judged.adopted for judged in store.ledger())
    store.close()


def test_a_state_of_schema_3_is_taken_over_by_its_owner(tmp_path: Path) -> None:
    """Its baseline never moved on; from here on it may."""
    store, history = started(tmp_path / "state"), History(3)
    while not store.ledger():
        store.commit(history.turn())
    before = store.ledger()
    assert before[-1].adopted is not None
    store.close()
    connection = sqlite3.connect(tmp_path / "state")
    connection.execute("ALTER TABLE deploy DROP COLUMN adopted")
    connection.execute("PRAGMA user_version=3")
    connection.commit()
    connection.close()
    store = started(tmp_path / "state")
    assert store.ledger() == [replace(one, adopted=None) for one in before]
    while len(store.ledger()) < len(before) + 3:
        store.commit(history.turn())
    assert any(one.adopted for one in store.ledger())
    store.close()


def test_an_empty_file_and_a_missing_folder_are_refused_to_readers(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"")
    for path, said in ((tmp_path / "state", "nothing was committed yet"), (tmp_path / "no" / "s", "unable to open")):
        with pytest.raises(ConfigurationError) as error:
            SqliteStore(path, read_only=True).start()
        one_line(error, str(path), said)


def test_a_record_of_another_form_is_named(tmp_path: Path) -> None:
    store, history = started(tmp_path / "state"), History(0)
    while not store.ledger():
        store.commit(history.turn())
    store.close()
    connection = sqlite3.connect(tmp_path / "state")
    connection.execute("UPDATE deploy SET record=x'80'")
    connection.commit()
    connection.close()
    store = started(tmp_path / "state")
    with pytest.raises(ConfigurationError) as error:
        store.deploy("d1")
    one_line(error, "deploy 'd1'", "cannot be read", "expected this version's form")
    store.close()


def test_a_locked_file_is_told_and_nothing_is_half_stored(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state", patience=0.05)
    store.start()
    other = sqlite3.connect(tmp_path / "state", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnreachableError) as error:
        store.commit(NOW)
    one_line(error, "state", "cannot commit", "locked")
    other.close()
    assert store._resumed().positions == {}
    store.commit(NOW)
    assert store._resumed().positions == NOW.positions
    store.close()


def test_a_full_disk_is_told_and_the_commit_before_it_stands(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk: the write fails in the middle of a commit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = started(tmp_path / "state")
    store.commit(replace(NOW, quarantined=[aside(1, 10)]))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (store.size() + 100_000, hard))
        with pytest.raises(UnreachableError) as error:
            store.commit(replace(NOW, positions={Partition("t", 0): 9}, quarantined=[aside(2, 5_000_000)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    one_line(error, "cannot commit")
    assert re.search("full|disk I/O", str(error.value))
    assert [item.position.offset for item in store.quarantine(10)] == [1]
    assert store._resumed().positions == NOW.positions
    store.commit(replace(NOW, quarantined=[aside(2, 5_000_000)]))  # once there is room it goes on
    assert [item.position.offset for item in store.quarantine(10)] == [2, 1]
    store.close()


def test_a_store_that_was_not_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusDriftError, match="not started"):
        SqliteStore(tmp_path / "state").ledger()


def test_a_state_of_another_space_is_refused(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "state", space="384 numbers, cosine")
    first.start()
    first.close()
    again = SqliteStore(tmp_path / "state", space="384 numbers, cosine")
    again.start()
    again.close()
    other = SqliteStore(tmp_path / "state", space="128 numbers, cosine")
    with pytest.raises(ConfigurationError, match=r"384 numbers, cosine.*128 numbers"):
        other.start()
    other.close()
