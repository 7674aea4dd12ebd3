"""The slow obvious retriever, and corpora and anchors to ask it and the real ones about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Segment, Upsert, chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare, scores
from monitor.core.model.segments import admits
from monitor.ports import Replay, Unanswered


class Library:
    """A corpus fed by events of its own, and what an index is told of it."""

    def __init__(self, dimension: int, distance: Distance) -> None:
        self.corpus = Corpus(dimension)
        self.distance = distance
        self.raw: dict[str, NDArray[np.float32]] = {}
        """Vectors as their producer made them, before anybody normalised them."""
        self._offset = 0

    @property
    def live(self) -> list[ChunkRow]:
        return [row for row in self.corpus.rows() if row.live]

    def known(self, key: int) -> NDArray[np.float32] | None:
        """The monitor's own vector of a live chunk."""
        row = self.corpus.row(key)
        return self.corpus.vectors[row.slot] if row is not None and row.live else None

    def upsert(self, chunks: Sequence[tuple[str, Sequence[float], Segment]]) -> Delta:
        """Chunks as (id, raw vector, attributes); the content hash changes with every upsert."""
        raw = np.array([vector for _, vector, _ in chunks], np.float32).reshape(len(chunks), self.corpus.dimension)
        ready = prepare(raw, self.distance)
        self.raw |= {name: vector for (name, _, _), vector in zip(chunks, raw, strict=True)}
        return self._apply(
            [
                Upsert(Chunk(name, "doc", 0, name, vector, "v1", segment, 0, f"hash {self._offset + at}"))
                for at, ((name, _, segment), vector) in enumerate(zip(chunks, ready, strict=True))
            ]
        )

    def delete(self, names: Sequence[str]) -> Delta:
        return self._apply([Delete(name) for name in names])

    def _apply(self, events: Sequence[Upsert | Delete]) -> Delta:
        located = [Located(Position("t", 0, self._offset + at), event) for at, event in enumerate(events)]
        self._offset += len(events)
        applied = self.corpus.apply(located)
        assert not applied.refused
        return self.corpus.delta(applied.changes)


def anchor_set(
    vectors: NDArray[np.float32], distance: Distance, filters: Sequence[Segment] | None = None
) -> AnchorSet:
    """Anchors a0, a1, ... with these raw (A, d) vectors."""
    ready = prepare(vectors, distance)
    anchors = [Anchor(f"a{at}", "text", vector) for at, vector in enumerate(ready)]
    return AnchorSet(anchors, ready, np.ones(len(ready)), filters or [()] * len(ready))


@dataclass(frozen=True)
class BruteForce:
    """`monitor.ports.Retriever` by definition: score everything that passes the filter, sort, cut."""

    library: Library

    def start(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def busy(self) -> Sequence[str]:
        return ()

    def problems(self) -> Sequence[str]:
        """None: it is the definition."""
        return ()

    def remarks(self) -> Sequence[str]:
        return ()

    def configuration(self) -> None:
        """Nothing that others could set."""

    def hidden(self) -> int | Unanswered:
        return 0

    def count(self) -> int | Unanswered:
        return len(self.library.corpus)

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        held = {row.chunk_id: row.content_hash for row in self.library.live}
        return {name: held[name] for name in chunk_ids if name in held} if deadline > 0 else Unanswered("deadline")

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        failures: dict[int, str] = {}
        plain: list[list[tuple[str, float]] | None] = []
        for row in rows.tolist():
            reason = self._reason(anchors, row, deadline)
            if reason:
                failures[row] = reason
            plain.append(None if reason else self.top(anchors.vectors[row], anchors.filters[row], k))
        lists = RankedLists.of(plain, k)
        found = {chunk_key(name): name for ranked in plain if ranked for name, _ in ranked}
        hashes = {row.key: row.content_hash for row in self.library.live if row.key in found}
        return Replay(rows, lists, hashes, found, failures, np.full(len(rows), np.nan))

    def top(self, vector: NDArray[np.float32], wanted: Segment, k: int) -> list[tuple[str, float]]:
        passing = [row for row in self.library.live if admits(wanted, row.segment)]
        if not passing:
            return []
        slots = [row.slot for row in passing]
        found = scores(self.library.corpus.vectors[slots], vector, self.library.distance).tolist()
        named = [(row.chunk_id, score) for row, score in zip(passing, found, strict=True)]
        return sorted(named, key=lambda pair: (-pair[1], pair[0]))[:k]

    def _reason(self, anchors: AnchorSet, row: int, deadline: float) -> str:
        if anchors.anchors[row].vector is None:
            return "no_vector"
        if not np.isfinite(anchors.vectors[row]).all():
            return "not_finite"
        return "deadline" if deadline <= 0 else ""


def same_lists(left: Replay, right: Replay) -> None:
    """Ids, order, float64 scores to the bit, hashes, names and failures are equal."""
    np.testing.assert_array_equal(left.rows, right.rows)
    np.testing.assert_array_equal(left.lists.keys, right.lists.keys)
    np.testing.assert_array_equal(left.lists.scores, right.lists.scores)
    np.testing.assert_array_equal(left.lists.lengths, right.lists.lengths)
    np.testing.assert_array_equal(left.lists.known, right.lists.known)
    assert dict(left.names) == dict(right.names)
    assert dict(left.hashes) == dict(right.hashes)
    assert dict(left.failures) == dict(right.failures)
    assert left.seconds.shape == right.seconds.shape
