"""What readers lost, against hand-worked tables and slow obvious oracles."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from benchmarks.lab import truth
from benchmarks.lab.corpus import Anchor, Chunk
from benchmarks.lab.true_history import Known, answered_either
from tests.lab.small import anchors, chunks


def chunk(name: str, text: str, vector: list[float]) -> Chunk:
    return Chunk(name, name, 0, text, np.array(vector, np.float32), ())


@pytest.mark.parametrize(
    ("passage", "results", "holds"),
    [
        ("one two three four", ["one two three four"], True),
        ("one two three four", ["One, two; three: FOUR!"], True),
        ("one two three four", ["zero one two three"], True),  # one of two triples
        ("one two three four five", ["one two three"], False),  # one of three
        ("one two three four five", ["one two three", "and two three four"], True),  # together two of three
        ("one two three four", ["four three two one"], False),
        ("one two", ["one two"], True),
        ("one two", ["one two three"], False),
        ("one two three four", [], False),
        ("", [""], False),
        ("-", ["-"], False),
        ("読み書き", ["ファイルの読み書き"], True),
    ],
)
def test_a_query_is_answered_where_the_results_hold_half_of_its_passage(
    passage: str, results: list[str], holds: bool
) -> None:
    assert truth.answered(truth.triples(passage), tuple(results)) is holds


def test_bm25_is_rank_bm25() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{at}" for at in range(40)]
    documents = [tuple(rng.choice(words, rng.integers(0, 30)).tolist()) for _ in range(60)] + [("w0",) * 5]
    queries = [tuple(rng.choice([*words, "unknown"], rng.integers(0, 6)).tolist()) for _ in range(30)] + [
        ("w1", "w1")
    ]
    oracle = BM25Okapi([list(said) for said in documents])
    expected = [oracle.get_scores(list(said)) for said in queries]
    np.testing.assert_allclose(truth.bm25(documents, queries), expected, atol=1e-8)


def test_lists_are_those_of_a_full_sort() -> None:
    corpus = {one.chunk_id: one for one in chunks(60)}
    asked = anchors(list(corpus.values()), every=7)
    found = truth.brute_force(corpus, asked)
    for at, anchor in enumerate(asked):
        cosine = {name: round(float(one.vector @ anchor.vector), 6) for name, one in corpus.items()}
        best = sorted(cosine, key=lambda name: (-cosine[name], name))[:10]
        assert [cosine[name] for name in found.dense[at]] == pytest.approx([cosine[name] for name in best], abs=2e-6)
        assert len(set(found.dense[at])) == 10
    scores = truth.bm25([truth.words(corpus[n].text) for n in sorted(corpus)], [truth.words(a.text) for a in asked])
    for row, ids in zip(scores, found.lexical, strict=True):
        ranked = sorted(zip(-row, sorted(corpus), strict=True))
        assert list(ids) == [name for score, name in ranked[:10] if score < 0]


def test_equal_scores_are_in_the_order_of_ids_and_zero_vectors_are_found_last() -> None:
    made = [chunk("b", "same text here", [1, 0]), chunk("a", "same text here", [2, 0]), chunk("z", "other", [0, 0])]
    asked = [Anchor("q", "same text", np.array([1, 0], np.float32), (), "a")]
    found = truth.brute_force({one.chunk_id: one for one in made}, asked)
    assert found.dense == (("a", "b"),)
    scaled = {one.chunk_id: replace(one, vector=(1.0 + at) * one.vector) for at, one in enumerate(made)}
    products = {one: float(np.vdot(asked[0].vector, scaled[one].vector)) for one in scaled}
    by_product = truth.brute_force(scaled, asked, distance="dot")
    assert [*by_product.dense[0]] == sorted(scaled, key=lambda one: (-round(products[one], 6), one))[: truth.K]
    assert truth.brute_force(scaled, asked).dense == found.dense, "cosine does not look at lengths"
    empty = truth.brute_force({}, asked)
    assert (empty.dense, empty.lexical) == (((),), ((),))


def test_what_a_word_weighs() -> None:
    """Of two documents one holds the word: idf = ln(1.5 / 1.5) = 0; of three ln(2.5 / 1.5), at equal length."""
    assert truth.bm25([("a",), ("b",)], [("a",)])[0].tolist() == [0.0, 0.0]
    assert truth.bm25([("a",), ("b",), ("c",)], [("a",)])[0][0] == pytest.approx(math.log(2.5 / 1.5))


LOSSES = [
    # segment, before, after, harm
    ("all", 0.90, 0.89, "none"),
    ("all", 0.90, 0.88, "loss"),
    ("all", 0.90, 0.80, "severe"),
    ("all", 0.80, 0.90, "none"),
    ("source=a", 0.90, 0.81, "none"),
    ("source=a", 0.90, 0.80, "loss"),
    ("source=a", 0.90, 0.60, "severe"),
]


@pytest.mark.parametrize(("segment", "before", "after", "harm"), LOSSES)
def test_harm_by_points_lost(segment: str, before: float, after: float, harm: str) -> None:
    assert truth.Loss("dense", segment, 50, before, after).harm == harm


def test_the_worst_loss_decides_and_a_gain_elsewhere_hides_nothing() -> None:
    gained = truth.Loss("dense", "all", 100, 0.5, 0.9)
    lost = truth.Loss("lexical", "source=a", 20, 0.9, 0.7)
    assert truth.harm([gained, lost]) == "loss"
    assert truth.worst([gained, lost]) == lost
    assert truth.harm([gained]) == "none"


def test_recall_by_segment_is_counted_by_hand() -> None:
    """24 anchors: 20 of a and 4 of b; a loses 5 dense answers, b is too small for a recall of its own."""
    vector = np.zeros(2, np.float32)
    asked = [Anchor(f"q{at}", "", vector, (("source", "a" if at < 20 else "b"),), "") for at in range(24)]
    before = truth.Answers(np.ones(24, bool), np.ones(24, bool))
    after = truth.Answers(np.arange(24) >= 5, np.ones(24, bool))
    found = {
        (one.leg, one.segment): (one.anchors, one.before, one.after)
        for one in truth.losses(asked, ["source"], before, after)
    }
    assert found == {
        ("dense", "all"): (24, 1.0, pytest.approx(19 / 24)),
        ("dense", "source=a"): (20, 1.0, 0.75),
        ("lexical", "all"): (24, 1.0, 1.0),
        ("lexical", "source=a"): (20, 1.0, 1.0),
    }


def test_what_was_lost_is_counted_whatever_was_found_for_it() -> None:
    """Four anchors: one keeps its dense answer, one loses it, one finds one, and one never had one."""
    dense = np.array([True, True, False, False]), np.array([True, False, True, False])
    none = np.zeros(4, bool)
    assert truth.lost(truth.Answers(dense[0], none), truth.Answers(dense[1], none)) == {"dense": 0.25, "lexical": 0.0}


def test_churn_counts_contents_not_ids() -> None:
    before = {"a": chunk("a", "first", [1]), "b": chunk("b", "second", [1])}
    after = {"c": chunk("c", "first", [1]), "d": chunk("d", "third", [1])}
    lists = truth.Lists((("a", "b"),), (("a",),))
    now = truth.Lists((("c", "d"),), (("c",),))
    assert truth.churn(lists, now, before, after) == {"dense": 1, "lexical": 0}


def test_known_items_move_with_their_documents() -> None:
    made = chunks(20)
    corpus = {one.chunk_id: one for one in made}
    known = Known.of(anchors(made, every=5), corpus)
    renamed = dict(corpus)
    gone = renamed.pop(made[0].chunk_id)
    renamed["elsewhere"] = replace(gone, chunk_id="elsewhere", text=f"{gone.text} And more.")
    renamed.pop(made[5].chunk_id)
    renamed[made[10].chunk_id] = replace(made[10], text="says something else altogether now")
    known.follow(renamed)
    assert known.ids[:3] == ["elsewhere", made[5].chunk_id, made[10].chunk_id]
    assert known.passages[1] == truth.triples(made[5].text)  # nowhere: asked for as it was
    assert known.passages[2] == truth.triples("says something else altogether now")


def test_an_update_answers_with_its_old_text_or_the_new_one() -> None:
    old, new = truth.triples("the old text of it"), truth.triples("a new text of it")
    corpus = {"x": chunk("x", "a new text of it", [1])}
    found = answered_either([old, old], [new, frozenset()], corpus, truth.Lists((("x",), ("x",)), ((), ())))
    assert found.dense.tolist() == [True, False]
    assert found.lexical.tolist() == [False, False]
