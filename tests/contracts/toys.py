"""The smallest kinds of a source and of a vector store: what somebody writes who adds one.

They are registered in a copy of the registry, run through the contract suites, and named in a configuration file.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.registry import REGISTERED
from monitor.adapters.retrieval.answers import UNLIMITED, Hit, SearchAnswer, Stored, VectorQuery
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.retrieval.replay import replay
from monitor.core.index.corpus import ChunkRow, Delta
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Partition, Position, Record
from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.core.model.scoring import Distance
from monitor.core.model.segments import admits
from monitor.kinds import EncoderKind, RealIndex, RetrieverContext, RetrieverKind, Section, SourceContext, SourceKind
from monitor.ports import OwnedIndex, Polled, Replay, Source, Unanswered, UnreachableError

# ---------------------------------------------------------------- a source


# docs/extending/source.md shows what stands between these marks
# --8<-- [start:source]


class ToySourceSection(Section):
    """A file of events that is read whole."""

    path: str


class ToySource:
    """`monitor.ports.Source` over the lines of a small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partition = Partition("toy", 0)
        self._lines: list[bytes] = []
        self._next = 0
        self._paused = False
        self._closing = threading.Event()

    def start(self, positions: Mapping[Partition, int]) -> None:
        try:
            self._lines = self._path.read_bytes().splitlines()
        except OSError as error:
            message = f"{self._path}: cannot be read: {error.strerror}"
            raise UnreachableError(message) from error
        self._next = positions.get(self._partition, 0)

    def partitions(self) -> frozenset[Partition]:
        return frozenset({self._partition})

    def poll(self, max_records: int, timeout: float) -> Polled:
        if self._paused:
            self._closing.wait(timeout)
            return Polled()
        lines = self._lines[self._next : self._next + max_records]
        made = [Record(Position(*self._partition, self._next + at), None, line) for at, line in enumerate(lines)]
        self._next += len(made)
        return Polled(made, exhausted=self._over)

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._paused = self._paused or self._partition in partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._paused = self._paused and self._partition not in partitions

    def positions(self) -> Mapping[Partition, int]:
        return {self._partition: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        return {self._partition: len(self._lines)}

    def last_error(self) -> str:
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """A file keeps no positions."""

    def close(self) -> None:
        self._closing.set()

    @property
    def _over(self) -> bool:
        return self._next >= len(self._lines)


def _source(section: ToySourceSection, context: SourceContext) -> Source:
    return ToySource(context.located(section.path))


TOY_SOURCE = SourceKind("toy", ToySourceSection, _source, bounded=True)
# --8<-- [end:source]

# ---------------------------------------------------------------- a vector store


# docs/extending/store.md shows what stands between these marks
# --8<-- [start:store]


class ToyStoreSection(Section):
    """A store in memory."""

    most_results: int = UNLIMITED


class ToyStore:
    """`monitor.ports.OwnedIndex` in a dictionary: two reads, and everything else is the replay of any store."""

    def __init__(self, dimension: int, distance: Distance, most_results: int) -> None:
        self._dimension, self._distance, self._most = dimension, distance, most_results
        self._points: dict[int, tuple[ChunkRow, NDArray[np.float32]]] = {}

    # what `monitor.adapters.retrieval.answers.Reader` asks for

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def distance(self) -> Distance:
        return self._distance

    @property
    def norm_bound(self) -> float:
        norms = [float(np.linalg.norm(vector.astype(np.float64))) for _, vector in self._points.values()]
        return max(norms, default=0.0)

    @property
    def compared_as(self) -> type[np.float16 | np.float32]:
        return np.float32

    @property
    def most_results(self) -> int:
        return self._most

    def ask(self, questions: Sequence[VectorQuery], limit: int, until: float) -> Sequence[SearchAnswer]:
        return [
            SearchAnswer(reason=FailureReason.DEADLINE)
            if time.monotonic() >= until
            else SearchAnswer(self._found(question, limit))
            for question in questions
        ]

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        late = time.monotonic() >= until
        return {hit.point: FailureReason.DEADLINE if late else self._points[int(hit.point)][1] for hit in hits}

    def _found(self, question: VectorQuery, limit: int) -> list[Hit]:
        """The best by this store's own float32 arithmetic, equal ones in the order in which they came."""
        passing = [point for point in self._points.values() if admits(question.filters, point[0].segment)]
        if not passing:
            return []
        matrix = np.stack([vector for _, vector in passing])
        if self._distance is Distance.EUCLID:
            scores = -np.linalg.norm(matrix - question.vector, axis=1)
        else:
            scores = matrix @ question.vector
        best = np.argsort(-scores, kind="stable")[:limit]
        rows = [passing[at][0] for at in best]
        found = zip(rows, scores[best].tolist(), strict=True)
        return [Hit(row.key, score, row.chunk_id, row.content_hash) for row, score in found]

    # what `monitor.ports.OwnedIndex` asks for

    def start(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        return replay(self, anchors, rows, k=k, until=time.monotonic() + deadline)

    def problems(self) -> Sequence[str]:
        return ()

    def busy(self) -> Sequence[str]:
        return ()

    def remarks(self) -> Sequence[str]:
        return ()

    def configuration(self) -> None:
        """Nothing that others could set."""

    def hidden(self) -> int | Unanswered:
        return 0

    def count(self) -> int | Unanswered:
        return len(self._points)

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        if deadline <= 0:
            return Unanswered(FailureReason.DEADLINE)
        held = {row.chunk_id: row.content_hash for row, _ in self._points.values()}
        return {name: held[name] for name in chunk_ids if name in held}

    def apply(self, delta: Delta) -> None:
        for key in delta.removed_keys.tolist():
            self._points.pop(key, None)
        self._points |= {row.key: (row, vector) for row, vector in zip(delta.rows, delta.vectors.copy(), strict=True)}

    def reconcile(self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32]) -> int:
        live = {row.key: (row, vectors[row.slot].copy()) for row in rows if row.live}
        mended = len(live.keys() ^ self._points.keys())
        self._points = live
        return mended

    def rebuilt(
        self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32], anchors: AnchorSet, *, k: int, deadline: float
    ) -> None:
        del rows, vectors, anchors, k, deadline  # two builds of a scan cannot differ


def _store(section: ToyStoreSection, context: RetrieverContext) -> RealIndex:
    index: OwnedIndex = ToyStore(context.dimension, context.distance, section.most_results)
    return RealIndex(index, index)


TOY_STORE = RetrieverKind(
    "toy", ToyStoreSection, _store, search=lambda _: SearchConfig("toy", SearchMode.EXACT), owned=True
)
# --8<-- [end:store]

T = TypeVar("T")


def every_case(
    kinds: Iterable[SourceKind[Any] | RetrieverKind[Any] | EncoderKind[Any]],
    made: Mapping[str, Mapping[str, T]],
    where: str,
) -> dict[str, T]:
    """The cases of all registered kinds by name; a kind without any is an error that says where it goes."""
    without = [kind.name for kind in kinds if not made.get(kind.name)]
    assert not without, f"{', '.join(without)}: registered without a case in {where}"
    return {name: case for kind in kinds for name, case in made[kind.name].items()}


WITH_TOYS = REGISTERED.extended(sources=[TOY_SOURCE], retrievers=[TOY_STORE])
