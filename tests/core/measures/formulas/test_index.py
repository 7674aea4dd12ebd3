"""Recall and score parity of served against exact lists: hand-worked, brute force, empty, ties, NaN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas.index import ann_recall, score_parity
from monitor.core.model.lists import RankedLists

Row = list[tuple[str, float]] | None


def lists(*rows: Row) -> RankedLists:
    return RankedLists.of(rows, 3)


def recall(served: Row, exact: Row, dead: tuple[int, ...] = (), eps: float = 0.0) -> float:
    live = np.ones((1, 3), np.bool_)
    live[0, list(dead)] = False
    return float(ann_recall(lists(served), lists(exact), live, eps=eps)[0])


EXACT: Row = [("a", 0.9), ("b", 0.8), ("c", 0.7)]


@pytest.mark.parametrize(
    ("served", "exact", "value"),
    [
        (EXACT, EXACT, 1.0),
        ([("a", 0.9), ("b", 0.8), ("d", 0.6)], EXACT, 2 / 3),
        ([("a", 0.9), ("b", 0.8), ("d", 0.7)], EXACT, 1.0),  # a tie at the cut is a hit
        ([("a", 0.9)], EXACT, 1 / 3),
        ([], EXACT, 0.0),
        ([("a", 0.9)], [], 0.0),
        ([], [], math.nan),
        (None, EXACT, math.nan),
        (EXACT, None, math.nan),
    ],
)
def test_recall_by_hand(served: Row, exact: Row, value: float) -> None:
    assert recall(served, exact) == pytest.approx(value, nan_ok=True)


def test_a_ghost_is_a_miss() -> None:
    assert recall(EXACT, EXACT, dead=(0,)) == pytest.approx(2 / 3)


def test_eps_forgives_rounding() -> None:
    served: Row = [("a", 0.9), ("b", 0.8), ("d", 0.7 - 1e-9)]
    assert recall(served, EXACT) == pytest.approx(2 / 3)
    assert recall(served, EXACT, eps=1e-6) == 1.0


SCORES = st.lists(st.floats(0.01, 1.0), max_size=3).map(lambda found: sorted(found, reverse=True))


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=8))
def test_against_brute_force(rows: list[tuple[list[float], list[float]]]) -> None:
    served = RankedLists.of([[(f"s{i}", x) for i, x in enumerate(one)] for one, _ in rows], 3)
    exact = RankedLists.of([[(f"e{i}", x) for i, x in enumerate(two)] for _, two in rows], 3)
    live = np.ones(served.keys.shape, np.bool_)
    found, parity = ann_recall(served, exact, live, eps=0.0), score_parity(served, exact, distances=False)
    for at, (one, two) in enumerate(rows):
        if not two:
            expected = math.nan if not one else 0.0
        else:
            expected = min(len(two), sum(x >= two[-1] for x in one)) / len(two)
        assert found[at] == pytest.approx(expected, nan_ok=True)
        ratio = sum(one) / sum(two) if one and two else math.nan
        assert parity[at] == pytest.approx(ratio, nan_ok=True)


def test_parity_of_distances_is_turned_round() -> None:
    served, exact = lists([("a", -2.0), ("b", -4.0)]), lists([("a", -1.0), ("b", -2.0)])
    assert score_parity(served, exact, distances=True)[0] == pytest.approx(0.5)


def test_parity_means_nothing_with_a_score_that_is_not_positive() -> None:
    served, exact = lists([("a", 0.5), ("b", 0.0)]), lists([("a", 0.5), ("b", 0.1)])
    assert math.isnan(score_parity(served, exact, distances=False)[0])
