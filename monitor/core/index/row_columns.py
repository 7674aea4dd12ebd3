"""Rows of chunks in columns: as they are to be kept, and as they stood before a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.chunk_columns import HOW
from monitor.core.model.changes import ChunkRow, How
from monitor.core.model.events import Position, Segment, Version

_HEX = 32
"""Digits of a content hash of 128 bits."""
COLUMN_END = 2**63
"""The first number that a column does not hold."""


@dataclass(slots=True, eq=False)
class RowColumns:
    """n rows of distinct chunks, without their ids.

    Args:
        keys: (n,) int64.
        documents, segments, encoded, contents, how: n each, as in `ChunkRow`.
        ordinals, times, slots: (n,) int64.
        versions: n, or (n,) int64 where each is one number.
        positions: of their last events.
        changed: of their last changes, as in `ChunkRow`; None where none has any.
    """

    keys: NDArray[np.int64]
    documents: Sequence[str]
    ordinals: NDArray[np.int64]
    segments: Sequence[Segment]
    encoded: Sequence[str]
    times: NDArray[np.int64]
    contents: Sequence[str]
    versions: Sequence[Version | None] | NDArray[np.int64]
    positions: Sequence[Position]
    slots: NDArray[np.int64]
    changed: Sequence[Position | None] | None
    how: Sequence[How]
    numbers: tuple[NDArray[np.uint64], NDArray[np.bool_]]
    """Of `contents`, see `content_numbers`."""

    @classmethod
    def of(cls, rows: Sequence[ChunkRow]) -> "RowColumns":
        """Of n rows."""
        contents = [row.content_hash for row in rows]
        return cls(
            np.array([row.key for row in rows], np.int64),
            [row.doc_id for row in rows],
            np.array([row.ordinal for row in rows], np.int64),
            [row.segment for row in rows],
            [row.embedding_version for row in rows],
            np.array([row.event_time for row in rows], np.int64),
            contents,
            [row.version for row in rows],
            [row.position for row in rows],
            np.array([row.slot for row in rows], np.int64),
            [row.changed for row in rows],
            [row.how for row in rows],
            content_numbers(contents),
        )


@dataclass(slots=True, eq=False)
class RowsBefore:
    """Rows as they stood before others came in their places: one is put together when somebody asks for it.

    Args:
        cells: (n,) the fixed-width parts; each version is one number.
        names: n chunk ids.
        after: the rows that came, of the same chunks in the same order.
        aside: by place, those content hashes that are not 32 hexadecimal digits.
    """

    cells: NDArray[Any]
    names: list[str]
    after: RowColumns
    aside: Mapping[int, str]
    others: tuple[dict[int, Any], ...] = field(default_factory=lambda: ({}, {}, {}, {}, {}))
    """By place, the documents, segments, embedding versions, partitions of the last event and of the last change that
    are not those of the row that came."""

    def row(self, key: int) -> ChunkRow:
        """What was known of a chunk, which is one of these."""
        at = int(np.flatnonzero(self.after.keys == key)[0])
        (time, version, offset, changed_offset, content, rest, _, ordinal, _, _, _, _, slot, how, _) = (
            self.cells.item(at)
        )
        after = self.after
        documents, segments, encoded, sources, changes = self.others
        source, then = sources.get(at, after.positions[at][:2]), changes.get(at)
        return ChunkRow(
            key,
            self.names[at],
            documents.get(at, after.documents[at]),
            ordinal,
            segments.get(at, after.segments[at]),
            encoded.get(at, after.encoded[at]),
            time,
            self.aside.get(at, f"{content:016x}{rest:016x}"),
            version,
            Position(source[0], source[1], offset),
            slot,
            None if then is None else Position(then[0], then[1], changed_offset),
            HOW[how],
        )


def content_numbers(hashes: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Content hashes as two numbers each, (n, 2), and (n,) which are of another form; 0 stands for those.

    >>> content_numbers(["00000000000000070000000000000009", "7"])[1].tolist()
    [False, True]
    """
    together, odd = numbers_of(hashes), np.zeros(len(hashes), np.bool_)
    if together is not None:
        return together, odd
    made = np.zeros((len(hashes), 2), np.uint64)
    for at, said in enumerate(hashes):
        one = numbers_of([said])
        odd[at] = one is None
        made[at] = 0 if one is None else one
    return made, odd


def numbers_of(hashes: Sequence[str]) -> NDArray[np.uint64] | None:
    """Hashes of 128 bits in lower-case hexadecimal as two numbers each; None where one has another form.

    >>> numbers_of(["00000000000000070000000000000009"]), numbers_of(["7"])
    (array([[7, 9]], dtype=uint64), None)
    """
    together = "".join(hashes)
    if any(len(said) != _HEX for said in hashes):
        return None
    try:
        packed = bytes.fromhex(together)
    except ValueError:
        return None
    return np.frombuffer(packed, ">u8").astype(np.uint64).reshape(-1, 2) if packed.hex() == together else None
