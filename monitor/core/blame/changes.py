"""What changed since a baseline, chunk by chunk: the event that changed it last."""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.core.baseline import Member, Snapshot
from monitor.core.blame.standing import Standings, unknown
from monitor.core.corpus import Row
from monitor.core.events import Position, Segment

UNKNOWN_EVENT = Position("", 0, -1)
"""Where an event stood whose delete mark is older than the tombstone life."""
KINDS = {
    "new": "upsert",
    "restored": "upsert",
    "modified": "update",
    "reencoded": "reencode",
    "deleted": "delete",
}
"""What an event did, where nothing is known of the chunk in the baseline."""


@dataclass(frozen=True, slots=True)
class Event:
    """The last event that changed a chunk.

    `kind` is what became of the chunk since the baseline: `upsert` (it is new), `update`, `reencode` (only its vector
    is another) or `delete`; where the baseline does not know the chunk, what its last event did. The rest describes
    the chunk, a deleted one as it was.
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

    A chunk of the baseline's lists, or of its chunk table where it has one, is compared with what it was; of others
    the position of their last event decides. So a chunk that changed and changed back, or was deleted and written
    again as it was, did not change; and a record that was set aside long ago and given another try did change
    something, wherever it stood.

    Args:
        baseline: the snapshot compared with.
        row: what is known of a chunk now, delete marks included.
        vector: digest of a live chunk's vector now (`vector_digest`), "" where none is known.
        standing: of live chunks, by the baseline's chunk table.
    """

    def __init__(
        self,
        baseline: Snapshot,
        row: Callable[[int], Row | None],
        vector: Callable[[int], str] = lambda _: "",
        standing: Standings = unknown,
    ) -> None:
        self._baseline, self._row, self._vector, self._standing = baseline, row, vector, standing
        self._known: dict[int, Event | None] = {}

    def event(self, key: int) -> Event | None:
        """What changed the chunk since the baseline, None if it is what it was."""
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
        kind = self._became(row) if member is None else self._became_of(row, member)
        if not kind:
            return None
        source = dict(row.segment).get("source", "") or (member.source if member else "")
        return Event(row.origin, kind, row.chunk_id, row.doc_id, source, row.segment, row.embedding_version)

    def _became_of(self, row: Row, member: Member) -> str:
        """What became of a chunk that stood in a list; "" if it is what it was."""
        if not row.live:
            return "delete"
        if row.content_hash != member.content_hash or (member.segment and row.segment != member.segment):
            return "update"
        if not self._since(row) or not member.vector or self._vector(row.key) in ("", member.vector):
            return ""
        return "reencode"

    def _became(self, row: Row) -> str:
        """What became of a chunk that stood in no list then; "" if it is what it was."""
        standing = self._standing(row) if row.live else "unknown"
        if standing == "unknown":
            return KINDS[row.how] if self._since(row) else ""
        if standing == "other":
            return "reencode" if row.how in ("reencoded", "restored") else "update"
        return "upsert" if standing == "absent" else ""

    def _since(self, row: Row) -> bool:
        """Whether the last event that changed the chunk stood behind the baseline's barrier."""
        origin = row.origin
        return origin.offset >= self._baseline.positions.get(f"{origin.topic}/{origin.partition}", 0)
