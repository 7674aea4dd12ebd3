"""Anchors: the queries under watch, and the set of them as arrays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.core.model.events import Segment, segment_of, text_of, vector_of
from monitor.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class SparseVector:
    """Weights of some terms, such as SPLADE makes of a text.

    Args:
        indices: (n,) int64, distinct, at least 0 and below 2**32.
        values: (n,) float32, finite.
    """

    indices: NDArray[np.int64]
    values: NDArray[np.float32]


QueryVector = NDArray[np.float32] | SparseVector
"""A (d,) vector, an (n, d) multi-vector, or a sparse one."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """One query under watch.

    `relevant` maps chunk ids to grades (qrels); `vector` is float32 of the corpus's dimension or None when the
    dense leg is off.
    """

    id: str
    text: str
    vector: NDArray[np.float32] | None = None
    segment: Segment = ()
    weight: float = 1.0
    rewrites: tuple[str, ...] = ()
    expected_sources: tuple[str, ...] = ()
    relevant: Mapping[str, float] = field(default_factory=dict)
    embedding_version: str = ""
    vectors: Mapping[str, NDArray[np.float32]] | None = None
    """By embedding version, as they were given: of versions besides its own."""
    query_vectors: Mapping[str, QueryVector] | None = None
    """By name: what a query of production's own asks with besides `vector`."""
    since: str = ""
    """The month in which it joined the rotating panel, as 2026-11; "" for one that was there from the start."""

    @classmethod
    def of(
        cls,
        anchor_id: str,
        text: str,
        vector: ArrayLike | None = None,
        *,
        segment: Mapping[str, str] | None = None,
        weight: float = 1.0,
        relevant: Mapping[str, float] | None = None,
        embedding_version: str = "",
    ) -> "Anchor":
        """An anchor by hand, as a notebook has it.

        Args:
            anchor_id: its id, distinct among the anchors.
            text: the query.
            vector: (d,) numbers of the corpus's dimension, None without a dense leg.
            segment: attributes by name, such as `{"language": "de"}`.
            weight: how much it counts in means, above 0.
            relevant: chunk id -> grade (qrels), where somebody judged.
            embedding_version: of the encoder that made the vector.

        Raises:
            InputError: no id, no text, a vector that is not one row of numbers, or a weight that is not above 0.

        >>> Anchor.of("a1", "how do I rotate a key?", segment={"language": "en"}).segment
        (('language', 'en'),)
        """
        text_of(anchor_id, "anchor id", empty=False)
        text_of(text, f"anchor {anchor_id!r}: text")
        given = None if vector is None else vector_of(vector, f"anchor {anchor_id!r}")
        if not 0.0 < weight < np.inf:
            message = f"anchor {anchor_id!r}: weight {weight!r}; expected a finite number above 0"
            raise InputError(message)
        named = segment_of(segment)
        return cls(
            anchor_id, text, given, named, weight, relevant=dict(relevant or {}), embedding_version=embedding_version
        )


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSet:
    """All anchors, in file order, and their arrays.

    Args:
        anchors: A anchors with distinct ids.
        vectors: (A, d) float32, prepared for the corpus's distance; d = 0 when the dense leg is off.
        weights: (A,) float64, positive.
        filters: (A,) tuples: the attribute values a result must have to count (empty: no filter).
        rewrites: (R, d) float32, prepared vectors of all rewrites in the order of the anchors; None where nothing
            encodes them.
    """

    anchors: Sequence[Anchor]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    filters: Sequence[Segment]
    rewrites: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.anchors)


def kept_rows(before: AnchorSet, after: AnchorSet) -> NDArray[np.int64]:
    """Which anchors of one set another set asked already, whatever their ids: what was found for them still holds.

    Two anchors ask the same if text, prepared vector and query vectors (to the bit) and filter are equal.

    Args:
        before: B anchors.
        after: A anchors.

    Returns:
        (A,) int64: a row of `before` that asks the same, -1 for a question that is new.
    """
    asked = {question: row for row, question in enumerate(_questions(before))}
    return np.array([asked.get(question, -1) for question in _questions(after)], np.int64)


def rows_after(kept: NDArray[np.int64], rows: Iterable[int]) -> NDArray[np.int64]:
    """Where some rows of the set before stand in the set after, ascending; int64. See `kept_rows`."""
    return np.flatnonzero(np.isin(kept, np.fromiter(rows, np.int64)) & (kept >= 0))


def query_vector_bytes(anchor: Anchor) -> bytes:
    """What tells an anchor's query vectors from others; empty without any."""
    made = bytearray()
    for name, vector in sorted((anchor.query_vectors or {}).items()):
        parts: list[NDArray[Any]] = [vector.indices, vector.values] if isinstance(vector, SparseVector) else [vector]
        shapes = ",".join(str(part.shape) for part in parts)
        made += f"{name!r}:{shapes}:".encode() + b"".join(part.tobytes() for part in parts)
    return bytes(made)


def _questions(anchors: AnchorSet) -> Iterator[tuple[str, bytes, bytes, Segment]]:
    for anchor, vector, wanted in zip(anchors.anchors, anchors.vectors, anchors.filters, strict=True):
        yield anchor.text, vector.tobytes(), query_vector_bytes(anchor), wanted
