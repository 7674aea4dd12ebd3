"""What changed since a baseline, chunk by chunk: the event that changed it last."""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.core.baseline import Snapshot
from monitor.core.corpus import Row
from monitor.core.events import Position, Segment

UNKNOWN_EVENT = Position("", 0, -1)
"""Where an event stood whose delete mark is older than the tombstone life."""
KINDS = {"new": "upsert", "modified": "update", "reencoded": "reencode", "deleted": "delete"}


@dataclass(frozen=True, slots=True)
class Event:
    """The last event that changed a chunk.

    `kind` is `upsert` (the chunk was new), `update`, `reencode` (an update of the vector or its version alone) or
    `delete`; the rest describes the chunk, a deleted one as it was.
    """

    position: Position
    kind: str
    chunk_id: str
    doc_id: str
    source: str
    segment: Segment
    embedding_version: str


class Changes:
    """What changed since a baseline, looked up chunk by chunk.

    Args:
        baseline: the snapshot compared with.
        row: what is known of a chunk now, delete marks included.
        vector: digest of a live chunk's vector now (`vector_digest`), "" where none is known.
    """

    def __init__(
        self, baseline: Snapshot, row: Callable[[int], Row | None], vector: Callable[[int], str] = lambda _: ""
    ) -> None:
        self._baseline, self._row, self._vector = baseline, row, vector
        self._known: dict[int, Event | None] = {}

    def event(self, key: int) -> Event | None:
        """What changed the chunk since the baseline, None if it is what it was.

        A chunk that changed and changed back (content, attributes and vector) is what it was.
        """
        if key not in self._known:
            self._known[key] = self._look(key)
        return self._known[key]

    def content_then(self, key: int) -> str | int:
        """What the chunk said in the baseline: its content hash, or the key itself where none is known."""
        member = self._baseline.members.get(key)
        return member.content_hash if member is not None and member.content_hash else key

    def content_now(self, key: int) -> str | int:
        """What the chunk says now: its content hash, or the key itself where none is known."""
        row = self._row(key)
        return row.content_hash if row is not None and row.live and row.content_hash else key

    def _look(self, key: int) -> Event | None:
        row, member = self._row(key), self._baseline.members.get(key)
        if row is None:
            # Its delete mark is older than the tombstone life: gone all the same.
            if member is None:
                return None
            return Event(UNKNOWN_EVENT, "delete", member.chunk_id, member.doc_id, member.source, member.segment, "")
        if row.live and self._is_what_it_was(key, row):
            return None
        origin = row.origin
        if origin.offset < self._baseline.positions.get(f"{origin.topic}/{origin.partition}", 0):
            return None
        source = dict(row.segment).get("source", "") or (member.source if member else "")
        kind = KINDS[row.how]
        return Event(origin, kind, row.chunk_id, row.doc_id, source, row.segment, row.embedding_version)

    def _is_what_it_was(self, key: int, row: Row) -> bool:
        member = self._baseline.members.get(key)
        if member is None or row.content_hash != member.content_hash:
            return False
        if member.segment and row.segment != member.segment:
            return False
        return not member.vector or self._vector(key) in ("", member.vector)
