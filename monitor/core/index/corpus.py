"""The corpus as the events say it is: one row per known chunk, idempotent under re-delivery and reordering."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, Roomy, unused
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.chunk_columns import ChunkColumns
from monitor.core.index.chunk_table import ChunkTable
from monitor.core.index.index_sample import sampled
from monitor.core.index.kernels_keys import NONE
from monitor.core.index.plain_upserts import PlainUpserts, plain_upserts
from monitor.core.model.changes import (
    NO_SLOT,
    Applied,
    Change,
    ChunkRow,
    Delta,
    How,
    Kind,
    Left,
    Refused,
    how_of,
    net,
    replaced,
    says_same,
)
from monitor.core.model.events import (
    Delete,
    Located,
    MalformedEvent,
    Position,
    Upsert,
    Version,
    chunk_keys,
    of_bootstrap,
    version_mode,
)
from monitor.core.model.lists import NO_CHUNK, RankedLists

__all__ = ["NO_SLOT", "Applied", "Change", "ChunkRow", "Corpus", "Delta", "How", "Kind", "Refused"]
KEY_COLLISION = "key_collision"
VERSION_MODE_CHANGED = "version_mode_changed"
DAY = 86_400_000_000
"""Microseconds in a day."""


class Corpus:
    """All known chunks by key, a slab of vectors by slot, and the rules of order.

    Args:
        dimension: d of the vectors, 0 when the dense leg is off.
        tombstone_days: how long, in event time, a delete mark outlives its chunk.
    """

    def __init__(self, dimension: int, *, tombstone_days: float = 30.0) -> None:
        self.dimension = dimension
        self.epoch = 0
        """The step that all shards have ranked; 0 in one process."""
        self.vectors: NDArray[np.float32] = np.zeros((0, dimension), np.float32)
        self.names: list[str] = []
        """Chunk id by slot; stale where the slot is free. Indexes keep this very list to break ties."""
        self.keys: NDArray[np.int64] = np.full(0, NO_CHUNK, np.int64)
        """Chunk key by slot, NO_CHUNK where the slot is free or beyond the last one; same length as `vectors`."""
        self.newest_event_time = 0
        self.barrier_time = 0
        """Newest event time at the last barrier."""
        self._table = ChunkTable()
        self._free: list[int] = []
        self._tombstone_life = int(tombstone_days * DAY)
        self._live = 0
        self._left = Left.none(dimension)
        self._coming: dict[int, NDArray[np.float32] | None] = {}
        """By slot, vectors of the batch under way; they are written at its end."""

    def __len__(self) -> int:
        """Live chunks."""
        return self._live

    def row(self, key: int) -> ChunkRow | None:
        """What is known of a chunk, live or deleted."""
        return self._table.get(key)

    def columns(self, keys: NDArray[np.int64]) -> ChunkColumns:
        """What is known of some chunks, (n,) int64, live or deleted; to be read before anything changes."""
        return self._table.columns(keys)

    def fetch(self, keys: Iterable[int]) -> None:
        """Have some chunks at hand before they are asked for one by one: here they are."""

    def slots(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """(n,) int64, where the vector of each chunk stands; NO_SLOT for one that is not live."""
        return self._table.slots(np.array(keys, np.int64))

    def known(self, keys: Sequence[int]) -> list[ChunkRow]:
        """What is known of some chunks, live or deleted, in order; unknown ones are left out."""
        known = self._table.known(keys)
        return [known[key] for key in keys if key in known]

    def sample(
        self, recent: NDArray[np.int64], *, salt: int, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Some live chunks, chosen by their keys alone, see `sampled`.

        Args:
            recent: (r,) int64 keys of chunks, live or not, none of which is chosen.
            salt: another one chooses others.
            count: how many.

        Returns:
            The chosen keys, and the recent ones that are live, each ascending.
        """
        live = np.unique(recent[self.slots(recent.tolist()) != NO_SLOT])
        return sampled(self.keys, live, salt=salt, count=count), live

    def behind(self, since: Mapping[str, int]) -> NDArray[np.int64]:
        """(n,) int64 keys of chunks that came, changed or went behind next offsets by `topic/partition`."""
        return self._table.since(since)

    def rows(self) -> Iterable[ChunkRow]:
        """Every known chunk, delete marks included, in no particular order."""
        return self._table

    def listed(self, lists: Iterable[RankedLists]) -> Iterator[tuple[int, ChunkRow]]:
        """The live chunks that stand in any of the lists, in key order."""
        keys = np.unique(np.concatenate([np.zeros(0, np.int64), *(of.keys.ravel() for of in lists)]))
        return ((row.key, row) for row in self.known(keys.tolist()) if row.live)

    def changed(self, since: Mapping[str, int]) -> ChangedChunks:
        """Chunks that came, changed or went behind positions (next offset by `topic/partition`)."""
        return self._table.changed(since)

    def saying(self, hashes: Iterable[str]) -> dict[str, int]:
        """The least key among the live chunks of each content hash; NO_CHUNK where there is none."""
        found = dict.fromkeys(hashes, NO_CHUNK)
        for row in self._table.saying(list(found)):
            if row.content_hash in found:
                key = found[row.content_hash]
                found[row.content_hash] = row.key if key == NO_CHUNK else min(key, row.key)
        return found

    def restore(self, rows: Sequence[ChunkRow], vectors: Sequence[NDArray[np.float32] | None]) -> Sequence[ChunkRow]:
        """Put stored rows back, live ones with their vectors.

        Returns:
            The rows as kept, aligned: slots of live ones ascend behind those that there are. A row that has its slot
            already is kept as it is.
        """
        first, kept = len(self.names), list(rows)
        live = [at for at, row in enumerate(kept) if row.live]
        for slot, at in enumerate(live, start=first):
            if kept[at].slot != slot:
                kept[at] = replaced(kept[at], slot=slot)
        end = first + len(live)
        self.reach(end)
        self.names += [kept[at].chunk_id for at in live]
        self.keys[first:end] = [kept[at].key for at in live]
        if live and self.dimension:
            none = np.zeros(self.dimension, np.float32)
            given = [none if (vector := vectors[at]) is None else vector for at in live]
            np.concatenate(given, out=self.vectors[first:end].reshape(-1))
        self._table.add(kept)
        self._live += len(live)
        self.newest_event_time = max(self.newest_event_time, *(row.event_time for row in kept), 0)
        return kept

    def image(self) -> Image:
        """See `image`."""
        room = len(self.names) * 3 // 2
        return {
            "table": self._table.image(),
            "vectors": Roomy(self.vectors[: len(self.names)], room),
            "keys": Roomy(self.keys[: len(self.names)], 0),
            "newest": self.newest_event_time,
            "barrier": self.barrier_time,
        }

    def resume(self, image: Image) -> None:
        """Take up what was there, into an empty corpus."""
        self._table.resume(image["table"])
        places, slots = self._table.live()
        self.vectors = image["vectors"]
        self.keys = np.full(len(self.vectors), NO_CHUNK, np.int64)
        self.keys[: len(image["keys"])] = image["keys"]
        names = self._table.names
        self.names += [""] * len(image["keys"])
        for place, slot in zip(places.tolist(), slots.tolist(), strict=True):
            self.names[slot] = names[place]
        self._free, self._live = unused(slots, len(self.names)), len(slots)
        self.newest_event_time, self.barrier_time = image["newest"], image["barrier"]

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The live slots, ascending, and the ordinal of each chunk in its document; (n,) int64 each."""
        places, slots = self._table.live()
        order = np.argsort(slots)
        return slots[order], self._table.ordinals(places[order])

    def reach(self, slots: int) -> None:
        """Make room for so many slots, and half as many again."""
        if slots > len(self.vectors):
            room = max(1024, slots * 3 // 2)
            self.vectors, self.keys = longer(self.vectors, room), longer(self.keys, room, NO_CHUNK)

    def apply(self, batch: Sequence[Located]) -> Applied:
        """Apply upserts and deletes in order; other events only move the newest event time."""
        keys = _keys(batch)
        plain = plain_upserts(self._table, batch, keys)
        told = self._one_by_one(batch, keys, plain)
        first = [row for row in told.first.values() if row is not None and row.live]
        came = dict.fromkeys(change.after.key for change in told.changes.values())
        self.newest_event_time = told.newest
        if plain is None:
            self._left = self._before(first)
            self._write_vectors()
            changes = list(told.changes.values())
        else:
            rows = plain.rows()
            changes = plain.changes(rows)
            self._left = self._before(first, plain)
            self._coming.update(
                zip(plain.columns.slots.tolist(), [chunk.vector for chunk in plain.chunks], strict=True)
            )
            self._write_vectors()
            self._table.put_columns(plain.columns, plain.places, rows, plain.before)
            self.newest_event_time = max(told.newest, int(plain.columns.times.max()))
            told.outcomes.update(plain.outcomes())
            if told.changes:
                told.changes.update(zip(plain.at, changes, strict=True))
                changes = [told.changes[at] for at in sorted(told.changes)]
        if came:
            self._table.put(*(told.rows[key] for key in came))
        return Applied(tuple(changes), tuple(told.refused), +told.outcomes)

    def _one_by_one(self, batch: Sequence[Located], keys: Sequence[int], plain: PlainUpserts | None) -> "_Told":
        """Apply what is not plain, in order; plain chunks that are new get their slots in between."""
        told = _Told(self.newest_event_time)
        new = {} if plain is None else {at: of for of, at in enumerate(plain.at) if plain.new[of]}
        left: Iterable[int] = range(len(batch))
        if plain is not None:
            seen = set(plain.at)
            left = [at for at in left if at not in seen or at in new] if len(seen) < len(batch) or new else ()
        rows = told.rows = self._table.known([keys[at] for at in left if keys[at] != NO_CHUNK and at not in new])
        for at in left:
            key, located = keys[at], batch[at]
            if plain is not None and at in new:
                plain.columns.slots[new[at]] = self._take_slot(key, plain.chunks[new[at]].chunk_id)
                self._live += 1
                continue
            event, before = located.event, rows.get(key)
            if isinstance(event, Upsert):
                kind, chunk_id, time = "upsert", event.chunk.chunk_id, event.chunk.event_time
            elif isinstance(event, Delete):
                kind, chunk_id, time = "delete", event.chunk_id, self._time(before, event)
            else:
                told.newest = max(told.newest, event.event_time)
                continue
            try:
                outcome = _order(before, event, located.position, chunk_id, time)
            except MalformedEvent as error:
                told.refused.append(Refused(located, error))
                told.outcomes[kind, "refused"] += 1
                continue
            told.newest = max(told.newest, time)
            if outcome == "apply":
                change = (
                    self._upsert(before, located.position, event, key)
                    if isinstance(event, Upsert)
                    else self._delete(before, located.position, event, key, time)
                )
                nothing_there = change.kind == "deleted" and (before is None or not before.live)
                outcome = "absent" if nothing_there else change.kind
                told.changes[at] = change
                rows[key] = change.after
                if change.kind != "noop":
                    told.first.setdefault(key, before)
            told.outcomes[kind, outcome] += 1
        return told

    def prune(self) -> list[int]:
        """Forget delete marks older than the tombstone life; returns their keys. Called at each barrier and only
        there, so that what is known never depends on how the stream was cut into batches.
        """
        self.barrier_time = self.newest_event_time
        horizon = self.newest_event_time - self._tombstone_life
        return self._table.forgotten(horizon)

    def _time(self, before: ChunkRow | None, event: Delete) -> int:
        """When a delete was; one without any time is as old as the last barrier, or its chunk if that is newer.

        The newest event time will not do: between barriers it depends on how the partitions interleave.
        """
        if event.event_time is not None:
            return event.event_time
        return self.barrier_time if before is None else max(self.barrier_time, before.event_time)

    def _upsert(self, before: ChunkRow | None, position: Position, event: Upsert, key: int) -> Change:
        chunk = event.chunk
        kind: Kind = "new"
        slot = NO_SLOT
        chunk_id = chunk.chunk_id if before is None else before.chunk_id  # one object by key and by slot
        same = before is not None and says_same(before, chunk)
        if before is not None and before.live:
            kind, slot = "modified", before.slot
            if same and before.embedding_version == chunk.embedding_version and self._stands(slot, chunk.vector):
                kind = "noop"
        if kind != "noop":
            if kind == "new":
                slot = self._take_slot(key, chunk_id)
                self._live += 1
            self._coming[slot] = chunk.vector
        after = ChunkRow(
            key,
            chunk_id,
            chunk.doc_id,
            chunk.ordinal,
            chunk.segment,
            chunk.embedding_version,
            chunk.event_time,
            chunk.content_hash,
            event.version,
            position,
            slot,
            before.origin if kind == "noop" and before is not None else None,
            before.how if kind == "noop" and before is not None else how_of(kind, same=same),
        )
        repeated = before is not None and before.live and before.content_hash == chunk.content_hash
        return Change(kind, before, after, chunk, repeated)

    def _delete(self, before: ChunkRow | None, position: Position, event: Delete, key: int, time: int) -> Change:
        # A version known before outlives a tombstone without one: a straggling upsert stays comparable.
        version = event.version if event.version is not None or before is None else before.version
        if before is None:
            after = ChunkRow(
                key, event.chunk_id, "", 0, (), "", time, "", version, position, NO_SLOT, None, "deleted"
            )
        else:
            after = ChunkRow(
                key,
                before.chunk_id,
                before.doc_id,
                before.ordinal,
                before.segment,
                before.embedding_version,
                time,
                before.content_hash,
                version,
                position,
                NO_SLOT,
                None if before.live else before.origin,  # one that was gone already stays as the first delete left it
                "deleted",
            )
            if before.live:
                self.keys[before.slot] = NO_CHUNK
                self._free.append(before.slot)
                self._live -= 1
        return Change("deleted", before, after, None)

    def _stands(self, slot: int, vector: NDArray[np.float32] | None) -> bool:
        """Whether a vector, where there is one, is what stands in a slot."""
        if vector is None:
            return True
        there = self._coming.get(slot, self.vectors[slot])
        return bool(np.array_equal(np.zeros(self.dimension) if there is None else there, vector))

    def _take_slot(self, key: int, chunk_id: str) -> int:
        """A slot for a chunk that has none, whose vector is not written yet."""
        slot = self._free.pop() if self._free else len(self.names)
        if slot == len(self.names):
            self.names.append(chunk_id)
            self.reach(slot + 1)
        self.names[slot] = chunk_id
        self.keys[slot] = key
        return slot

    def _before(self, rows: Sequence[ChunkRow], plain: PlainUpserts | None = None) -> Left:
        """What stands in the slots of live chunks, before the vectors that come are written."""
        slots = np.array([row.slot for row in rows], np.int64)
        keys = np.array([row.key for row in rows], np.int64)
        if plain is not None:
            there = plain.places != NONE
            slots = np.concatenate((slots, plain.columns.slots[there]))
            keys = np.concatenate((keys, plain.columns.keys[there]))
        order = np.argsort(slots)
        return Left(slots[order], keys[order], self.vectors[slots[order]])

    def _write_vectors(self) -> None:
        if self._coming and self.dimension:
            vectors = self.vectors
            for slot, vector in self._coming.items():  # each at once: gathered first, they would be written twice
                vectors[slot] = 0.0 if vector is None else vector
        self._coming.clear()

    def delta(self, changes: Sequence[Change]) -> Delta:
        """The net effect of one batch's changes, for the indexes."""
        return net(changes, self.vectors, self._left)


class _Told:
    """What the events of a batch that are not plain came to, as it is found out.

    Args:
        newest: event time before the batch.
    """

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.changes: dict[int, Change] = {}
        """By place in the batch, in order."""
        self.refused: list[Refused] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.rows: dict[int, ChunkRow] = {}
        """By key, as of the event that is applied."""
        self.first: dict[int, ChunkRow | None] = {}
        """By key, what stood before a chunk's content changed."""


def _keys(batch: Sequence[Located]) -> list[int]:
    """The key of the chunk that each event is of, NO_CHUNK where it is of none."""
    events = [located.event for located in batch]
    ids = [
        event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id if isinstance(event, Delete) else None
        for event in events
    ]
    named = [chunk_id for chunk_id in ids if chunk_id is not None]
    keys: list[int] = chunk_keys(named).tolist()
    if len(named) == len(ids):
        return keys
    following = iter(keys)
    return [NO_CHUNK if chunk_id is None else next(following) for chunk_id in ids]


def _order(before: ChunkRow | None, event: Upsert | Delete, position: Position, chunk_id: str, time: int) -> str:
    """Say whether an event applies: `apply`, `duplicate` (seen) or `stale` (older than what is known).

    Rule 1: with versions of one mode on both, the greater version wins. Rule 2: a tombstone without version
    always applies if it stands later in its partition. Rule 3: a chunk that had a version keeps having one of
    that mode until it is deleted; what was applied before is no contradiction when it is delivered again. Rule 4:
    without versions that compare the position decides; between partitions the event time does, then the
    partition's name. Rule 5: without versions that compare, what a bootstrap wrote yields to every event of the
    stream, which begins before the scan did.
    """
    if before is None:
        return "apply"
    if before.chunk_id != chunk_id:
        detail = f"chunk_id {chunk_id!r} has the 63-bit key of {before.chunk_id!r}; rename one of them"
        raise MalformedEvent(KEY_COLLISION, detail)
    version, known, place = event.version, before.version, before.position
    mode, mode_before = version_mode(version), version_mode(known)
    if version is not None and mode == mode_before:
        if version == known:
            return "duplicate"
        return "apply" if version > known else "stale"  # type: ignore[operator]  # of one mode
    same_source = place[:2] == position[:2]  # the source of each, without making it: each event asks
    seen = same_source and position.offset <= place.offset
    if version is None and isinstance(event, Delete):
        return "duplicate" if seen else "apply"
    if of_bootstrap(place.topic) and not of_bootstrap(position.topic):
        return "apply"
    if before.live and mode != mode_before:
        if seen:
            return "duplicate"
        detail = f"chunk_id {chunk_id!r} had {_mode(known)} before and now has {_mode(version)}"
        raise MalformedEvent(VERSION_MODE_CHANGED, detail)
    if same_source:
        if position.offset == place.offset:
            return "duplicate"
        return "apply" if position.offset > place.offset else "stale"
    newer = (time, position.source) > (before.event_time, place.source)
    return "apply" if newer else "stale"


def _mode(version: Version | None) -> str:
    """How a version orders, in words."""
    if version is None:
        return "no version"
    return f"a version of {len(version)} numbers" if isinstance(version, tuple) else "a number as version"
