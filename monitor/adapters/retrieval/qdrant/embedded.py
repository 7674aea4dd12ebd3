"""The embedded Qdrant engine as an index that the monitor fills from the events.

One thread uses it. The engine holds the interpreter's lock while it works, so searches go in small batches and
`optimize` is a pause of the whole program: about 0.2 s per 30,000 vectors when exact, 3 s with a graph.
"""

import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from monitor.adapters.retrieval.answers import UNLIMITED, Hit, Point, SearchAnswer, Stored, VectorQuery
from monitor.adapters.retrieval.qdrant.points import SLICE, delete, disagreements, segment_filter, write
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings, EngineError, ShardFolder, engine_call
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.retrieval.replay import replay
from monitor.core.index.corpus import ChunkRow, Delta
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance
from monitor.ports import CorpusDriftError, Replay, Unanswered

log = logging.getLogger(__name__)

BATCH = 16
"""Questions per call: 60 ms at 100,000 vectors of 384, exact; the deadline is looked at between calls."""
FLUSH_AFTER = 20_000
"""Changes between flushes: until one, the write-ahead log grows by 2 MB per 1,000 vectors of 384."""
VACUUM_AFTER = 20_000
"""The fewest changes between two runs of the optimiser; as many as there are points where that is more."""
UNIT = 1.0 + 1e-6
"""No unit vector in float32 is longer."""


class EmbeddedIndex:
    """`monitor.ports.OwnedIndex` over qdrant-edge-py.

    A point's id is its chunk's 63-bit key, so that no map from chunks to points is kept; vectors are stored as they
    are handed over.
    """

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._folder = ShardFolder(settings)
        self._shard: edge.EdgeShard | None = None
        self._unflushed = 0
        self._unoptimized = 0
        self._norm_bound = 0.0
        self._failing: set[str] = set()

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
        """No vector reconciled, or written since the start, is longer."""
        return UNIT if self.distance is Distance.COSINE else self._norm_bound

    @property
    def compared_as(self) -> type[np.float16 | np.float32]:
        """float32: it is built so."""
        return np.float32

    @property
    def most_results(self) -> int:
        """As many as anybody asks for."""
        return UNLIMITED

    @property
    def started_afresh(self) -> str:
        """Why the files found at the start were not used; empty when they were."""
        return self._folder.started_afresh

    def start(self) -> None:
        """Open or create the shard; call `reconcile` next: the files may be ahead of the state, or behind it."""
        if self._shard is None:
            self._shard = self._folder.open()

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        shard, self._shard = self._shard, None
        try:
            if shard is not None:
                with engine_call("closing"):
                    shard.flush()
                    shard.close()
                self._folder.note_clean_close()
        finally:
            self._folder.release()

    def problems(self) -> Sequence[str]:
        """None: the monitor made this index itself."""
        return ()

    def busy(self) -> Sequence[str]:
        """Never: the optimiser runs inside of calls."""
        return ()

    def remarks(self) -> Sequence[str]:
        """None: the monitor made this index itself."""
        return ()

    def configuration(self) -> None:
        """Nothing that others could set."""

    def hidden(self) -> int | Unanswered:
        """None are: what is written can be read."""
        return 0

    def count(self) -> int | Unanswered:
        """Points in the index."""
        try:
            with self._reading("counting"):
                return int(self._open.count(edge.CountRequest(exact=True)))
        except EngineError:
            return Unanswered(FailureReason.ENGINE_FAILED)

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `monitor.ports.Retriever`; the engine answers in milliseconds, so the deadline is not looked at."""
        del deadline
        names = {chunk_key(name): name for name in chunk_ids}
        points: list[Any] = list(names)
        try:
            with self._reading("payloads", f"reading {len(points)} payloads"):
                records = self._open.retrieve(points, True, False)
        except EngineError:
            return Unanswered(FailureReason.ENGINE_FAILED)
        return {names[cast("int", record.id)]: (record.payload or {})["content_hash"] for record in records}

    def indexed_count(self) -> int:
        """Vectors in a graph: 0 with `exact`, and before the first `optimize`."""
        return int(self._open.info().indexed_vectors_count)

    def optimize(self) -> None:
        """Give back the space of deleted points and, unless `exact`, build the graph; all else waits meanwhile."""
        with engine_call("optimizing"):
            self._open.optimize()
        self._unoptimized = 0

    def apply(self, delta: Delta) -> None:
        """Bring the index to the state after a batch.

        Raises:
            CorpusDriftError: the engine refused, or a vector is not finite (the engine would take it silently).
        """
        kept = {row.key for row in delta.rows}
        gone = [key for key in delta.removed_keys.tolist() if key not in kept]
        self._change(gone, delta.rows, delta.vectors)

    def reconcile(self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32]) -> int:
        """Make the index hold exactly the live chunks among `rows`.

        Payloads and the vectors' checksums are compared, and stored vectors bit by bit: a sample where the index was
        closed cleanly, else every one. 100,000 points of 384 take 1.5 s and 3.3 s.

        Args:
            rows: known chunks; a row that is not live is an absent chunk.
            vectors: (slots, d) float32, prepared, indexed by row.slot.

        Returns:
            Points that had to be deleted, added or replaced.
        """
        live = {row.key: row for row in rows if row.live}
        try:
            gone, wrong = disagreements(self._open, live, vectors, every_vector=not self._folder.closed_cleanly)
        except EngineError as error:
            self._shard = self._folder.replace(self._open, error)
            gone, wrong = [], list(live.values())
        slots = np.array([row.slot for row in live.values()], np.int64)
        for at in range(0, len(slots), SLICE):
            self._lengthen(vectors[slots[at : at + SLICE]])
        self._change(gone, (), vectors[:0])
        for at in range(0, len(wrong), SLICE):
            part = wrong[at : at + SLICE]
            self._change((), part, vectors[[row.slot for row in part]])
        self._flush()
        return len(gone) + len(wrong)

    def rebuilt(
        self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32], anchors: AnchorSet, *, k: int, deadline: float
    ) -> RankedLists | None:
        """What a second index of the same chunks, built in a temporary folder, serves; None with `exact`.

        The whole program waits: about 3 s per 30,000 vectors. See `reconcile` and `replay` for the arguments.
        """
        if self._settings.exact:
            return None
        twin = EmbeddedIndex(dataclasses.replace(self._settings, path=None))
        twin.start()
        try:
            twin.reconcile(rows, vectors)
            twin.optimize()
            return twin.replay(anchors, np.arange(len(anchors)), k=k, deadline=deadline).lists
        finally:
            twin.close()

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """Replay some anchors within `deadline` seconds: see `monitor.adapters.retrieval.replay`."""
        return replay(self, anchors, rows, k=k, until=time.monotonic() + deadline)

    def ask(self, questions: Sequence[VectorQuery], limit: int, until: float) -> Sequence[SearchAnswer]:
        """Search, a few questions at a time; a batch is not begun when one like the last would not fit."""
        answers: list[SearchAnswer] = []
        took = 0.0
        while len(answers) < len(questions):
            begun = time.monotonic()
            if begun + took >= until:
                break
            answers += self._ask(questions[len(answers) : len(answers) + BATCH], limit)
            took = time.monotonic() - begun
        return answers + [SearchAnswer(reason=FailureReason.DEADLINE)] * (len(questions) - len(answers))

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read stored vectors, exactly as they were handed over."""
        found: dict[Point, NDArray[np.float32] | str | None] = {}
        for at in range(0, len(hits), SLICE):
            points: list[Any] = [hit.point for hit in hits[at : at + SLICE]]
            if time.monotonic() >= until:
                found |= dict.fromkeys(points, FailureReason.DEADLINE)
                continue
            try:
                with self._reading("vectors", f"reading {len(points)} vectors"):
                    records = self._open.retrieve(points, False, True)
            except EngineError:
                found |= dict.fromkeys(points, FailureReason.ENGINE_FAILED)
                continue
            found |= {cast("int", record.id): np.array(record.vector, np.float32) for record in records}
        return found

    @contextmanager
    def _reading(self, kind: str, what: str = "") -> Iterator[None]:
        """A read of the engine; what goes wrong is logged once for each kind until it works again."""
        try:
            with engine_call(what or kind):
                yield
        except EngineError as error:
            if kind not in self._failing:
                log.warning("%s", error)
            self._failing.add(kind)
            raise
        if kind in self._failing:
            self._failing.discard(kind)
            log.info("embedded index: %s: answered again", kind)

    @property
    def _open(self) -> edge.EdgeShard:
        if self._shard is None:
            message = "embedded index: not started, expected start() before any other call"
            raise CorpusDriftError(message)
        return self._shard

    def _ask(self, questions: Sequence[VectorQuery], limit: int) -> list[SearchAnswer]:
        requests = [self._request(question, limit) for question in questions]
        begun = time.perf_counter()
        try:
            with self._reading("queries", f"{len(questions)} queries"):
                found = self._open.query_batch(edge.QueryBatchRequest(requests))
        except EngineError:
            return [SearchAnswer(reason=FailureReason.ENGINE_FAILED)] * len(questions)
        seconds = (time.perf_counter() - begun) / len(questions)
        return [SearchAnswer([self._hit(point) for point in points], "", seconds) for points in found]

    def _request(self, question: VectorQuery, limit: int) -> edge.QueryRequest:
        rescore = self._settings.rescore
        return edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(question.vector.tolist()),
            filter=segment_filter(question.filters),
            params=edge.SearchParams(
                exact=self._settings.exact,
                hnsw_ef=self._settings.hnsw_ef,
                quantization=None if rescore is None else edge.QuantizationSearchParams(rescore=rescore),
            ),
            with_payload=["chunk_id", "content_hash"],
        )

    def _hit(self, point: Any) -> Hit:
        score = -point.score if self.distance is Distance.EUCLID else point.score
        return Hit(point.id, score, point.payload["chunk_id"], point.payload["content_hash"])

    def _change(self, gone: Sequence[int], rows: Sequence[ChunkRow], vectors: NDArray[np.float32]) -> None:
        if not np.isfinite(vectors).all():
            bad = next(row for row, vector in zip(rows, vectors, strict=True) if not np.isfinite(vector).all())
            message = f"embedded index: chunk {bad.chunk_id!r} has a vector with NaN or infinity, expected finite"
            raise CorpusDriftError(message)
        self._lengthen(vectors)
        self._folder.need_room(2 * vectors.nbytes)  # the log has them too
        delete(self._open, gone)
        write(self._open, rows, vectors)
        self._unflushed += len(gone) + len(rows)
        self._unoptimized += len(gone) + len(rows)
        if self._unoptimized > VACUUM_AFTER and not self._outnumbered():
            self.optimize()
        if self._unflushed > FLUSH_AFTER:
            self._flush()

    def _outnumbered(self) -> bool:
        """Whether there are at least as many points as changes since the optimiser last ran."""
        points = self.count()
        return not isinstance(points, Unanswered) and self._unoptimized <= points

    def _lengthen(self, vectors: NDArray[np.float32]) -> None:
        if self.distance is Distance.DOT and len(vectors):
            longest = np.linalg.norm(vectors.astype(np.float64), axis=1).max()
            self._norm_bound = max(self._norm_bound, float(longest))

    def _flush(self) -> None:
        with engine_call("flushing"):
            self._open.flush()
        self._unflushed = 0
