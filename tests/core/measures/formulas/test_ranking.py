"""Ranking stability: hand-worked tables, slow oracles, the rbo package, properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas import ranking
from monitor.core.measures.formulas.overlap import Overlap, overlap
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas import oracles, singles
from tests.core.measures.formulas.rows import keyed, lists, pairs, plain

LETTERS = "abcdefghij"


def one(before: str | None, after: str | None, depth: int) -> Overlap:
    return overlap(keyed([before], depth), keyed([after], depth))


@pytest.mark.parametrize(("swapped", "expected"), [(0, 1.0), (1, 0.818), (2, 0.667), (3, 0.538), (10, 0.0)])
def test_jaccard_of_swaps_at_ten(swapped: int, expected: float) -> None:
    pair = one(LETTERS, LETTERS[swapped:] + "0123456789"[:swapped], 10)
    assert ranking.jaccard(pair, 10)[0] == pytest.approx(expected, abs=5e-4)
    assert ranking.swaps(pair, 10)[0] == swapped


def test_agreement_of_the_example_in_the_paper_on_indefinite_rankings() -> None:
    pair = one("abcdefg", "zcavwxy", 7)
    assert pair.shared[:, 0].tolist() == [0, 0, 2, 2, 2, 2, 2]
    agreements = [0, 0, 2 / 3, 2 / 4, 2 / 5, 2 / 6, 2 / 7]
    expected = sum(0.1 * 0.9**d * agreement for d, agreement in enumerate(agreements)) + 2 / 7 * 0.9**7
    assert ranking.rbo_ext(pair, 7)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("abc", "abc", 1.0),
        ("abc", "xyz", 0.0),
        ("", "", 1.0),
        ("abc", "", 0.0),
        ("", "x", 0.0),
        ("a", "ab", 1.0),  # a prefix: nothing seen disagrees
        ("ab", "ba", 0.9),  # agreement 0, 1: (1 - p) (0 + p) + p^2 = p
    ],
)
def test_rbo_by_hand(before: str, after: str, expected: float) -> None:
    assert ranking.rbo_ext(one(before, after, 3), 3)[0] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("before", "after", "cost"),
    [
        ("abc", "abc", 0.0),
        ("abc", "acb", 1.0),
        ("abc", "cba", 3.0),
        ("ab", "ac", 1.0),  # b and c each in one list only
        ("ab", "bc", 2.0),  # a ahead of b although absent from C; a against c
        ("ab", "cd", 5.0),  # four mixed pairs, and half for each pair inside one list
        ("abc", "xyz", 12.0),  # k (3k - 1) / 2
        ("abc", "", 1.5),
    ],
)
def test_kendall_by_hand(before: str, after: str, cost: float) -> None:
    worst = len(before) * len(after) + (len(before) * (len(before) - 1) + len(after) * (len(after) - 1)) / 4
    assert singles.kendall_distance(one(before, after, 3), 3)[0] == cost / worst


@pytest.mark.parametrize(
    ("before", "after", "terms"),
    [
        ("abc", "abc", (0, 0, 0)),
        ("abc", "acb", (2, 0, 0)),
        ("abc", "abd", (0, 1, 1)),  # the last place counts least
        ("abc", "dab", (2, 1, 3)),
        ("abc", "xyz", (0, 6, 6)),
    ],
)
def test_rank_churn_by_hand(before: str, after: str, terms: tuple[int, int, int]) -> None:
    churn = singles.rank_churn(one(before, after, 3), 3)
    assert (churn.moved[0] * 12, churn.exited[0] * 12, churn.entered[0] * 12) == pytest.approx(terms)
    assert churn.total[0] == sum(terms) / 12


@pytest.mark.parametrize(
    ("before", "after", "jaccard", "swaps", "kendall", "churn", "top1"),
    [("", "", 1, 0, 0, 0, 0), ("a", "", 0, 1, 0, 1, 1), ("", "a", 0, 1, 0, 1, 1), ("a", "b", 0, 1, 1, 1, 1)],
)
def test_empty_lists(
    before: str, after: str, jaccard: float, swaps: float, kendall: float, churn: float, top1: float
) -> None:
    pair = one(before, after, 4)
    assert ranking.jaccard(pair, 4)[0] == jaccard
    assert ranking.swaps(pair, 4)[0] == swaps
    assert singles.kendall_distance(pair, 4)[0] == kendall
    assert singles.rank_churn(pair, 4).total[0] == churn
    assert ranking.top1_changed(pair)[0] == top1


def test_unknown_lists_are_nan() -> None:
    pair = overlap(keyed(["ab", None, None], 2), keyed([None, "ab", None], 2))
    churn = singles.rank_churn(pair, 2)
    columns = (
        *(f(pair, 2) for f in (ranking.jaccard, ranking.swaps, ranking.rbo_ext, singles.kendall_distance)),
        *(churn.total, churn.moved, churn.exited, churn.entered, ranking.top1_changed(pair)),
    )
    assert all(np.isnan(column).all() for column in columns)


def test_coin_flips_at_the_top_are_left_out() -> None:
    pair = overlap(keyed(["ab", "ab", "ab", "a"], 2), keyed(["ba", "ba", "ab", "b"], 2))
    decided = singles.top1_changed_decided(pair, np.array([0.01, 0.3, 0.3, np.nan]), 0.05)
    np.testing.assert_array_equal(decided, [np.nan, 1.0, 0.0, np.nan])


def test_a_gap_equal_to_the_noise_is_noise() -> None:
    assert np.isnan(singles.top1_changed_decided(one("ab", "ba", 2), np.array([0.05]), 0.05)[0])


@pytest.mark.parametrize("p", [0.0, 1.0, -1.0, float("nan")])
def test_persistence_outside_of_its_range(p: float) -> None:
    with pytest.raises(ValueError, match="expected 0 < p < 1"):
        ranking.rbo_ext(one("a", "a", 1), 1, p)


@given(pairs(), st.sampled_from([0.5, 0.9, 0.98]))
def test_every_depth_equals_the_slow_versions(pair: tuple[RankedLists, RankedLists], p: float) -> None:
    matched = overlap(*pair)
    for depth in range(1, matched.depth + 1):
        churn = singles.rank_churn(matched, depth)
        for anchor in np.flatnonzero(matched.known).tolist():
            b, c = (plain(side, anchor, depth) for side in pair)
            assert ranking.jaccard(matched, depth)[anchor] == oracles.jaccard(b, c)
            assert ranking.swaps(matched, depth)[anchor] == oracles.swaps(b, c)
            assert ranking.rbo_ext(matched, depth, p)[anchor] == pytest.approx(oracles.rbo_ext(b, c, p), abs=1e-12)
            assert singles.kendall_distance(matched, depth)[anchor] == oracles.kendall_distance(b, c)
            terms = (churn.moved[anchor], churn.exited[anchor], churn.entered[anchor])
            assert terms == oracles.footrule(b, c, depth)
            assert churn.total[anchor] == pytest.approx(sum(terms), abs=1e-15)
            assert ranking.top1_changed(matched)[anchor] == float(b[:1] != c[:1])


@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")  # the package's own, from Python 3.12 on
@given(pairs(max_anchors=2, max_depth=12), st.sampled_from([0.5, 0.9, 0.98]))
def test_rbo_equals_the_rbo_package(pair: tuple[RankedLists, RankedLists], p: float) -> None:
    rbo = pytest.importorskip("rbo", reason="the rbo package is locked for CI only: it declares numpy<2")
    matched = overlap(*pair)
    values = ranking.rbo_ext(matched, matched.depth, p)
    for anchor in np.flatnonzero(matched.known).tolist():
        b, c = (plain(side, anchor, matched.depth) for side in pair)
        assert values[anchor] == pytest.approx(rbo.RankingSimilarity(b, c).rbo_ext(p), abs=1e-12)


@pytest.mark.parametrize("depth", [50, 300])
def test_long_lists_equal_the_slow_versions(depth: int) -> None:
    rng = np.random.default_rng(depth)
    drawn = [[rng.permutation(depth + 20)[: rng.integers(depth // 2, depth + 1)] for _ in range(4)] for _ in range(2)]
    sides = [lists([[(int(key), 0.0) for key in row] for row in rows], depth) for rows in drawn]
    matched = overlap(*sides)
    churn, kendall = singles.rank_churn(matched, depth), singles.kendall_distance(matched, depth)
    for anchor in range(4):
        b, c = (plain(side, anchor, depth) for side in sides)
        assert ranking.rbo_ext(matched, depth)[anchor] == pytest.approx(oracles.rbo_ext(b, c, 0.9), abs=1e-12)
        assert (churn.moved[anchor], churn.exited[anchor], churn.entered[anchor]) == oracles.footrule(b, c, depth)
        assert depth > 50 or kendall[anchor] == oracles.kendall_distance(b, c)  # the slow one is O(k^3)


@given(pairs(same_depth=True))
def test_identity_range_and_symmetry(pair: tuple[RankedLists, RankedLists]) -> None:
    before, after = pair
    there, back, still = overlap(before, after), overlap(after, before), overlap(before, before)
    depth, known = there.depth, there.known
    for measured, same in (
        (ranking.jaccard, 1.0),
        (ranking.rbo_ext, 1.0),
        (singles.kendall_distance, 0.0),
        (ranking.swaps, 0.0),
    ):
        values = measured(there, depth)[known]
        np.testing.assert_allclose(values, measured(back, depth)[known], rtol=0, atol=1e-15)
        assert np.all((values >= 0.0) & (values <= (depth if measured is ranking.swaps else 1.0)))
        assert np.all(measured(still, depth)[before.known] == same)
    there_churn, back_churn = singles.rank_churn(there, depth), singles.rank_churn(back, depth)
    np.testing.assert_array_equal(there_churn.total, back_churn.total)
    np.testing.assert_array_equal(there_churn.exited, back_churn.entered)
    assert np.all((there_churn.total[known] >= 0.0) & (there_churn.total[known] <= 1.0))
    assert np.all(singles.rank_churn(still, depth).total[before.known] == 0.0)
