"""Records set aside, in the state file: bounded by rows and by bytes, each partition with its share."""

import sqlite3
from collections.abc import Sequence

from monitor.adapters.stores.sqlite.rows import TRIM_QUARANTINE
from monitor.core.model.events import Position
from monitor.core.records.committed import Quarantined


class Quarantine:
    """The table `quarantine`.

    Args:
        db: the state file.
        rows: rows of all partitions.
        size: bytes of all values.
    """

    def __init__(self, db: sqlite3.Connection, rows: int, size: int) -> None:
        self._db, self._rows, self._bytes = db, rows, size

    def put(self, items: Sequence[Quarantined]) -> None:
        """Set records aside; of each partition the oldest go first where there are too many."""
        rows = [(*item.position, item.reason, item.detail, item.key, item.value, item.size) for item in items]
        if not rows:
            return
        self._db.executemany("INSERT OR IGNORE INTO quarantine VALUES (?,?,?,?,?,?,?,?)", rows)
        # Each partition has its share: what is kept must not depend on how the partitions interleave. Its newest
        # one always stays: a limit smaller than one value must not make the quarantine look empty.
        shares = max(1, self._db.execute("SELECT COUNT(*) FROM position").fetchone()[0])
        self._db.execute(TRIM_QUARANTINE, (self._rows // shares, self._bytes // shares))

    def release(self, positions: Sequence[Position]) -> None:
        """Let go of records that were applied after all."""
        self._db.executemany("DELETE FROM quarantine WHERE topic=? AND partition=? AND at=?", positions)

    def newest(self, limit: int) -> list[Quarantined]:
        """The newest records, newest first."""
        read = "SELECT topic,partition,at,reason,detail,key,value,size FROM quarantine ORDER BY rowid DESC LIMIT ?"
        found = self._db.execute(read, (limit,)).fetchall()
        return [Quarantined(Position(*row[:3]), *row[3:]) for row in found]
