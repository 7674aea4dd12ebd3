"""The past for pictures in the state file: points, marks, tracks and texts, each bounded.

A state of before this has none of these tables. Its owner makes them and fills in the points of the deploys whose
reports are kept, once; a reader of such a state finds nothing.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from typing import Any

import msgspec
import numpy as np

from monitor.adapters.stores.sqlite.report_form import moved_on
from monitor.adapters.stores.sqlite.snapshots import unpack_judgement
from monitor.core.index.baseline import Snapshot
from monitor.core.records.committed import Commit
from monitor.core.records.history import (
    DEPLOYS_KEPT,
    HOURS_KEPT,
    MARKS_KEPT,
    TRACKED_DEPLOYS,
    ApprovalMark,
    DeploySize,
    History,
    HistoryPoint,
    PointKind,
    Series,
    TextVersion,
    Touch,
    Track,
    Tracked,
    point_of,
)

_CREATE = """
CREATE TABLE point (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, deploy_id TEXT NOT NULL, packed BLOB NOT NULL);
CREATE INDEX point_of ON point (kind, number);
CREATE TABLE approval (number INTEGER PRIMARY KEY AUTOINCREMENT, packed BLOB NOT NULL);
CREATE TABLE track (
  anchor TEXT NOT NULL, leg TEXT NOT NULL, number INTEGER NOT NULL, asked TEXT NOT NULL, keys BLOB,
  touches BLOB NOT NULL, PRIMARY KEY (anchor, leg, number)) WITHOUT ROWID;
CREATE TABLE listed (
  id INTEGER PRIMARY KEY, key INTEGER NOT NULL, content_hash TEXT NOT NULL, first INTEGER NOT NULL,
  newest INTEGER NOT NULL, UNIQUE (key, content_hash));
CREATE INDEX listed_newest ON listed (newest);
CREATE TABLE said (id INTEGER PRIMARY KEY, characters INTEGER NOT NULL, bytes INTEGER NOT NULL, packed BLOB NOT NULL);
"""
SaidTexts = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]
"""Content hash and text of live chunks by key."""
TEXTS_KEPT = 100_000
"""SaidTexts of listed chunks; those that have stood in no list for longest go first."""
TEXT_BYTES_KEPT = 128 << 20
"""Of all of them, compressed."""
TEXT_CHARACTERS = 20_000
"""Of one text; the rest of a longer one is not kept."""


class HistoryTables:
    """Every call is part of its owner's transaction.

    Args:
        db: the open state file.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def prepare(self) -> None:
        """Make the tables in a state that has none yet, and the points of the deploys that it has reports of."""
        if self.there():
            return
        self._db.executescript(f"BEGIN; {_CREATE}")
        try:
            read = "SELECT number FROM deploy WHERE record NOT NULL ORDER BY number DESC LIMIT ?"
            for kept in reversed(self._db.execute(read, (DEPLOYS_KEPT,)).fetchall()):
                self._put_kept(*self._db.execute("SELECT record FROM deploy WHERE number=?", kept).fetchone())
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _put_kept(self, packed: bytes) -> None:
        """The point of a deploy that was judged before there were points; one that cannot be read has none."""
        with suppress(msgspec.MsgspecError, KeyError, TypeError, ValueError):
            self._put_point(point_of(*unpack_judgement(packed), kind="deploy", taken=float("nan")))

    def there(self) -> bool:
        """Whether this state has the tables."""
        return bool(self._db.execute("SELECT 1 FROM sqlite_master WHERE name='point'").fetchone())

    def put(self, commit: Commit, texts: SaidTexts | None = None) -> None:
        """What one turn adds; forgets what is too old.

        Args:
            commit: of the turn.
            texts: content hash and text of live chunks by key, where they are in other files; None: in this one.
        """
        if commit.approval is not None:
            self._db.execute("INSERT INTO approval (packed) VALUES (?)", (_encoded(astuple(commit.approval)),))
            self._db.execute(
                "DELETE FROM approval WHERE number <= (SELECT MAX(number) FROM approval)-?", (MARKS_KEPT,)
            )
        if commit.point is not None:
            number = self._put_point(commit.point)
            if commit.point.kind == "deploy":
                self._db.executemany("INSERT INTO track VALUES (?,?,?,?,?,?)", _rows(commit.tracks, number))
                self._forget_tracks()
        if commit.deploy is not None:
            self._keep_texts(commit.deploy.snapshot, texts)
        for snapshot in commit.baselines:
            self._keep_texts(snapshot, texts)
        if commit.unsaid:
            self._db.executemany(
                "DELETE FROM said WHERE id IN (SELECT id FROM listed WHERE key=?)", [(key,) for key in commit.unsaid]
            )

    def _put_point(self, point: HistoryPoint) -> int:
        if point.kind == "deploy":  # judged again: under a new number it is still the newest
            self._db.execute("DELETE FROM point WHERE kind='deploy' AND deploy_id=?", (point.deploy_id,))
        put = "INSERT INTO point (kind,deploy_id,packed) VALUES (?,?,?)"
        number = self._db.execute(put, (point.kind, point.deploy_id, pack_point(point))).lastrowid or 0
        most = DEPLOYS_KEPT if point.kind == "deploy" else HOURS_KEPT
        oldest = "SELECT number FROM point WHERE kind=? ORDER BY number DESC LIMIT 1 OFFSET ?"
        found = self._db.execute(oldest, (point.kind, most)).fetchone()
        if found:
            self._db.execute("DELETE FROM point WHERE kind=? AND number<=?", (point.kind, found[0]))
        return number

    def _forget_tracks(self) -> None:
        """What stood at the oldest deploy that is shown stays, whenever it came; what it replaced goes."""
        oldest = "SELECT number FROM point WHERE kind='deploy' ORDER BY number DESC LIMIT 1 OFFSET ?"
        found = self._db.execute(oldest, (TRACKED_DEPLOYS - 1,)).fetchone()
        if found:
            self._db.execute(
                "DELETE FROM track WHERE number < ?1 AND EXISTS (SELECT 1 FROM track AS later WHERE"
                " later.anchor = track.anchor AND later.leg = track.leg AND later.number > track.number"
                " AND later.number <= ?1)",
                found,
            )

    def history(self, deploys: int, hours: int) -> History:
        """The newest points, oldest first, and all marks."""
        if not self.there():
            return History()
        marks = self._db.execute("SELECT packed FROM approval ORDER BY number").fetchall()
        approvals = tuple(ApprovalMark(*msgspec.msgpack.decode(packed)) for (packed,) in marks)
        return History(self._points("deploy", deploys), self._points("hour", hours), approvals)

    def _points(self, kind: PointKind, most: int) -> tuple[HistoryPoint, ...]:
        read = "SELECT number,packed FROM point WHERE kind=? ORDER BY number DESC LIMIT ?"
        rows = self._db.execute(read, (kind, most)).fetchall()
        return tuple(unpack_point(packed, number) for number, packed in reversed(rows))

    def tracked(self) -> Tracked:
        """The newest track of each anchor and leg."""
        # of a group with MAX() SQLite takes the other columns from the row that has it
        read = "SELECT anchor,leg,MAX(number),asked,keys,touches FROM track GROUP BY anchor,leg"
        found = self._db.execute(read).fetchall() if self.there() else ()
        return {(row[0], row[1]): _track(row) for row in found}

    def tracks(self, anchor: str) -> Sequence[Track]:
        """Every kept track of one anchor, oldest first."""
        read = "SELECT anchor,leg,number,asked,keys,touches FROM track WHERE anchor=? ORDER BY number,leg"
        return [_track(row) for row in self._db.execute(read, (anchor,))] if self.there() else []

    def versions(self, key: int) -> Sequence[TextVersion]:
        """The texts of one chunk, oldest first."""
        if not self.there():
            return []
        read = (
            "SELECT content_hash,first,newest,packed,characters FROM listed LEFT JOIN said USING (id) WHERE key=?"
            " ORDER BY first,listed.id"
        )
        return [
            TextVersion(said, first, newest, None if packed is None else _text(packed), characters or 0)
            for said, first, newest, packed, characters in self._db.execute(read, (key,))
        ]

    def _keep_texts(self, snapshot: Snapshot, texts: SaidTexts | None) -> None:
        """The texts of what stands in lists now, so that they can be read when others stand there."""
        db, number = self._db, self._db.execute("SELECT COALESCE(MAX(number),0) FROM point").fetchone()[0]
        db.executemany(
            "INSERT INTO listed (key,content_hash,first,newest) VALUES (?1,?2,?3,?3)"
            " ON CONFLICT (key,content_hash) DO UPDATE SET newest=excluded.newest",
            [(key, member.content_hash, number) for key, member in snapshot.members.items()],
        )
        rows = self._missing_here(number) if texts is None else self._missing(number, texts)
        db.executemany("INSERT INTO said VALUES (?,?,?,?)", (_said(at, text) for at, text in rows))
        self._forget_texts()

    def _missing(self, number: int, texts: SaidTexts) -> list[tuple[int, str]]:
        """Ids and texts of what stands in lists and was not kept yet, of chunks in other files."""
        read = (
            "SELECT listed.id, listed.key, listed.content_hash FROM listed LEFT JOIN said ON said.id=listed.id"
            " WHERE listed.newest=? AND said.id IS NULL"
        )
        listed = self._db.execute(read, (number,)).fetchall()
        there = texts(sorted({key for _, key, _ in listed}))
        return [(at, there[key][1]) for at, key, content in listed if key in there and there[key][0] == content]

    def _missing_here(self, number: int) -> list[tuple[int, str]]:
        """The same of chunks in this file."""
        missing = (
            "SELECT listed.id, chunk.text FROM listed JOIN chunk ON chunk.key=listed.key AND chunk.live=1"
            " AND chunk.content_hash=listed.content_hash LEFT JOIN said ON said.id=listed.id"
            " WHERE listed.newest=? AND said.id IS NULL"
        )
        return self._db.execute(missing, (number,)).fetchall()

    def _forget_texts(self) -> None:
        count, held = self._db.execute("SELECT COUNT(*), COALESCE(SUM(bytes),0) FROM said").fetchone()
        if count <= TEXTS_KEPT and held <= TEXT_BYTES_KEPT:
            return
        gone: list[tuple[int]] = []
        oldest = (
            "SELECT listed.id, COALESCE(bytes,0) FROM listed LEFT JOIN said USING (id) ORDER BY newest, listed.id"
        )
        for at, size in self._db.execute(oldest):
            if count <= TEXTS_KEPT and held <= TEXT_BYTES_KEPT:
                break
            gone.append((at,))
            count, held = count - 1, held - size
        for table in ("listed", "said"):
            self._db.executemany(f"DELETE FROM {table} WHERE id=?", gone)  # noqa: S608 - our own names


def pack_point(point: HistoryPoint) -> bytes:
    """A point as bytes; the same point gives the same bytes."""
    return zlib.compress(
        _encoded(
            [
                point.kind, point.deploy_id, point.event_time, point.taken, point.verdict, point.baseline,
                point.chunks, point.size, point.segments, point.verdicts, point.anchors.astype("<i8").tobytes(),
                point.series, point.values.astype("<f8").tobytes(), point.limits.astype("<f8").tobytes(),
                point.moved_on,
            ]
        ),
        1,
    )  # fmt: skip


def unpack_point(packed: bytes, number: int) -> HistoryPoint:
    """The inverse of `pack_point`, bit for bit; fields that a later version adds behind these are not read."""
    try:
        stored: list[Any] = msgspec.msgpack.decode(zlib.decompress(packed))
    except zlib.error as error:
        message = f"compressed point: {error}"
        raise ValueError(message) from error
    kind, deploy, time, taken, verdict, baseline, chunks, size, segments, verdicts, anchors, series = stored[:12]
    values, limits = (np.frombuffer(of, "<f8").reshape(len(segments), len(series)) for of in stored[12:14])
    return HistoryPoint(
        kind, deploy, time, taken, verdict, baseline, chunks, None if size is None else DeploySize(*size),
        tuple((dimension, segment) for dimension, segment in segments), tuple(verdicts),
        np.frombuffer(anchors, "<i8"), tuple(Series(*of) for of in series), values, limits,
        stored[14] if len(stored) > 14 else moved_on(baseline), number,
    )  # fmt: skip


def _encoded(of: Any) -> bytes:
    return msgspec.msgpack.encode(of)


def _rows(tracks: Iterable[Track], number: int) -> Iterable[tuple[object, ...]]:
    for of in tracks:
        keys = None if of.keys is None else np.array(of.keys, "<i8").tobytes()
        yield of.anchor, of.leg, number, of.asked, keys, _encoded([of.touched, *of.touches])


def _track(row: tuple[Any, ...]) -> Track:
    anchor, leg, number, asked, keys, packed = row
    count, *touches = msgspec.msgpack.decode(packed)
    listed = None if keys is None else tuple(np.frombuffer(keys, "<i8").tolist())
    return Track(anchor, leg, asked, listed, tuple(Touch(*of) for of in touches), count, number)


def _said(at: int, text: str) -> tuple[int, int, int, bytes]:
    packed = zlib.compress(text[:TEXT_CHARACTERS].encode(), 6)
    return at, len(text), len(packed), packed


def _text(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
