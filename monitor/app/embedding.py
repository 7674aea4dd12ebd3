"""Vectors of arriving chunks: taken from the event, read from the index, or encoded; then prepared for scoring."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.kernels_unit import normalised
from monitor.core.model.events import Chunk, Located, MalformedEvent, Upsert
from monitor.core.model.plausibility import LARGEST, Doubt, doubtful_vectors
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import Encoder

BLOCK = 128
"""Vectors prepared at a time: so many of 384 dimensions in float64 stay in a core's cache."""
Lookup = Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
"""Reads vectors by chunk id from the real index; ids it does not know are left out."""


class Embedder:
    """Gives every upsert of a batch a prepared vector of the corpus's dimension.

    Args:
        dimension: d, 0 when the dense leg is off (events then lose their vectors).
        distance: decides the preparation.
        lookup: reads vectors by chunk id, where events come without any.
        encoder: encodes texts, where nothing else has a vector.
        migrating: whether a chunk that has only a vector of another version is taken without its own, as chunks come
            once the old version is written no more.
    """

    def __init__(
        self,
        dimension: int,
        distance: Distance,
        *,
        lookup: Lookup | None = None,
        encoder: Encoder | None = None,
        migrating: bool = False,
    ) -> None:
        self._migrating = migrating
        self._dimension, self._distance, self._shape = dimension, distance, (dimension,)
        self._lookup, self._encoder = lookup, encoder
        self._doubts: Counter[Doubt] = Counter()

    @property
    def encoder(self) -> Encoder | None:
        """What encodes texts, None where nothing is configured."""
        return self._encoder

    def embed(self, batch: Sequence[Located]) -> tuple[list[Located], list[tuple[Located, MalformedEvent]]]:
        """The batch with vectors, and the upserts for which none can be had.

        The batch is taken over: its chunks themselves get their prepared vectors, so it is embedded once.

        Raises:
            UnreachableError: the index or the encoder does not answer; the batch may be tried again as it is.
        """
        if self._dimension == 0:
            return [_without_vector(located) for located in batch], []
        found: Mapping[tuple[str, str], _Found] | None = None
        kept: list[Located] = []
        given: list[Chunk] = []
        vectors: list[NDArray[np.float32]] = []
        refused: list[tuple[Located, MalformedEvent]] = []
        for located in batch:
            event = located.event
            if not isinstance(event, Upsert):
                kept.append(located)
                continue
            chunk = event.chunk
            vector = chunk.vector
            if vector is None:
                if found is None:
                    found = self._find(_vectorless(batch))
                vector, made_by = found.get((chunk.chunk_id, chunk.text), _NOT_FOUND)
                if made_by:
                    chunk = _with(chunk, None, made_by)
                    located = Located(located.position, Upsert(chunk, event.version, event.undated))
            if vector is not None and vector.shape == self._shape:
                given.append(chunk)
                vectors.append(vector)
                kept.append(located)
            elif vector is None and self._migrating and any(map(len, (chunk.vectors or {}).values())):
                kept.append(located)
            else:
                refused.append((located, self._refusal(chunk, vector)))
        self._prepare(given, vectors)
        return kept, refused

    def doubts(self) -> Counter[Doubt]:
        """What was odd about the vectors given since this was asked last."""
        found, self._doubts = self._doubts, Counter()
        return found

    def _prepare(self, given: Sequence[Chunk], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Give chunks their vectors, of the dimension, as they are scored."""
        for at in range(0, len(given), BLOCK):
            rows = np.concatenate(vectors[at : at + BLOCK]).reshape(-1, self._dimension)
            for chunk, vector in zip(given[at : at + BLOCK], self._prepared(rows), strict=True):
                chunk.vector = vector  # type: ignore[misc]  # these are ours: a copy of each takes as long as all this

    def _prepared(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors as they are scored; what is odd about them is counted."""
        cosine = self._distance is Distance.COSINE
        if not cosine or rows.dtype != np.float32:
            self._doubts += doubtful_vectors(rows, cosine=cosine)
            return prepare(rows, self._distance)
        made = np.empty_like(rows)
        lengths = normalised(rows, made)
        if not (
            lengths.min() > 0.0 and lengths.max() < LARGEST / 2
        ):  # no component is larger than its vector is long
            self._doubts += doubtful_vectors(rows, cosine=cosine)
        return made

    def _find(self, chunks: Sequence[Chunk]) -> dict[tuple[str, str], "_Found"]:
        found: dict[tuple[str, str], _Found] = {}
        if self._lookup is not None:
            by_id = self._lookup([chunk.chunk_id for chunk in chunks])
            found = {(c.chunk_id, c.text): _Found(by_id[c.chunk_id], "") for c in chunks if c.chunk_id in by_id}
        rest = [chunk for chunk in chunks if (chunk.chunk_id, chunk.text) not in found]
        if self._encoder is not None and rest:
            encoded, version = self._encoder.encode([chunk.text for chunk in rest]), self._encoder.embedding_version
            found.update(((c.chunk_id, c.text), _Found(row, version)) for c, row in zip(rest, encoded, strict=True))
        return found

    def _refusal(self, chunk: Chunk, vector: NDArray[np.float32] | None) -> MalformedEvent:
        if vector is None:
            detail = f"chunk_id {chunk.chunk_id!r}: no vector in the event, none in the index, no encoder configured"
            return MalformedEvent("no_vector", detail)
        detail = f"chunk_id {chunk.chunk_id!r}: vector of {vector.shape} numbers, expected {self._dimension}"
        return MalformedEvent("wrong_dimension", detail)


class _Found(NamedTuple):
    """A vector, and the version of the encoder that made it just now ("": the event's own claim holds)."""

    vector: NDArray[np.float32] | None
    version: str


_NOT_FOUND = _Found(None, "")


def _vectorless(batch: Sequence[Located]) -> list[Chunk]:
    chunks = [located.event.chunk for located in batch if isinstance(located.event, Upsert)]
    return [chunk for chunk in chunks if chunk.vector is None]


def _with(chunk: Chunk, vector: NDArray[np.float32] | None, version: str) -> Chunk:
    # Built by hand: dataclasses.replace costs more than all the rest of this file per event.
    return Chunk(
        chunk.chunk_id, chunk.doc_id, chunk.ordinal, chunk.text, vector, version or chunk.embedding_version,
        chunk.segment, chunk.event_time, chunk.content_hash, chunk.vectors,
    )  # fmt: skip


def _without_vector(located: Located) -> Located:
    event = located.event
    if not isinstance(event, Upsert) or event.chunk.vector is None:
        return located
    return Located(located.position, Upsert(_with(event.chunk, None, ""), event.version, event.undated))
