"""The bound of normal churn: hand-worked, against a search over a grid, coverage, and its properties."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.alarms.normal import normal_churn

VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


def wealth(churn: list[float], mean: float) -> float:
    """The bettors' mean wealth, multiplied out."""
    whole = 0.0
    for at in range(6):
        bet, made = 0.5**at / (1.0 - mean), 1.0
        for x in churn:
            made *= 1.0 - bet * (x - mean)
        whole += made * (0.5 if at == 0 else 0.1)
    return whole


def test_zeros_worked_by_hand() -> None:
    """Zeros against m: bettor j has (1 + 2^-j m / (1 - m))^n; at n = 1 the sum is linear in m / (1 - m)."""
    slope = 0.5 + 0.1 * sum(0.5**at for at in range(1, 6))
    odds = 19.0 / slope
    assert normal_churn([0.0]) == pytest.approx(odds / (1.0 + odds), rel=1e-9)


@given(VALUES)
def test_it_is_where_the_wealth_reaches_twenty(churn: list[float]) -> None:
    bound = normal_churn(churn)
    assert wealth(churn, min(bound, 1.0 - 1e-9) * (1.0 - 1e-6)) <= 20.0 * (1.0 + 1e-6)
    if bound < 1.0 - 1e-6:
        assert wealth(churn, bound * (1.0 + 1e-6)) >= 20.0 * (1.0 - 1e-6)


@given(VALUES)
def test_it_is_above_the_mean_and_within_the_range(churn: list[float]) -> None:
    assert np.mean(churn) <= normal_churn(churn) * (1.0 + 1e-9) <= 1.0 + 1e-9


@given(VALUES, st.randoms())
def test_the_order_does_not_matter(churn: list[float], random: object) -> None:
    mixed = list(churn)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert normal_churn(mixed) == normal_churn(churn)


@given(VALUES, st.floats(0.0, 1.0))
def test_more_churn_is_a_higher_bound(churn: list[float], more: float) -> None:
    assert normal_churn([max(churn[0], more), *churn[1:]]) >= normal_churn(churn) - 1e-9


def test_nothing_approved_and_all_of_it_churn_bound_nothing() -> None:
    assert normal_churn([]) == 1.0
    assert normal_churn([1.0] * 500) == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
def test_what_is_no_share_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"approved churn: expected numbers in \[0, 1\]"):
        normal_churn([0.1, wrong])


@pytest.mark.parametrize("law", ["rare", "two-point", "beta"])
def test_it_covers_the_mean(law: str) -> None:
    """Of 400 samples of 100 rounds the bound lies below the mean in 5% at most; 33 are three deviations more."""
    generator = np.random.default_rng(7)
    draw: Callable[[], NDArray[np.float64]] = {
        "rare": lambda: (generator.random(100) < 0.02) * 1.0,
        "two-point": lambda: np.where(generator.random(100) < 0.5, 0.0, 0.04),
        "beta": lambda: generator.beta(0.2, 9.8, 100),
    }[law]
    missed = sum(normal_churn(draw()) < 0.02 for _ in range(400))
    assert missed <= 33
