"""Shares against hand-worked numbers, published intervals and a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from monitor.core.traffic.shares import capped_weights, effective_size, unseen_mass, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 400), (399, 400)])
def test_wilson_is_scipys(hits: int, n: int) -> None:
    found, told = wilson(hits / n, n), binomtest(hits, n).proportion_ci(method="wilson")
    assert (found.lower, found.upper) == pytest.approx((told.low, told.high), abs=1e-12)


def test_wilson_of_nothing_knows_nothing() -> None:
    for found in (wilson(0.3, 0.0), wilson(math.nan, 5.0)):
        assert math.isnan(found.share)
        assert (found.lower, found.upper, found.n) == (0.0, 1.0, 0.0)


@given(st.floats(0, 1), st.floats(0.01, 1e7))
def test_wilson_holds_its_share(share: float, n: float) -> None:
    found = wilson(share, n)
    assert 0.0 <= found.lower <= found.share <= found.upper <= 1.0


@given(st.lists(st.integers(0, 10**6), max_size=40), st.floats(0.001, 1))
def test_no_client_weighs_more_than_its_cap(counts: list[int], most: float) -> None:
    weights = capped_weights(counts, most)
    assert (weights <= np.array(counts)).all()
    assert (weights <= most * sum(counts)).all()


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=40))
def test_effective_size_lies_between_one_and_all(weights: list[float]) -> None:
    assert 1.0 - 1e-9 <= effective_size(weights) <= len(weights) + 1e-6
    assert effective_size([7.0 * of for of in weights]) == pytest.approx(effective_size(weights))


def test_effective_size_of_nothing_is_nothing() -> None:
    assert effective_size([]) == effective_size([0.0, 0.0]) == 0.0


def test_good_turing_by_hand() -> None:
    # 5 asks: two questions once, one three times; f1 = 2, f2 = 0
    found = unseen_mass([1, 1, 3])
    assert found.share == pytest.approx(0.4)
    half = 1.959963984540054 * math.sqrt(2 * 0.6) / 5
    assert (found.lower, found.upper) == pytest.approx((0.4 - half if half < 0.4 else 0.0, 0.4 + half))


def test_good_turing_where_the_formula_has_no_width() -> None:
    assert unseen_mass([1, 1, 1]).lower < 1.0 == unseen_mass([1, 1, 1]).upper
    assert unseen_mass([5, 5]).upper > 0.0 == unseen_mass([5, 5]).lower
    assert math.isnan(unseen_mass([]).share)


def test_good_turing_meets_the_unseen_mass_of_a_known_distribution() -> None:
    generator = np.random.default_rng(0)
    probabilities = 1.0 / np.arange(1, 3_001)
    probabilities /= probabilities.sum()
    held = 0
    for _ in range(200):
        drawn = np.bincount(generator.choice(3_000, 2_000, p=probabilities), minlength=3_000)
        found, true = unseen_mass(drawn.tolist()), probabilities[drawn == 0].sum()
        held += found.lower <= true <= found.upper
    assert held >= 184  # 95% of 200, less three standard errors
