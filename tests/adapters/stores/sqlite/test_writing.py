"""A commit that was begun: written beside the caller, waited for by whatever comes next, never lost in silence."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.stores.sqlite.rows import _BLOCK
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Start
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert, text_hash
from monitor.core.records.committed import Commit
from monitor.ports import CorpusDriftError, UnreachableError
from tests.app.loops import Left, left

WHERE = Partition("t", 0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def behind(gate: threading.Event) -> Iterator[Start]:
    """Starts tasks in a thread, where they wait for the gate."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda task: pool.submit(lambda: (gate.wait(), task())).result
        gate.set()


def store_at(path: Path, beside: Start | None = None) -> SqliteStore:
    made = SqliteStore(path, patience=0.05)
    if beside is not None:
        made.beside = beside
    made.start()
    return made


def upto(position: int) -> Commit:
    return Commit({WHERE: position}, counters={("events",): position})


def test_begun_it_returns_before_it_is_stored(tmp_path: Path, gate: threading.Event, behind: Start) -> None:
    store = store_at(tmp_path / "state", behind)
    store.begin(upto(1))
    assert left(store.path).positions == {}
    gate.set()
    store.settle()
    assert left(store.path).positions == {WHERE: 1}
    store.close()


ASKED: dict[str, Callable[[SqliteStore], object]] = {
    "settle": lambda store: store.settle(),
    "commit": lambda store: store.commit(upto(2)),
    "begin": lambda store: store.begin(upto(2)),
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
def test_whatever_is_asked_next_waits_for_it(
    tmp_path: Path, gate: threading.Event, behind: Start, asked: str
) -> None:
    store = store_at(tmp_path / "state", behind)
    store.begin(upto(1))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ASKED[asked], store)
        with pytest.raises(TimeoutError):
            answer.result(0.05)
        gate.set()
        answer.result(5.0)
    store.close()
    assert left(store.path).positions[WHERE] == (2 if asked in ("commit", "begin") else 1)


@pytest.mark.parametrize("asked", ASKED)
def test_what_could_not_be_stored_is_said_whatever_is_asked(tmp_path: Path, asked: str) -> None:
    store = store_at(tmp_path / "state")
    store.commit(upto(1))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other, ThreadPoolExecutor(1) as pool:
        store.beside = lambda task: pool.submit(task).result
        other.execute("BEGIN IMMEDIATE")
        store.begin(upto(2))
        for _ in range(2):
            with pytest.raises(UnreachableError, match="database is locked; the last commit is what counts"):
                store.settle()
        other.execute("ROLLBACK")
        with pytest.raises(CorpusDriftError, match="database is locked"):  # memory is ahead: nothing mends that
            ASKED[asked](store)
        if asked != "close":
            with pytest.raises(UnreachableError, match="database is locked"):
                store.close()
    store.close()
    assert left(tmp_path / "state").positions == {WHERE: 1}


def test_begun_or_committed_the_same_is_left(tmp_path: Path) -> None:
    """Over blocks of rows and what does not fill one: new, modified, deleted, restored and repeated chunks."""
    found: list[Left] = []
    for begun in (False, True):
        corpus, at, generator = Corpus(2), 0, np.random.default_rng(3)
        with ThreadPoolExecutor(1) as pool:
            store = store_at(tmp_path / f"state{begun}", lambda task: pool.submit(task).result)
            for count in (1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 3 * _BLOCK + 7, 2 * _BLOCK):
                events = [event_of(generator, at + n) for n in range(count)]
                at += count
                changes = corpus.apply(events).changes
                (store.begin if begun else store.commit)(replace(upto(at), changes=changes))
            store.close()
        found.append(left(store.path))
    assert found[0] == found[1]
    assert len(found[0].chunks) > _BLOCK
    assert {row.how for row, _, _ in found[0].chunks} >= {"new", "modified", "deleted"}
    assert any(row.changed is not None for row, _, _ in found[0].chunks)


def event_of(generator: np.random.Generator, at: int) -> Located:
    name, content = f"c{generator.integers(150)}", int(generator.integers(3))
    if generator.random() < 0.2:
        return Located(Position(*WHERE, at), Delete(name, at))
    vector = np.array([content, 1], np.float32)
    text = f"text {content}"
    return Located(Position(*WHERE, at), Upsert(Chunk(name, "d", 0, text, vector, "v", (), at, text_hash(text))))
