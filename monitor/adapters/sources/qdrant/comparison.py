"""Points against the chunk table: which of them say something new."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from monitor.adapters.retrieval.qdrant.raw import RawPoint
from monitor.core.index.corpus import Corpus
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import TIMESTAMP_HEADER, Chunk, MalformedEvent, Position, Record, Upsert, chunk_key
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import Decoder

LAST_BITS = 8 * 2.0**-24
"""How far two float32 normalisations of one vector can lie apart, relative to its largest component."""
NO_VECTOR = (b"", b"null", b"{}", b"[]")
Novelty = Literal["new", "same", "malformed"]
NOWHERE = Position("", 0, 0)


@dataclass(frozen=True, slots=True)
class PointRead:
    """A point as it was read.

    Args:
        key: of its chunk; None where it has none that can be read.
        value: the point as a record of the sink's form.
        found: whether it says something new, the same as the table, or nothing that can be read.
    """

    key: int | None
    value: bytes
    found: Novelty


class PointComparison:
    """Decodes points and compares them with what is known.

    Two states of a chunk are the same where content hash, document, place, segment and vector are; a point without
    a vector says nothing of it.

    Args:
        collection: its name, as records of the sink's form have it.
        decoder: reads such records.
        table: what is known.
        distance: how vectors are compared.
    """

    def __init__(self, collection: str, decoder: Decoder, table: Corpus, distance: Distance) -> None:
        self._collection = collection
        self._decoder, self._table, self._distance = decoder, table, distance

    def read(self, points: Sequence[RawPoint], now: int) -> list[PointRead]:
        """Each point, in order; `now` dates those that state no time, in microseconds."""
        values = [sink_form(self._collection, point) for point in points]
        chunks = [self._chunk(value, now) for value in values]
        pairs = [None if chunk is None else (chunk, self._known(chunk)) for chunk in chunks]
        same = self._same_vectors(pairs)
        return [
            PointRead(None, value, "malformed")
            if pair is None
            else PointRead(chunk_key(pair[0].chunk_id), value, "same" if alike and _described_alike(*pair) else "new")
            for value, pair, alike in zip(values, pairs, same, strict=True)
        ]

    def _chunk(self, value: bytes, now: int) -> Chunk | None:
        try:
            event = self._decoder.decode(Record(NOWHERE, None, value, (dated(now),)))
        except MalformedEvent:
            return None
        return event.chunk if isinstance(event, Upsert) else None

    def _known(self, chunk: Chunk) -> ChunkRow | None:
        row = self._table.row(chunk_key(chunk.chunk_id))
        return row if row is not None and row.live else None

    def _same_vectors(self, pairs: Sequence[tuple[Chunk, ChunkRow | None] | None]) -> list[bool]:
        """Whether each point's vector is the known one; True where it has none."""
        same = [True] * len(pairs)
        asked: list[int] = []
        slots: list[int] = []
        given = []
        for at, pair in enumerate(pairs):
            if pair is None or pair[1] is None or pair[0].vector is None:
                continue
            asked.append(at)
            slots.append(pair[1].slot)
            given.append(pair[0].vector)
        if asked:
            read = prepare(np.stack(given), self._distance)
            apart = np.abs(self._table.vectors[slots] - read).max(axis=1)
            bound = LAST_BITS * np.abs(read).max(axis=1)
            for at, alike in zip(asked, (apart <= bound).tolist(), strict=True):
                same[at] = alike
        return same


def sink_form(collection: str, point: RawPoint) -> bytes:
    """A point as a record of the Qdrant sink's form, its values untouched."""
    vector = bytes(point.vector)
    return b"".join(
        (
            b'{"collection_name":' + msgspec.json.encode(collection) + b',"id":',
            msgspec.json.encode(point.id),
            b"" if vector in NO_VECTOR else b',"vector":' + vector,
            b',"payload":' + (bytes(point.payload) or b"null") + b"}",
        )
    )


def dated(now: int) -> tuple[str, bytes]:
    """The header that says when a record was made."""
    return TIMESTAMP_HEADER, str(now).encode()


def _described_alike(chunk: Chunk, row: ChunkRow | None) -> bool:
    if row is None:
        return False
    version = row.embedding_version if chunk.vector is None else chunk.embedding_version
    return (chunk.content_hash, chunk.doc_id, chunk.ordinal, chunk.segment, version) == (
        row.content_hash,
        row.doc_id,
        row.ordinal,
        row.segment,
        row.embedding_version,
    )
