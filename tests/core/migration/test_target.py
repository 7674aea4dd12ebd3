"""Coverage and its four faults against set algebra on dumps, whatever the order in which it is read."""

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.core.index.corpus import Corpus
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.migration.coverage import coverage, pace, vector_faults
from monitor.core.migration.model import Coverage, EncoderContract
from monitor.core.migration.target import TargetChanges, TargetVersion
from monitor.core.migration.target_points import FoundPoint, TargetRow
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Embed,
    Heartbeat,
    Located,
    Position,
    Upsert,
    chunk_key,
    text_hash,
)
from monitor.core.model.scoring import Distance, prepare, scores
from tests.core.migration.world import D_NEW, D_OLD, NEW, SECOND, START, Team, truth, vector

CONTRACT = EncoderContract(NEW, dimension=D_NEW, metric=Distance.COSINE, normalisation="l2")
INTERLEAVINGS = 1_000


class Watched:
    """A corpus with its target, and what a state would have kept of it."""

    def __init__(self) -> None:
        self.corpus = Corpus(D_OLD)
        self.target = TargetVersion(self.corpus, CONTRACT)
        self.stored: dict[int, TargetRow] = {}
        self.index: dict[int, tuple[str, str]] = {}
        """An index that is filled: chunk id and content hash by key."""
        rng = np.random.default_rng(5)
        vectors = prepare(rng.standard_normal((4, D_NEW)).astype(np.float32), Distance.COSINE)
        anchors = [Anchor(f"a{at}", f"a{at}", row) for at, row in enumerate(vectors)]
        self.anchors = AnchorSet(anchors, vectors, np.ones(4), [(), (), (), (("source", "wiki"),)])
        self.lists = DenseTopK(self.anchors, self.target, k=3, distance=Distance.COSINE)

    def feed(self, batch: Sequence[Located]) -> TargetChanges:
        applied = self.corpus.apply(batch)
        return self.took(self.target.apply(batch, applied.changes))

    def took(self, made: TargetChanges) -> TargetChanges:
        self.lists.apply(made.lists)
        for key in made.gone:
            del self.stored[key]
        self.stored.update((row.key, row) for row in made.rows)
        for key in made.index.removed_keys.tolist():
            del self.index[key]
        self.index.update((row.key, (row.chunk_id, row.content_hash)) for row in made.index.rows)
        return made

    def coverage(self, settle: float = 0.0) -> Coverage:
        return coverage(self.target, settle=settle, dimensions=("source",))

    def brute(self) -> list[list[tuple[int, float]]]:
        """Every anchor's best over the points of live chunks, from what is stored."""
        made = []
        for anchor, wanted in zip(self.anchors.vectors, self.anchors.filters, strict=True):
            found = []
            for key, kept in self.stored.items():
                row = self.corpus.row(key)
                admitted = row is not None and row.live and set(wanted) <= set(row.segment)
                if admitted and kept.point.vector is not None:
                    value = scores(kept.point.vector[None], anchor, Distance.COSINE)[0]
                    found.append((-float(value), kept.chunk_id, key))
            made.append([(key, -value) for value, _, key in sorted(found)[:3]])
        return made

    def listed(self) -> list[list[tuple[int, float]]]:
        lists = self.lists.lists()
        return [
            list(zip(keys[:n], values[:n], strict=True))
            for keys, values, n in zip(
                lists.keys.tolist(), lists.scores.tolist(), lists.lengths.tolist(), strict=True
            )
        ]

    def restarted(self) -> "Watched":
        """The same from what a state keeps."""
        made = Watched()
        rows = sorted(self.corpus.rows(), key=lambda row: row.key)
        made.corpus.restore(rows, [self.corpus.vectors[row.slot] if row.live else None for row in rows])
        made.corpus.newest_event_time = self.corpus.newest_event_time
        made.lists.take(made.target.restore(self.stored.values()))
        made.lists.settle()
        made.stored = dict(self.stored)
        made.index = dict(self.index)
        return made


@pytest.mark.parametrize("block", range(10))
def test_the_four_faults_are_those_of_set_algebra_on_two_dumps(block: int) -> None:
    """Precision and recall 1 over 1,000 random interleavings of upserts, deletes, embeds and backfills."""
    for seed in range(block * INTERLEAVINGS // 10, (block + 1) * INTERLEAVINGS // 10):
        rng = np.random.default_rng(seed)
        team = Team(rng)
        for _ in range(int(rng.integers(5, 60))):
            team.act(chunks=8)
        watched = Watched()
        for batch in team.batches():
            watched.feed(batch)
            if rng.random() < 0.1:
                watched = watched.restarted()
        found, expected = watched.coverage(), truth(team)
        assert found.missing_ids == tuple(expected.missing), seed
        assert found.stale_ids == tuple(expected.stale), seed
        assert found.resurrected_ids == tuple(expected.resurrected), seed
        assert found.foreign_ids == tuple(expected.foreign), seed
        counts = (found.missing, found.stale, found.resurrected, found.foreign, found.covered)
        assert counts == tuple(len(names) for names in (
            expected.missing, expected.stale, expected.resurrected, expected.foreign, expected.covered
        )), seed  # fmt: skip
        assert found.live == len(team.source)
        for segment in found.by_segment[1:]:
            of = {name for name in team.source if int(name[1:]) % 2 == (segment.segment == "wiki")}
            assert (segment.live, segment.covered) == (len(of), len(of & set(expected.covered))), seed
            assert (segment.missing, segment.stale) == (
                len(of & set(expected.missing)),
                len(of & set(expected.stale)),
            )
        assert dict(watched.index.values()) == team.target, "an index that is filled holds what the target holds"
        assert {row.chunk_id for row in watched.stored.values() if row.point.there} == set(team.target)
        assert watched.listed() == watched.brute(), seed


def at(offset: int, event: CorpusEvent, part: int = 0) -> Located:
    return Located(Position("t", part, offset), event)


def upsert(name: str, text: str, time: int, vectors: dict[str, np.ndarray] | None = None) -> Upsert:
    chunk = Chunk(name, name, 0, text, vector(text, D_OLD), "old", (), time, text_hash(text), vectors)
    return Upsert(chunk)


def embed(name: str, text: str, time: int, version: str = NEW, made: np.ndarray | None = None) -> Embed:
    return Embed(name, text_hash(text), version, vector(text, D_NEW) if made is None else made, time)


def test_an_embed_before_its_chunk_covers_it_when_it_comes() -> None:
    watched = Watched()
    watched.feed([at(0, embed("a", "one", START), 1)])
    assert watched.coverage().foreign_ids == ("a",)
    watched.feed([at(0, upsert("a", "one", START - SECOND))])
    assert (watched.coverage().covered, watched.coverage().faults) == (1, 0)


def test_what_was_written_before_a_delete_does_not_come_back_with_the_chunk() -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START)), at(1, Delete("a", START + 2 * SECOND))])
    watched.feed([at(2, upsert("a", "one", START + 3 * SECOND))])
    watched = watched.restarted()
    watched.feed([at(0, embed("a", "one", START + SECOND), 1)])
    assert watched.coverage().missing_ids == ("a",)
    watched.feed([at(1, embed("a", "one", START + 4 * SECOND), 1)])
    assert watched.coverage().faults == 0


def test_a_fault_is_one_when_the_settle_time_is_over() -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START)), at(1, upsert("b", "one", START, {NEW: vector("one", D_NEW)}))])
    watched.feed([at(0, embed("x", "one", START), 1), at(2, upsert("b", "two", START))])
    young = watched.coverage(settle=30)
    assert (young.settling, young.unsettled_points, young.faults, young.covered) == (2, 1, 0, 0)
    watched.feed([at(3, Heartbeat(START + 30 * SECOND))])
    old = watched.coverage(settle=30)
    assert (old.settling, old.unsettled_points) == (0, 0)
    assert (old.missing_ids, old.stale_ids, old.foreign_ids) == (("a",), ("b",), ("x",))


@pytest.mark.parametrize(
    ("event", "reason", "said"),
    [
        (embed("a", "one", START, "other"), "unknown_version", "embedding_version 'other', expected 'enc-new'"),
        (embed("a", "one", START, made=np.ones(5, np.float32)), "wrong_dimension", "5 numbers, expected 3"),
        (embed("a", "one", START, made=np.full(3, np.nan, np.float32)), "not_finite", "not finite"),
    ],
)
def test_an_embed_that_cannot_be_believed_is_refused_in_one_line(event: Embed, reason: str, said: str) -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START))])
    made = watched.feed([at(0, event, 1)])
    assert [refused.error.reason for refused in made.refused] == [reason]
    assert said in made.refused[0].error.detail
    assert "'a'" in made.refused[0].error.detail
    assert made.outcomes == {("embed", "refused"): 1}
    assert watched.coverage().missing == 1


def test_a_chunk_is_taken_whatever_is_wrong_with_its_second_vector() -> None:
    watched = Watched()
    made = watched.feed(
        [at(0, upsert("a", "one", START, {NEW: np.ones(7, np.float32), "third": np.zeros(0, np.float32)}))]
    )
    assert not made.refused
    assert made.outcomes == {("vectors", "wrong_dimension"): 1, ("vectors", "unknown_version"): 1}
    assert len(watched.corpus) == 1
    assert watched.coverage().missing_ids == ("a",)
    assert list(watched.target.named) == [
        "chunk_id 'a': a vector of 7 numbers, expected 3",
        "chunk_id 'a': embedding_version 'third', expected 'enc-new'",
    ]


def test_outcomes_of_embeds_are_counted_apart() -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START)), at(1, upsert("b", "one", START)), at(2, Delete("b", START))])
    made = watched.feed(
        [
            at(0, embed("a", "one", START + SECOND), 1),
            at(1, embed("a", "other", START + 2 * SECOND), 1),
            at(0, embed("a", "one", START), 2),
            at(2, embed("b", "one", START + SECOND), 1),
            at(3, embed("c", "one", START + SECOND), 1),
            at(0, embed("b", "one", START - SECOND), 2),
        ]
    )
    names = ("applied", "stale", "overtaken", "resurrected", "foreign")
    assert [made.outcomes[("embed", name)] for name in names] == [1, 1, 2, 1, 1]
    assert watched.feed([at(0, embed("a", "one", START), 1)]).outcomes == {("embed", "overtaken"): 1}


def test_what_the_index_says_counts_until_an_event_says_more() -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START)), at(1, upsert("b", "one", START))])
    one = vector("one", D_NEW)
    found = [FoundPoint(name, text_hash("one"), one) for name in ("a", "b", "x")]
    watched.took(watched.target.observe(found))
    assert watched.coverage().foreign_ids == ("x",)
    assert watched.coverage().covered == 2
    watched.took(watched.target.observe([], absent=["x", "b", "nobody"]))
    assert watched.coverage().foreign == 0
    assert watched.coverage().missing_ids == ("b",)
    watched.feed([at(2, Delete("a", START))])
    assert watched.coverage().live == 1
    assert not watched.target.beyond
    watched.feed([at(0, embed("b", "one", START - SECOND), 1)])
    assert watched.coverage().faults == 0


def test_a_delete_mark_that_is_forgotten_leaves_a_resurrected_chunk_resurrected() -> None:
    watched = Watched()
    watched.feed([at(0, upsert("a", "one", START)), at(1, Delete("a", START))])
    watched.feed([at(0, embed("a", "one", START + SECOND), 1)])
    watched.feed([at(2, Heartbeat(START + 40 * 86_400 * SECOND))])
    watched.corpus.prune()
    assert watched.corpus.row(chunk_key("a")) is None
    for now in (watched, watched.restarted()):
        assert (now.coverage().resurrected_ids, now.coverage().foreign) == (("a",), 0)


def test_odd_vectors_are_counted_as_they_came() -> None:
    watched = Watched()
    unit = np.array([1, 0, 0], np.float32)
    vectors = {"a": unit, "b": unit * 2, "c": unit * 0, "d": np.array([0, 1, 0], np.float32)}
    for number, (name, made) in enumerate(vectors.items()):
        text = "one" if name in "ad" else name
        watched.feed([at(number, upsert(name, text, START, {NEW: made}))])
    for now in (watched, watched.restarted()):
        found = vector_faults(now.target)
        assert (found.checked, found.not_unit, found.zero, found.unequal) == (4, 2, 1, 1)
        assert set(found.examples) > {"b", "c"}


def test_pace_tells_backfill_and_live_writes_apart() -> None:
    watched = Watched()
    watched.feed([at(n, upsert(f"c{n}", "one", START)) for n in range(20)])
    begun = START + SECOND
    watched.feed([at(n, embed(f"c{n}", "one", begun + (n + 1) * SECOND), 1) for n in range(10)])
    watched.feed([at(20 + n, upsert(f"n{n}", "one", begun + n * SECOND + 1)) for n in range(5)])
    lagging = [at(10 + n, embed(f"n{n}", "one", begun + (n + 3) * SECOND + 1), 1) for n in range(5)]
    watched.feed([*lagging, at(30, Heartbeat(begun + 11 * SECOND))])
    for now in (watched, watched.restarted()):
        found = pace(now.target, begun=begun, uncovered=10)
        assert found.lag_p50 == pytest.approx(3.0)
        assert found.lag_p95 == pytest.approx(3.0)
        assert found.backfill_rate == pytest.approx(1.0)
        assert found.eta_seconds == pytest.approx(10.0)
        assert found.live_rate == pytest.approx(5 / 8, rel=1e-3)
    assert np.isnan(pace(watched.target, begun=None, uncovered=1).eta_seconds)
    assert pace(watched.target, begun=begun, uncovered=0).eta_seconds == 0.0
