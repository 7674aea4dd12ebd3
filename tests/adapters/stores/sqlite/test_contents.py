"""Shingles of listed contents: stored once, kept as long as a kept deploy lists them."""

import sqlite3
from pathlib import Path

import numpy as np

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.index.baseline import Snapshot
from monitor.core.records.committed import DeployRecord
from tests.contracts.stores import History, snapshot_contents


def filled(path: Path, deploys: int, *, keep: int) -> list[DeployRecord]:
    store, history = SqliteStore(path, keep_deploys=keep), History(3)
    store.start()
    records: list[DeployRecord] = []
    while len(records) < deploys:
        commit = history.turn()
        records += [commit.deploy] if commit.deploy else []
        store.commit(commit)
    store.close()
    return records


def stored(path: Path) -> int:
    with sqlite3.connect(path) as db:
        count: int = db.execute("SELECT COUNT(*) FROM shingles").fetchone()[0]
    db.close()
    return count


def said(snapshots: list[Snapshot]) -> set[str]:
    return {of.members[key].content_hash for of in snapshots for key in of.shingles}


def test_what_only_dropped_deploys_listed_is_dropped(tmp_path: Path) -> None:
    records = filled(tmp_path / "state", 12, keep=2)
    kept = said([record.snapshot for record in records[-2:]])
    assert stored(tmp_path / "state") == len(kept) < len(said([record.snapshot for record in records]))


def test_a_content_listed_twice_is_stored_once(tmp_path: Path) -> None:
    records = filled(tmp_path / "state", 12, keep=50)
    listed = [record.snapshot for record in records]
    assert stored(tmp_path / "state") == len(said(listed)) < sum(len(of.shingles) for of in listed)


def test_a_reader_of_a_state_without_shingles_finds_the_deploys(tmp_path: Path) -> None:
    """States of before are read as they are: near copies are then told by content hash alone."""
    records = filled(tmp_path / "state", 2, keep=9)
    with sqlite3.connect(tmp_path / "state") as db:
        db.execute("DROP TABLE shingles")
    db.close()
    store = SqliteStore(tmp_path / "state", read_only=True)
    store.start()
    found = store.deploy(records[-1].deploy_id)
    store.close()
    assert found is not None
    assert found.snapshot.shingles == {}
    assert snapshot_contents(found.snapshot)[:-1] == snapshot_contents(records[-1].snapshot)[:-1]


def test_an_owner_adds_the_table_to_a_state_of_before(tmp_path: Path) -> None:
    filled(tmp_path / "state", 1, keep=9)
    with sqlite3.connect(tmp_path / "state") as db:
        db.execute("DROP TABLE shingles")
    db.close()
    store = SqliteStore(tmp_path / "state", keep_deploys=9)
    store.start()
    store.close()
    assert stored(tmp_path / "state") == 0


def test_shingles_are_exact(tmp_path: Path) -> None:
    records = filled(tmp_path / "state", 1, keep=9)
    store = SqliteStore(tmp_path / "state", read_only=True)
    store.start()
    found = store.deploy(records[0].deploy_id)
    store.close()
    assert found is not None
    assert all(of.dtype == np.uint32 for of in found.snapshot.shingles.values())
    assert snapshot_contents(found.snapshot) == snapshot_contents(records[0].snapshot)
