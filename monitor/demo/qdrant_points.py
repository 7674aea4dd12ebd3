"""Corpus events into a collection on a Qdrant server: the write side of production, for the demo's producer.

The monitor itself never writes to a server (`qdrant_server`); whoever updates the corpus does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert, chunk_key
from monitor.ports import ConfigurationError, UnreachableError

POINTS = 256
"""Points in one request: about 1 MB of JSON at 384 dimensions."""


class QdrantPoints:
    """Keeps a collection equal to the events (`monitor.demo.playing.EventWriter`); point ids are chunk keys.

    Args:
        client: of qdrant-client, connected or not.
        collection: created when it is not there: cosine distance, one unnamed vector.
        dimension: d of the vectors.
    """

    def __init__(self, client: Any, collection: str, dimension: int) -> None:
        self._client, self._collection, self._dimension = client, collection, dimension

    @classmethod
    def at(cls, url: str, collection: str, dimension: int, *, timeout: int = 30) -> "QdrantPoints":
        """Over REST; sends nothing."""
        client = QdrantClient(url=url, timeout=timeout, check_compatibility=False, trust_env=False)
        return cls(client, collection, dimension)

    def start(self) -> None:
        """Find the collection or create it.

        Raises:
            UnreachableError: the server does not answer.
            ConfigurationError: the collection holds other vectors.
        """
        with self._naming("looking for the collection"):
            if not self._client.collection_exists(self._collection):
                wanted = models.VectorParams(size=self._dimension, distance=models.Distance.COSINE)
                self._client.create_collection(self._collection, vectors_config=wanted)
            vectors = self._client.get_collection(self._collection).config.params.vectors
        if isinstance(vectors, dict) or (vectors.size, vectors.distance) != (self._dimension, models.Distance.COSINE):
            message = (
                f"qdrant collection {self._collection!r} holds other vectors; "
                f"expected one unnamed vector of {self._dimension} numbers, cosine"
            )
            raise ConfigurationError(message)

    def write(self, events: Sequence[CorpusEvent]) -> None:
        """Apply upserts and deletes in order; other events say nothing to an index.

        Raises:
            UnreachableError: the server did not take all of it.
        """
        for kind, run in groupby(events, type):
            same = list(run)
            for at in range(0, len(same), POINTS):
                part = same[at : at + POINTS]
                if kind is Upsert:
                    self._upsert([event.chunk for event in part if isinstance(event, Upsert)])
                elif kind is Delete:
                    self._delete([event.chunk_id for event in part if isinstance(event, Delete)])

    def _upsert(self, chunks: Sequence[Chunk]) -> None:
        points = [
            models.PointStruct(id=chunk_key(one.chunk_id), vector=one.vector.tolist(), payload=_payload(one))
            for one in chunks
            if one.vector is not None
        ]
        with self._naming(f"writing {len(points)} points"):
            self._client.upsert(self._collection, points=points, wait=True)

    def _delete(self, chunk_ids: Sequence[str]) -> None:
        chosen = models.PointIdsList(points=[chunk_key(chunk_id) for chunk_id in chunk_ids])
        with self._naming(f"deleting {len(chunk_ids)} points"):
            self._client.delete(self._collection, points_selector=chosen, wait=True)

    @contextmanager
    def _naming(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (ApiException, QdrantException, httpx.HTTPError, OSError) as error:
            said = " ".join(str(error).split())[:300] or type(error).__name__
            message = f"qdrant collection {self._collection!r}: {doing}: {said}"
            raise UnreachableError(message) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _payload(chunk: Chunk) -> dict[str, str]:
    """What production says of a chunk: its id, its content's hash, its attributes."""
    return {"chunk_id": chunk.chunk_id, "content_hash": chunk.content_hash, **dict(chunk.segment)}
