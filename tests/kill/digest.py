"""The canonical digest of a state file: everything that must depend on the stream alone, named part by part.

Left out: the maintained buffers (they are not stored), wall-clock times (none is stored but a baseline's approval,
empty at a bootstrap), the bytes of the file, and numbers that SQLite hands out.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from monitor.adapters.stores.sqlite.history import unpack_point
from monitor.adapters.stores.sqlite.shard_files import ShardFiles
from monitor.adapters.stores.sqlite.snapshots import unpack_deploy, unpack_snapshot
from monitor.core.index.baseline import Snapshot
from monitor.core.model.lists import NO_CHUNK
from monitor.core.records.committed import DeployRecord

Parts = dict[str, str]
"""Name of a part, `section/...`, to its exact value as text; in canonical order."""
DEPLOY = "deploy/"
_META = "SELECT name,value FROM meta WHERE name NOT IN ('current report','image') ORDER BY name"
NOTHING = np.zeros(0)


def digest(state: Path) -> Parts:
    """The digest of a state file that may be open elsewhere; a state that was never made is empty."""
    if not state.exists():
        return {}
    with closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)) as db:
        db.execute("BEGIN")  # all that follows is one commit's view
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            return {}
        return dict(_parts(db, state))


def sections(parts: Mapping[str, str]) -> Parts:
    """One hash for each section (`chunk`, `counter`, ...; `deploy/d1` for each deploy), in order of appearance."""
    hashes: dict[str, Any] = {}
    for name, value in parts.items():
        section = "/".join(name.split("/", 2)[:2]) if name.startswith(DEPLOY) else name.split("/", 1)[0]
        hashes.setdefault(section, blake2b(digest_size=16)).update(
            f"{name}\0{value}\0".encode("utf-8", "backslashreplace")
        )
    return {section: made.hexdigest() for section, made in hashes.items()}


def difference(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """The first part that differs, deploys first and in their order; empty where nothing does."""
    names = [*expected, *(name for name in found if name not in expected)]
    for name in sorted(names, key=lambda name: not name.startswith(DEPLOY)):
        if expected.get(name) != found.get(name):
            return f"{name}: expected {_shown(expected.get(name))}, found {_shown(found.get(name))}"
    return ""


def barrier(parts: Mapping[str, str]) -> str:
    """The deploy whose barrier the state stands at now: its newest one, when no record was taken since; else ""."""
    last = next(reversed([name.split("/")[1] for name in parts if name.endswith("/verdict")]), "")
    return last if last and parts[f"deploy/{last}/report/positions"] == positions(parts) else ""


def positions(parts: Mapping[str, str]) -> str:
    """The stored positions as a report writes them."""
    named = {name.removeprefix("position/"): int(at) for name, at in parts.items() if name.startswith("position/")}
    return repr(named)


def _parts(db: sqlite3.Connection, state: Path) -> Iterator[tuple[str, str]]:
    for deploy_id, time, verdict, record in db.execute(
        "SELECT deploy_id,event_time,verdict,record FROM deploy ORDER BY number"
    ):
        yield f"deploy/{deploy_id}/verdict", f"{verdict} at {time}"
        if record is not None:
            yield from _deploy(unpack_deploy(record))
    for name, packed in db.execute("SELECT name,snapshot FROM baseline ORDER BY number"):
        yield from _snapshot(f"baseline/{name}", unpack_snapshot(packed))
    for row in _chunks(db, state):
        yield f"chunk/{row[1]}", _columns(row)
    if db.execute("SELECT 1 FROM sqlite_master WHERE name='sketch'").fetchone():
        for key, total, sample in db.execute("SELECT key,total,packed FROM sketch ORDER BY key"):
            yield f"sketch/{key}", f"{total} {sample.hex()}"
    if db.execute("SELECT 1 FROM sqlite_master WHERE name='target'").fetchone():
        for row in db.execute("SELECT * FROM target ORDER BY key"):
            yield f"target/{row[1]}", _columns(row)
    yield from _past(db)
    for row in db.execute("SELECT * FROM quarantine ORDER BY topic,partition,at"):
        yield f"quarantine/{row[0]}/{row[1]}@{row[2]}", _columns(row[3:])
    for counter, value in sorted(db.execute("SELECT name,value FROM counter")):
        yield "counter/" + " ".join(msgspec.msgpack.decode(counter)), str(value)
    for topic, partition, following in db.execute("SELECT * FROM position ORDER BY topic,partition"):
        yield f"position/{topic}/{partition}", str(following)
    # The report of now is what an ended monitor leaves behind for readers: it is measured anew by the next one.
    # An image names the program's arrays, which lie as its history has them.
    # Rounds follow the wall clock: see tests/app/test_alarm_rounds.py, where that is the test's.
    for name, value in db.execute(_META):
        if not name.startswith(("alarm", "shards")):
            yield f"meta/{name}", str(value)


def _chunks(db: sqlite3.Connection, state: Path) -> list[tuple[Any, ...]]:
    """The chunk table: of one file, or of all shards as they were published. Steps are counted by batches."""
    kept = dict(db.execute("SELECT name,value FROM meta WHERE name LIKE 'shards%'"))
    rows = db.execute("SELECT * FROM chunk").fetchall()
    if kept.get("shards' epoch"):
        files = ShardFiles(state, kept["shards"], read_only=True)
        try:
            files.start(kept["shards' epoch"], kept["shards' run"])
            rows += [row for store in files.stores for row in store._db.execute("SELECT * FROM chunk")]
        finally:
            files.close()
    return sorted(rows, key=lambda row: row[0])


def _past(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What is kept for pictures; hours are the wall clock's."""
    for (packed,) in db.execute("SELECT packed FROM point WHERE kind='deploy' ORDER BY number"):
        point = unpack_point(packed, 0)
        numbers = (point.anchors, point.values, point.limits)
        said = replace(point, taken=0.0, anchors=np.zeros(0, np.int64), values=NOTHING, limits=NOTHING)
        yield f"point/{point.deploy_id}", " | ".join((repr(said), *(of.tobytes().hex() for of in numbers)))
    for row in db.execute("SELECT * FROM track ORDER BY anchor,leg,number"):
        yield f"track/{row[0]}/{row[1]}/{row[2]}", _columns(row[3:])
    for row in db.execute(
        "SELECT key,content_hash,first,newest,packed FROM listed LEFT JOIN said USING (id) ORDER BY 1,2"
    ):
        yield f"listed/{row[0]}/{row[1]}", _columns(row[2:])


def _deploy(record: DeployRecord) -> Iterator[tuple[str, str]]:
    where, report = f"deploy/{record.deploy_id}", record.report
    for name in ("deploy_id", "now", "positions", "fingerprint", "baseline", "corpus", "problems", "changed_anchors"):
        yield f"{where}/report/{name}", repr(getattr(report, name))
    for name in ("segments", "measurements", "blame"):
        for at, part in enumerate(getattr(report, name)):
            yield f"{where}/report/{name}/{at}", repr(part)
    yield f"{where}/judged", repr(record.verdict)
    yield from _snapshot(f"{where}/snapshot", record.snapshot)


def _snapshot(where: str, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for leg, lists in snapshot.lists.items():
        for at, anchor in enumerate(snapshot.anchors):
            listed = zip(lists.keys[at].tolist(), lists.scores[at].tolist(), strict=True)
            named = [f"{_name(snapshot, key)} {score.hex()}" for key, score in listed]
            yield f"{where}/{leg}/{anchor}", f"{int(lists.lengths[at])} {bool(lists.known[at])} {'; '.join(named)}"
    for key, member in sorted(snapshot.members.items()):
        yield f"{where}/member/{member.chunk_id}", f"{key} {member!r}"
    for name in ("name", "deploy_id", "event_time", "fingerprint", "anchors", "corpus", "positions", "approval"):
        yield f"{where}/{name}", repr(getattr(snapshot, name))


def _name(snapshot: Snapshot, key: int) -> str:
    member = snapshot.members.get(key)
    return "-" if key == NO_CHUNK else str(key) if member is None else member.chunk_id


def _columns(row: Sequence[Any]) -> str:
    return " | ".join(value.hex() if isinstance(value, bytes) else repr(value) for value in row)


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value if len(value) < 1_200 else f"{value[:1_200]}..."
