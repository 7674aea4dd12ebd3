"""Captured baselines in the state file; the one asked for last is kept unpacked."""

import sqlite3
from collections.abc import Callable, Iterable

from monitor.adapters.stores.sqlite.snapshots import pack_snapshot
from monitor.core.index.baseline import Snapshot

Unpack = Callable[[bytes, str], Snapshot]
"""Makes a snapshot of what is stored under a name, or says why it cannot be read."""


class Baselines:
    """The table `baseline`: a baseline put again gets a greater number.

    Each deploy asks several times for the one baseline it is compared with, and what is measured against it is kept
    by the object: so the same row gives the same object until it is put or withdrawn.

    Args:
        db: the state file.
        unpack: see `Unpack`.
    """

    def __init__(self, db: sqlite3.Connection, unpack: Unpack) -> None:
        self._db, self._unpack = db, unpack
        self._last: tuple[str, int, Snapshot] | None = None

    def put(self, snapshots: Iterable[Snapshot]) -> None:
        """Store baselines, each in the place of an earlier one of its name."""
        for snapshot in snapshots:
            self._last = None  # whatever becomes of the transaction: it is only read again
            number = self._db.execute("SELECT COALESCE(MAX(number),0)+1 FROM baseline").fetchone()[0]
            values = (snapshot.name, number, pack_snapshot(snapshot))
            self._db.execute("INSERT OR REPLACE INTO baseline VALUES (?,?,?)", values)

    def withdraw(self, names: Iterable[str]) -> None:
        """Forget baselines by name."""
        for name in names:
            self._last = None  # its number may be given once more
            self._db.execute("DELETE FROM baseline WHERE name=?", (name,))

    def found(self, name: str) -> Snapshot | None:
        """The baseline of this name, None for none; immutable, since others may hold the same object."""
        row = self._db.execute("SELECT number FROM baseline WHERE name=?", (name,)).fetchone()
        if row is None:
            return None
        last = self._last
        if last is not None and last[:2] == (name, row[0]):
            return last[2]
        packed = self._db.execute("SELECT snapshot FROM baseline WHERE name=?", (name,)).fetchone()[0]
        made = self._unpack(packed, name)
        self._last = (name, row[0], made)
        return made

    def every(self) -> list[Snapshot]:
        """All of them, oldest first."""
        rows = self._db.execute("SELECT name,snapshot FROM baseline ORDER BY number").fetchall()
        return [self._unpack(packed, name) for name, packed in rows]
