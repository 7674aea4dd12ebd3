"""What changed since a baseline, chunk by chunk: the event that changed it last."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.index.chunk_status import ChunkStatus, ChunkStatuses, unknown
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.index.members import members_of
from monitor.core.model.changes import How
from monitor.core.model.events import Position, Segment
from monitor.core.model.segments import source_in
from monitor.core.model.value_class import value_class

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


@value_class()
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

    All chunks that are asked for together are compared in columns: a row is made of one that changed only.

    Args:
        baseline: the snapshot compared with.
        corpus: what is known of chunks now, delete marks included.
        vector: digest of a live chunk's vector now (`vector_digest`), "" where none is known.
        status: of live chunks, by the baseline's chunk table, all of some at once.
        copying: tells copies and moves; None where nobody knows them.
    """

    def __init__(
        self,
        baseline: Snapshot,
        corpus: Corpus,
        vector: Callable[[int], str] = lambda _: "",
        status: ChunkStatuses = unknown,
        copying: Copying | None = None,
    ) -> None:
        self._baseline, self._corpus, self._vector, self._status = baseline, corpus, vector, status
        self._copying, self._members = copying, members_of(baseline)
        self._became: dict[int, EventKind | None] = {}
        """By chunk key, what became of it by itself, whatever other chunks say; None if it is what it was."""
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
        """Those of some distinct chunks that say something else than they did in the baseline, or were not in it,
        whatever other chunks say; as they are now.
        """
        changed = self._changed(keys)
        yield from self._corpus.known([key for key, kind in changed.items() if kind in ("upsert", "update")])

    def contents_then(self, keys: Sequence[int]) -> list[str | int]:
        """What chunks said in the baseline: content hashes, or the keys themselves where none is known."""
        members = self._baseline.members
        found = [(key, members.get(key)) for key in keys]
        return [key if member is None else member.content_hash or key for key, member in found]

    def contents_last(self, keys: Sequence[int]) -> list[str]:
        """What chunks said in the baseline, else what they say or said last; "" where that is not known."""
        members, now = self._baseline.members, self._corpus.columns(np.array(keys, np.int64)).content_hashes()
        then = ("" if (member := members.get(key)) is None else member.content_hash for key in keys)
        return [said or last for said, last in zip(then, now, strict=True)]

    def contents_now(self, keys: Sequence[int]) -> list[str | int]:
        """What chunks say now: content hashes, or the keys themselves where none is known."""
        now = self._corpus.columns(np.array(keys, np.int64))
        live, said = now.live.tolist(), now.content_hashes()
        return [of if lives and of else key for key, lives, of in zip(keys, live, said, strict=True)]

    def _look(self, keys: Sequence[int]) -> None:
        changed = self._changed(keys)
        rows = {row.key: row for row in self._corpus.known(list(changed))}
        kinds = changed | self._copies(changed, rows) | self._moves(changed)
        for key in keys:
            self._known[key] = self._event(key, rows.get(key), kinds[key]) if key in kinds else None

    def _changed(self, keys: Sequence[int]) -> dict[int, EventKind]:
        """Those of some chunks that are not what they were, and what became of each by itself."""
        became = self._became
        wanted = [key for key in keys if key not in became]
        if wanted:
            became.update(dict.fromkeys(wanted))
            became.update(self._compared(np.array(wanted, np.int64)))
        return {key: kind for key in keys if (kind := became[key]) is not None}

    def _compared(self, keys: NDArray[np.int64]) -> Iterator[tuple[int, EventKind]]:
        """As `_changed`, of chunks of which it is not known."""
        members, now = self._members, self._corpus.columns(keys)
        since, live, places = now.since(self._baseline.positions), now.live, members.places(keys)
        listed = places >= 0
        # where nothing is known, the delete mark is older than the tombstone life: gone all the same
        yield from ((key, "delete") for key in keys[listed & ~live].tolist())
        stands = np.flatnonzero(listed & live)
        differ = members.differ(places[stands], now.take(stands))
        yield from ((key, "update") for key in keys[stands[differ]].tolist())
        same = stands[~differ]
        for key in keys[same[since[same]]].tolist():
            if (vector := self._baseline.members[key].vector) and self._vector(key) not in ("", vector):
                yield key, "reencode"
        unlisted = np.flatnonzero(now.known & ~listed)
        there = unlisted[live[unlisted]]
        statuses = dict(zip(there.tolist(), self._status(keys[there], now.slots[there]), strict=True))
        how = now.take(unlisted).how()
        for at, key, did, lately in zip(
            unlisted.tolist(), keys[unlisted].tolist(), how, since[unlisted].tolist(), strict=True
        ):
            kind = _became(did, statuses.get(at, "unknown"), lately=lately)
            if kind is not None:
                yield key, kind

    def _event(self, key: int, row: ChunkRow | None, kind: EventKind) -> Event:
        member = self._baseline.members.get(key)
        if row is None:
            assert member is not None, "of a chunk that nobody knows nothing became"  # noqa: S101
            return Event(UNKNOWN_EVENT, kind, member.chunk_id, member.doc_id, member.source, member.segment, "")
        source = source_in(row.segment) or (member.source if member else "")
        says = row.content_hash if kind == "copy" else ""
        return Event(row.origin, kind, row.chunk_id, row.doc_id, source, row.segment, row.embedding_version, says)

    def _copies(self, changed: Mapping[int, EventKind], rows: Mapping[int, ChunkRow]) -> dict[int, EventKind]:
        """Of chunks that are new: those whose text is not."""
        made: dict[int, EventKind] = {}
        if self._copying is None:
            return made
        asked: dict[int, int] = {}
        new = [row for key, kind in changed.items() if kind == "upsert" and (row := rows[key]).live]
        said = {row.key: self._members.saying.get(row.content_hash, ()) if row.content_hash else () for row in new}
        then = list(dict.fromkeys(other for keys in said.values() for other in keys))
        now = dict(zip(then, self.contents_now(then), strict=True))
        for row in new:
            key = row.key
            if any(other != key and now[other] != row.content_hash for other in said[key]):
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


def _became(how: How, status: ChunkStatus, *, lately: bool) -> EventKind | None:
    """What became of a chunk that stood in no list then; None if it is what it was.

    Args:
        how: what the last event that changed it did.
        status: by the baseline's chunk table.
        lately: whether that event stood behind the baseline's barrier.
    """
    if status == "unknown":
        return KINDS[how] if lately else None
    if status == "other":
        return "reencode" if how in ("reencoded", "restored") else "update"
    if status != "absent":
        return None
    return "return" if how == "restored" else "upsert"
