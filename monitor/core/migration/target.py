"""The target version's points, as events and its index tell them, held against the live chunks batch by batch.

With L the live chunks and their content hashes, T the target's points and the hashes they were made from, every state
is a comparison of the two (see `Coverage`). L is the corpus; T is kept here: of live chunks in arrays by the corpus's
slots, of all others in a dictionary that stays small in a sound migration.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.segment_codes import SegmentCodes
from monitor.core.index.corpus import KEY_COLLISION, Corpus
from monitor.core.migration.model import EncoderContract
from monitor.core.migration.target_points import NOT_UNIT, OBSERVED, ZERO, FoundPoint, TargetPoint, TargetRow, later
from monitor.core.migration.target_turn import TargetMove, TargetTurn, lone_row
from monitor.core.model.changes import NO_SLOT, Change, ChunkRow, Delta, Refused, replaced
from monitor.core.model.events import Embed, Located, MalformedEvent, Position, Upsert, chunk_key
from monitor.core.model.scoring import prepare

DEAD, MISSING, STALE, COVERED = -1, 0, 1, 2
"""What a slot of the corpus is to the target."""
UNKNOWN_VERSION, WRONG_DIMENSION, NOT_FINITE = "unknown_version", "wrong_dimension", "not_finite"
UNIT_WITHIN = 1e-3
SAME_VECTOR = 0.999
"""Least cosine of two vectors of one content."""
_NAMED = 20
_NOWHERE = -1
"""The partition of a point that nobody said."""
_NO_SLOTS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TargetChanges:
    """What a batch did to the target.

    Args:
        lists: the net effect on the points of live chunks, by slot, for maintained lists.
        index: the same on all points, by key, for an index that is filled.
        rows: points to be stored.
        gone: keys of points that are no longer there.
        refused: events that cannot be believed.
        outcomes: (kind, outcome) -> count.
    """

    lists: Delta
    index: Delta
    rows: Sequence[TargetRow]
    gone: Sequence[int]
    refused: tuple[Refused, ...] = ()
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)


class TargetVersion:
    """The second version over the chunk table of a corpus, with its own slab of vectors.

    Which of two writes of one point is the later one is decided as for chunks: by their offsets in one partition, by
    event time between partitions. So nothing depends on how topics interleave, or on where batches were cut.

    Args:
        corpus: the chunk table; this very object is read, never written.
        contract: of the target: version, dimension and metric must be named.
    """

    def __init__(self, corpus: Corpus, contract: EncoderContract) -> None:
        self.contract = contract
        self.vectors: NDArray[np.float32] = np.zeros((0, contract.dimension), np.float32)
        """Prepared, by the corpus's slots; stale where the slot has no point."""
        self.named: deque[str] = deque(maxlen=_NAMED)
        """The newest things that were counted and not taken, a line each."""
        self.codes: NDArray[np.int8] = np.full(0, DEAD, np.int8)
        """State by slot."""
        self.changed: NDArray[np.int64] = np.zeros(0, np.int64)
        """Event time of the last event of the live chunk, by slot."""
        self.written: NDArray[np.int64] = np.zeros(0, np.int64)
        """Event time of its point, by slot; means nothing where it has none."""
        self.marks: NDArray[np.uint8] = np.zeros(0, np.uint8)
        """Bits of `NOT_UNIT` and `ZERO`, by slot."""
        self.segments = SegmentCodes()
        """Of live chunks, by slot."""
        self.beyond: dict[int, TargetRow] = {}
        """Points of chunks that are not live, by key."""
        self._corpus = corpus
        self._hashes: list[str] = []
        self._offsets: NDArray[np.int64] = np.zeros(0, np.int64)
        self._parts: NDArray[np.int32] = np.zeros(0, np.int32)
        self._partitions: list[tuple[str, int]] = []
        self._part_of: dict[tuple[str, int], int] = {}

    @property
    def names(self) -> list[str]:
        """Chunk id by slot."""
        return self._corpus.names

    @property
    def keys(self) -> NDArray[np.int64]:
        """Chunk key by slot."""
        return self._corpus.keys

    @property
    def corpus(self) -> Corpus:
        """The chunk table."""
        return self._corpus

    def point_of(self, key: int, row: ChunkRow | None) -> TargetPoint | None:
        """The target's point of a chunk, live or not, as this row has it."""
        if row is not None and row.live:
            return self._at(row.slot)
        found = self.beyond.get(key)
        return None if found is None else found.point

    def restore(self, stored: Iterable[TargetRow]) -> Delta:
        """Take the live chunks as they are and the points that a state kept; returns what is new to empty lists."""
        live = [row for row in self._corpus.rows() if row.live]
        slots = np.array([row.slot for row in live], np.int64)
        self._reach()
        self.segments.add(slots, [row.segment for row in live])
        self.codes[slots] = MISSING
        self.changed[slots] = [row.event_time for row in live]
        for found in stored:
            row = self._corpus.row(found.key)
            if row is not None and row.live:
                self._place(row, found.point)
            else:
                self.beyond[found.key] = found
        there = np.sort(slots[self.codes[slots] != MISSING])
        rows = [self._live(slot) for slot in there.tolist()]
        return Delta(_NO_SLOTS, there, rows, [], self.vectors[there], _NO_SLOTS)

    def apply(self, batch: Sequence[Located], changes: Sequence[Change]) -> TargetChanges:
        """Take in a batch that the corpus has taken in.

        Args:
            batch: the events, in order.
            changes: what the corpus made of them.
        """
        turn = TargetTurn(self._corpus.row, self.point_of, changes)
        self._reach()
        ready = self._vectors(batch, turn)
        for located in batch:
            event = located.event
            if isinstance(event, Embed):
                if located.position in ready:
                    self._embed(located, event, turn, *ready[located.position])
                continue
            change = turn.applied.get(located.position)
            if change is None:
                continue
            turn.now[change.after.key] = change.after
            if change.kind == "deleted":
                self._deleted(change.after, turn)
                continue
            if change.before is not None and not change.before.live:
                turn.back(change.before)
            if located.position in ready and isinstance(event, Upsert):
                self._beside(located, event, turn, *ready[located.position])
        return self._settled(turn)

    def observe(self, found: Sequence[FoundPoint], absent: Sequence[str] = ()) -> TargetChanges:
        """Take what the target's own index says: it knows best what it holds.

        Args:
            found: points that it has.
            absent: chunk ids that it was asked for and does not have.
        """
        turn = TargetTurn(self._corpus.row, self.point_of, ())
        self._reach()
        now = self._corpus.newest_event_time
        vectors = [point.vector for point in found]
        for point, (vector, marks) in zip(found, self._prepared(vectors), strict=True):
            key = chunk_key(point.chunk_id)
            turn.put(key, point.chunk_id, TargetPoint(point.content_hash, vector, now, OBSERVED, marks))
        for name in absent:
            turn.drop(chunk_key(name), None)
        return self._settled(turn)

    def holds(self, chunk_id: str) -> str | None:
        """The content hash of the point that a chunk has here, None where it has none."""
        key = chunk_key(chunk_id)
        row = self._corpus.row(key)
        if row is not None and row.live:
            return None if self.codes[row.slot] == MISSING else self._hashes[row.slot]
        found = self.beyond.get(key)
        return None if found is None else found.point.content_hash

    def digests(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number for what each point was made from, equal for equal content; of this process only."""
        return np.array([hash(self._hashes[slot]) for slot in slots.tolist()], np.int64)

    def listed(self) -> Iterable[tuple[ChunkRow, NDArray[np.float32]]]:
        """Every point as a row of a chunk that says what the point was made from, with its vector."""
        for slot in np.flatnonzero(self.codes >= STALE).tolist():
            yield replaced(self._live(slot), content_hash=self._hashes[slot]), self.vectors[slot]
        for row in self.beyond.values():
            if row.point.vector is not None:
                yield lone_row(row), row.point.vector

    # ------------------------------------------------------------ one event

    def _embed(
        self, located: Located, event: Embed, turn: TargetTurn, vector: NDArray[np.float32], marks: int
    ) -> None:
        key = chunk_key(event.chunk_id)
        row, held = turn.row(key), turn.point(key)
        if row is not None and row.chunk_id != event.chunk_id:
            detail = f"chunk_id {event.chunk_id!r} has the 63-bit key of {row.chunk_id!r}; rename one of them"
            turn.refuse(located, MalformedEvent(KEY_COLLISION, detail))
            return
        place = (event.event_time, located.position)
        if held is not None and not later(place, (held.event_time, held.position)):
            turn.count("embed", "duplicate" if held.position == located.position else "overtaken")
            return
        if row is not None and not row.live and not later(place, (row.event_time, row.position)):
            turn.count("embed", "overtaken")  # it was written before the delete, which took it away
            return
        turn.put(key, event.chunk_id, TargetPoint(event.content_hash, vector, *place, marks))
        if row is None:
            turn.count("embed", "foreign")
        elif not row.live:
            turn.count("embed", "resurrected")
        else:
            turn.count("embed", "applied" if row.content_hash == event.content_hash else "stale")

    def _beside(
        self, located: Located, event: Upsert, turn: TargetTurn, vector: NDArray[np.float32], marks: int
    ) -> None:
        """A vector that came with its chunk."""
        chunk = event.chunk
        key, place = chunk_key(chunk.chunk_id), (chunk.event_time, located.position)
        held = turn.point(key)
        if held is None or later(place, (held.event_time, held.position)):
            turn.put(key, chunk.chunk_id, TargetPoint(chunk.content_hash, vector, *place, marks))
            turn.count("vectors", "applied")
        else:
            turn.count("vectors", "overtaken")

    @staticmethod
    def _deleted(row: ChunkRow, turn: TargetTurn) -> None:
        """Whoever deletes a chunk deletes it from both indexes: only a later write brings a point back."""
        held = turn.point(row.key)
        if held is not None and not later((held.event_time, held.position), (row.event_time, row.position)):
            turn.drop(row.key, row)

    # ------------------------------------------------------------ vectors as they come

    def _vectors(self, batch: Sequence[Located], turn: TargetTurn) -> dict[Position, tuple[NDArray[np.float32], int]]:
        """Prepared vectors of the target and their marks, by position; what cannot be taken is refused or counted."""
        places: list[Position] = []
        raw: list[NDArray[np.float32]] = []
        for located in batch:
            event = located.event
            if isinstance(event, Embed):
                vector, version = event.vector, event.embedding_version
                reason = UNKNOWN_VERSION if version != self.contract.version else self._wrong(vector)
                if reason:
                    turn.refuse(located, MalformedEvent(reason, self._said(event.chunk_id, reason, vector, version)))
                    continue
            elif isinstance(event, Upsert) and event.chunk.vectors and located.position in turn.applied:
                found = self._carried(event, turn)
                if found is None:
                    continue
                vector = found
            else:
                continue
            places.append(located.position)
            raw.append(vector)
        return dict(zip(places, self._prepared(raw), strict=True))

    def _carried(self, event: Upsert, turn: TargetTurn) -> NDArray[np.float32] | None:
        """The target's vector beside an upsert. The chunk is taken whatever is wrong with it, and then lacks it."""
        chunk, taken = event.chunk, None
        for version, vector in (chunk.vectors or {}).items():
            reason = UNKNOWN_VERSION if version != self.contract.version else self._wrong(vector)
            if reason:
                turn.count("vectors", reason)
                self.named.append(self._said(chunk.chunk_id, reason, vector, version))
            else:
                taken = vector
        return taken

    def _wrong(self, vector: NDArray[np.float32]) -> str:
        if vector.shape != (self.contract.dimension,):
            return WRONG_DIMENSION
        return "" if np.isfinite(vector).all() else NOT_FINITE

    def _said(self, chunk_id: str, reason: str, vector: NDArray[np.float32], version: str) -> str:
        found = {
            UNKNOWN_VERSION: f"embedding_version {version!r}, expected {self.contract.version!r}",
            WRONG_DIMENSION: f"a vector of {len(vector)} numbers, expected {self.contract.dimension}",
            NOT_FINITE: "a vector that is not finite",
        }
        return f"chunk_id {chunk_id!r}: {found[reason]}"

    def _prepared(self, raw: Sequence[NDArray[np.float32]]) -> list[tuple[NDArray[np.float32], int]]:
        if not raw:
            return []
        stacked = np.stack(raw).astype(np.float32, copy=False)
        wide = stacked.astype(np.float64)
        norms = np.sqrt(np.add.reduce(wide * wide, axis=1))
        marks = ZERO * (norms == 0.0)
        if self.contract.normalisation == "l2":
            marks = marks | NOT_UNIT * (np.abs(norms - 1.0) > UNIT_WITHIN)
        return list(zip(prepare(stacked, self.contract.metric), marks.tolist(), strict=True))

    # ------------------------------------------------------------ arrays by slot

    def _settled(self, turn: TargetTurn) -> TargetChanges:
        """Bring everything to the state behind the batch: slots that change hands are emptied first, then filled."""
        moves = [move for key in turn.touched() if (move := self._move(key, turn)) is not None]
        left = np.array([move.was for move in moves if move.was != NO_SLOT], np.int64)
        removed = [(move.was, move.key) for move in moves if move.was != NO_SLOT and self.codes[move.was] >= STALE]
        self.segments.remove(left)
        self.codes[left] = DEAD
        for move in moves:
            self.beyond.pop(move.key, None)
        here = [(move, row) for move in moves if (row := move.row) is not None and row.live]
        slots = np.array([row.slot for _, row in here], np.int64)
        self.segments.add(slots, [row.segment for _, row in here])
        for move, row in here:
            self.codes[row.slot], self.changed[row.slot], self._parts[row.slot] = MISSING, row.event_time, _NOWHERE
            if move.point is not None:
                self._place(row, move.point)
        stored: list[TargetRow] = []
        for move in moves:
            if not move.kept or move.point is None:
                continue
            made = TargetRow(move.key, move.chunk_id, move.point, move.known)
            if move.row is None or not move.row.live:
                self.beyond[move.key] = made
            if move.fresh:
                stored.append(made)
        return self._changes(turn, moves, sorted(removed), stored)

    def _move(self, key: int, turn: TargetTurn) -> TargetMove | None:
        """Where a chunk and its point were and are; None where both stay, but for what the chunk says."""
        before, row = turn.before(key), self._corpus.row(key)
        was = before.slot if before is not None else NO_SLOT
        slot = row.slot if row is not None else NO_SLOT
        same = before is not None and row is not None and was == slot != NO_SLOT and before.segment == row.segment
        if same and row is not None and key not in turn.held:
            self.changed[slot] = row.event_time
            if self.codes[slot] != MISSING:
                self.codes[slot] = COVERED if self._hashes[slot] == row.content_hash else STALE
            return None
        held, old = turn.point(key), turn.old(key)
        alone = self.beyond.get(key)
        known = row is not None or (alone is not None and alone.known)
        fresh = held is not old or (alone is not None and alone.known != known)
        name = turn.names.get(key) or (row.chunk_id if row is not None else "" if alone is None else alone.chunk_id)
        if held is old and held is not None and held.vector is not None:  # its slot may be another's in a moment
            held = held._replace(vector=held.vector.copy())
        return TargetMove(key, name, was, row, old, held, known=known, fresh=fresh)

    def _changes(
        self,
        turn: TargetTurn,
        moves: Sequence[TargetMove],
        removed: Sequence[tuple[int, int]],
        stored: Sequence[TargetRow],
    ) -> TargetChanges:
        written = [move for move in moves if move.point is not None and move.point.there]
        added = sorted(row.slot for move in written if (row := move.row) is not None and row.live)
        slots = np.array(added, np.int64)
        rows = [self._live(slot) for slot in added]
        lists = Delta(
            np.array([slot for slot, _ in removed], np.int64), slots, rows, [], self.vectors[slots],
            np.array([key for _, key in removed], np.int64),
        )  # fmt: skip
        held = {move.key for move in written}
        vanished = [move.key for move in moves if move.old is not None and move.old.there and move.key not in held]
        vectors = [move.point.vector for move in written if move.point is not None and move.point.vector is not None]
        stacked = np.stack(vectors) if vectors else np.zeros((0, self.contract.dimension), np.float32)
        described = [move.described() for move in written]
        index = Delta(_NO_SLOTS, _NO_SLOTS, described, [], stacked, np.array(vanished, np.int64))
        gone = [move.key for move in moves if move.old is not None and not move.kept]
        return TargetChanges(lists, index, stored, gone, tuple(turn.refused), turn.outcomes)

    def _reach(self) -> None:
        """Room for every slot that the corpus has."""
        held, wanted = len(self.codes), len(self._corpus.vectors)
        if wanted <= held:
            return
        more = wanted - held
        vectors = np.zeros((wanted, self.contract.dimension), np.float32)  # untouched zeros take no memory yet
        vectors[:held] = self.vectors
        self.vectors = vectors
        self.codes = np.concatenate((self.codes, np.full(more, DEAD, np.int8)))
        self.marks = np.concatenate((self.marks, np.zeros(more, np.uint8)))
        self.changed, self.written, self._offsets = (
            np.concatenate((old, np.zeros(more, np.int64))) for old in (self.changed, self.written, self._offsets)
        )
        self._parts = np.concatenate((self._parts, np.full(more, _NOWHERE, np.int32)))
        self._hashes += [""] * more

    def _place(self, row: ChunkRow, point: TargetPoint) -> None:
        slot, part = row.slot, point.position[:2]
        code = self._part_of.get(part)
        if code is None:
            code = self._part_of[part] = len(self._partitions)
            self._partitions.append(part)
        if point.vector is not None:
            same = point.content_hash == row.content_hash
            self.vectors[slot] = point.vector
            self._hashes[slot] = row.content_hash if same else point.content_hash  # one string for both
            self.codes[slot] = COVERED if same else STALE
        self.written[slot], self.marks[slot] = point.event_time, point.marks
        self._parts[slot], self._offsets[slot] = code, point.position.offset

    def _at(self, slot: int) -> TargetPoint | None:
        """The point of a live chunk's slot; its vector is that of the slab until the slot changes hands."""
        if slot >= len(self.codes) or self._parts[slot] == _NOWHERE:
            return None
        place = Position(*self._partitions[int(self._parts[slot])], int(self._offsets[slot]))
        written, marks = int(self.written[slot]), int(self.marks[slot])
        if self.codes[slot] < STALE:
            return TargetPoint("", None, written, place)
        return TargetPoint(self._hashes[slot], self.vectors[slot], written, place, marks)

    def _live(self, slot: int) -> ChunkRow:
        row = self._corpus.row(int(self._corpus.keys[slot]))
        if row is None:
            message = f"slot {slot} of the corpus is free; expected a live chunk"
            raise AssertionError(message)
        return row
