"""Chunks as points of the embedded shard: written, deleted and compared with what should be there."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from monitor.adapters.retrieval.qdrant.shard import SEGMENT, engine_call
from monitor.core.index.corpus import ChunkRow
from monitor.core.model.events import Segment

SLICE = 1_000
"""Points per update, per fetch and per page of a scroll."""
SAMPLE = 16
"""Of so many pages of a cleanly closed shard, one has its vectors read."""


def write(shard: edge.EdgeShard, rows: Sequence[ChunkRow], vectors: NDArray[np.float32]) -> None:
    """Insert or replace points; the id is the chunk's key, the (n, d) vectors are aligned with the n rows."""
    for at in range(0, len(rows), SLICE):
        lists = vectors[at : at + SLICE].tolist()
        part = rows[at : at + SLICE]
        sums = [checksum(vector) for vector in vectors[at : at + SLICE]]
        points = [
            edge.Point(row.key, vector, payload(row, total))
            for row, vector, total in zip(part, lists, sums, strict=True)
        ]
        with engine_call(f"writing {len(points)} points"):
            shard.update(edge.UpdateOperation.upsert_points(points))


def delete(shard: edge.EdgeShard, keys: Sequence[int]) -> None:
    """Delete points by chunk key; absent ones are no error."""
    for at in range(0, len(keys), SLICE):
        part: list[int | UUID | str] = list(keys[at : at + SLICE])
        with engine_call(f"deleting {len(part)} points"):
            shard.update(edge.UpdateOperation.delete_points(part))


def payload(row: ChunkRow, vector_sum: int) -> dict[str, Any]:
    """What a point says of its chunk."""
    return {
        "chunk_id": row.chunk_id,
        "content_hash": row.content_hash,
        "vector_sum": vector_sum,
        SEGMENT: [term(*pair) for pair in row.segment],
    }


def checksum(vector: NDArray[np.float32]) -> int:
    """63 bits of BLAKE2b over a vector's bytes: tells two vectors apart without reading the stored one."""
    return int.from_bytes(blake2b(np.ascontiguousarray(vector).data, digest_size=8).digest(), "big") >> 1


def term(name: str, value: str) -> str:
    """An attribute value as one keyword; the name's length goes first, so that no two pairs look alike."""
    return f"{len(name)}:{name}={value}"


def segment_filter(wanted: Segment) -> edge.Filter | None:
    """The filter that passes a point when it has every wanted attribute value; None for no filter."""
    if not wanted:
        return None
    return edge.Filter(must=[edge.FieldCondition(key=SEGMENT, match=edge.MatchValue(term(*pair))) for pair in wanted])


def disagreements(
    shard: edge.EdgeShard, live: Mapping[int, ChunkRow], vectors: NDArray[np.float32], *, every_vector: bool
) -> tuple[list[int], list[ChunkRow]]:
    """Compare all points with the live chunks: payloads, with the sum of the vector as it was written.

    Args:
        shard: the open shard.
        live: what should be there, by chunk key.
        vectors: (slots, d) float32, indexed by row.slot.
        every_vector: also read each stored vector and compare it bit by bit, at three times the cost; otherwise
            those of one page in SAMPLE, and every one as soon as one of these is not what was written.

    Returns:
        Keys of points that should not be there; rows whose point is absent or different.
    """
    right: set[int] = set()
    gone: list[int] = []
    for records, read in _pages(shard, 1 if every_vector else SAMPLE):
        gone += [record.id for record in records if record.id not in live]
        known = [record for record in records if record.id in live]
        expected = vectors[[live[record.id].slot for record in known]]
        meant = [
            record.payload == payload(live[record.id], checksum(vector))
            for record, vector in zip(known, expected, strict=True)
        ]
        same = _same_bits(known, expected) if read else meant
        if not every_vector and any(said and not held for said, held in zip(meant, same, strict=True)):
            return disagreements(shard, live, vectors, every_vector=True)
        right |= {record.id for record, said, held in zip(known, meant, same, strict=True) if said and held}
    return gone, [row for key, row in live.items() if key not in right]


def _pages(shard: edge.EdgeShard, every: int) -> Iterator[tuple[list[Any], bool]]:
    following, number = None, 0
    while True:
        read = number % every == 0
        with engine_call("reading all points"):
            records, following = shard.scroll(
                edge.ScrollRequest(offset=following, limit=SLICE, with_payload=True, with_vector=read)
            )
        yield records, read
        number += 1
        if following is None:
            return


def _same_bits(records: Sequence[Any], expected: NDArray[np.float32]) -> list[bool]:
    size = expected.shape[1]
    flat = array("f")  # three times as fast as np.array on lists of floats
    for record in records:
        held = record.vector
        flat.extend(held if isinstance(held, list) and len(held) == size else [np.nan] * size)
    held_bits = np.frombuffer(flat, np.uint32).reshape(len(records), size)
    same: list[bool] = (held_bits == expected.view(np.uint32)).all(axis=1).tolist()
    return same
