"""The product over shards: report, gate, cards, metrics and state of one process, to the bit, restarts included."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.stores.sqlite.schema import RUN
from monitor.adapters.stores.sqlite.shard_files import ShardFiles
from monitor.adapters.stores.sqlite.shard_store import ShardIdentity
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import read_state
from monitor.app.wiring.erasing import build_erasure
from monitor.app.wiring.forecast import build_forecast
from monitor.core.erasure.model import ErasureRequest
from monitor.core.index.baseline import Approval
from monitor.core.model.events import Position, Record, Upsert
from monitor.core.shards.messages import ChunkInTwoShardsError, ShardPosition
from monitor.ports import ConfigurationError
from tests.app.scripted import TOPIC
from tests.app.sharding import MODEL, SHAPE, Hands, Said, left, opening, shown, stream, told, write_case
from tests.corpora import anchors, events, written

COUNTS = (2, 4)
BY = Approval("ana", "looked at", "2026-01-01T00:00:00+00:00")


def looked(monitor: Monitor) -> dict[str, Any]:
    monitor.measuring.replay(full=True)
    monitor.measuring.refresh()
    return shown(monitor)


def played(config: Path, *, restarts: int = 0) -> tuple[list[dict[str, Any]], Said]:
    """The whole stream, with what is shown now and then; the process ends after every `restarts` turns."""
    items, seen, over, turns, hands = stream(), list[dict[str, Any]](), False, 0, Hands()
    while not over:
        with opening(config, items, hands) as monitor:
            while not over and (not restarts or turns % restarts or not turns):
                over = not monitor.turn(0.0) and monitor.ended()
                turns, hands.now = turns + 1, hands.now + 60.0
                if turns % 7 == 0:
                    seen.append(looked(monitor))
                if turns == 20:
                    monitor.operations.capture("other")
                    monitor.operations.approve("other", BY)
                if turns == 30:
                    monitor.operations.retry()
            turns += 1
            seen.append(looked(monitor))
    return seen, left(config)


@pytest.mark.parametrize(
    ("index", "mode", "restarts"),
    [("following", "pinned", 0), ("following", "previous-deploy", 9), ("frozen", "pinned", 9), ("none", "pinned", 5)],
)
def test_what_is_said_does_not_depend_on_shards(tmp_path: Path, index: str, mode: str, restarts: int) -> None:
    said = f'[baseline]\nbootstrap = "first-deploy"\nmode = "{mode}"\n'
    expected, one = played(case(tmp_path, 1, index=index, baseline=said), restarts=restarts)
    assert len(one.gates) == 5
    assert {of["verdict"] for of in one.gates} >= ({"unknown"} if index == "frozen" else {"fail"})
    for count in COUNTS:
        seen, found = played(case(tmp_path, count, index=index, baseline=said), restarts=restarts)
        same(seen, expected)
        for name in Said.__dataclass_fields__:
            assert getattr(found, name) == getattr(one, name), name


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected) > 3
    for at, (one, other) in enumerate(zip(found, expected, strict=True)):
        for name, value in other.items():
            assert repr(one[name]) == repr(value), (at, name)


def case(folder: Path, count: int, *, index: str = "following", baseline: str = "", extra: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    made = write_case(folder / str(count), count, index=index, extra=extra)
    if baseline:
        text = made.read_text(encoding="utf-8")
        made.write_text(text.replace('[baseline]\nbootstrap = "first-deploy"\n', baseline), encoding="utf-8")
    return made


def ended(config: Path) -> None:
    with opening(config, stream(), Hands()) as monitor:
        assert any(not monitor.turn(0.0) and monitor.ended() for _ in range(1_000))


def test_a_forecast_over_shards_is_that_of_one_process(tmp_path: Path) -> None:
    """It reads all chunks of all shards, in a process of its own."""
    changes = tmp_path / "changes.jsonl"
    changes.write_bytes(
        written([event for event in events(8, replace(SHAPE, chunks=30)) if isinstance(event, Upsert)])
    )
    made = []
    for count in (1, 3):
        config = case(tmp_path, count)
        ended(config)
        made.append(build_forecast(load(config, {}, MODEL), changes, "next"))
    assert made[0] == made[1]
    assert made[0]["state"] == "forecast"


def test_audits_look_into_every_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, hands = case(tmp_path, 3), Hands()
    with opening(config, stream(), hands) as monitor:
        assert any(not monitor.turn(0.0) and monitor.ended() for _ in range(1_000))
        audit = monitor.parts.audit
        assert audit is not None
        audit.run()
        assert {leg: (of.mismatches, of.anchors) for leg, of in audit.results.items()} == {
            "dense": (0, 20),
            "lexical": (0, 20),
        }
        right = monitor.parts.engine.lists()
        wrong = {leg: of.take(np.arange(len(of))) for leg, of in right.items()}
        for of in wrong.values():
            of.scores[:, 0] += 1.0
        monkeypatch.setattr(monitor.parts.engine, "lists", lambda: wrong)
        audit.run()
        assert {leg: of.mismatches for leg, of in audit.results.items()} == {"dense": 20, "lexical": 20}


@pytest.mark.parametrize("index", ["following", "none"])
def test_other_anchors_while_it_runs(tmp_path: Path, index: str) -> None:
    seen = []
    for count in (1, 4):
        config, hands = case(tmp_path, count, index=index), Hands()
        asked = anchors(9, replace(SHAPE, dense=index != "none"))
        with opening(config, stream(), hands) as monitor:
            for turn in range(1_000):
                hands.now += 60.0
                if turn == 25:
                    write_anchors(config.parent / "anchors.jsonl", [*asked[:9], *asked[15:]])
                if not monitor.turn(0.0) and monitor.ended() and turn > 40:
                    break
            assert len(monitor.parts.engine.anchors) == 18
            seen.append((looked(monitor), left(config)))
    same([seen[1][0]] * 4, [seen[0][0]] * 4)
    assert seen[1][1] == seen[0][1]


def test_a_state_of_another_number_of_shards_is_refused(tmp_path: Path) -> None:
    for before, now in ((4, 1), (1, 4), (2, 4)):
        config = case(tmp_path / f"{before}to{now}", before, index="none")
        ended(config)
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace(f"count = {before}", f"count = {now}"), encoding="utf-8")
        names = {1: "one process", 2: "2 shards", 4: "4 shards"}
        said = (
            rf"is of {names[before]}, the configuration says {names[now]} \(shards.count = {now}\); expected the same"
        )
        with pytest.raises(ConfigurationError, match=said), opening(config, stream(), Hands()):
            pass
        with pytest.raises(ConfigurationError, match=said), read_state(load(config, {}, MODEL)):
            pass


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("other", r"shard 1 of 2: has read other/\d, the state only events"),
        (TOPIC, r"shard .*state\.shard-1-of-2\.db: of another run of the same stream"),
    ],
)
def test_a_shard_of_another_run_at_the_same_step_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str, said: str
) -> None:
    epochs, configs = [], []
    for run, topic in enumerate((TOPIC, other)):
        monkeypatch.setattr("tests.app.scripted.TOPIC", topic)
        places = [(record, record.position) for record, _ in told()]
        items = [replace(record, position=Position(topic, at.partition, at.offset)) for record, at in places]
        configs.append(case(tmp_path / str(run), 2, index="none"))
        with opening(configs[-1], items, Hands()) as monitor:
            for _ in range(4):
                monitor.turn(0.0)
            epochs.append(monitor.parts.corpus.epoch)
    assert epochs[0] == epochs[1] > 0
    file = "state.shard-1-of-2.db"
    shutil.copy(configs[1].with_name(file), configs[0].with_name(file))
    monkeypatch.undo()
    if topic != TOPIC:  # of a state from before there were marks, topics tell
        for state in (configs[0].with_name("state.db"), configs[0].with_name("state.shard-0-of-2.db")):
            unmarked(state)
        unmarked(configs[0].with_name(file))
    with pytest.raises(ConfigurationError, match=f"^{said}; expected the files of one run$"):
        opening(configs[0], [], Hands()).__enter__()
    with pytest.raises(ConfigurationError, match=f"^{said}; expected the files of one run$"):
        read_state(load(configs[0], {}, MODEL)).__enter__()


def unmarked(path: Path) -> None:
    """A file as it would be without the mark of its run."""
    with closing(sqlite3.connect(path)) as db, db:
        if path.name == "state.db":
            db.execute("DELETE FROM meta WHERE name=?", (RUN,))
        else:
            (identity,) = db.execute("SELECT value FROM stand WHERE name='identity'").fetchone()
            whose = msgspec.structs.replace(msgspec.msgpack.decode(identity, type=ShardIdentity), run="")
            db.execute("UPDATE stand SET value=? WHERE name='identity'", (msgspec.msgpack.encode(whose),))


def test_a_damaged_shard_is_refused_as_a_wrong_file_is(tmp_path: Path) -> None:
    """In its middle, too: it begins as a shard's file does."""
    config = case(tmp_path, 2, index="none")
    ended(config)
    file = config.with_name("state.shard-1-of-2.db")
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name='chunk'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as damaged:
        damaged.seek((root - 1) * size)
        damaged.write(b"\xff" * size)
    said = r"^shard .*shard-1-of-2\.db: .*malformed; expected "
    with pytest.raises(ConfigurationError, match=said):
        opening(config, stream(), Hands()).__enter__()
    with pytest.raises(ConfigurationError, match=said), read_state(load(config, {}, MODEL)) as store:
        list(store.chunks(100))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("count = 0", "shards.count = 0: expected at least 1"),
        ("count = 1000", "shards.count = 1000: expected at most 512"),
        ("count = 4\nengine = 'spark'", "shards.engine = 'spark': expected 'local'"),
        ("count = 4\nshards = 2", "shards.shards = 2: no such key; expected one of "),
        ("count = 4\n[traffic]\npath = 'log.jsonl'\nformat = 'json'", "traffic and shards.count = 4: "),
        ("count = 4\n[migration]\nid = 'm'\nfrom = 'a'\nto = 'b'", "migration and shards.count = 4: "),
    ],
)
def test_what_shards_cannot_do_is_refused_in_one_line(tmp_path: Path, wrong: str, said: str) -> None:
    config = case(tmp_path, 4, index="none")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("count = 4", wrong), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load(config, {"CORPUS_DRIFT_TRAFFIC__KEY": "a key of sixteen bytes"} if "traffic" in wrong else {}, MODEL)
    assert len([line for line in str(refused.value).splitlines() if said in line]) == 1, str(refused.value)


def test_only_shards_elsewhere_may_be_silent_while_they_begin_anew(tmp_path: Path) -> None:
    config = case(tmp_path, 4, index="none")
    assert load(config, {}, MODEL).shards.silence == 0.0
    text = config.read_text(encoding="utf-8")
    ray = 'count = 4\nengine = "ray"\n[shards.ray]\nfolder = "/disk"\ntimeout = 30.0\nstart_timeout = 900.0'
    config.write_text(text.replace("count = 4", ray), encoding="utf-8")
    assert load(config, {}, MODEL).shards.silence == 930.0


def test_an_index_that_is_filled_from_the_events_and_a_scan_are_refused(tmp_path: Path) -> None:
    config = case(tmp_path, 4)
    text = config.read_text(encoding="utf-8")
    scan = '[source.qdrant]\nurl = "http://127.0.0.1:1"\ncollection = "c"'
    text = text.replace('"following"', '"embedded"').replace('[source.file]\npath = "events.jsonl"', scan)
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load(config, {}, MODEL)
    lines = str(refused.value).splitlines()
    assert [
        line for line in lines if "dense.engine = 'embedded' and shards.count = 4: an index that is filled" in line
    ]
    assert [line for line in lines if "source.qdrant and shards.count = 4: a scan of a collection has one" in line]


def test_a_proof_of_erasure_over_shards_is_refused(tmp_path: Path) -> None:
    config = case(tmp_path, 2, index="none")
    ended(config)
    with pytest.raises(ConfigurationError, match=r"shards\.count = 2: a proof of erasure needs one process"):
        build_erasure(load(config, {}, MODEL), None, ErasureRequest(ids=("doc1#1",)))


class LateFiles(ShardFiles):
    """Opened only after their owner has gone on by two commits."""

    def __init__(self, state: Path, shards: int, go_on: Callable[[], object]) -> None:
        super().__init__(state, shards, read_only=True)
        self.opened, self._go_on = 0, go_on

    def start(self, published: int, run: str = "") -> list[ShardPosition]:
        self.opened += 1
        if self.opened == 1:
            self._go_on()
            self._go_on()
        return super().start(published, run)


def test_who_reads_while_the_monitor_goes_on_sees_one_commit_of_all(tmp_path: Path) -> None:
    config = case(tmp_path, 2, index="none")
    with opening(config, stream(), Hands()) as monitor:
        for _ in range(4):
            monitor.turn(0.0)
        state = config.parent / "state.db"
        files = LateFiles(state, 2, lambda: monitor.turn(0.0))
        store = SqliteStore(state, read_only=True, parts=2, reader=files)
        try:
            resumed = store.start()
            assert files.opened == 2
            assert resumed.epoch == monitor.parts.corpus.epoch
            live = [row for part in store.chunks(16) for row, _, _ in part if row.live]
            assert len(live) == len(monitor.parts.corpus) > 0
            monitor.turn(0.0)  # which the reader does not see
            assert [row for part in store.chunks(16) for row, _, _ in part if row.live] == live
        finally:
            store.close()


def test_a_chunk_in_partitions_of_two_shards_stops_the_run_with_one_line(tmp_path: Path) -> None:
    """One process orders them by time; shards cannot, so nothing is published of that step."""
    config = case(tmp_path, 4, index="none")
    upserts = [record for record, event in told() if isinstance(event, Upsert)]
    twice = [Record(Position(TOPIC, part, at), None, upserts[0].value) for part, at in ((0, 0), (1, 0), (2, 0))]
    with opening(config, twice, Hands()) as monitor:
        with pytest.raises(ChunkInTwoShardsError, match=r"^chunk 'doc\S+' at events/\d@0: events of it stand in"):
            monitor.turn(0.0)
        assert monitor.parts.store.ledger() == []
    with opening(config, [], Hands()) as monitor:
        assert len(monitor.parts.corpus) == 0
