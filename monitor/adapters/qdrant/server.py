"""The dense leg of production: a collection on a Qdrant server, asked through qdrant-client (REST), never written."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient

from monitor.adapters.qdrant.answers import Answer, Hit, Point, Question, Stored
from monitor.adapters.qdrant.collection import CollectionDescription, ServerSettings, description
from monitor.adapters.qdrant.connection import Connection, Failed
from monitor.adapters.qdrant.replay import replay
from monitor.adapters.qdrant.requests import Requests
from monitor.core.anchors import AnchorSet
from monitor.core.events import chunk_key
from monitor.core.scoring import Distance, prepare
from monitor.ports import ConfigurationError, Replay, UnreachableError

T = TypeVar("T")

Known = Callable[[int], NDArray[np.float32] | None]
"""The prepared vector that the monitor holds for a chunk key, or None."""

POINTS = 256
"""Points in one request for vectors: about 1 MB of JSON at 384 dimensions."""
LAST_BITS = 8 * 2.0**-24
"""How far two float32 normalisations of one vector can lie apart in a component."""


class ServerRetriever:
    """`monitor.ports.Retriever` over a Qdrant server.

    Args:
        settings: where and how.
        known: the monitor's own prepared vector of a chunk. The server stores cosine vectors normalised in float32 by
            itself: 99.6% of vectors at 384 dimensions differ from ours in a last bit. Where the two differ in nothing
            else, ours is scored, so that an exact server's list equals the maintained one to the bit; otherwise the
            stored one counts.
    """

    def __init__(self, settings: ServerSettings, *, known: Known | None = None) -> None:
        self._settings = settings
        self._known = known
        self._requests = Requests(settings)
        self._connection = Connection(settings)

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""
        return self._settings.dimension

    @property
    def distance(self) -> Distance:
        """How vectors are compared."""
        return self._settings.distance

    @property
    def norm_bound(self) -> float:
        """Of unit vectors; for dot products a beginning, which the vectors fetched raise within each replay."""
        return 1.0 + 1e-6

    def start(self) -> None:
        """Make the client; sends nothing, so a server that is down is a failure of the replays, not of the start.

        Raises:
            ConfigurationError: the file of certificates cannot be read.
        """
        self._connection.start()

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._connection.close()

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """Replay some anchors within `deadline` seconds: see `qdrant_replay.replay`."""
        return replay(self, anchors, rows, k=k, until=time.monotonic() + deadline)

    def problems(self) -> Sequence[str]:
        """Where the collection is not what the settings say; a server that does not answer fails by its replays."""
        try:
            return self.describe().contradictions(self._settings)
        except ConfigurationError as error:
            return [str(error)]
        except UnreachableError:
            return []

    def busy(self) -> Sequence[str]:
        """The collection's optimiser where it is not idle; a server that does not answer fails by its replays."""
        try:
            found = self.describe()
        except (ConfigurationError, UnreachableError):
            return []
        if found.status == "green" and found.optimizer_status == "ok":
            return []
        said = f"status {found.status}, optimiser {found.optimizer_status}"
        return [f"the index is not at rest ({said}): expected green and ok; ask again when it is"]

    def count(self) -> int | None:
        """Points in the collection, exactly; None when the server does not say."""
        found = self._connection.read([self._requests.count], time.monotonic() + self._settings.timeout)[0]
        return None if isinstance(found, Failed) else found

    def stated(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | None:
        """See `monitor.ports.Retriever`; one request for each POINTS ids."""
        parts = [chunk_ids[at : at + POINTS] for at in range(0, len(chunk_ids), POINTS)]
        asked = [partial(self._requests.stated, chunk_ids=part) for part in parts]
        made: dict[str, str] = {}
        for result in self._connection.read(asked, time.monotonic() + deadline):
            if isinstance(result, Failed):
                return None
            made |= result
        return made

    def describe(self) -> CollectionDescription:
        """What the collection says of itself, for the fingerprint and the gate's preconditions.

        Raises:
            UnreachableError: it does not say, and why.
            ConfigurationError: it has no such vector.
        """
        until = time.monotonic() + self._settings.timeout
        return description(
            self._demand(lambda client: client.get_collection(self._settings.collection), until), self._settings
        )

    def vectors(self, chunk_ids: Sequence[str], *, deadline: float) -> dict[str, NDArray[np.float32]]:
        """Stored vectors, prepared, of those chunks that the collection has: (d,) float32 by chunk id.

        An unusable vector (another dimension, not finite, several per point) is left out like an absent one: asking
        again would not mend it, and the chunk is then refused by name.

        Raises:
            UnreachableError: not everything could be read before the deadline.
        """
        until = time.monotonic() + deadline
        made: dict[str, NDArray[np.float32]] = {}
        for at in range(0, len(chunk_ids), POINTS):
            part = chunk_ids[at : at + POINTS]
            for name, vector in self._demand(partial(self._requests.of_chunks, chunk_ids=part), until):
                if isinstance(vector, str) or vector.shape != (self.dimension,) or not np.isfinite(vector).all():
                    continue
                made.setdefault(name, prepare(vector[None, :], self.distance)[0])
        return made

    def ask(self, questions: Sequence[Question], limit: int, until: float) -> Sequence[Answer]:
        """Search in batches, several at a time."""
        size = self._settings.batch
        batches = [questions[at : at + size] for at in range(0, len(questions), size)]
        found = self._connection.read(
            [partial(self._search, questions=batch, limit=limit) for batch in batches], until
        )
        answers: list[Answer] = []
        for batch, result in zip(batches, found, strict=True):
            answers += [Answer(reason=result.reason)] * len(batch) if isinstance(result, Failed) else result
        return answers

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read the stored vectors of points, in batches, several at a time."""
        parts = [[hit.point for hit in hits[at : at + POINTS]] for at in range(0, len(hits), POINTS)]
        found = self._connection.read([partial(self._requests.stored, points=part) for part in parts], until)
        names = {hit.point: hit.chunk_id for hit in hits}
        stored: dict[Point, NDArray[np.float32] | str | None] = {}
        for part, result in zip(parts, found, strict=True):
            if isinstance(result, Failed):
                stored |= dict.fromkeys(part, result.reason)
            else:
                stored |= {point: self._prepared(names[point], vector) for point, vector in result.items()}
        return stored

    def _search(self, client: QdrantClient, questions: Sequence[Question], limit: int) -> list[Answer]:
        begun = time.perf_counter()
        found = self._requests.search(client, questions, limit)
        seconds = (time.perf_counter() - begun) / len(questions)
        return [
            Answer(reason=hits, seconds=seconds) if isinstance(hits, str) else Answer(hits, "", seconds)
            for hits in found
        ]

    def _prepared(self, chunk_id: str, stored: NDArray[np.float32] | str) -> NDArray[np.float32] | str:
        usable = not isinstance(stored, str) and stored.shape == (self.dimension,) and np.isfinite(stored).all()
        if isinstance(stored, str) or not usable or self.distance is not Distance.COSINE:
            return stored
        ready: NDArray[np.float32] = prepare(stored[None, :], self.distance)[0]
        ours = self._known(chunk_key(chunk_id)) if self._known is not None else None
        if ours is not None and ours.shape == ready.shape and np.abs(ours - ready).max() <= LAST_BITS:
            return ours
        return ready

    def _demand(self, task: Callable[[QdrantClient], T], until: float) -> T:
        found = self._connection.read([task], until)[0]
        if isinstance(found, Failed):
            where = f"qdrant {self._settings.url} collection {self._settings.collection!r}"
            message = f"{where}: {found.reason}: {found.detail}"
            raise UnreachableError(message)
        return found
