"""The lexical top-k where it is hard: nothing there, all the same, statistics that jump, floods and bulk deletes."""

import numpy as np
import pytest

from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.model.events import chunk_key
from tests.core.index.lexical.test_topk import Stream, check, equal, twin

RNG = 11


def words(rng: np.random.Generator, size: int, vocabulary: int = 200) -> str:
    weights = 1.0 / np.arange(1, vocabulary + 1)
    return " ".join(f"w{n}" for n in rng.choice(vocabulary, size=size, p=weights / weights.sum()))


def corpus(queries: list[str], chunks: int, *, k: int = 3) -> tuple[Stream, np.random.Generator]:
    rng = np.random.default_rng(RNG)
    stream = Stream(queries, k=k)
    stream.apply([(f"c{n:04d}", words(rng, int(rng.integers(3, 20)))) for n in range(chunks)])
    check(stream)
    return stream, rng


def test_empty_corpus_and_empty_chunks_give_empty_lists() -> None:
    stream = Stream(["alpha", ""])
    assert not stream.apply([]).any()
    assert stream.index.lists().lengths.tolist() == [0, 0]
    stream.apply([("a", ""), ("b", "  ")])
    assert stream.index.lists().lengths.tolist() == [0, 0]
    statistics = stream.index.statistics()
    assert (statistics.documents, statistics.total_length, statistics.average_length) == (2, 0, 0.0)
    assert (statistics.average_idf, statistics.vocabulary, statistics.out_of_vocabulary) == (0.0, 0, 1)
    stream.apply([("c", "alpha beta")])
    check(stream)
    stream.apply([("c", None), ("a", None), ("b", None)])
    assert stream.index.lists().lengths.tolist() == [0, 0]
    assert stream.index.statistics().documents == 0


def test_no_anchors_and_no_changes() -> None:
    stream = Stream([])
    assert stream.apply([("a", "alpha")]).shape == (0,)
    assert len(stream.index.lists()) == 0
    assert len(stream.index.search([], [], 3)) == 0


def test_ties_stand_by_chunk_id_whatever_the_slot() -> None:
    stream = Stream(["same"])
    stream.apply([(name, "same text") for name in ("z", "é", "B", "a10", "a9", "Ω")])
    stream.apply([("filler", "other words here"), ("a10", None)])
    stream.apply([("b", "same text")])
    expected = sorted(("z", "é", "B", "a9", "Ω", "b"))[:3]
    assert stream.index.lists().keys[0].tolist() == [chunk_key(name) for name in expected]


def test_negative_idf_hits_are_kept_and_ordered() -> None:
    """Every term in most chunks: the average idf is negative, and so are all scores."""
    stream = Stream(["a b", "c"], k=2)
    stream.apply([("1", "a b c"), ("2", "a b"), ("3", "a c b a")])
    check(stream)
    assert (stream.index.lists().scores[0] < 0).all()
    assert stream.index.lists().lengths.tolist() == [2, 2]


def test_a_term_in_exactly_half_of_the_chunks_scores_zero_and_is_a_hit() -> None:
    stream = Stream(["half"])
    stream.apply([("1", "half x"), ("2", "half y y"), ("3", "z"), ("4", "v")])
    assert stream.index.lists().scores[0, :2].tolist() == [0.0, 0.0]
    assert stream.index.lists().lengths[0] == 2
    check(stream)


def test_a_stop_word_that_crosses_half_of_the_corpus() -> None:
    stream, _ = corpus(["stop w3", "w1 w5 stop", "w9 w8"], 300)
    for step in range(30):  # from nobody to everybody and back
        if step < 15:
            stream.apply([(f"c{n:04d}", f"stop w{n % 40} w{n % 7}") for n in range(step * 20, step * 20 + 20)])
        else:
            stream.apply([(f"c{n:04d}", f"w{n % 40} w{n % 7}") for n in range((step - 15) * 20, (step - 14) * 20)])
        check(stream)


def test_deletion_of_whole_buffers() -> None:
    stream, _ = corpus(["w0 w3", "w7", "w2 w11 w50"], 400)
    for _ in range(12):
        keys = {key for key in stream.index.lists().keys.ravel().tolist() if key >= 0}
        stream.apply([(name, None) for name in list(stream.texts) if chunk_key(name) in keys])
        check(stream)
    assert stream.index.refills > 3


@pytest.mark.parametrize("before", [True, False])
def test_a_flood_of_duplicates(before: bool) -> None:
    """600 copies rank first; names smaller or larger than what is there; then they go again in part."""
    stream, rng = corpus(["w5 w6 w7", "w0", "w30 w31"], 300)
    prefix = "a" if before else "z"
    for at in range(0, 600, 150):
        names = rng.permutation(np.arange(at, at + 150)).tolist()
        stream.apply([(f"{prefix}{n:04d}", "w5 w6 w7 w0") for n in names])
        check(stream)
    for at in range(0, 600, 60):
        stream.apply([(f"{prefix}{n:04d}", None) for n in range(at, at + 50)] + [(f"m{at}", "w5 w6 w7 w0")])
        check(stream)


def test_equal_lengths_make_ties_everywhere() -> None:
    """A chunker that cuts at a fixed length: scores fall into few classes, far larger than any buffer."""
    rng = np.random.default_rng(RNG)
    stream = Stream(["w3", "w1 w4", "w2 w9 w30"])
    stream.apply([(f"c{n:04d}", words(rng, 8, 40)) for n in range(800)])
    for _ in range(25):
        numbers = rng.integers(0, 900, size=25).tolist()
        stream.apply([(f"c{n:04d}", words(rng, 8, 40) if rng.random() < 0.7 else None) for n in numbers])
        check(stream)
    equal(stream.index.lists(), stream.rebuilt())


def test_what_would_soon_fail_is_refilled_along_with_what_failed() -> None:
    """A greater margin takes in more rows, and never loses one that failed."""
    stream, rng = corpus([f"w{n} w{n * 3 + 1} w{n * 7 % 90}" for n in range(40)], 400)
    watch, names = stream.index._watch, stream.index._names
    every = np.arange(40)
    grew = 0
    for _ in range(40):
        stream.apply([(f"c{n:04d}", words(rng, int(rng.integers(3, 20)))) for n in rng.integers(0, 400, size=90)])
        now = stream.index._now
        ranking = watch.rank(now, every, names)
        rows = [set(watch.unproved(ranking, every, now, names, margin=by).tolist()) for by in (0.0, 0.1, 0.4)]
        assert not rows[0]
        assert rows[1] <= rows[2]
        grew += len(rows[2]) > len(rows[1]) > 0
        check(stream)
    assert grew
    assert stream.index.refills > 40


def test_a_new_word_enters_and_leaves_the_vocabulary() -> None:
    stream, _ = corpus(["novel w1", "w1"], 200)
    assert stream.index.statistics().out_of_vocabulary == 1
    stream.apply([(f"n{n}", f"novel w1 x{n}") for n in range(9)])
    check(stream)
    assert stream.index.statistics().out_of_vocabulary == 0
    stream.apply([(f"n{n}", None) for n in range(9)])
    check(stream)
    assert stream.index.statistics().out_of_vocabulary == 1


@pytest.mark.parametrize("most", [2**8, 2**16])
def test_a_term_more_frequent_than_some_bits_can_say(most: int) -> None:
    stream, _ = corpus(["w1 many"], 30)
    stream.apply([("less", "many " * (most - 1))])
    check(stream)
    stream.apply([("big", "many " * most), ("bigger", "many " * (most + most // 9))])
    check(stream)
    stream.apply([("big", None)])
    check(stream)


def test_filters_see_only_their_segment() -> None:
    german, english = (("language", "de"),), (("language", "en"), ("source", "x"))
    stream = Stream(["w1", "w1", "w1"], [german, english, ()])
    stream.apply([("d1", "w1 w2"), ("d2", "w1")], (("language", "de"), ("source", "x")))
    stream.apply([("e1", "w1 w2 w3")], (("language", "en"), ("source", "x")))
    stream.apply([("e2", "w1")], (("language", "en"), ("source", "y")))
    assert stream.index.lists().lengths.tolist() == [2, 1, 3]
    check(stream)
    stream.apply([("d1", "w1 w1"), ("d2", None)], english)  # a chunk changes its segment
    check(stream)


@pytest.mark.parametrize("variant", ["okapi", "lucene"])
def test_parameters(variant: str) -> None:
    rng = np.random.default_rng(RNG)
    bm25 = Bm25Scorer("okapi" if variant == "okapi" else "lucene", k1=0.9, b=1.0, epsilon=0.1)
    stream = Stream(["w1 w2 w2", "w9"], bm25=bm25)
    for _ in range(8):
        stream.apply([(f"c{n}", words(rng, int(rng.integers(1, 9)))) for n in rng.integers(0, 90, size=30).tolist()])
        check(stream)


def test_empty_chunks_where_length_is_all() -> None:
    """At b = 1 the norm of an empty chunk is 0 and rank-bm25 divides 0 by 0; here it is no hit."""
    stream = Stream(["w1"], bm25=Bm25Scorer("lucene", b=1.0))
    stream.apply([("empty", ""), ("hit", "w1 w2"), ("other", "w2")])
    check(stream)
    assert stream.index.lists().lengths.tolist() == [1]


def test_a_search_gives_the_bits_of_a_maintained_list() -> None:
    stream, _ = corpus(["w3 w4 w80", "w0 w0 w1"], 300, k=5)
    equal(stream.index.search(stream.queries, stream.filters, 5), stream.index.lists())
    asked = [["w150", "w2"], ["nobody"], []]
    equal(stream.index.search(asked, [()] * 3, 40), twin(stream, asked, [()] * 3, 40))


def test_memory_does_not_grow_with_updates() -> None:
    rng = np.random.default_rng(RNG)
    stream = Stream(["w1 w2", "w3"])
    names = [f"c{n}" for n in range(60)]
    sizes = []
    for step in range(60):
        stream.apply([(name, words(rng, int(rng.integers(5, 30))) + f" only{step}{name}") for name in names])
        sizes.append((stream.index.bytes, len(stream.vocabulary), stream.vocabulary.capacity))
    check(stream)
    assert max(size[0] for size in sizes[30:]) <= 1.5 * max(size[0] for size in sizes[:10])
    assert max(size[1] for size in sizes) < 2 * (60 + 200)
    assert sizes[-1][2] == 1024
