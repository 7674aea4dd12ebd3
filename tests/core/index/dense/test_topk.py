"""The maintained dense lists against brute force, after every batch, for every distance."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Located, Position, Segment, Upsert
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare, scores
from monitor.core.model.segments import admits

D = 5
LANGUAGES = ("de", "en", "fr")


def anchor_set(vectors: NDArray[np.float32], filters: Sequence[Segment]) -> AnchorSet:
    anchors = [Anchor(f"a{at}", "text") for at in range(len(vectors))]
    return AnchorSet(anchors, vectors, np.ones(len(vectors)), list(filters))


def upsert(chunk_id: str, vector: NDArray[np.float32], segment: Segment = ()) -> Upsert:
    text = vector.tobytes().hex()
    return Upsert(Chunk(chunk_id, "doc", 0, text, vector, "v", segment, 0, text))


def live_rows(corpus: Corpus) -> list[ChunkRow]:
    return [row for row in corpus.rows() if row.live]


def brute(corpus: Corpus, anchors: AnchorSet, k: int, distance: Distance) -> RankedLists:
    made: list[list[tuple[str, float]] | None] = []
    for vector, wanted in zip(anchors.vectors, anchors.filters, strict=True):
        rows = [row for row in live_rows(corpus) if admits(wanted, row.segment)]
        exact = [float(scores(corpus.vectors[[row.slot]], vector, distance)[0]) for row in rows]
        found = [(row.chunk_id, score) for row, score in zip(rows, exact, strict=True)]
        made.append(sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k])
    return RankedLists.of(made, k)


def assert_same(left: RankedLists, right: RankedLists) -> None:
    np.testing.assert_array_equal(left.keys, right.keys)
    np.testing.assert_array_equal(left.scores, right.scores)
    np.testing.assert_array_equal(left.lengths, right.lengths)
    np.testing.assert_array_equal(left.known, right.known)


def whole(corpus: Corpus, rows: Sequence[ChunkRow]) -> Delta:
    """The delta that brings a whole corpus to an engine that has just started."""
    ordered = sorted(rows, key=lambda row: row.slot)
    slots = np.array([row.slot for row in ordered], np.int64)
    none = np.zeros(0, np.int64)
    return Delta(none, slots, ordered, [""] * len(ordered), corpus.vectors[slots], none)


class Stream:
    """A corpus, an engine on it and the next offset."""

    def __init__(self, anchors: AnchorSet, k: int, distance: Distance, dimension: int = D) -> None:
        self.anchors, self.k, self.distance, self.offset = anchors, k, distance, 0
        self.corpus = Corpus(dimension)
        self.engine = DenseTopK(anchors, self.corpus, k=k, distance=distance)

    def feed(self, events: Sequence[CorpusEvent]) -> NDArray[np.bool_]:
        batch = [Located(Position("t", 0, self.offset + at), event) for at, event in enumerate(events)]
        self.offset += len(events)
        return self.engine.apply(self.corpus.delta(self.corpus.apply(batch).changes))

    def check(self) -> None:
        assert_same(self.engine.lists(), brute(self.corpus, self.anchors, self.k, self.distance))
        self.check_floors()

    def check_floors(self) -> None:
        """The certificate itself: buffers are sorted, and their floors part them from everything outside."""
        buffers = self.engine._buffers
        for at, (vector, wanted) in enumerate(zip(self.anchors.vectors, self.anchors.filters, strict=True)):
            held = buffers.slots[at, : buffers.sizes[at]].tolist()
            floor = (-buffers.floors[at], buffers._floor_names[at])
            rows = [row for row in live_rows(self.corpus) if admits(wanted, row.segment)]
            exact = scores(self.corpus.vectors[[row.slot for row in rows]], vector, self.distance).tolist()
            order = {row.slot: (-score, row.chunk_id) for row, score in zip(rows, exact, strict=True)}
            assert [order[slot] for slot in held] == sorted(order[slot] for slot in held)
            assert all((order[slot] < floor) == (slot in held) for slot in order)

    def restarted(self) -> DenseTopK:
        """An engine built from the stored rows in another order, hence in other slots."""
        corpus = Corpus(self.corpus.dimension)
        rows = sorted(live_rows(self.corpus), key=lambda row: row.key)
        kept = corpus.restore(rows, [self.corpus.vectors[row.slot] for row in rows])
        engine = DenseTopK(self.anchors, corpus, k=self.k, distance=self.distance)
        engine.apply(whole(corpus, kept))
        return engine


NUMBERS = st.sampled_from([0.0, 0.0, 1.0, -1.0, 2.0, 1.0000001, 0.9999999, 3.0e-3])
VECTORS = st.lists(NUMBERS, min_size=D, max_size=D).map(lambda values: np.array(values, np.float32))
SEGMENTS = st.sampled_from([(), *((("language", value),) for value in LANGUAGES)])
IDS = st.integers(0, 60).map(lambda number: f"c{number}")
EVENTS = st.one_of(st.tuples(IDS, VECTORS, SEGMENTS), st.tuples(IDS))
BATCHES = st.one_of(st.lists(EVENTS, max_size=6), st.lists(EVENTS, max_size=40))


class DenseMachine(RuleBasedStateMachine):
    """Upserts, updates, deletes, floods of copies and restarts, cut into batches at will."""

    distance = Distance.COSINE

    @initialize(data=st.data(), k=st.integers(1, 3), filtered=st.booleans())
    def start(self, data: st.DataObject, k: int, filtered: bool) -> None:
        vectors = prepare(np.array([data.draw(VECTORS) for _ in range(4)]), self.distance)
        filters = [data.draw(SEGMENTS) if filtered else () for _ in range(4)]
        self.stream = Stream(anchor_set(vectors, filters), k, self.distance)

    def feed(self, events: Sequence[CorpusEvent]) -> None:
        before = self.stream.engine.lists()
        changed = self.stream.feed(events)
        after = self.stream.engine.lists()
        for at in range(len(after)):
            same = np.array_equal(before.keys[at], after.keys[at]) and np.array_equal(
                before.scores[at], after.scores[at], equal_nan=True
            )
            assert changed[at] == (not same)

    @rule(batch=BATCHES)
    def apply(self, batch: Sequence[tuple[object, ...]]) -> None:
        events: list[CorpusEvent] = []
        for item in batch:
            if len(item) == 1:
                events.append(Delete(str(item[0]), 0))
            else:
                chunk_id, vector, segment = item
                prepared = prepare(np.array([vector], np.float32), self.distance)[0]
                events.append(upsert(str(chunk_id), prepared, segment))  # type: ignore[arg-type] # drawn as one
        self.feed(events)

    @rule(vector=VECTORS, first=st.integers(0, 60), count=st.integers(1, 40), segment=SEGMENTS)
    def flood(self, vector: NDArray[np.float32], first: int, count: int, segment: Segment) -> None:
        prepared = prepare(vector[None], self.distance)[0]
        self.feed([upsert(f"c{(first + at) % 61}", prepared, segment) for at in range(count)])

    @rule(first=st.integers(0, 60), count=st.integers(1, 40))
    def drain(self, first: int, count: int) -> None:
        self.feed([Delete(f"c{(first + at) % 61}", 0) for at in range(count)])

    @rule()
    def restart(self) -> None:
        assert_same(self.stream.restarted().lists(), self.stream.engine.lists())

    @rule(vector=VECTORS, wanted=SEGMENTS, k=st.integers(1, 70))
    def ask(self, vector: NDArray[np.float32], wanted: Segment, k: int) -> None:
        asked = anchor_set(prepare(vector[None], self.distance), [wanted])
        found = self.stream.engine.search(asked.vectors, asked.filters, k)
        assert_same(found, brute(self.stream.corpus, asked, k, self.distance))

    @invariant()
    def lists_are_exact(self) -> None:
        if hasattr(self, "stream"):
            self.stream.check()


class DotMachine(DenseMachine):
    distance = Distance.DOT


class EuclidMachine(DenseMachine):
    distance = Distance.EUCLID


TestCosine = DenseMachine.TestCase
TestDot = DotMachine.TestCase
TestEuclid = EuclidMachine.TestCase
TestCosine.settings = TestDot.settings = TestEuclid.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None
)


def random_stream(distance: Distance, dimension: int, anchors: int) -> tuple[Stream, np.random.Generator]:
    generator = np.random.default_rng(7)
    queries = prepare(generator.standard_normal((anchors, dimension)).astype(np.float32), distance)
    return Stream(anchor_set(queries, [()] * anchors), 5, distance, dimension), generator


@pytest.mark.parametrize("distance", list(Distance))
def test_a_longer_stream_of_real_valued_vectors_stays_exact_and_refills(distance: Distance) -> None:
    stream, generator = random_stream(distance, 48, 12)
    for _ in range(30):
        vectors = prepare(generator.standard_normal((40, 48)).astype(np.float32), distance)
        events: list[CorpusEvent] = [upsert(f"c{generator.integers(600)}", vector) for vector in vectors]
        best = stream.engine.lists().keys[:3, :3].ravel().tolist()
        events += [Delete(row.chunk_id, 0) for row in live_rows(stream.corpus) if row.key in best]
        stream.feed(events)
        stream.check()
    for _ in range(8):  # take away the best until the buffers run dry
        best = stream.engine.lists().keys.ravel().tolist()
        stream.feed([Delete(row.chunk_id, 0) for row in live_rows(stream.corpus) if row.key in best])
        stream.check()
    assert stream.engine.refills > 0
    assert_same(stream.restarted().lists(), stream.engine.lists())


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("cut", [1, 7, 500])
def test_lists_do_not_depend_on_how_the_stream_is_cut(distance: Distance, cut: int) -> None:
    made = []
    for size in (cut, 61):
        stream, generator = random_stream(distance, 16, 6)
        events = [
            upsert(f"c{generator.integers(200)}", vector)
            for vector in prepare(generator.standard_normal((300, 16)).astype(np.float32), distance)
        ]
        for at in range(0, len(events), size):
            stream.feed(events[at : at + size])
        made.append(stream.engine.lists())
    assert_same(*made)


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_corpus_of_equal_vectors_is_listed_by_chunk_id(distance: Distance, value: float) -> None:
    vector = prepare(np.full((1, D), value, np.float32), distance)[0]
    stream = Stream(anchor_set(np.array([vector, vector * 0]), [(), ()]), 3, distance)
    for first in range(0, 1200, 400):
        stream.feed([upsert(f"c{at:04}", vector) for at in range(first + 399, first - 1, -1)])
        stream.check()
    stream.feed([Delete(f"c{at:04}", 0) for at in range(1190)])
    stream.check()


def test_of_two_copies_in_one_batch_a_filter_sees_only_its_own() -> None:
    vector = np.ones(D, np.float32)
    filters: list[Segment] = [(), (("language", "de"),)]
    stream = Stream(anchor_set(np.array([vector, vector]), filters), 2, Distance.DOT)
    english, german = (("language", "en"),), (("language", "de"),)
    stream.feed([upsert(f"z{at}", vector * 0, german) for at in range(2000)])
    stream.feed([upsert(f"a{at:03}", vector, english) for at in range(300)] + [upsert("b", vector, german)])
    stream.check()
    assert stream.engine.rebuilds == 1  # the flood came in as candidates


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("filtered", [False, True])
def test_a_flood_of_different_vectors_leaves_nothing_out(distance: Distance, filtered: bool) -> None:
    wanted: Segment = (("language", "de"),) if filtered else ()
    generator = np.random.default_rng(11)
    query = np.ones((2, D), np.float32)
    stream = Stream(anchor_set(prepare(query, distance), [wanted, ()]), 2, distance)
    far = prepare((-query[0] + generator.standard_normal((3000, D)) * 0.1).astype(np.float32), distance)
    stream.feed([upsert(f"far{at}", vector) for at, vector in enumerate(far)])
    for _ in range(4):
        near = (query[0] + generator.standard_normal((150, D)) * 1e-3).astype(np.float32)
        stream.feed(
            [
                upsert(f"near{generator.integers(400)}", vector, (("language", LANGUAGES[at % 3]),))
                for at, vector in enumerate(prepare(near, distance))
            ]
        )
        stream.check()
    assert stream.engine.rebuilds == 1


@pytest.mark.parametrize("distance", [Distance.DOT, Distance.EUCLID])
def test_vectors_whose_products_overflow_float32_are_still_ranked(distance: Distance) -> None:
    queries = np.array([[3e38, -3e38, 1, 0, 0], [1, 1, 1, 1, 1], [1e-30, 0, 0, 0, 0]], np.float32)
    stream = Stream(anchor_set(queries, [()] * 3), 2, distance)
    generator = np.random.default_rng(3)
    for step in range(12):
        scale = 10.0 ** generator.integers(-40, 38, size=(30, 1))
        vectors = (generator.standard_normal((30, D)) * scale).astype(np.float32)
        stream.feed([upsert(f"c{step % 3}-{at}", vector) for at, vector in enumerate(vectors)])
        stream.check()


def test_no_anchors_and_an_empty_corpus_are_fine() -> None:
    nobody = Stream(anchor_set(np.zeros((0, D), np.float32), []), 3, Distance.DOT)
    assert nobody.feed([upsert("c", np.ones(D, np.float32))]).shape == (0,)
    empty = Stream(anchor_set(np.ones((2, D), np.float32), [(), ()]), 3, Distance.DOT)
    assert not empty.feed([]).any()
    assert empty.engine.lists().lengths.tolist() == [0, 0]
    assert empty.engine.lists().known.all()
    assert empty.engine.search(np.ones((1, D), np.float32), [()], 4).lengths.tolist() == [0]
