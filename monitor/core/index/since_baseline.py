"""What changed since a baseline, chunk by chunk: the event that changed it last."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Member, Snapshot
from monitor.core.index.chunk_status import ChunkStatus, ChunkStatuses, unknown
from monitor.core.index.corpus import ChunkRow
from monitor.core.model.changes import How
from monitor.core.model.events import Position, Segment

UNKNOWN_EVENT = Position("", 0, -1)
"""Where an event stood whose delete mark is older than the tombstone life."""
EventKind = Literal["upsert", "copy", "move", "return", "update", "reencode", "delete"]
KINDS: Mapping[How, EventKind] = {
    "new": "upsert",
    "restored": "return",
    "modified": "update",
    "reencoded": "reencode",
    "deleted": "delete",
}
"""What an event did, where nothing is known of the chunk in the baseline."""


@dataclass(frozen=True, slots=True)
class Event:
    """The last event that changed a chunk.

    `kind` is what became of the chunk since the baseline: `upsert` (it is new and so is its text), `copy` (it is new
    and another chunk says the same, exactly or nearly), `move` (its text stood in the baseline's lists under an id
    that is gone, or is gone itself and its text lives on under another id), `return` (it was deleted before the
    baseline and says again what it said then), `update`, `reencode` (only its vector is another) or `delete`; where
    the baseline does not know the chunk, what its last event did. The rest describes the chunk, a deleted one as it
    was; `says` is the content hash of a copy, by which copies of one text are told to be one culprit, else "".
    """

    position: Position
    kind: EventKind
    chunk_id: str
    doc_id: str
    source: str
    segment: Segment
    embedding_version: str
    says: str = ""


class Copying(Protocol):
    """Where else a text stands now."""

    def copied(self, slots: Sequence[int]) -> NDArray[np.bool_]:
        """Whether other live chunks say what the chunks in these slots say, exactly or nearly."""
        ...

    def holds(self, sets: Sequence[NDArray[np.uint32]]) -> NDArray[np.bool_]:
        """Whether some live chunk says each of these texts, given by their shingles."""
        ...


class ChangesSinceBaseline:
    """What changed since a baseline, looked up chunk by chunk.

    A chunk of the baseline's lists, or of its chunk table where it has one, is compared with what it was; of others
    the position of their last event decides. So a chunk that changed and changed back, or was deleted and written
    again as it was, did not change; and a record that was set aside long ago and given another try did change
    something, wherever it stood.

    Args:
        baseline: the snapshot compared with.
        row: what is known of a chunk now, delete marks included.
        vector: digest of a live chunk's vector now (`vector_digest`), "" where none is known.
        status: of live chunks, by the baseline's chunk table, all of some at once.
        copying: tells copies and moves; None where nobody knows them.
        fetch: has rows of chunks at hand that are asked for next.
    """

    def __init__(
        self,
        baseline: Snapshot,
        row: Callable[[int], ChunkRow | None],
        vector: Callable[[int], str] = lambda _: "",
        status: ChunkStatuses = unknown,
        copying: Copying | None = None,
        fetch: Callable[[Iterable[int]], None] = lambda _: None,
    ) -> None:
        self._baseline, self._row, self._vector, self._status = baseline, row, vector, status
        self._copying, self._fetch = copying, fetch
        self._keys_then: dict[str, list[int]] | None = None
        self._known: dict[int, Event | None] = {}

    def event(self, key: int) -> Event | None:
        """What changed the chunk since the baseline, None if it is what it was."""
        return self.events([key])[0]

    def events(self, keys: Sequence[int]) -> list[Event | None]:
        """What changed each of some chunks: one question for all is cheaper than one for each."""
        known = self._known
        wanted = [key for key in dict.fromkeys(keys) if key not in known]
        if wanted:
            self._look(wanted)
        return [known[key] for key in keys]

    def came(self, keys: Sequence[int]) -> Iterator[ChunkRow]:
        """Those of some chunks that say something else than they did in the baseline, or were not in it, whatever
        other chunks say; as they are now.
        """
        rows = self._rows(keys)
        for key, kind in self._changed(rows):
            row = rows[key]
            if row is not None and kind in ("upsert", "update"):
                yield row

    def _rows(self, keys: Sequence[int]) -> dict[int, ChunkRow | None]:
        self._fetch(keys)
        return {key: self._row(key) for key in keys}

    def _look(self, keys: Sequence[int]) -> None:
        rows = self._rows(keys)
        changed = dict(self._changed(rows))
        kinds = changed | self._copies(changed, rows) | self._moves(changed)
        for key, row in rows.items():
            self._known[key] = self._event(key, row, kinds[key]) if key in kinds else None

    def content_then(self, key: int) -> str | int:
        """What the chunk said in the baseline: its content hash, or the key itself where none is known."""
        member = self._baseline.members.get(key)
        return member.content_hash if member is not None and member.content_hash else key

    def content_last(self, key: int) -> str:
        """What the chunk said in the baseline, else what it says or said last; "" where that is not known."""
        member, row = self._baseline.members.get(key), self._row(key)
        said = "" if member is None else member.content_hash
        return said or ("" if row is None else row.content_hash)

    def content_now(self, key: int) -> str | int:
        """What the chunk says now: its content hash, or the key itself where none is known."""
        row = self._row(key)
        return row.content_hash if row is not None and row.live and row.content_hash else key

    def _changed(self, rows: Mapping[int, ChunkRow | None]) -> Iterator[tuple[int, EventKind]]:
        """Those of some chunks that are not what they were, and what became of each by itself."""
        members, others = self._baseline.members, []
        for key, row in rows.items():
            member = members.get(key)
            if member is None:
                if row is not None:
                    others.append(row)
                continue
            # where there is no row, its delete mark is older than the tombstone life: gone all the same
            kind: EventKind | None = "delete" if row is None else self._became_of(row, member)
            if kind is not None:
                yield key, kind
        live = [row for row in others if row.live]
        statuses = dict(zip((row.key for row in live), self._status(live), strict=True))
        for row in others:
            kind = self._became(row, statuses.get(row.key, "unknown"))
            if kind is not None:
                yield row.key, kind

    def _event(self, key: int, row: ChunkRow | None, kind: EventKind) -> Event:
        member = self._baseline.members.get(key)
        if row is None:
            assert member is not None, "of a chunk that nobody knows nothing became"  # noqa: S101
            return Event(UNKNOWN_EVENT, kind, member.chunk_id, member.doc_id, member.source, member.segment, "")
        source = dict(row.segment).get("source", "") or (member.source if member else "")
        says = row.content_hash if kind == "copy" else ""
        return Event(row.origin, kind, row.chunk_id, row.doc_id, source, row.segment, row.embedding_version, says)

    def _copies(self, changed: Mapping[int, EventKind], rows: Mapping[int, ChunkRow | None]) -> dict[int, EventKind]:
        """Of chunks that are new: those whose text is not."""
        made: dict[int, EventKind] = {}
        if self._copying is None:
            return made
        asked: dict[int, int] = {}
        new = [row for key, kind in changed.items() if kind == "upsert" and (row := rows[key]) and row.live]
        said = {row.key: self._said_then().get(row.content_hash, []) if row.content_hash else [] for row in new}
        self._fetch(other for then in said.values() for other in then)
        for row in new:
            key, then = row.key, said[row.key]
            if any(other != key and self.content_now(other) != row.content_hash for other in then):
                made[key] = "move"
            else:
                asked[key] = row.slot
        if asked:
            copied = self._copying.copied(list(asked.values()))
            made.update((key, "copy") for key, of in zip(asked, copied.tolist(), strict=True) if of)
        return made

    def _moves(self, changed: Mapping[int, EventKind]) -> dict[int, EventKind]:
        """Of chunks that are gone: those whose text is not."""
        if self._copying is None:
            return {}
        sets = {
            key: shingles
            for key, kind in changed.items()
            if kind == "delete" and (shingles := self._baseline.shingles.get(key)) is not None
        }
        held = self._copying.holds(list(sets.values())).tolist() if sets else []
        return {key: "move" for key, of in zip(sets, held, strict=True) if of}

    def _said_then(self) -> Mapping[str, list[int]]:
        """Chunks of the baseline by what they said."""
        if self._keys_then is None:
            self._keys_then = {}
            for key, member in self._baseline.members.items():
                self._keys_then.setdefault(member.content_hash, []).append(key)
        return self._keys_then

    def _became_of(self, row: ChunkRow, member: Member) -> EventKind | None:
        """What became of a chunk that stood in a list; None if it is what it was."""
        if not row.live:
            return "delete"
        if row.content_hash != member.content_hash or (member.segment and row.segment != member.segment):
            return "update"
        if not self._since(row) or not member.vector or self._vector(row.key) in ("", member.vector):
            return None
        return "reencode"

    def _became(self, row: ChunkRow, status: ChunkStatus) -> EventKind | None:
        """What became of a chunk that stood in no list then; None if it is what it was."""
        if status == "unknown":
            return KINDS[row.how] if self._since(row) else None
        if status == "other":
            return "reencode" if row.how in ("reencoded", "restored") else "update"
        if status != "absent":
            return None
        return "return" if row.how == "restored" else "upsert"

    def _since(self, row: ChunkRow) -> bool:
        """Whether the last event that changed the chunk stood behind the baseline's barrier."""
        origin = row.origin
        return origin.offset >= self._baseline.positions.get(f"{origin.topic}/{origin.partition}", 0)
