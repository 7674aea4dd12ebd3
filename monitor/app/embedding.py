"""Vectors of arriving chunks: taken from the event, read from the index, or encoded; then prepared for scoring."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Chunk, Located, MalformedEvent, Upsert
from monitor.core.model.plausibility import Doubt, doubtful_vectors
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
        self._dimension, self._distance = dimension, distance
        self._lookup, self._encoder = lookup, encoder
        self._doubts: Counter[Doubt] = Counter()

    @property
    def encoder(self) -> Encoder | None:
        """What encodes texts, None where nothing is configured."""
        return self._encoder

    def embed(self, batch: Sequence[Located]) -> tuple[list[Located], list[tuple[Located, MalformedEvent]]]:
        """The batch with vectors, and the upserts for which none can be had.

        Raises:
            UnreachableError: the index or the encoder does not answer; the batch may be tried again as it is.
        """
        if self._dimension == 0:
            return [_without_vector(located) for located in batch], []
        wanting = [
            located.event.chunk
            for located in batch
            if isinstance(located.event, Upsert) and located.event.chunk.vector is None
        ]
        found = self._find(wanting) if wanting else {}
        kept: list[Located] = []
        places: list[int] = []
        given: list[_Given] = []
        refused: list[tuple[Located, MalformedEvent]] = []
        for located in batch:
            if not isinstance(located.event, Upsert):
                kept.append(located)
                continue
            chunk = located.event.chunk
            one = _Given(chunk.vector, "") if chunk.vector is not None else found.get((chunk.chunk_id, chunk.text))
            if one is None and self._migrating and any(map(len, (chunk.vectors or {}).values())):
                kept.append(located)
                continue
            if one is None or one.vector.shape != (self._dimension,):
                refused.append((located, self._refusal(chunk, one)))
                continue
            places.append(len(kept))
            given.append(one)
            kept.append(located)
        return self._prepared(kept, places, given), refused

    def doubts(self) -> Counter[Doubt]:
        """What was odd about the vectors given since this was asked last."""
        found, self._doubts = self._doubts, Counter()
        return found

    def _prepared(self, kept: list[Located], places: list[int], given: list["_Given"]) -> list[Located]:
        for at in range(0, len(places), BLOCK):
            part = given[at : at + BLOCK]
            stacked = np.stack([one.vector for one in part])
            self._doubts += doubtful_vectors(stacked, cosine=self._distance is Distance.COSINE)
            vectors = prepare(stacked, self._distance)
            for place, vector, one in zip(places[at : at + BLOCK], vectors, part, strict=True):
                position, event = kept[place]
                if isinstance(event, Upsert):
                    chunk = _with(event.chunk, vector, one.version)
                    kept[place] = Located(position, Upsert(chunk, event.version, event.undated))
        return kept

    def _find(self, chunks: Sequence[Chunk]) -> dict[tuple[str, str], "_Given"]:
        found: dict[tuple[str, str], _Given] = {}
        if self._lookup is not None:
            by_id = self._lookup([chunk.chunk_id for chunk in chunks])
            found = {(c.chunk_id, c.text): _Given(by_id[c.chunk_id], "") for c in chunks if c.chunk_id in by_id}
        rest = [chunk for chunk in chunks if (chunk.chunk_id, chunk.text) not in found]
        if self._encoder is not None and rest:
            encoded, version = self._encoder.encode([chunk.text for chunk in rest]), self._encoder.embedding_version
            found.update(((c.chunk_id, c.text), _Given(row, version)) for c, row in zip(rest, encoded, strict=True))
        return found

    def _refusal(self, chunk: Chunk, one: "_Given | None") -> MalformedEvent:
        if one is None:
            detail = f"chunk_id {chunk.chunk_id!r}: no vector in the event, none in the index, no encoder configured"
            return MalformedEvent("no_vector", detail)
        detail = f"chunk_id {chunk.chunk_id!r}: vector of {one.vector.shape} numbers, expected {self._dimension}"
        return MalformedEvent("wrong_dimension", detail)


class _Given(NamedTuple):
    """A vector, and the version of the encoder that made it just now ("": the event's own claim holds)."""

    vector: NDArray[np.float32]
    version: str


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
