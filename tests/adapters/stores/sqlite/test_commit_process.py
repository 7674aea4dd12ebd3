"""A turn that another process stores: waited for by whatever comes next, never lost in silence, nobody left."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.adapters.lock import OwnerLock
from monitor.adapters.stores.sqlite import store as store_module
from monitor.adapters.stores.sqlite.commit_process import LEAST, CommitProcess
from monitor.adapters.stores.sqlite.store import SqliteStore, ordinary
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert, text_hash
from monitor.core.records.committed import Commit, Quarantined
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError
from tests.app.loops import Left, left

pytestmark = pytest.mark.skipif(not CommitProcess.possible(), reason="this system shares no memory by descriptor")
WHERE = Partition("t", 0)


@pytest.fixture(autouse=True)
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few changes there are."""
    monkeypatch.setattr(store_module, "WORTH_A_PROCESS", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(store_at(tmp_path / "state")) as made:
        yield made


def store_at(path: Path, *, patience: float = 10.0) -> SqliteStore:
    """A store that has stored up to 1, so that no image may be named, and whose next turn goes to another process."""
    made = SqliteStore(path, patience=patience)
    made.beside = partial(CommitProcess, holds=None)
    made.start()
    made.commit(replace(upto(1), changes=changes_of([upsert("a", 0)])))
    return made


def upto(position: int) -> Commit:
    return Commit({WHERE: position}, counters={("events",): position}, newest_event_time=position)


def upsert(name: str, at: int, text: str = "said") -> Located:
    chunk = Chunk(name, "d", 0, text, np.array([at, 1], np.float32), "v", (), at, text_hash(text))
    return Located(Position(*WHERE, at), Upsert(chunk))


def changes_of(events: list[Located]) -> Any:
    return Corpus(2).apply(events).changes


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is writing to the file: whoever begins a transaction waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def stored(path: Path) -> int:
    """Up to where the state is, as anybody else reads it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT next FROM position").fetchone()[0])


def pid_of(store: SqliteStore) -> int:
    assert store._process is not None
    return store._process.pid


def test_begun_it_returns_before_it_is_stored(store: SqliteStore) -> None:
    with locked(store.path):
        store.begin(upto(2))
        assert stored(store.path) == 1
    store.settle()
    assert stored(store.path) == 2


ASKED: dict[str, Callable[[SqliteStore], object]] = {
    "settle": lambda store: store.settle(),
    "commit": lambda store: store.commit(upto(3)),
    "begin": lambda store: store.begin(upto(3)),
    "ledger": lambda store: store.ledger(),
    "chunks": lambda store: list(store.chunks(10)),
    "said": lambda store: store.said([1]),
    "sketches": lambda store: store.sketches([1]),
    "deploy": lambda store: store.deploy("d"),
    "baseline": lambda store: store.baseline("b"),
    "baselines": lambda store: store.baselines(),
    "current": lambda store: store.current(),
    "decision": lambda store: store.decision(),
    "quarantine": lambda store: store.quarantine(1),
    "image": lambda store: store.image("setup"),
    "history": lambda store: store.history(1, 1),
    "traffic": lambda store: store.traffic(),
    "target": lambda store: list(store.target("v")),
    "versions": lambda store: store.versions(1),
    "close": lambda store: store.close(),
}


@pytest.mark.parametrize("asked", ASKED)
def test_whatever_is_asked_next_waits_for_it(store: SqliteStore, asked: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with locked(store.path):
            store.begin(upto(2))
            answer = pool.submit(ASKED[asked], store)
            with pytest.raises(TimeoutError):
                answer.result(0.05)
        answer.result(10.0)
    store.close()
    assert stored(store.path) == (3 if asked in ("commit", "begin") else 2)


@pytest.mark.parametrize("asked", ASKED)
def test_what_could_not_be_stored_is_said_whatever_is_asked(tmp_path: Path, asked: str) -> None:
    store = store_at(tmp_path / "state", patience=0.05)
    with locked(store.path):
        store.begin(upto(2))
        for _ in range(2):
            with pytest.raises(UnreachableError, match="database is locked; the last commit is what counts"):
                store.settle()
    with pytest.raises(CorpusDriftError, match="database is locked"):  # memory is ahead: nothing mends that
        ASKED[asked](store)
    if asked != "close":
        with pytest.raises(UnreachableError, match="database is locked"):
            store.close()
    store.close()
    assert stored(store.path) == 1


def test_begun_or_committed_the_same_is_left(tmp_path: Path) -> None:
    """New, modified, deleted, restored and repeated chunks, in turns of one to many, and one that needs much room."""
    found: list[Left] = []
    for begun in (False, True):
        corpus, at, generator = Corpus(2), 1, np.random.default_rng(3)
        with closing(store_at(tmp_path / f"state{begun}")) as store:
            for count in (1, 59, 60, 61, 187, 120, 3):
                events = [event_of(generator, at + n) for n in range(count)]
                if count == 3:
                    events.append(upsert("long", at + 3, "long" * LEAST))
                at += len(events)
                changed = corpus.apply(events)
                (store.begin if begun else store.commit)(replace(upto(at), changes=changed.changes, bookmark=str(at)))
            assert (store._process is not None) == begun
        found.append(left(store.path))
    assert found[0] == found[1]
    assert {row.how for row, _, _ in found[0].chunks} >= {"new", "modified", "deleted"}
    assert any(row.changed is not None for row, _, _ in found[0].chunks)


def event_of(generator: np.random.Generator, at: int) -> Located:
    name, content = f"c{generator.integers(150)}", int(generator.integers(3))
    if generator.random() < 0.2:
        return Located(Position(*WHERE, at), Delete(name, at))
    text = f"text {content}"
    chunk = Chunk(name, "d", 0, text, np.array([content, 1], np.float32), "v", (("s", name),), at, text_hash(text))
    return Located(Position(*WHERE, at), Upsert(chunk, None if content else 2**70))


def test_what_is_no_ordinary_turn_is_stored_at_once(store: SqliteStore) -> None:
    aside = Quarantined(Position(*WHERE, 1), "reason", "detail", None, b"value", 5)
    store.begin(replace(upto(2), quarantined=[aside]))
    assert (store._process, stored(store.path)) == (None, 2)
    assert store.quarantine(2) == [aside]


def test_a_commit_is_ordinary_only_where_it_says_what_every_turn_says() -> None:
    turn = {"positions", "changes", "sketches", "said", "counters", "newest_event_time", "bookmark", "epoch"}
    said: Any = ("something",)
    found = {of.name for of in fields(Commit) if ordinary(replace(Commit({}), **{of.name: said}))}
    assert found == turn


def test_few_changes_are_stored_at_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WORTH_A_PROCESS", 1)
    store.begin(upto(2))
    assert (store._process, stored(store.path)) == (None, 2)


def test_while_an_image_is_named_a_turn_is_stored_at_once(store: SqliteStore) -> None:
    store.keep_image({"kind": 1}, "setup")
    store.begin(replace(upto(2), changes=changes_of([upsert("a", 1)])))
    assert store._process is None
    assert store.image("setup")[0] is None
    store.begin(replace(upto(3), changes=changes_of([upsert("a", 2)])))
    assert store._process is not None


def test_where_no_process_can_be_started_turns_are_stored_at_once(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, patience: float) -> CommitProcess:
        raise OSError(path, patience)

    store.beside = full
    for at in (2, 3):
        store.begin(upto(at))
        assert stored(store.path) == at
    assert len(caplog.records) == 1


@pytest.mark.parametrize("when", ["idle", "in hand"])
def test_where_the_process_dies_that_is_said_and_the_last_commit_counts(store: SqliteStore, when: str) -> None:
    store.begin(upto(2))
    store.settle()
    pid = pid_of(store)
    with locked(store.path):
        if when == "in hand":
            store.begin(upto(3))
        os.kill(pid, signal.SIGKILL)
        store._process._child.wait()  # type: ignore[union-attr]  # there is one
        if when == "idle":
            store.begin(upto(3))
        with pytest.raises(UnreachableError, match=r"was ended by SIGKILL; the last commit is what counts"):
            store.begin(upto(4))
    with pytest.raises(UnreachableError, match="SIGKILL"):
        store.close()
    with closing(store_at_once(store.path)) as again:
        assert stored(store.path) == 2
        again.commit(upto(3))
    assert stored(store.path) == 3


def store_at_once(path: Path) -> SqliteStore:
    made = SqliteStore(path)
    made.start()
    return made


def test_after_the_end_no_process_is_left(store: SqliteStore) -> None:
    store.begin(upto(2))
    pid = pid_of(store)
    store.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_end_the_program_are_not_for_its_process(store: SqliteStore, number: int) -> None:
    store.begin(upto(2))
    store.settle()
    os.kill(pid_of(store), number)
    store.begin(upto(3))
    store.settle()
    assert stored(store.path) == 3


DYING = """
import os, signal, sys, time
from functools import partial
from pathlib import Path
from monitor.adapters.lock import OwnerLock
from monitor.adapters.stores.sqlite import store as store_module
from monitor.adapters.stores.sqlite.commit_process import CommitProcess
from monitor.adapters.stores.sqlite.store import SqliteStore
from tests.adapters.stores.sqlite.test_commit_process import upto

store_module.WORTH_A_PROCESS = 0
path = Path(sys.argv[1])
lock = OwnerLock(path)
lock.acquire()
store = SqliteStore(path)
store.beside = partial(CommitProcess, holds=lock.held)
store.start()
store._images.named = False
store.begin(upto(2))
store.settle()
print("stored", flush=True)
sys.stdin.readline()
store.begin(upto(3))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_where_the_program_dies_the_turn_in_hand_is_whole_and_nobody_owns_the_state_before(tmp_path: Path) -> None:
    path = tmp_path / "state"
    command = [sys.executable, "-c", DYING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdin is not None
        assert dying.stdout is not None
        assert dying.stdout.readline() == "stored\n"
        with locked(path):
            dying.stdin.write("\n")
            dying.stdin.flush()
            assert dying.wait(30.0) == -signal.SIGKILL
            assert stored(path) == 2
            with pytest.raises(ConfigurationError, match="in use by process"):  # what it left is not written yet
                OwnerLock(path).acquire()
        next_owner = OwnerLock(path)
        next_owner.acquire()
    assert stored(path) == 3
    next_owner.release()
