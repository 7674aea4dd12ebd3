"""Both legs behind one apply: any stream in any batches leaves what a fresh engine of the same corpus has."""

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.app.beside import thread
from monitor.core.index import engine as engine_module
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.engine import Bm25Config, Depths, Engine, Start, at_once, rows_of
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Located, Position, Upsert
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare

WORDS = ("index", "token", "corpus", "drift", "query", "score")
D, K = 4, 3
DE = (("language", "de"),)


class WholeSets:
    """Bands of the smallest hash: sets that share it are compared exactly."""

    width = 1

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        starts = np.cumsum(counts) - counts
        return np.minimum.reduceat(shingles, starts)[:, None] if len(counts) else np.zeros((0, 1), np.uint32)


def vector(seed: int) -> NDArray[np.float32]:
    made: NDArray[np.float32] = np.random.default_rng(seed).standard_normal((1, D)).astype(np.float32)
    return prepare(made, Distance.COSINE).reshape(D)


def anchor_set() -> AnchorSet:
    texts = ("index token", "corpus drift drift", "query", "nothing matches")
    anchors = [Anchor(f"a{at}", text, vector(1_000 + at)) for at, text in enumerate(texts)]
    vectors = np.stack([vector(1_000 + at) for at in range(len(texts))])
    return AnchorSet(anchors, vectors, np.ones(len(texts)), [(), (), DE, ()])


def engine(corpus: Corpus, *, dense: bool = True, lexical: bool = True) -> Engine:
    depths = Depths(K, dense=dense, lexical=lexical)
    return Engine(anchor_set(), corpus, depths, Distance.COSINE, Bm25Config(), bands=WholeSets())


@st.composite
def events(draw: st.DrawFn) -> CorpusEvent:
    name = draw(st.sampled_from([f"c{at}" for at in range(8)]))
    if draw(st.integers(0, 3)) == 0:
        return Delete(name, 0)
    words = draw(st.lists(st.sampled_from(WORDS), max_size=6))
    text, segment = " ".join(words), draw(st.sampled_from(((), DE)))
    return Upsert(Chunk(name, "doc", 0, text, vector(draw(st.integers(0, 9))), "v", segment, 0, text))


def located(stream: Sequence[CorpusEvent], first: int = 0) -> list[Located]:
    return [Located(Position("t", 0, at), event) for at, event in enumerate(stream, first)]


def fresh(corpus: Corpus, texts: Mapping[int, str]) -> Engine:
    """An engine told of the whole corpus at once, as after a restart."""
    rows = sorted((row for row in corpus.rows() if row.live), key=lambda row: row.slot)
    slots = np.array([row.slot for row in rows], np.int64)
    none = np.zeros(0, np.int64)
    made = engine(corpus)
    made.apply(Delta(none, slots, rows, [texts[row.key] for row in rows], corpus.vectors[slots], none))
    return made


def same(left: RankedLists, right: RankedLists) -> NDArray[np.bool_]:
    """(A,) anchors whose lists are equal to the bit."""
    keys = np.all(left.keys == right.keys, axis=1)
    equal: NDArray[np.bool_] = keys & np.all(
        (left.scores == right.scores) | (np.isnan(left.scores) & np.isnan(right.scores)), axis=1
    )
    return equal


@pytest.fixture(params=["one core", "two cores"], scope="module")
def starting(request: pytest.FixtureRequest) -> Iterator[Start]:
    """What a batch of any size starts its counting with."""
    with pytest.MonkeyPatch.context() as patch, thread("engine") as beside:
        patch.setattr(engine_module, "WORTH_A_THREAD", 0)
        yield at_once if request.param == "one core" else beside


@settings(deadline=None, max_examples=40)
@given(st.lists(events(), max_size=40), st.integers(1, 9))
def test_any_stream_in_any_batches_is_the_engine_of_its_corpus(
    starting: Start, stream: list[CorpusEvent], size: int
) -> None:
    corpus = Corpus(D)
    mine, texts = engine(corpus), dict[int, str]()
    mine.beside = starting
    whole = located(stream)
    for start in range(0, len(whole), size):
        before = mine.lists()
        delta = corpus.delta(corpus.apply(whole[start : start + size]).changes)
        touched = mine.apply(delta)
        texts.update({row.key: text for row, text in zip(delta.rows, delta.texts, strict=True)})
        moved = ~same(before["exact"], mine.lists()["exact"])
        assert not np.any(moved & ~touched["dense"]), "a list moved that was not said to be touched"
        moved = np.any(before["lexical"].keys != mine.lists()["lexical"].keys, axis=1)
        assert not np.any(moved & ~touched["lexical"])
    anew = fresh(corpus, texts)
    assert same(mine.lists()["exact"], anew.lists()["exact"]).all()
    assert same(mine.lists()["lexical"], anew.lists()["lexical"]).all()
    assert mine.duplicates.counts("all") == anew.duplicates.counts("all")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(events(), st.booleans()), max_size=40), st.integers(1, 9), st.integers(0, 9))
def test_lists_made_later_are_those_made_at_once_and_every_change_is_told_once(
    stream: list[tuple[CorpusEvent, bool]], size: int, most: int
) -> None:
    eager, lazy = Corpus(D), Corpus(D)
    expected, mine = engine(eager), engine(lazy)
    mine.later = True
    whole = located([event for event, _ in stream])
    told, moved = np.zeros(len(mine.anchors), np.int64), np.zeros(len(mine.anchors), np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "MOST_WAITING", most)
        last = mine.lists()["lexical"].keys
        for start in range(0, len(whole), size):
            part = whole[start : start + size]
            expected.apply(eager.delta(eager.apply(part).changes))
            touched = mine.apply(lazy.delta(lazy.apply(part).changes))
            assert touched["lexical"].shape == told.shape
            told += touched["lexical"]
            if stream[start][1]:
                assert same(mine.lists()["lexical"], expected.lists()["lexical"]).all()
                assert same(mine.lists()["exact"], expected.lists()["exact"]).all()
                moved += (last != mine.lists()["lexical"].keys).any(axis=1)
                last = mine.lists()["lexical"].keys
        final = mine.lists()["lexical"]
        moved += (last != final.keys).any(axis=1)
        nothing = mine.apply(lazy.delta(lazy.apply([]).changes))["lexical"]
        if most >= len(whole):  # nothing was made but where it was asked for
            assert (told + nothing).tolist() == moved.tolist()
        else:
            assert np.all(told + nothing >= (moved > 0))
    assert same(mine.lists()["lexical"], expected.lists()["lexical"]).all()


def test_lists_that_wait_are_made_before_other_questions_are_asked_and_before_an_image() -> None:
    corpus = Corpus(D)
    mine, lexical = engine(corpus), []
    mine.later = True
    assert mine.lexical is not None
    chunks = [Upsert(Chunk(f"c{at}", "doc", 0, text, vector(at), "v", (), 0, text)) for at, text in enumerate(WORDS)]
    gone = [Delete(f"c{at}", 0) for at in range(len(chunks))]
    for at, looked in enumerate((mine.image, lambda: mine.reanchor(anchor_set()), mine.rewrites, mine.lists)):
        mine.apply(corpus.delta(corpus.apply(located(chunks, 100 * at)).changes))
        assert mine.lexical.waiting == len(chunks)
        looked()
        assert not mine.lexical.waiting
        lexical.append(mine.lists()["lexical"])
        mine.apply(corpus.delta(corpus.apply(located(gone, 100 * at + 50)).changes))
        assert mine.lists()["lexical"].lengths.tolist() == [0] * len(mine.anchors)
    assert all(same(of, lexical[0]).all() for of in lexical)
    assert lexical[0].lengths.tolist() == [2, 2, 0, 0], "of the third question all hits are of the wrong language"


@pytest.mark.parametrize("failing", ["duplicates", "dense", "lexical"])
def test_what_fails_beside_or_before_is_raised_when_nothing_runs_any_more(starting: Start, failing: str) -> None:
    mine, over = engine(corpus := Corpus(D)), []
    mine.beside = starting

    def fail(*_: object) -> None:
        raise KeyError(failing)

    def slow(*_: object) -> None:
        time.sleep(0.02)
        over.append("counted")

    mine.statistics.apply = slow  # type: ignore[method-assign, assignment]  # as where there is much to count
    getattr(mine, failing).apply = getattr(mine, failing).stage = fail
    chunk = Chunk("c", "doc", 0, "index token", vector(1), "v", (), 0, "h")
    delta = corpus.delta(corpus.apply(located([Upsert(chunk)])).changes)
    with pytest.raises(KeyError, match=failing):
        mine.apply(delta)
    assert over == ([] if failing == "duplicates" else ["counted"])


@pytest.mark.parametrize(
    ("dense", "lexical", "legs", "lists"),
    [
        (True, True, {"dense", "lexical"}, {"exact", "lexical"}),
        (True, False, {"dense"}, {"exact"}),
        (False, True, {"lexical"}, {"lexical"}),
    ],
)
def test_legs_that_are_off_have_no_lists(dense: bool, lexical: bool, legs: set[str], lists: set[str]) -> None:
    corpus = Corpus(D)
    mine = engine(corpus, dense=dense, lexical=lexical)
    chunk = Chunk("c", "doc", 0, "index token", vector(1), "v", (), 0, "h")
    touched = mine.apply(corpus.delta(corpus.apply(located([Upsert(chunk)])).changes))
    assert set(touched) == legs
    assert set(mine.lists()) == lists
    for made in mine.lists().values():
        assert (len(made), made.depth, made.known.tolist()) == (4, K, [True] * 4)
        assert made.lengths[0] == 1


def test_an_empty_corpus_has_empty_lists() -> None:
    mine = engine(Corpus(D))
    for made in mine.lists().values():
        assert made.lengths.tolist() == [0] * 4
        assert made.known.all()


def test_rows_of_any_leg() -> None:
    touched: dict[ListLeg, NDArray[np.bool_]] = {
        "dense": np.array([True, False, False]),
        "lexical": np.array([False, False, True]),
    }
    assert rows_of(touched, ("dense",)).tolist() == [0]
    assert rows_of(touched, ("dense", "lexical")).tolist() == [0, 2]
    assert rows_of(touched, ("exact",)).tolist() == []
    assert rows_of({}, ("dense",)).tolist() == []
