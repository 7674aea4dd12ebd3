"""What an event did to the corpus: a chunk's row before and after, and the net effect of a batch on the indexes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Chunk, Located, MalformedEvent, Position, Segment, Version
from monitor.core.model.value_class import value_class

NO_SLOT = -1
"""The slot of a chunk that is not live."""

Kind = Literal["new", "modified", "deleted", "noop"]
How = Literal["new", "modified", "reencoded", "deleted", "restored"]
"""What an event did to a chunk; `reencoded`: only its vector or its embedding version is another; `restored`: it was
deleted and says again what it said then, maybe with another vector."""


@value_class()
class ChunkRow:
    """What is known of one chunk: live (slot >= 0) or a delete mark (slot = NO_SLOT).

    `version` orders a chunk's events if it has one; else `position` does. `content` and vector live elsewhere:
    the vector in the corpus's slab at `slot`, the text in the state store.
    """

    key: int
    chunk_id: str
    doc_id: str
    ordinal: int
    segment: Segment
    embedding_version: str
    event_time: int
    content_hash: str
    version: Version | None
    position: Position
    slot: int
    changed: Position | None = None
    """Position of the last event that changed the chunk, where later ones (`position`) only said it again."""
    how: How = "new"
    """What that event did."""

    @property
    def origin(self) -> Position:
        """Position of the last event that changed the chunk."""
        return self.changed or self.position

    @property
    def live(self) -> bool:
        """Whether the chunk is in the corpus now."""
        return self.slot != NO_SLOT


def says_same(row: ChunkRow, chunk: Chunk) -> bool:
    """Whether a chunk says what a row's chunk said last, be it with another vector."""
    return (
        row.content_hash == chunk.content_hash
        and row.doc_id == chunk.doc_id
        and row.ordinal == chunk.ordinal
        and row.segment == chunk.segment
    )


def how_of(kind: Kind, *, same: bool) -> How:
    """What an upsert did that was no noop.

    Args:
        kind: `new` or `modified`.
        same: whether it says what the chunk said last.
    """
    if kind == "new":
        return "restored" if same else "new"
    return "reencoded" if same else "modified"


def replaced(row: ChunkRow, **fields: object) -> ChunkRow:
    """The row with some fields of other values."""
    names: tuple[str, ...] = ChunkRow.__match_args__
    return ChunkRow(**{name: getattr(row, name) for name in names} | fields)


class StoodRows(Protocol):
    """Rows as they stood before a batch, put together when somebody asks for one."""

    def row(self, key: int) -> ChunkRow:
        """What was known of a chunk."""
        ...


@value_class()
class Change:
    """What one event did: the row after it, and the chunk it carried (None for a delete).

    Kind `noop` moved only version, position or event time: it is stored, but no index is told.
    """

    kind: Kind
    stood: ChunkRow | StoodRows | None
    """The row before it, or where that is kept; None where nothing was known of the chunk."""
    after: ChunkRow
    chunk: Chunk | None
    repeated: bool = False
    """Whether an upsert said what the live chunk said already."""

    @property
    def before(self) -> ChunkRow | None:
        """The row before it."""
        stood = self.stood
        return stood if stood is None or isinstance(stood, ChunkRow) else stood.row(self.after.key)


@value_class()
class Refused:
    """An event that contradicts what is known of its chunk; it goes to the quarantine."""

    located: Located
    error: MalformedEvent


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a batch: changes in order, refusals, and how many events ended how."""

    changes: tuple[Change, ...]
    refused: tuple[Refused, ...]
    outcomes: Counter[tuple[str, str]]
    """(kind of event, outcome) -> count."""


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """The net effect of a batch on the indexes: slots whose content left, and slots with new content.

    A modified chunk is in both. All arrays refer to the state after the batch.

    Args:
        removed: (r,) int64 slots, ascending, whose earlier content is gone.
        added: (m,) int64 slots, ascending, that hold new content.
        rows: m rows, aligned with `added`.
        texts: m texts, aligned with `added`.
        vectors: (m, d) float32, prepared, aligned with `added`.
    """

    removed: NDArray[np.int64]
    added: NDArray[np.int64]
    rows: Sequence[ChunkRow]
    texts: Sequence[str]
    vectors: NDArray[np.float32]
    removed_keys: NDArray[np.int64]
    """(r,) int64 chunk keys that stood in the removed slots, aligned with `removed`."""
    removed_vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(r, d) float32, prepared: what stood in the removed slots before the batch."""
    noop_rows: Sequence[ChunkRow] = ()
    """Rows of chunks whose content stands where it stood, but whose event time may have moved."""


class Left(NamedTuple):
    """The live chunks whose content a batch changed or deleted, as they stood before it.

    Args:
        slots: (r,) int64, ascending.
        keys: (r,) int64, aligned.
        vectors: (r, d) float32, aligned.
    """

    slots: NDArray[np.int64]
    keys: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def none(cls, dimension: int) -> "Left":
        """Of no batch."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, dimension), np.float32))


def repeated_upserts(changes: Sequence[Change]) -> tuple[int, int]:
    """Upserts among a batch's changes, and those of them that said what the live chunk said already."""
    return sum(item.chunk is not None for item in changes), sum(item.repeated for item in changes)


def noted_keys(changes: Sequence[Change], delta: Delta) -> NDArray[np.int64]:
    """Keys of the chunks of which a batch says anything, be it only when: (n,) int64, distinct, ascending."""
    after = np.array([change.after.key for change in changes], np.int64)
    return np.unique(np.concatenate((delta.removed_keys, after)))


def net(changes: Sequence[Change], vectors: NDArray[np.float32], left: Left) -> Delta:
    """The net effect of a batch's changes.

    Args:
        changes: in order, all of the batch.
        vectors: by slot, after the batch.
        left: of the live chunks whose content the batch changed.
    """
    rows = {change.after.key: change.after for change in changes}
    said = {change.after.key: change.chunk for change in changes if change.kind != "noop"}
    come = [(rows[key], chunk) for key, chunk in said.items() if chunk is not None]
    slots = np.array([row.slot for row, _ in come], np.int64)
    order = np.argsort(slots)
    added, come = slots[order], [come[at] for at in order.tolist()]
    return Delta(
        removed=left.slots,
        added=added,
        rows=[row for row, _ in come],
        texts=[chunk.text for _, chunk in come],
        vectors=vectors[added],
        removed_keys=left.keys,
        removed_vectors=left.vectors,
        noop_rows=[row for key, row in rows.items() if key not in said] if len(said) < len(rows) else [],
    )
