"""Sketches of what deleted chunks said, in the state file: as long as their delete marks are kept."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from monitor.adapters.stores.sqlite.contents import packed, unpacked
from monitor.core.index.duplicates.content_sketch import ContentSketch


class SketchTable:
    """The table `sketch`, which a state of an older program gets when a run opens it.

    Args:
        db: the open state file; every call is part of its owner's transaction.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def prepare(self) -> None:
        """Make room in a state that has none yet."""
        columns = "key INTEGER PRIMARY KEY, total INTEGER NOT NULL, packed BLOB NOT NULL"
        self._db.execute(f"CREATE TABLE IF NOT EXISTS sketch ({columns})")

    def put(self, sketches: Mapping[int, ContentSketch], *, gone: Iterable[int]) -> None:
        """Keep sketches of chunks that were deleted, and forget those of others.

        Args:
            sketches: by chunk key.
            gone: keys of chunks that are live again, or of which nothing is known any more.
        """
        dropped = [(key,) for key in gone if key not in sketches]
        if dropped:
            self._db.executemany("DELETE FROM sketch WHERE key=?", dropped)
        rows = [(key, one.total, packed(one.sample)) for key, one in sketches.items()]
        if rows:
            self._db.executemany("INSERT OR REPLACE INTO sketch VALUES (?,?,?)", rows)

    def found(self, keys: Sequence[int]) -> Mapping[int, ContentSketch]:
        """Sketches by chunk key; none in a state that kept none."""
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name='sketch'").fetchone():
            return {}
        read = "SELECT packed,total FROM sketch WHERE key=?"
        rows = {key: self._db.execute(read, (key,)).fetchone() for key in keys}
        return {key: ContentSketch(unpacked(row[0]), row[1]) for key, row in rows.items() if row is not None}
