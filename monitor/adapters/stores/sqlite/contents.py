"""Shingles of listed contents in the state file: one copy for all deploys that list the same content.

The shingles of what a deploy's lists hold take as much room as the rest of its record, and from deploy to deploy few
of them change (fastapi-docs: 5,706 contents of 2.2 MB, 160 new ones a deploy). They are hashes, so packing them would
save a twentieth. A content is kept until the newest deploy that lists it is dropped.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot, content_key

_CREATE = """
CREATE TABLE IF NOT EXISTS shingles (content INTEGER PRIMARY KEY, newest INTEGER NOT NULL, packed BLOB NOT NULL)
"""
_PUT = """
INSERT INTO shingles VALUES (?,?,?)
ON CONFLICT (content) DO UPDATE SET newest = MAX(newest, excluded.newest)
"""
_AT_ONCE = 500


class ShingleTable:
    """Keeps and finds the shingles of deploys.

    Args:
        db: the open state file; every call is part of its owner's transaction.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def prepare(self) -> None:
        """Make room in a state that has none yet."""
        self._db.execute(_CREATE)

    def put(self, snapshot: Snapshot, deploy: int, *, kept: int) -> None:
        """Keep what a deploy lists, and forget what only dropped deploys listed.

        Args:
            snapshot: of the deploy.
            deploy: its number; deploys are numbered in order.
            kept: how many newest deploys are kept.
        """
        rows = [(content, deploy, packed) for content, packed in _packed(snapshot).items()]
        self._db.executemany(_PUT, rows)
        self._db.execute("DELETE FROM shingles WHERE newest <= ?", (deploy - kept,))

    def found(self, snapshot: Snapshot) -> Snapshot:
        """A deploy's snapshot with its shingles; without them in a state that kept none."""
        exists = self._db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name='shingles'").fetchone()[0]
        if not exists:
            return snapshot
        codes = _codes(snapshot)
        wanted = sorted(set(codes.values()))
        held: dict[int, NDArray[np.uint32]] = {}
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            marks = ",".join("?" * len(part))
            read = f"SELECT content, packed FROM shingles WHERE content IN ({marks})"  # noqa: S608 - marks only
            held |= {content: unpacked(packed) for content, packed in self._db.execute(read, part)}
        return replace(snapshot, shingles={key: held[code] for key, code in codes.items() if code in held})


def _codes(snapshot: Snapshot) -> Mapping[int, int]:
    return {key: content_key(key, {key: member.content_hash}) for key, member in snapshot.members.items()}


def _packed(snapshot: Snapshot) -> Mapping[int, bytes]:
    codes = _codes(snapshot)
    return {codes[key]: packed(of) for key, of in sorted(snapshot.shingles.items()) if key in codes}


def packed(shingles: NDArray[np.uint32]) -> bytes:
    """Shingles as bytes."""
    return shingles.astype("<u4").tobytes()


def unpacked(stored: bytes) -> NDArray[np.uint32]:
    """The inverse of `packed`."""
    return np.frombuffer(stored, "<u4")
