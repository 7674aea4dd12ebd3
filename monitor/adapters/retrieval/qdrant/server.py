"""The dense leg of production: a collection on a Qdrant server, asked through qdrant-client (REST), never written."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient

from monitor.adapters.retrieval.answers import Hit, Point, SearchAnswer, Stored, VectorQuery
from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.qdrant import versions
from monitor.adapters.retrieval.qdrant.collection import (
    COMPARED_AS,
    CollectionDescription,
    ServerSettings,
    description,
)
from monitor.adapters.retrieval.qdrant.connection import Connection
from monitor.adapters.retrieval.qdrant.requests import Requests
from monitor.adapters.retrieval.qdrant.strict import StrictModeLimits
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.retrieval.replay import replay, unasked
from monitor.core.migration.target_points import FoundPoint
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import ConfigurationError, IndexPage, Replay, Unanswered, UnreachableError

log = logging.getLogger(__name__)

T = TypeVar("T")

VectorLookup = Callable[[int], NDArray[np.float32] | None]
"""The prepared vector that the monitor holds for a chunk key, or None."""

POINTS = 256
"""Points in one request for vectors: about 1 MB of JSON at 384 dimensions."""
LAST_BITS = 8 * 2.0**-24
"""How far two float32 normalisations of one vector can lie apart in a component."""
BROKEN = "does not mend itself: see the log of the server"
LOOKED_AT = 64
"""Points whose payloads are looked at for a chunk id when the server is first met."""
WRONG = {
    FailureReason.REFUSED: "dense.api_key is refused",
    FailureReason.FORBIDDEN: "dense.api_key does not allow to read it",
    FailureReason.COLLECTION_MISSING: "dense.collection is not there",
}
"""Failures that waiting does not mend, and the setting that does."""


@dataclass(frozen=True, slots=True)
class Met:
    """What was found when the server was first met.

    Args:
        version: as the server says it, "" where it does not.
        collection: what it says of the collection; why it does not say where it failed.
        remarks: what is to be known beside the numbers.
        problems: why no answer would mean anything although the settings are right.
    """

    version: str
    collection: CollectionDescription | FailedRead
    remarks: tuple[str, ...]
    problems: tuple[str, ...]


class ServerRetriever:
    """`monitor.ports.Retriever` over a Qdrant server.

    Args:
        settings: where and how.
        known: the monitor's own prepared vector of a chunk. The server stores cosine vectors normalised in float32 by
            itself: 99.6% of vectors at 384 dimensions differ from ours in a last bit. Where the two differ in nothing
            else, ours is scored, so that an exact server's list equals the maintained one to the bit; otherwise the
            stored one counts.
    """

    def __init__(self, settings: ServerSettings, *, known: VectorLookup | None = None) -> None:
        self._settings = settings
        self._known = known
        self._requests = Requests(settings)
        self._connection = Connection(settings)
        self._found: CollectionDescription | None = None
        """What the collection was when it last described itself."""
        self._said: CollectionDescription | FailureReason = FailureReason.UNREACHABLE
        """The same, or why it did not when it was last asked."""
        self._version = ""
        self._of_points: tuple[str, ...] = ()

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

    @property
    def compared_as(self) -> type[np.float16 | np.float32]:
        """The numbers in which the server compares vectors."""
        return np.float32 if self._found is None else COMPARED_AS.get(self._found.datatype, np.float32)

    @property
    def most_results(self) -> int:
        """The most results that the server allows one query."""
        return self._limits.results

    def start(self) -> None:
        """Make the client and meet the server; one that does not answer fails by its replays, not here.

        Raises:
            ConfigurationError: see `meet`.
        """
        self.connect()
        met = self.meet()
        if isinstance(met.collection, CollectionDescription):
            log.info("%s: Qdrant %s", self._settings.where, met.version or "of a version it does not say")
        for said in (*met.problems, *met.remarks):
            log.warning("%s: %s", self._settings.where, said)

    def connect(self) -> None:
        """Make the client; sends nothing.

        Raises:
            ConfigurationError: the file of certificates cannot be read.
        """
        self._connection.start()

    def meet(self) -> Met:
        """Ask the server for its version, the collection for its parameters, and a few points for their chunk ids.

        Raises:
            ConfigurationError: the key is refused, the collection or its vector is not there, or it has another
                dimension or distance: what waiting does not mend.
        """
        found = self._look(time.monotonic() + self._settings.timeout)
        if isinstance(found, FailedRead) and found.reason in WRONG:
            message = f"{self._settings.where}: {WRONG[found.reason]}: {found.detail}"
            raise ConfigurationError(message)
        if isinstance(found, FailedRead):
            return Met("", found, (), ())
        if wrong := found.contradictions(self._settings):
            message = f"qdrant {self._settings.url}: {'; '.join(wrong)}"
            raise ConfigurationError(message)
        until = time.monotonic() + self._settings.timeout
        version = self._connection.read("version", [self._requests.version], until)[0]
        self._version = "" if isinstance(version, FailedRead) else version
        self._of_points = tuple(self._nameless(until))
        return Met(self._version, found, tuple(self.remarks()), tuple(found.obstacles(self._settings)))

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._connection.close()

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """Replay some anchors within `deadline` seconds: see `qdrant_replay.replay`.

        Nothing is asked of a collection that is not what was configured, or that cannot be modelled: its lists would
        mean nothing.
        """
        until = time.monotonic() + deadline
        refusal = self._refusal(k, until) if len(rows) else ""
        if refusal:
            return unasked(rows, refusal, k=k)
        own = self._requests.configured
        return replay(self, anchors, rows, k=k, until=until, as_served=own is not None and own.fused)

    def _refusal(self, k: int, until: float) -> FailureReason | Literal[""]:
        """Why nothing is to be asked, "" where nothing speaks against it; a collection not yet known is asked for."""
        try:
            found = self._found or self._look(until)
        except ConfigurationError:
            return FailureReason.UNUSABLE
        if isinstance(found, FailedRead):
            return found.reason
        return FailureReason.UNUSABLE if self._against(found, replace(self._settings, depth=k)) else ""

    def problems(self) -> Sequence[str]:
        """Where the collection is not what was configured, and what cannot be modelled; no answer says neither."""
        try:
            found = self._look(time.monotonic() + self._settings.timeout)
        except ConfigurationError as error:
            return [str(error)]
        if isinstance(found, CollectionDescription):
            return [*self._against(found, self._settings), *_broken(found)]
        if found.reason is FailureReason.BAD_ANSWER:  # such as a datatype that nobody here has heard of
            return [f"{self._settings.where}: what it says of itself cannot be read: {found.detail}"]
        return []

    def remarks(self) -> Sequence[str]:
        """What is to be known of server and collection beside the numbers, as they last described themselves."""
        if self._found is None:
            return ()
        version = versions.remark(self._version)
        return (*((version,) if version else ()), *self._of_points, *self._found.remarks(self._settings))

    def busy(self) -> Sequence[str]:
        """The collection's optimiser where it is not idle; a server that does not answer fails by its replays.

        Grey is at rest: nothing changes before the next update triggers it. Red does not pass by itself: see
        `problems`. Points that no read sees yet will come.
        """
        try:
            found = self._look(time.monotonic() + self._settings.timeout)
        except ConfigurationError:
            return []
        if isinstance(found, FailedRead) or _broken(found):
            return []
        said = [f"{found.hidden} points are hidden from reads until they are optimised"] if found.hidden else []
        if found.status not in {"green", "grey"}:
            said.insert(0, f"status {found.status}")
        return [f"the index is not at rest ({', '.join(said)}): expected green and no hidden points"] if said else []

    def configuration(self) -> IndexConfig | None:
        """The collection's parameters, as they were last described."""
        return None if self._found is None else self._found.configuration

    def hidden(self) -> int | Unanswered:
        """Points that reads do not see until they are optimised, as the collection said last; asks nothing."""
        said = self._said
        return said.hidden if isinstance(said, CollectionDescription) else Unanswered(said)

    def count(self) -> int | Unanswered:
        """Points in the collection, exactly."""
        until = time.monotonic() + self._settings.timeout
        found = self._connection.read("count", [self._requests.count], until)[0]
        return Unanswered(found.reason) if isinstance(found, FailedRead) else found

    @property
    def named(self) -> str:
        """The collection."""
        return self._settings.collection

    def holding(self) -> int | Unanswered:
        """See `monitor.ports.IndexReader`."""
        return self._answered("count", self._requests.holding, self._settings.timeout)

    def page(self, after: Any, limit: int) -> IndexPage | Unanswered:
        """See `monitor.ports.IndexReader`."""
        asked = partial(self._requests.page, after=after, limit=min(limit, self._limits.results))
        return self._answered("points", asked, self._settings.timeout)

    def points(self, chunk_ids: Sequence[str], *, deadline: float) -> Sequence[FoundPoint] | Unanswered:
        """See `monitor.ports.IndexReader`; one request for as many ids as it may name."""
        made: list[FoundPoint] = []
        for at in range(0, len(chunk_ids), self._ids):
            asked = partial(self._requests.points, chunk_ids=chunk_ids[at : at + self._ids])
            found = self._answered("points by chunk id", asked, deadline)
            if isinstance(found, Unanswered):
                return found
            made += found
        return made

    def aliases(self) -> frozenset[str] | Unanswered:
        """See `monitor.ports.IndexReader`."""
        return self._answered("aliases", self._requests.aliases, self._settings.timeout)

    def _answered(self, what: str, asked: Callable[[QdrantClient], T], seconds: float) -> T | Unanswered:
        found = self._connection.read(what, [asked], time.monotonic() + seconds)[0]
        return Unanswered(found.reason) if isinstance(found, FailedRead) else found

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `monitor.ports.Retriever`; one request for as many ids as it may name."""
        size = self._ids
        parts = [chunk_ids[at : at + size] for at in range(0, len(chunk_ids), size)]
        asked = [partial(self._requests.content_hashes, chunk_ids=part) for part in parts]
        made: dict[str, str] = {}
        for result in self._connection.read("payloads by chunk id", asked, time.monotonic() + deadline):
            if isinstance(result, FailedRead):
                return Unanswered(result.reason)
            made |= result
        return made

    def describe(self) -> CollectionDescription:
        """What the collection says of itself, for the gate's preconditions.

        Raises:
            UnreachableError: it does not say, and why.
            ConfigurationError: it has no such vector.
        """
        return self._demanded(self._look(time.monotonic() + self._settings.timeout))

    @property
    def _limits(self) -> StrictModeLimits:
        return StrictModeLimits() if self._found is None else self._found.limits

    @property
    def _ids(self) -> int:
        """Chunk ids that one request may name: a scroll's limit, and the values of one condition."""
        return min(POINTS, self._limits.results, self._limits.values)

    def _look(self, until: float) -> CollectionDescription | FailedRead:
        """Ask what the collection is, and remember it; what was known of it stays where it does not answer."""
        found = self._connection.read("description", [self._requests.description], until)[0]
        if isinstance(found, FailedRead):
            self._said = found.reason
            return found
        self._found, self._said = None, FailureReason.UNUSABLE  # should it have no such vector
        self._found = self._said = description(found, self._settings)
        return self._found

    @staticmethod
    def _against(found: CollectionDescription, settings: ServerSettings) -> list[str]:
        return [*found.contradictions(settings), *found.obstacles(settings)]

    def _nameless(self, until: float) -> list[str]:
        if not self._settings.chunk_id_field:
            return []
        asked = partial(self._requests.nameless, limit=min(LOOKED_AT, self._limits.results))
        found = self._connection.read("first points", [asked], until)[0]
        if isinstance(found, FailedRead) or not found[0]:
            return []
        where = f"payload field {self._settings.chunk_id_field!r} (dense.chunk_id_field)"
        return [f"{found[0]} of the first {found[1]} points have no chunk id in {where}"]

    def vectors(self, chunk_ids: Sequence[str], *, deadline: float) -> dict[str, NDArray[np.float32]]:
        """Stored vectors, prepared, of those chunks that the collection has: (d,) float32 by chunk id.

        An unusable vector (another dimension, not finite, several per point) is left out like an absent one: asking
        again would not mend it, and the chunk is then refused by name.

        Raises:
            UnreachableError: not everything could be read before the deadline.
        """
        until = time.monotonic() + deadline
        made: dict[str, NDArray[np.float32]] = {}
        size = self._ids
        for at in range(0, len(chunk_ids), size):
            asked = partial(self._requests.of_chunks, chunk_ids=chunk_ids[at : at + size])
            found = self._demanded(self._connection.read("vectors by chunk id", [asked], until)[0])
            for name, vector in found:
                if isinstance(vector, str) or vector.shape != (self.dimension,) or not np.isfinite(vector).all():
                    continue
                made.setdefault(name, prepare(vector[None, :], self.distance)[0])
        return made

    def ask(self, questions: Sequence[VectorQuery], limit: int, until: float) -> Sequence[SearchAnswer]:
        """Search in batches, several at a time."""
        size = min(self._settings.batch, self._limits.batch)
        batches = [questions[at : at + size] for at in range(0, len(questions), size)]
        asked = [partial(self._search, questions=batch, limit=limit) for batch in batches]
        found = self._connection.read("search", asked, until)
        answers: list[SearchAnswer] = []
        for batch, result in zip(batches, found, strict=True):
            answers += [SearchAnswer(reason=result.reason)] * len(batch) if isinstance(result, FailedRead) else result
        return answers

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read the stored vectors of points, in batches, several at a time."""
        parts = [[hit.point for hit in hits[at : at + POINTS]] for at in range(0, len(hits), POINTS)]
        asked = [partial(self._requests.stored, points=part) for part in parts]
        found = self._connection.read("vectors", asked, until)
        names = {hit.point: hit.chunk_id for hit in hits}
        stored: dict[Point, NDArray[np.float32] | str | None] = {}
        for part, result in zip(parts, found, strict=True):
            if isinstance(result, FailedRead):
                stored |= dict.fromkeys(part, result.reason)
            else:
                stored |= {point: self._prepared(names[point], vector) for point, vector in result.items()}
        return stored

    def _search(self, client: QdrantClient, questions: Sequence[VectorQuery], limit: int) -> list[SearchAnswer]:
        begun = time.perf_counter()
        found = self._requests.search(client, questions, limit)
        seconds = (time.perf_counter() - begun) / len(questions)
        return [replace(answer, seconds=seconds) for answer in found]

    def _prepared(self, chunk_id: str, stored: NDArray[np.float32] | str) -> NDArray[np.float32] | str:
        usable = not isinstance(stored, str) and stored.shape == (self.dimension,) and np.isfinite(stored).all()
        if isinstance(stored, str) or not usable or self.distance is not Distance.COSINE:
            return stored
        if self.compared_as is np.float16:
            return (
                stored  # normalised before it was rounded: the server compares it as it is, no unit vector any more
            )
        ready: NDArray[np.float32] = prepare(stored[None, :], self.distance)[0]
        ours = self._known(chunk_key(chunk_id)) if self._known is not None else None
        if ours is not None and ours.shape == ready.shape and np.abs(ours - ready).max() <= LAST_BITS:
            return ours
        return ready

    def _demanded(self, found: T | FailedRead) -> T:
        if isinstance(found, FailedRead):
            message = f"{self._settings.where}: {found.reason}: {found.detail}"
            raise UnreachableError(message)
        return found


def _broken(found: CollectionDescription) -> list[str]:
    """Why nothing the collection serves means anything: an error of its own, which no waiting mends."""
    if found.status != "red" and found.optimizer_status == "ok":
        return []
    return [f"the index is broken (status {found.status}, optimiser {found.optimizer_status}), which {BROKEN}"]
