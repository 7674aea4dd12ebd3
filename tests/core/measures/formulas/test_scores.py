"""Levels, drops, gaps and crossings by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from monitor.core.measures.formulas import scores
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas import singles
from tests.core.measures.formulas.rows import lists, pairs, plain_scores

NAN = float("nan")
BEFORE = lists([[(1, 0.9), (2, 0.7)], [(1, 0.5)], [], None, [(1, 0.6), (2, 0.6)]], 3)
AFTER = lists([[(3, 0.8), (1, 0.75)], [(1, 0.6), (2, 0.1)], [(1, 0.3)], [(1, 0.3)], [(1, 0.55), (2, 0.5)]], 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (scores.top1_score(BEFORE), [0.9, 0.5, NAN, NAN, 0.6]),
        (singles.top1_score_drop(BEFORE, AFTER), [0.1, -0.1, NAN, NAN, 0.05]),
        (scores.gap(BEFORE), [0.2, NAN, NAN, NAN, 0.0]),
        (scores.gap(AFTER), [0.05, 0.5, NAN, NAN, 0.05]),
        (singles.gap_drop(BEFORE, AFTER), [0.15, NAN, NAN, NAN, -0.05]),
        (scores.confidence_crossing(BEFORE, AFTER), [NAN] * 5),
        (scores.confidence_crossing(BEFORE, AFTER, score=0.6), [0.0, 1.0, NAN, NAN, 1.0]),
        (scores.confidence_crossing(BEFORE, AFTER, gap_at=0.1), [1.0, NAN, NAN, NAN, 0.0]),
        (scores.confidence_crossing(BEFORE, AFTER, score=0.6, gap_at=0.1), [1.0, 1.0, NAN, NAN, 1.0]),
    ],
)
def test_by_hand(values: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_what_stands_in_an_unknown_row_means_nothing() -> None:
    hidden = replace(BEFORE, known=np.zeros(5, np.bool_))
    for column in (scores.top1_score(hidden), scores.gap(hidden), singles.top1_score_drop(hidden, AFTER)):
        assert np.isnan(column).all()


def test_a_value_at_the_threshold_has_not_crossed() -> None:
    np.testing.assert_array_equal(
        scores.crossed(np.array([0.5, 0.5, 0.6]), np.array([0.6, 0.4, 0.5]), 0.5), [0.0, 1.0, 0.0]
    )


def test_lists_of_depth_one_have_no_gap() -> None:
    assert np.isnan(scores.gap(lists([[(1, 0.5)]], 1))).all()


@given(pairs())
def test_every_anchor_equals_the_plain_definition(pair: tuple[RankedLists, RankedLists]) -> None:
    before, after = pair
    drop, lost = singles.top1_score_drop(before, after), singles.gap_drop(before, after)
    for anchor in range(len(before)):
        b, c = plain_scores(before, anchor, 9), plain_scores(after, anchor, 9)
        both = bool(before.known[anchor] and after.known[anchor])
        np.testing.assert_array_equal(drop[anchor], b[0] - c[0] if both and b and c else NAN)
        enough = both and min(len(b), len(c)) >= 2
        np.testing.assert_array_equal(lost[anchor], (b[0] - b[1]) - (c[0] - c[1]) if enough else NAN)
    np.testing.assert_array_equal(-drop, singles.top1_score_drop(after, before))
    assert not np.any(scores.gap(before) < 0.0)
    assert not np.any(scores.confidence_crossing(before, before, score=0.1, gap_at=0.1) > 0.0)
