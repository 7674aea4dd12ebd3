"""The log of the state file: copied beside the writer, begun anew, and never longer than the disk needs it to be."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import checkpoints as sqlite_checkpoints
from monitor.adapters.stores.sqlite.checkpoints import Checkpoints

ROW = b"x" * 4_000


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def log_bytes(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not done():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sqlite_checkpoints, "CHECKPOINT_BYTES", 64 << 10)
    made = tmp_path / "state.db"
    with closing(connected(made)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    return made


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connected(path)) as made:
        yield made


def test_a_log_that_grows_is_copied_and_begun_anew(path: Path, writer: sqlite3.Connection) -> None:
    checkpoints = Checkpoints(path, writer, lambda: connected(path))
    longest, begun_anew = 0, 0
    for turn in range(400):
        before = log_bytes(path)
        writer.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (turn % 50, ROW))
        begun_anew += log_bytes(path) < before
        longest = max(longest, log_bytes(path))
        checkpoints.look()
        if log_bytes(path) >= 64 << 10:
            until(checkpoints._copied.is_set)
    checkpoints.close()
    assert begun_anew >= 10
    assert longest < 256 << 10
    with closing(connected(path)) as db:
        assert db.execute("SELECT COUNT(*), SUM(LENGTH(v)) FROM t").fetchone() == (50, 50 * len(ROW))


def test_a_reader_of_an_old_state_keeps_the_log_and_loses_nothing(path: Path, writer: sqlite3.Connection) -> None:
    checkpoints = Checkpoints(path, writer, lambda: connected(path))
    with closing(connected(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM t").fetchone() == (0,)
        for turn in range(100):
            writer.execute("INSERT INTO t VALUES (?, ?)", (turn, ROW))
            checkpoints.look()
        assert reader.execute("SELECT COUNT(*) FROM t").fetchone() == (0,)
    checkpoints.close()
    checkpoints.close()
    assert writer.execute("SELECT COUNT(*) FROM t").fetchone() == (100,)


def test_what_cannot_be_copied_now_is_asked_for_again(
    path: Path, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing:
        """A connection whose first checkpoint fails, as on a full disk."""

        def __init__(self) -> None:
            self._inner, self.asked = connected(path), 0

        def execute(self, query: str) -> sqlite3.Cursor:
            self.asked += 1
            if self.asked == 1:
                message = "database or disk is full"
                raise sqlite3.OperationalError(message)
            return self._inner.execute(query)

        def close(self) -> None:
            self._inner.close()

    refusing = Refusing()
    checkpoints = Checkpoints(path, writer, lambda: refusing)  # type: ignore[arg-type,return-value]  # two methods do
    for turn in range(100):
        writer.execute("INSERT INTO t VALUES (?, ?)", (turn, ROW))
    checkpoints.look()
    until(lambda: refusing.asked == 1 and "could not be copied yet" in caplog.text)
    checkpoints.look()
    until(checkpoints._copied.is_set)
    checkpoints.close()
    assert "disk is full" in caplog.text
