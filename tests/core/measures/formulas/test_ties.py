"""Ties at the cut are neither churn nor movement."""

import numpy as np
import pytest
from hypothesis import given

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import swaps
from monitor.core.measures.formulas.ties import settle_ties
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas.rows import lists, pairs, same_bits
from tests.core.measures.formulas.singles import rank_churn

EPS = 1e-6


def scored(text: str) -> list[tuple[int, float]]:
    """A list written as letter and score in tenths: "a9 b5 c5"."""
    return [(ord(item[0]), int(item[1:]) / 10) for item in text.split()]


@pytest.mark.parametrize(
    ("before", "after", "settled"),
    [
        ("a9 b5 c5", "a9 b5 d5", "abc"),  # c or d, equally good: the index took another one
        ("a9 b5 c5", "a9 c5 d5", "abc"),  # the exchange shifts the ranks inside the tie: undone too
        ("a9 b5 c5", "a9 d5 e5", "abc"),
        ("a9 b5 c5", "a9 c5 b5", "abc"),  # only the order inside the tie
        ("a9 b5 c5", "a9 b5 d6", "abd"),  # d is better than the cut: real
        ("a9 b6 c5", "a9 c5 d5", "acd"),  # b was better than the cut: real churn stays
        ("a9 b5 c5", "a9 b4 d4", "abd"),  # the level of the cut moved: real
        ("x9 b5 c5", "a9 b5 d5", "abc"),  # the tie is settled, the new first result stays
        ("a9 b5", "a9 c5", "ac"),  # not full: nothing was cut
        ("a9 b5 c5", "a9 b5", "ab"),
    ],
)
def test_by_hand(before: str, after: str, settled: str) -> None:
    baseline, current = lists([scored(before)], 3), lists([scored(after)], 3)
    made = settle_ties(baseline, current, EPS)
    assert "".join(chr(key) for key in made.keys[0] if key >= 0) == settled
    np.testing.assert_array_equal(made.scores, current.scores)


def test_scores_within_eps_tie() -> None:
    baseline = lists([[(1, 0.9), (2, 0.5)]], 2)
    current = lists([[(1, 0.9), (3, 0.5000004)]], 2)
    assert settle_ties(baseline, current, EPS).keys.tolist() == [[1, 2]]
    assert settle_ties(baseline, current, 1e-9) is current


@given(pairs(same_depth=True))
def test_settling_never_adds_churn(pair: tuple[RankedLists, RankedLists]) -> None:
    baseline, current = pair
    settled = settle_ties(baseline, current, EPS)
    depth, known = baseline.depth, baseline.known & current.known
    raw, calm = overlap(baseline, current), overlap(baseline, settled)
    assert np.all(swaps(calm, depth)[known] <= swaps(raw, depth)[known])
    assert np.all(rank_churn(calm, depth).total[known] <= rank_churn(raw, depth).total[known] + 1e-15)
    assert all(len({*row[row >= 0]}) == np.count_nonzero(row >= 0) for row in settled.keys)
    assert same_bits(settle_ties(baseline, settled, EPS).keys, settled.keys)
    assert settle_ties(baseline, baseline, EPS) is baseline


@pytest.mark.parametrize(("depth", "eps"), [(3, 0.0), (2, -1.0), (2, float("nan"))])
def test_wrong_arguments(depth: int, eps: float) -> None:
    with pytest.raises(ValueError, match="expected equal shapes and eps >= 0"):
        settle_ties(lists([scored("a9 b5")], 2), lists([scored("a9 b5")], depth), eps)
