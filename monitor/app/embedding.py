"""Vectors of arriving chunks: taken from the event, read from the index, or encoded; then prepared for scoring."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Chunk, Located, MalformedEvent, Upsert
from monitor.core.scoring import Distance, prepare
from monitor.ports import Encoder

Lookup = Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
"""Reads vectors by chunk id from the real index; ids it does not know are left out."""


class Embedder:
    """Gives every upsert of a batch a prepared vector of the corpus's dimension.

    Args:
        dimension: d, 0 when the dense leg is off (events then lose their vectors).
        distance: decides the preparation.
        lookup: reads vectors by chunk id, where events come without any.
        encoder: encodes texts, where nothing else has a vector.
    """

    def __init__(
        self, dimension: int, distance: Distance, *, lookup: Lookup | None = None, encoder: Encoder | None = None
    ) -> None:
        self._dimension, self._distance = dimension, distance
        self._lookup, self._encoder = lookup, encoder

    def embed(self, batch: Sequence[Located]) -> tuple[list[Located], list[tuple[Located, MalformedEvent]]]:
        """The batch with vectors, and the upserts for which none can be had.

        Raises:
            UnreachableError: the index or the encoder does not answer; the batch may be tried again as it is.
        """
        if self._dimension == 0:
            return list(batch), []
        wanting = [
            located.event.chunk
            for located in batch
            if isinstance(located.event, Upsert) and located.event.chunk.vector is None
        ]
        found = self._find(wanting) if wanting else {}
        kept: list[Located] = []
        places: list[int] = []
        vectors: list[NDArray[np.float32]] = []
        refused: list[tuple[Located, MalformedEvent]] = []
        for located in batch:
            if not isinstance(located.event, Upsert):
                kept.append(located)
                continue
            chunk = located.event.chunk
            vector = chunk.vector if chunk.vector is not None else found.get((chunk.chunk_id, chunk.text))
            if vector is None or vector.shape != (self._dimension,):
                refused.append((located, self._refusal(chunk, vector)))
                continue
            places.append(len(kept))
            vectors.append(vector)
            kept.append(located)
        return self._prepared(kept, places, vectors), refused

    def _prepared(self, kept: list[Located], places: list[int], vectors: list[NDArray[np.float32]]) -> list[Located]:
        if not places:
            return kept
        for place, vector in zip(places, prepare(np.stack(vectors), self._distance), strict=True):
            position, event = kept[place]
            if isinstance(event, Upsert):
                kept[place] = Located(position, Upsert(self._with(event.chunk, vector), event.version))
        return kept

    def _with(self, chunk: Chunk, vector: NDArray[np.float32]) -> Chunk:
        version = chunk.embedding_version
        if chunk.vector is None and self._encoder is not None and self._lookup is None:
            version = self._encoder.embedding_version
        # Built by hand: dataclasses.replace costs more than all the rest of this file per event.
        return Chunk(
            chunk.chunk_id, chunk.doc_id, chunk.ordinal, chunk.text, vector, version,
            chunk.segment, chunk.event_time, chunk.content_hash,
        )  # fmt: skip

    def _find(self, chunks: Sequence[Chunk]) -> dict[tuple[str, str], NDArray[np.float32]]:
        found: dict[tuple[str, str], NDArray[np.float32]] = {}
        if self._lookup is not None:
            by_id = self._lookup([chunk.chunk_id for chunk in chunks])
            found = {(c.chunk_id, c.text): by_id[c.chunk_id] for c in chunks if c.chunk_id in by_id}
        rest = [chunk for chunk in chunks if (chunk.chunk_id, chunk.text) not in found]
        if self._encoder is not None and rest:
            encoded = self._encoder.encode([chunk.text for chunk in rest])
            found.update(((c.chunk_id, c.text), row) for c, row in zip(rest, encoded, strict=True))
        return found

    def _refusal(self, chunk: Chunk, vector: NDArray[np.float32] | None) -> MalformedEvent:
        if vector is None:
            detail = f"chunk_id {chunk.chunk_id!r}: no vector in the event, none in the index, no encoder configured"
            return MalformedEvent("no_vector", detail)
        detail = f"chunk_id {chunk.chunk_id!r}: vector of {vector.shape} numbers, expected {self._dimension}"
        return MalformedEvent("wrong_dimension", detail)
