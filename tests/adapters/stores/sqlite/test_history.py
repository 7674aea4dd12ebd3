"""The past in the state file: an older state gets its own, nothing grows, what was listed can be read."""

import math
import sqlite3
import zlib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from monitor.adapters.stores.sqlite import history
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.core.index.baseline import Snapshot
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import chunk_key
from monitor.core.records.committed import Commit, DeployRecord
from monitor.core.records.history import DeploySize, HistoryPoint, Touch, Track, point_of
from monitor.ports import ConfigurationError
from tests.adapters.stores.sqlite.test_store import NOW, changes_of, started
from tests.contracts.stores import VERDICT, point_contents
from tests.contracts.stores import History as Turns

TABLES = ("point", "approval", "track", "listed", "said")


def older(path: Path) -> None:
    """Make a state of before there was a history of one."""
    connection = sqlite3.connect(path)
    for table in TABLES:
        connection.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.close()


def judged(store: SqliteStore, turns: Turns, count: int) -> None:
    while len(store.ledger()) < count:
        store.commit(turns.turn())


def test_an_older_state_has_no_history_for_readers_and_gets_one_from_its_owner(tmp_path: Path) -> None:
    store = started(tmp_path / "state", keep_deploys=3)
    turns = Turns(3)
    judged(store, turns, 5)
    records = [store.deploy(one.deploy_id) for one in store.ledger()]
    store.close()
    older(tmp_path / "state")
    reader = SqliteStore(tmp_path / "state", read_only=True)
    reader.start()
    nothing = (reader.history(9, 9), reader.tracked(), reader.tracks("q0ü"), reader.versions(1))
    assert [list(of) for of in nothing[1:]] == [[], [], []]
    assert (nothing[0].deploys, nothing[0].hours, nothing[0].approvals) == ((), (), ())
    reader.close()
    store = started(tmp_path / "state", keep_deploys=3)
    kept = [record for record in records if record is not None]
    assert len(kept) == 3
    expected = [point_of(of.report, of.verdict, kind="deploy", taken=math.nan) for of in kept]
    found = store.history(9, 9).deploys
    for number, (one, other) in enumerate(zip(found, expected, strict=True), start=1):
        assert point_contents(one) == point_contents(replace(other, number=number))
        assert (one.size, math.isnan(one.taken)) == (None, True), "nobody noted them"
    judged(store, turns, 6)
    assert len(store.history(9, 9).deploys) == 4
    store.close()


def test_a_deploy_that_cannot_be_read_has_no_point_and_the_others_have(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    judged(store, Turns(3), 3)
    names = [one.deploy_id for one in store.ledger()]
    store.close()
    connection = sqlite3.connect(tmp_path / "state")
    connection.execute("UPDATE deploy SET record=x'80' WHERE deploy_id=?", (names[1],))
    connection.commit()
    connection.close()
    older(tmp_path / "state")
    store = started(tmp_path / "state")
    assert [len(store.history(9, 9).deploys), len(store.ledger())] == [2, 3]
    store.close()


def test_a_torn_point_is_told_in_one_line(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    judged(store, Turns(3), 1)
    store._db.execute("UPDATE point SET packed=x'7801'")
    with pytest.raises(ConfigurationError, match=r"history: cannot be read .*expected this version's form"):
        store.history(1, 1)
    store.close()


def point(kind: str, deploy_id: str, **fields: object) -> HistoryPoint:
    report = Turns(0)._deploy_report(deploy_id, now=5)
    made = point_of(replace(report, problems=()), VERDICT, kind=kind, taken=1.0)  # type: ignore[arg-type]
    return replace(made, deploy_id=deploy_id, **fields)  # type: ignore[arg-type]


def test_points_and_tracks_are_bounded_and_the_list_of_the_oldest_deploy_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("DEPLOYS_KEPT", 5), ("HOURS_KEPT", 2), ("TRACKED_DEPLOYS", 3)):
        monkeypatch.setattr(history, name, most)
    store = started(tmp_path / "state")
    still = Track("still", "dense", "h", (1, 2))
    for at in range(9):
        moving = Track("moving", "dense", "h", (at,), (Touch("new", "c", f"t/0@{at}"),), 1)
        tracks = [moving, *([still] if at == 0 else [])]
        store.commit(replace(NOW, point=point("deploy", f"d{at}", size=DeploySize(at, 0, 0)), tracks=tracks))
        store.commit(replace(NOW, point=point("hour", f"d{at}")))
    found = store.history(99, 99)
    assert [of.deploy_id for of in found.deploys] == ["d4", "d5", "d6", "d7", "d8"]
    assert [of.deploy_id for of in found.hours] == ["d7", "d8"]
    assert [of.keys for of in store.tracks("moving")] == [(6,), (7,), (8,)]
    assert [of.keys for of in store.tracks("still")] == [(1, 2)], "it stands since before the oldest deploy shown"
    assert store.tracked()["moving", "dense"].keys == (8,)
    store.close()


def test_a_deploy_that_is_judged_again_has_one_point_the_newest(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    for name, verdict in (("d1", "pass"), ("d2", "unknown"), ("d2", "fail")):
        store.commit(replace(NOW, point=point("deploy", name, verdict=verdict)))
    assert [(of.deploy_id, of.verdict) for of in store.history(9, 9).deploys] == [("d1", "pass"), ("d2", "fail")]
    store.close()


def listing(corpus: Corpus, *texts: str | None, start: int, deploy: str) -> Commit:
    """A turn in which one chunk got some texts and then a deploy listed it as it stands."""
    turns, changes = Turns(0), changes_of(corpus, *texts, start=start)
    row = corpus.row(chunk_key("c"))
    taken: Snapshot = turns._deploy().snapshot
    member = next(iter(taken.members.values()))
    members = {} if row is None or not row.live else {row.key: replace(member, content_hash=row.content_hash)}
    record = DeployRecord(deploy, 5, VERDICT, turns._deploy_report(deploy, now=5), replace(taken, members=members))
    return replace(NOW, changes=changes, deploy=record, point=point("deploy", deploy))


def test_a_text_that_stood_in_a_list_can_be_read_when_another_stands_there(tmp_path: Path) -> None:
    store, corpus = started(tmp_path / "state"), Corpus(1)
    store.commit(listing(corpus, "first", "second", start=0, deploy="d1"))  # "first" never stood in a list
    store.commit(listing(corpus, "third", start=2, deploy="d2"))
    store.commit(listing(corpus, "third", start=3, deploy="d3"))
    store.commit(listing(corpus, "second", start=4, deploy="d4"))
    store.commit(listing(corpus, None, start=5, deploy="d5"))
    said = [(of.text, of.first, of.newest, of.characters) for of in store.versions(chunk_key("c"))]
    assert said == [("second", 1, 4, 6), ("third", 2, 3, 5)]
    assert store.named([chunk_key("c"), 7])[chunk_key("c")] == ("c", "d", False)
    store.close()


def test_a_long_text_is_cut_and_said_to_be(tmp_path: Path) -> None:
    store, corpus = started(tmp_path / "state"), Corpus(1)
    store.commit(listing(corpus, "ü" * 50_000, start=0, deploy="d1"))
    (version,) = store.versions(chunk_key("c"))
    assert (version.text, version.characters) == ("ü" * history.TEXT_CHARACTERS, 50_000)
    store.close()


@pytest.mark.parametrize(("name", "most"), [("TEXTS_KEPT", 2), ("TEXT_BYTES_KEPT", 55)])
def test_texts_are_bounded_and_those_listed_longest_ago_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    store, corpus = started(tmp_path / "state"), Corpus(1)
    monkeypatch.setattr(history, name, most)
    for at in range(6):
        store.commit(listing(corpus, f"text number {at}", start=at, deploy=f"d{at}"))
    said = [of.text for of in store.versions(chunk_key("c"))]
    assert said == ["text number 4", "text number 5"]
    rows = [store._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("listed", "said")]
    assert rows == [2, 2]
    store.close()


def test_numbers_are_kept_to_the_bit(tmp_path: Path) -> None:
    store = started(tmp_path / "state")
    made = replace(
        point("hour", "d"),
        values=np.array([[math.nan, -0.0, 5e-324]]),
        limits=np.array([[math.inf, 0.1 + 0.2, math.nan]]),
        series=point("hour", "d").series * 3,
    )
    store.commit(replace(NOW, point=made))
    (found,) = store.history(1, 1).hours
    assert point_contents(found) == point_contents(replace(made, number=1))
    store.close()


@pytest.mark.parametrize(("baseline", "moved_on"), [("main", ""), ("deploy:d0", "d0"), ("", "")])
def test_a_point_from_before_it_said_what_the_baseline_moved_on_to_is_read(baseline: str, moved_on: str) -> None:
    made = replace(point("deploy", "d1"), baseline=baseline, moved_on=moved_on)
    fields = msgspec.msgpack.decode(zlib.decompress(history.pack_point(made)))
    assert fields.pop() == moved_on
    older_point = zlib.compress(msgspec.msgpack.encode(fields))
    assert history.unpack_point(older_point, 3).moved_on == moved_on
