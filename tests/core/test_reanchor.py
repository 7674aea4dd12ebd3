"""Anchors changed while buffers are full: what is kept holds, and what leaves the lists comes from outside."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import Anchor, AnchorSet, SparseVector, kept_rows, rows_after
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Located, Position, Segment, Upsert
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare
from tests.core.index.dense import test_topk as dense_oracle
from tests.core.index.dense.test_topk import assert_same
from tests.core.test_engine_model import OneBucket

D, K, CHUNKS = 4, 2, 220
FILTERS: list[Segment] = [(), (), (("language", "de"),), (("source", "s1"),)]


def question(generator: Generator) -> tuple[str, int, Segment]:
    words = generator.integers(0, 40, int(generator.integers(1, 5)))
    wanted = FILTERS[int(generator.integers(0, len(FILTERS)))]
    return " ".join(f"w{word}" for word in words), int(generator.integers(0, 1000)), wanted


def anchor_set(asked: Sequence[tuple[str, int, Segment]]) -> AnchorSet:
    """Every third question has a rewrite, which is asked behind all anchors."""
    vectors = drawn([seed for _, seed, _ in asked])
    worded = [(f"w{seed % 40} w{seed % 7}",) if seed % 3 == 0 else () for _, seed, _ in asked]
    anchors = [
        Anchor(f"a{at}", text, row, rewrites=wording)
        for at, ((text, _, _), row, wording) in enumerate(zip(asked, vectors, worded, strict=True))
    ]
    rewrites = drawn([seed + 1 for _, seed, _ in asked if seed % 3 == 0])
    return AnchorSet(anchors, vectors, np.ones(len(asked)), [wanted for _, _, wanted in asked], rewrites)


def drawn(seeds: Sequence[int]) -> NDArray[np.float32]:
    rows = [np.random.default_rng(seed).standard_normal(D).astype(np.float32) for seed in seeds]
    return prepare(np.array(rows, np.float32).reshape(-1, D), Distance.DOT)


class World:
    """A corpus, an engine that lives through everything, and the texts to make a fresh one."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.asked = [question(self.generator) for _ in range(12)]
        self.corpus, self.texts, self.offset = Corpus(D), dict[int, str](), 0
        self.engine = self.built()
        self.feed([self.upsert(number) for number in range(CHUNKS)])

    def built(self) -> Engine:
        depths = Depths(K, dense=True, lexical=True)
        return Engine(anchor_set(self.asked), self.corpus, depths, Distance.DOT, Bm25Config(), bands=OneBucket())

    def upsert(self, number: int) -> Upsert:
        draw = self.generator
        text = " ".join(f"w{word}" for word in draw.zipf(1.3, 3 + self.offset // 40) % 40)
        segment = (("language", "de" if draw.random() < 0.5 else "en"), ("source", f"s{draw.integers(0, 3)}"))
        vector = draw.integers(-3, 4, D).astype(np.float32)  # few values: ties
        return Upsert(
            Chunk(f"c{number}", "doc", 0, text, vector, "v", segment, 0, f"{text} {vector.tobytes().hex()}")
        )

    def feed(self, events: Sequence[CorpusEvent]) -> None:
        batch = [Located(Position("t", 0, self.offset + at), one) for at, one in enumerate(events)]
        self.offset += len(batch)
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self.texts.update({row.key: text for row, text in zip(delta.rows, delta.texts, strict=True)})
        self.engine.apply(delta)

    def listed(self) -> list[str]:
        """Ids of all chunks that stand in a list now."""
        return [row.chunk_id for _, row in self.corpus.listed(self.engine.lists().values())]

    def reanchor(self) -> None:
        draw = self.generator
        kept = [self.asked[at] for at in draw.permutation(len(self.asked))[: int(draw.integers(3, 12))].tolist()]
        self.asked = [*kept, *(question(draw) for _ in range(int(draw.integers(0, 5))))]
        self.engine.reanchor(anchor_set(self.asked))

    def fresh(self) -> dict[str, RankedLists]:
        rows = sorted((row for row in self.corpus.rows() if row.live), key=lambda row: row.slot)
        slots, none = np.array([row.slot for row in rows], np.int64), np.zeros(0, np.int64)
        made = self.built()
        texts = [self.texts[row.key] for row in rows]
        made.apply(Delta(none, slots, rows, texts, self.corpus.vectors[slots], none))
        return both(made)


def both(engine: Engine) -> dict[str, RankedLists]:
    """The lists of anchors and of rewrites."""
    made: dict[str, RankedLists] = {leg: lists for leg, lists in engine.lists().items()}  # noqa: C416 - wider keys
    return made | {f"rewrites, {leg}": lists for leg, lists in engine.rewrites().items()}


@pytest.mark.parametrize("seed", range(6))
def test_lists_after_changes_of_the_anchors_are_those_of_a_fresh_engine(seed: int) -> None:
    world = World(seed)
    for step in range(14):
        if step % 2:
            world.reanchor()
        # what stands in the lists goes: only what was outside of the buffers can take its place
        world.feed([Delete(name, 0) for name in world.listed()])
        world.feed([world.upsert(int(number)) for number in world.generator.integers(0, CHUNKS, 4)])
        expected = world.fresh()
        for leg, lists in both(world.engine).items():
            assert_same(lists, expected[leg])
        check_floors(world)


def check_floors(world: World) -> None:
    assert world.engine.dense is not None
    stream = dense_oracle.Stream(anchor_set(world.asked), K, Distance.DOT, D)
    stream.corpus, stream.engine = world.corpus, world.engine.dense
    stream.check_floors()


def test_only_new_questions_are_searched_for() -> None:
    world = World(3)
    dense, lexical = world.engine.dense, world.engine.lexical
    assert dense is not None
    assert lexical is not None
    before, refills = dense.searched, lexical.refills
    new = ("w1 w2", 4711, FILTERS[0])
    world.asked = [new, *world.asked[::-1]]
    kept = world.engine.reanchor(anchor_set(world.asked))
    assert kept.tolist() == [-1, *range(11, -1, -1)]
    assert dense.searched == before + 1
    assert lexical.refills == refills


def test_terms_that_nobody_asks_for_any_more_are_forgotten() -> None:
    world = World(4)
    size = len(world.engine.vocabulary)
    world.asked.append(("never said", 1, ()))
    world.engine.reanchor(anchor_set(world.asked))
    assert len(world.engine.vocabulary) == size + 2
    world.asked.pop()
    world.engine.reanchor(anchor_set(world.asked))
    assert len(world.engine.vocabulary) == size


def test_questions_are_matched_by_what_they_ask_not_by_id() -> None:
    one, other = ("w1", 1, FILTERS[0]), ("w1", 2, FILTERS[0])
    filtered = ("w1", 1, FILTERS[2])
    before = anchor_set([one, other])
    assert kept_rows(before, anchor_set([other, filtered, one, one])).tolist() == [1, -1, 0, 0]
    assert rows_after(np.array([1, -1, 0, 0]), [0]).tolist() == [2, 3]
    assert rows_after(np.array([1, -1, 0, 0]), []).tolist() == []
    assert rows_after(np.array([-1, -1]), [0, 1]).tolist() == []


def test_another_query_vector_is_another_question() -> None:
    (plain,) = (asked := anchor_set([("w1", 1, ())])).anchors
    light, heavy = (
        replace(plain, query_vectors={"splade": SparseVector(np.array([7]), np.array([weight], np.float32))})
        for weight in (1.0, 2.0)
    )
    before, after = (
        replace(asked, anchors=of, vectors=np.repeat(asked.vectors, len(of), 0), filters=[()] * len(of))
        for of in ([light, heavy], [heavy, light, plain])
    )
    assert kept_rows(before, after).tolist() == [1, 0, -1]
    assert len({anchor_digest(of) for of in (plain, light, heavy)}) == 3
