"""With labels: ir-measures is the oracle."""

from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, Judged, R, nDCG

from monitor.core.measures.formulas.labelled import (
    Judgements,
    dead_qrel_ratio,
    judged_ratio,
    ndcg,
    recall,
    reciprocal_rank,
)
from monitor.core.model.lists import NO_CHUNK, RankedLists

CHUNKS = "abcdefgh"
ours_and_theirs = ((recall, R), (ndcg, nDCG), (reciprocal_rank, RR), (judged_ratio, Judged))


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[list[tuple[str, float]]], list[dict[str, float]]]:
    """Lists with distinct scores (trec_eval breaks ties its own way) and graded judgements of some chunks."""
    anchors = draw(st.integers(1, 4))
    order = st.lists(st.sampled_from(CHUNKS), unique=True, min_size=1)
    rows = [[(chunk, 1.0 - at / 10) for at, chunk in enumerate(draw(order))] for _ in range(anchors)]
    grades = st.dictionaries(st.sampled_from(CHUNKS), st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0]))
    return rows, draw(st.lists(grades, min_size=anchors, max_size=anchors))


@settings(max_examples=40)
@given(labelled(), st.integers(1, 10))
def test_equals_ir_measures(drawn: tuple[list[list[tuple[str, float]]], list[dict[str, float]]], depth: int) -> None:
    rows, grades = drawn
    lists, judged = RankedLists.of(rows, 8), Judgements.of(grades)
    qrels = {str(at): {c: int(g) for c, g in row.items()} for at, row in enumerate(grades) if row}
    run = {str(at): dict(row) for at, row in enumerate(rows)}
    theirs = ir_measures.iter_calc([other @ depth for _, other in ours_and_theirs], qrels, run) if qrels else ()
    values = {(int(metric.query_id), metric.measure.NAME): metric.value for metric in theirs}
    for ours, other in ours_and_theirs:
        column = ours(lists, judged, depth)
        for at, row in enumerate(grades):
            measurable = bool(row) if ours is judged_ratio else any(grade >= 1 for grade in row.values())
            assert column[at] == pytest.approx(values[at, other.NAME] if measurable else np.nan, nan_ok=True)


@settings(max_examples=40)
@given(labelled(), st.sets(st.sampled_from(CHUNKS)), st.integers(1, 10))
def test_who_moves_a_text_to_another_id_loses_no_judgement(
    drawn: tuple[list[list[tuple[str, float]]], list[dict[str, float]]], moved: set[str], depth: int
) -> None:
    """Some chunks stand under new ids and say what they said: every figure is that of the ids before."""
    rows, grades = drawn
    lists, judged = RankedLists.of(rows, 8), Judgements.of(grades)
    again = RankedLists.of([[(f"new {c}" if c in moved else c, score) for c, score in row] for row in rows], 8)
    said = replace(judged, contents=judged.keys)  # a content key for each text; the old ids' will do
    for ours, _ in ours_and_theirs:
        np.testing.assert_array_equal(ours(again, said, depth, lists.keys), ours(lists, judged, depth))


def test_copies_of_what_was_judged_count_once() -> None:
    """Of a and b, which said the same, one is left, under the id c, and stands twice."""
    lists = RankedLists.of([[("x", 4.0), ("c", 3.0), ("d", 2.0)]], 3)
    judged = Judgements.of([{"a": 1.0, "b": 2.0, "gone": 1.0}])
    judged = replace(judged, contents=np.array([[7, 7, 8]]))
    says = np.array([[1, 7, 7]])
    assert recall(lists, judged, 3, says) == pytest.approx(2 / 3)
    assert reciprocal_rank(lists, judged, 3, says) == pytest.approx(1 / 2)
    assert ndcg(lists, judged, 3, says) == pytest.approx((2 / np.log2(3)) / (2 + 1 / np.log2(3) + 1 / 2))
    assert judged_ratio(lists, judged, 3, says) == pytest.approx(2 / 3), "two of the three results"
    np.testing.assert_array_equal(recall(lists, judged, 3), [0.0])


def test_what_is_not_known_is_no_content() -> None:
    """NO_CHUNK stands behind the last and for what nobody knows: the two are not the same content."""
    lists = RankedLists.of([[("x", 1.0)]], 2)
    judged = replace(Judgements.of([{"a": 1.0}]), contents=np.array([[NO_CHUNK]]))
    assert recall(lists, judged, 2, np.array([[5, NO_CHUNK]])) == 0.0
    assert judged_ratio(lists, judged, 2, np.array([[5, NO_CHUNK]])) == 0.0


def test_by_hand() -> None:
    lists = RankedLists.of([[("x", 3.0), ("a", 2.0), ("b", 1.0)], [], None], 3)
    judged = Judgements.of([{"a": 1.0, "b": 2.0, "gone": 3.0, "x": 0.0}] * 3)
    ideal = 3 + 2 / np.log2(3) + 1 / 2
    np.testing.assert_allclose(recall(lists, judged, 3), [2 / 3, 0.0, np.nan])
    np.testing.assert_allclose(recall(lists, judged, 2), [1 / 3, 0.0, np.nan])
    np.testing.assert_allclose(reciprocal_rank(lists, judged, 3), [1 / 2, 0.0, np.nan])
    np.testing.assert_allclose(ndcg(lists, judged, 3), [(1 / np.log2(3) + 2 / 2) / ideal, 0.0, np.nan])
    np.testing.assert_allclose(judged_ratio(lists, judged, 3), [1.0, np.nan, np.nan])


def test_gains_to_the_bit_do_not_depend_on_what_other_anchors_are_measured() -> None:
    """A turn measures the anchors anew that it touched, and a rebuild all of them; a list that is as good as can be
    has exactly 1, with fewer chunks judged than there are places too.
    """
    rng, many, depth = np.random.default_rng(5), 60, 10
    names = [[f"{at}/{chunk}" for chunk in range(depth)] for at in range(many)]
    grades = [dict(zip(row, rng.permutation(depth).astype(float) + 1.0, strict=True)) for row in names]
    rows = [[(chunk, -float(place)) for place, chunk in enumerate(rng.permutation(row))] for row in names]
    lists, judged = RankedLists.of(rows, depth), Judgements.of(grades)
    whole = ndcg(lists, judged, depth)
    for some in (rng.permutation(many)[:count] for count in range(1, 40)):
        part = ndcg(lists.take(some), Judgements(judged.keys[some], judged.grades[some]), depth)
        np.testing.assert_array_equal(part, whole[some])
    counts = rng.integers(1, depth + 1, many).tolist()
    few = [{chunk: row[chunk] for chunk in sorted(row)[:count]} for count, row in zip(counts, grades, strict=True)]
    best = [
        sorted(row, key=lambda chunk: -grades[at][chunk] if chunk in few[at] else 0.0) for at, row in enumerate(names)
    ]
    perfect = RankedLists.of([[(chunk, -float(place)) for place, chunk in enumerate(row)] for row in best], depth)
    np.testing.assert_array_equal(ndcg(perfect, Judgements.of(few), depth), np.ones(many))


def test_without_judgements_nothing_is_measured() -> None:
    lists, judged = RankedLists.of([[("a", 1.0)]], 1), Judgements.of([{}])
    for ours, _ in ours_and_theirs:
        assert np.isnan(ours(lists, judged, 1)).all()
    assert np.isnan(dead_qrel_ratio(judged, np.zeros((1, 0), np.bool_))).all()


def test_dead_judgements() -> None:
    judged = Judgements.of([{"a": 1.0, "b": 0.0}, {"c": 1.0}, {}])
    live = np.array([[True, False], [False, False], [False, False]])
    np.testing.assert_array_equal(dead_qrel_ratio(judged, live), [0.5, 1.0, np.nan])
