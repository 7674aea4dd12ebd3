"""The state file itself: torn by nothing, bounded, readable while it is written, and plain about what is wrong."""

import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters.stores.sqlite import store as sqlite
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.index.corpus import Change, Corpus
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert, text_hash
from monitor.core.records.committed import Commit, DeployRecord, Quarantined
from monitor.ports import UnreachableError
from tests.contracts.stores import History, deploy_contents, snapshot, snapshot_contents

NOW = Commit({Partition("t", 0): 1})


def started(path: Path, **settings: int) -> SqliteStore:
    store = SqliteStore(path, **settings)  # type: ignore[arg-type]  # all of them are integers
    store.start()
    return store


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_killed_before_any_statement_of_a_commit_the_state_is_the_one_before(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, "-m", "tests.adapters.stores.sqlite.dying", str(tmp_path), str(seed)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    lines = [line.split() for line in said.splitlines()]
    assert len(lines) > 5
    assert {(how, where) for _, how, where in lines[:-1]} == {("killed", "before")}
    assert lines[-1][1:] == ["lived", "after"]


def changes_of(corpus: Corpus, *texts: str | None, start: int) -> tuple[Change, ...]:
    """Changes of one chunk: each text an upsert, None a delete."""
    events = [
        Located(
            Position("t", 0, start + at), Delete("c", start + at) if text is None else Upsert(chunk(text, start + at))
        )
        for at, text in enumerate(texts)
    ]
    return corpus.apply(events).changes


def chunk(text: str, time: int) -> Chunk:
    return Chunk("c", "d", 0, text, np.array([len(text)], np.float32), "v", (), time, text_hash(text))


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([["a"]], ("a", 0)),
        ([["a", "a"]], ("a", 1)),  # a noop in the same batch keeps the content and moves the position
        ([["a"], ["a"]], ("a", 1)),
        ([["a", "b", "b", "b"]], ("b", 3)),
        ([["a", "a", "b"]], ("b", 2)),
        ([["a"], ["a", "b", "a", "a"]], ("a", 4)),
        ([["a", None]], ("", 1)),
        ([["a"], ["a", None]], ("", 2)),
        ([["a", None, "a", "a"]], ("a", 3)),
        ([["a"], [None, "a"], ["a"]], ("a", 3)),
    ],
)
def test_the_last_state_of_a_chunk_wins_within_a_batch(
    tmp_path: Path, batches: list[list[str | None]], expected: tuple[str, int]
) -> None:
    corpus, at = Corpus(1), 0
    store = started(tmp_path / "state")
    for batch in batches:
        store.commit(replace(NOW, changes=changes_of(corpus, *batch, start=at)))
        at += len(batch)
    ((row, text, vector),) = next(store.chunks(10))
    assert (text, row.position.offset) == expected
    assert row.event_time == row.position.offset
    assert (vector is not None) == row.live == bool(text)
    assert vector is None or vector.tolist() == [len(text)]
    store.close()


def aside(offset: int, size: int, partition: int = 0) -> Quarantined:
    return Quarantined(Position("t", partition, offset), "not_json", "", None, b"x" * size, size)


@pytest.mark.parametrize(
    ("rows", "limit", "sizes", "kept"),
    [
        (3, 1_000, [1, 1, 1, 1, 1], [4, 3, 2]),
        (10, 100, [40, 40, 40, 40], [3, 2]),
        (10, 100, [1, 1, 99, 1], [3, 2]),
        (10, 100, [0, 0, 0, 500], [3]),  # the newest one stays although it alone is too heavy
        (10, 100, [100, 0], [1, 0]),
    ],
)
def test_the_quarantine_is_bounded_by_rows_and_bytes(
    tmp_path: Path, rows: int, limit: int, sizes: list[int], kept: list[int]
) -> None:
    for together in (True, False):
        store = started(tmp_path / str(together), quarantine_rows=rows, quarantine_bytes=limit)
        items = [aside(offset, size) for offset, size in enumerate(sizes)]
        for batch in [items] if together else [[item] for item in items]:
            store.commit(replace(NOW, quarantined=batch))
        assert [item.position.offset for item in store.quarantine(100)] == kept
        store.close()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.lists(st.sampled_from([0, 1, 30, 200]), max_size=12), min_size=2, max_size=2), st.randoms())
def test_what_the_quarantine_keeps_does_not_depend_on_how_partitions_interleave(
    tmp_path: Path, sizes: list[list[int]], order: Random
) -> None:
    found = []
    for _ in range(2):
        # A folder of its own, closed whatever Hypothesis does: two open files of one name share a memory map.
        path = Path(mkdtemp(dir=tmp_path)) / "state"
        with closing(started(path, quarantine_rows=8, quarantine_bytes=300)) as store:
            store.commit(replace(NOW, positions={Partition("t", 0): 0, Partition("t", 1): 0}))
            queues = [[aside(at, size, part) for at, size in enumerate(of)] for part, of in enumerate(sizes)]
            while any(queues):
                some = [queue.pop(0) for queue in queues for _ in range(order.randint(0, 3)) if queue]
                store.commit(replace(NOW, quarantined=some))
            found.append(sorted((item.position, item.size) for item in store.quarantine(100)))
    assert found[0] == found[1]
    assert all(sum(position.partition == part for position, _ in found[0]) <= 4 for part in (0, 1))


def test_a_record_is_set_aside_once_however_often_it_is_read(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    for size in (3, 4):
        store.commit(replace(NOW, quarantined=[aside(7, size), aside(7, size)]))
    assert [item.size for item in store.quarantine(10)] == [3]
    store.close()


def test_old_deploys_lose_their_report_and_later_their_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "DEPLOY_IDS_KEPT", 5)
    store = started(tmp_path / "state", keep_deploys=2)
    history = History(0)
    records: list[DeployRecord] = []
    while len(records) < 8:
        commit = history.turn()
        records += [commit.deploy] if commit.deploy else []
        store.commit(commit)
    assert [judged.deploy_id for judged in store.ledger()] == [f"d{number}" for number in range(4, 9)]
    assert [number for number in range(1, 9) if store.deploy(f"d{number}") is not None] == [7, 8]
    kept = store.deploy("d8")
    assert kept is not None
    assert deploy_contents(kept) == deploy_contents(records[-1])
    assert store.deploy("d8") is kept, "unpacked once"
    before = store.deploy("d7")
    assert before is not None
    assert deploy_contents(before) == deploy_contents(records[-2])
    assert store.ledger()[-1] == Judged("d8", records[-1].event_time, "fail", records[-1].report.positions)
    store.close()


def test_readers_see_whole_commits_while_the_owner_writes(tmp_path: Path) -> None:
    """Each commit writes one chunk, one counter and one position that agree; a reader never sees them disagree."""
    writer, corpus, over, seen = started(tmp_path / "state"), Corpus(1), threading.Event(), Counter[int]()
    writer.commit(NOW)

    def read() -> None:
        while not over.is_set():
            reader = SqliteStore(tmp_path / "state", read_only=True)
            resumed = reader.start()
            reader.close()
            seen[resumed.counters.get(("n",), 1) - resumed.positions[Partition("t", 0)]] += 1

    thread = threading.Thread(target=read)
    thread.start()
    number = 1
    while number < 200 or not seen.total():
        number += 1
        changes = changes_of(corpus, str(number), start=number)
        writer.commit(Commit({Partition("t", 0): number}, changes, counters={("n",): number}))
    over.set()
    thread.join(10)
    writer.close()
    assert set(seen) == {0}


def test_a_reader_finds_the_last_commit_after_the_owner_is_gone(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    store.commit(NOW)
    store.close()
    reader = SqliteStore(tmp_path / "state", read_only=True)
    assert reader.start().positions == {Partition("t", 0): 1}
    with pytest.raises(UnreachableError, match="cannot commit"):
        reader.commit(NOW)
    reader.close()


def test_a_baseline_is_unpacked_once_until_it_is_put_or_withdrawn(tmp_path: Path) -> None:
    store = started(tmp_path / "s.db")
    one, other = (replace(snapshot(np.random.default_rng(seed)), name="a") for seed in (1, 2))

    def says(expected: Snapshot) -> bool:
        found = store.baseline("a")
        return found is not None and snapshot_contents(found) == snapshot_contents(expected)

    assert snapshot_contents(one) != snapshot_contents(other)
    store.commit(replace(NOW, baselines=(one, replace(one, name="b"))))
    held = store.baseline("a")
    assert says(one)
    assert store.baseline("a") is held
    assert store.baseline("none") is None
    assert store.baseline("a") is held
    store.commit(replace(NOW, baselines=(other,)))
    assert says(other)
    store.commit(replace(NOW, withdrawn=("a",)))
    assert store.baseline("a") is None
    store.commit(replace(NOW, baselines=(one,)))  # a number that was given before
    assert says(one)
    assert [found.name for found in store.baselines()] == ["b", "a"]
    store.close()
    store.start()
    assert says(one)
    assert store.baseline("a") is not held
    store.close()
