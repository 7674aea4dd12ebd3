"""The state store in one SQLite file (WAL): what is known, how far we are, and the past, in one transaction."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.snapshots import pack_deploy, pack_snapshot, unpack_deploy, unpack_snapshot
from monitor.core.baseline import Judged, Snapshot
from monitor.core.corpus import NO_SLOT, Change, Row
from monitor.core.events import Partition, Position
from monitor.ports import (
    Commit,
    ConfigurationError,
    CorpusDriftError,
    DeployRecord,
    Quarantined,
    Resumed,
    StoredChunk,
)

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE position (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
CREATE TABLE chunk (
  key INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL, doc_id TEXT NOT NULL, ordinal INTEGER NOT NULL,
  segment BLOB NOT NULL, embedding_version TEXT NOT NULL, event_time INTEGER NOT NULL, content_hash TEXT NOT NULL,
  version INTEGER, topic TEXT NOT NULL, partition INTEGER NOT NULL, at INTEGER NOT NULL,
  live INTEGER NOT NULL, text TEXT NOT NULL, vector BLOB);
CREATE TABLE counter (name BLOB PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE quarantine (
  topic TEXT, partition INTEGER, at INTEGER, reason TEXT NOT NULL, detail TEXT NOT NULL, key BLOB, value BLOB,
  size INTEGER NOT NULL, PRIMARY KEY (topic, partition, at));
CREATE TABLE deploy (
  number INTEGER PRIMARY KEY AUTOINCREMENT, deploy_id TEXT NOT NULL UNIQUE, event_time INTEGER NOT NULL,
  verdict TEXT NOT NULL, record BLOB);
CREATE TABLE baseline (name TEXT PRIMARY KEY, number INTEGER NOT NULL, snapshot BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_CHUNK = (
    "key,chunk_id,doc_id,ordinal,segment,embedding_version,event_time,content_hash,version,topic,partition,at,live"
)
_PUT_CHUNK = f"INSERT OR REPLACE INTO chunk ({_CHUNK},text,vector) VALUES ({','.join('?' * 15)})"  # noqa: S608
_TOUCH_CHUNK = "UPDATE chunk SET event_time=?,version=?,topic=?,partition=?,at=? WHERE key=?"
DEPLOY_IDS_KEPT = 10_000
"""Ids (without reports) of old deploys, so that a repeated marker is known as one."""


class SqliteStore:
    """`StateStore` in one file; see ports for the contract.

    Args:
        path: the file; its folder must exist.
        keep_deploys: how many newest deploys keep their report and lists (ids are kept for longer).
        quarantine_rows: rows of the quarantine, the oldest go first.
        quarantine_bytes: bytes of quarantined values, the oldest go first.
        read_only: read the last commit of a state that somebody else owns.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_deploys: int = 200,
        quarantine_rows: int = 10_000,
        quarantine_bytes: int = 64 << 20,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self._keep_deploys = keep_deploys
        self._rows, self._bytes = quarantine_rows, quarantine_bytes
        self._read_only = read_only
        self._open: sqlite3.Connection | None = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            message = f"state {self.path}: not started"
            raise CorpusDriftError(message)
        return self._open

    def start(self) -> Resumed:
        """Open the file, make it if need be, and say where it left off.

        Raises:
            ConfigurationError: not a state file of this program, of another schema version, or unreadable.
        """
        try:
            self._open = self._connect()
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and not self._read_only:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
            elif version != SCHEMA_VERSION:
                message = f"state {self.path}: schema version {version}, expected {SCHEMA_VERSION}"
                raise ConfigurationError(message)
            return self._resumed()
        except sqlite3.Error as error:
            message = f"state {self.path}: {error}; expected a state file of corpus-drift in a writable folder"
            raise ConfigurationError(message) from error

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0)
        if not self._read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            # WAL with NORMAL: a power cut may undo the newest commits, never tear one; positions go back with them.
            connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _resumed(self) -> Resumed:
        positions = {Partition(topic, part): at for topic, part, at in self._db.execute("SELECT * FROM position")}
        counters = {
            msgspec.msgpack.decode(name, type=tuple[str, ...]): value
            for name, value in self._db.execute("SELECT name,value FROM counter")
        }
        newest = self._db.execute("SELECT value FROM meta WHERE name='newest_event_time'").fetchone()
        return Resumed(positions, counters, self.ledger(), newest[0] if newest else 0, newest is None)

    def commit(self, commit: Commit) -> None:
        """Apply one turn in one transaction."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            self._put_chunks(commit.changes)
            db.executemany("DELETE FROM chunk WHERE key=?", [(key,) for key in commit.forgotten])
            self._put_quarantine(commit.quarantined)
            encoded = [(msgspec.msgpack.encode(name), value) for name, value in commit.counters.items()]
            db.executemany("INSERT OR REPLACE INTO counter VALUES (?,?)", encoded)
            if commit.deploy is not None:
                self._put_deploy(commit.deploy)
            for snapshot in commit.baselines:
                self._put_baseline(snapshot)
            places = [(part.topic, part.partition, at) for part, at in commit.positions.items()]
            db.executemany("INSERT OR REPLACE INTO position VALUES (?,?,?)", places)
            newest = (commit.newest_event_time,)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('newest_event_time', ?)", newest)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def _put_chunks(self, changes: Sequence[Change]) -> None:
        # Runs of one kind keep their order; the last state of a chunk wins within a run as it does over runs.
        puts: list[tuple[object, ...]] = []
        touches: list[tuple[object, ...]] = []
        last: dict[int, Change] = {}
        for change in changes:
            seen = last.get(change.after.key)
            # A noop carries no new content: it must not hide the content change before it in the same batch.
            if seen is not None and change.kind == "noop" and seen.kind != "noop":
                last[change.after.key] = Change(seen.kind, seen.before, change.after, seen.chunk)
            else:
                last[change.after.key] = change
        for change in last.values():
            row = change.after
            if change.kind == "noop":
                touches.append((row.event_time, row.version, *row.position, row.key))
            else:
                text, vector = ("", None) if change.chunk is None else (change.chunk.text, change.chunk.vector)
                puts.append((*_columns(row), text, None if vector is None else vector.astype("<f4").tobytes()))
        self._db.executemany(_PUT_CHUNK, puts)
        self._db.executemany(_TOUCH_CHUNK, touches)

    def _put_quarantine(self, items: Sequence[Quarantined]) -> None:
        rows = [(*item.position, item.reason, item.detail, item.key, item.value, item.size) for item in items]
        if not rows:
            return
        self._db.executemany("INSERT OR IGNORE INTO quarantine VALUES (?,?,?,?,?,?,?,?)", rows)
        keep = "SELECT rowid FROM quarantine ORDER BY rowid DESC LIMIT ?"
        self._db.execute(f"DELETE FROM quarantine WHERE rowid NOT IN ({keep})", (self._rows,))  # noqa: S608 - constant
        heavy = (
            "SELECT rowid FROM (SELECT rowid, SUM(COALESCE(LENGTH(value),0)) OVER (ORDER BY rowid DESC) AS total"
            " FROM quarantine) WHERE total > ?"
        )
        self._db.execute(f"DELETE FROM quarantine WHERE rowid IN ({heavy})", (self._bytes,))  # noqa: S608 - constant

    def _put_deploy(self, record: DeployRecord) -> None:
        values = (record.deploy_id, record.event_time, record.verdict.verdict, pack_deploy(record))
        self._db.execute("INSERT INTO deploy (deploy_id,event_time,verdict,record) VALUES (?,?,?,?)", values)
        old = "(SELECT MAX(number) FROM deploy) - ?"
        kept = (self._keep_deploys,)
        self._db.execute(f"UPDATE deploy SET record=NULL WHERE number <= {old} AND record NOT NULL", kept)  # noqa: S608
        self._db.execute(f"DELETE FROM deploy WHERE number <= {old}", (DEPLOY_IDS_KEPT,))  # noqa: S608 - constant

    def _put_baseline(self, snapshot: Snapshot) -> None:
        number = self._db.execute("SELECT COALESCE(MAX(number),0)+1 FROM baseline").fetchone()[0]
        values = (snapshot.name, number, pack_snapshot(snapshot))
        self._db.execute("INSERT OR REPLACE INTO baseline VALUES (?,?,?)", values)

    def chunks(self, batch: int) -> Iterator[Sequence[StoredChunk]]:
        """Every known chunk in key order, in batches; a live row has slot 0 until the corpus gives it one."""
        with closing(self._db.execute(f"SELECT {_CHUNK},text,vector FROM chunk ORDER BY key")) as cursor:  # noqa: S608
            while fetched := cursor.fetchmany(batch):
                yield [(_row(values), str(values[13]), _vector(values[14])) for values in fetched]

    def texts(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Texts of live chunks, for cards and audits; unknown keys are left out."""
        found: dict[int, str] = {}
        for key in keys:
            row = self._db.execute("SELECT text FROM chunk WHERE key=? AND live=1", (key,)).fetchone()
            if row is not None:
                found[key] = row[0]
        return found

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        """A judged deploy; None when it is not known or its report is no longer kept."""
        row = self._db.execute("SELECT record FROM deploy WHERE deploy_id=?", (deploy_id,)).fetchone()
        return None if row is None or row[0] is None else unpack_deploy(row[0])

    def ledger(self) -> Sequence[Judged]:
        """Judged deploys, oldest first."""
        return [
            Judged(*row)
            for row in self._db.execute("SELECT deploy_id,event_time,verdict FROM deploy ORDER BY number")
        ]

    def baseline(self, name: str) -> Snapshot | None:
        """A captured baseline, approved or not."""
        row = self._db.execute("SELECT snapshot FROM baseline WHERE name=?", (name,)).fetchone()
        return None if row is None else unpack_snapshot(row[0])

    def baselines(self) -> Sequence[Snapshot]:
        """All captured baselines, oldest first."""
        return [unpack_snapshot(row[0]) for row in self._db.execute("SELECT snapshot FROM baseline ORDER BY number")]

    def quarantine(self, limit: int) -> Sequence[Quarantined]:
        """The newest rows set aside, newest first."""
        columns = "topic,partition,at,reason,detail,key,value,size"
        rows = self._db.execute(f"SELECT {columns} FROM quarantine ORDER BY rowid DESC LIMIT ?", (limit,))  # noqa: S608
        return [Quarantined(Position(*row[:3]), *row[3:]) for row in rows]

    def size(self) -> int:
        """Bytes on disk, write-ahead log included."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _columns(row: Row) -> tuple[object, ...]:
    segment = msgspec.msgpack.encode(row.segment)
    place = row.position
    return (
        row.key, row.chunk_id, row.doc_id, row.ordinal, segment, row.embedding_version, row.event_time,
        row.content_hash, row.version, place.topic, place.partition, place.offset, int(row.live),
    )  # fmt: skip


_SEGMENTS: msgspec.msgpack.Decoder[tuple[tuple[str, str], ...]] = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...])


def _row(values: Sequence[object]) -> Row:
    key, chunk_id, doc_id, ordinal, segment, encoded, time, content, version, topic, partition, at, live = values[:13]
    return Row(
        key, chunk_id, doc_id, ordinal, _SEGMENTS.decode(segment), encoded, time, content, version,  # type: ignore[arg-type]  # columns are typed by the schema
        Position(topic, partition, at), 0 if live else NO_SLOT,  # type: ignore[arg-type]  # same
    )  # fmt: skip


def _vector(blob: object) -> NDArray[np.float32] | None:
    return np.frombuffer(blob, "<f4") if isinstance(blob, bytes) else None
