"""The points of a migration's target and the steps it took, kept in the state file."""

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from monitor.core.migration.model import PhaseChange
from monitor.core.migration.target_points import TargetPoint, TargetRow
from monitor.core.model.events import Position
from monitor.core.records.committed import TargetCommit

_TABLE = """
CREATE TABLE IF NOT EXISTS target (
  key INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL, known INTEGER NOT NULL, content_hash TEXT NOT NULL,
  event_time INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, at INTEGER NOT NULL,
  marks INTEGER NOT NULL, vector BLOB)
"""
_PUT = "INSERT OR REPLACE INTO target VALUES (?,?,?,?,?,?,?,?,?,?)"
VERSION, STEPS = "target version", "migration steps"
"""Names in the table `meta`."""


class TargetTable:
    """One target at a time: what is put of another version or another migration takes the place of what was there."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def prepare(self) -> None:
        """Make the table where there is none: a state that never saw a migration has none."""
        self._db.execute(_TABLE)

    def rows(self, version: str) -> Iterator[TargetRow]:
        """The points kept of a version, by key."""
        if self._kept(VERSION) != version:
            return
        for key, chunk_id, known, content, time, topic, part, at, marks, vector in self._db.execute(
            "SELECT * FROM target ORDER BY key"
        ):
            made = None if vector is None else np.frombuffer(vector, "<f4")
            point = TargetPoint(content, made, time, Position(topic, part, at), marks)
            yield TargetRow(key, chunk_id, point, bool(known))

    def steps(self, migration_id: str) -> Sequence[PhaseChange]:
        """The steps that a migration took, oldest first."""
        kept = self._kept(STEPS)
        if kept is None:
            return ()
        known, steps = msgspec.json.decode(kept, type=tuple[str, tuple[PhaseChange, ...]])
        return steps if known == migration_id else ()

    def put(self, commit: TargetCommit) -> None:
        """What one turn changed."""
        if self._kept(VERSION) != commit.version:
            self._db.execute("DELETE FROM target")
            self._keep(VERSION, commit.version)
        self._db.executemany("DELETE FROM target WHERE key=?", [(key,) for key in commit.gone])
        self._db.executemany(_PUT, [_columns(row) for row in commit.rows])
        if commit.steps is not None:
            self._keep(STEPS, msgspec.json.encode((commit.migration_id, tuple(commit.steps))).decode())

    def _kept(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _keep(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _columns(row: TargetRow) -> tuple[object, ...]:
    point = row.point
    vector = None if point.vector is None else point.vector.astype("<f4", copy=False).tobytes()
    return (
        row.key, row.chunk_id, int(row.known), point.content_hash, point.event_time, *point.position, point.marks,
        vector,
    )  # fmt: skip
