"""The incomplete beta function and what rests on it, against scipy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.core.judging import beta

SHAPES = st.floats(0.5, 5_000.0)


@given(SHAPES, SHAPES, st.floats(0.0, 1.0))
def test_incomplete_beta_is_scipys(a: float, b: float, x: float) -> None:
    assert beta.incomplete_beta(a, b, x) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-7, abs=1e-12)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_is_scipys_exact_interval(case: tuple[int, int]) -> None:
    harmed, n = case
    interval = stats.binomtest(harmed, n).proportion_ci(0.9, "exact")  # two-sided 90%: one-sided 95% at each end
    assert beta.share_lower(harmed, n, 0.05) == pytest.approx(interval.low, abs=1e-9)
    assert beta.share_upper(harmed, n, 0.05) == pytest.approx(interval.high, abs=1e-9)
    assert beta.share_lower(harmed, n, 0.05) <= harmed / n <= beta.share_upper(harmed, n, 0.05)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.99))
def test_the_p_value_is_the_binomial_tail(case: tuple[int, int], limit: float) -> None:
    harmed, n = case
    expected = stats.binom.sf(harmed - 1, n, limit)
    assert beta.share_excess(harmed, n, limit) == pytest.approx(expected, rel=1e-7, abs=1e-14)


@given(st.floats(-30.0, 30.0), st.integers(1, 500))
def test_student_is_scipys(t: float, freedom: int) -> None:
    assert beta.student_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-6, abs=1e-14)


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 400])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 0.001])
def test_students_quantile_is_scipys(freedom: int, alpha: float) -> None:
    assert beta.student_quantile(alpha, freedom) == pytest.approx(stats.t.isf(alpha, freedom), rel=1e-6, abs=1e-6)


def test_five_unharmed_anchors_prove_little() -> None:
    assert beta.share_upper(0, 5, 0.05) == pytest.approx(0.4507, abs=1e-4)
    assert beta.share_lower(0, 5, 0.05) == 0.0
    assert beta.share_upper(5, 5, 0.05) == 1.0


def test_ends() -> None:
    assert (beta.incomplete_beta(2.0, 3.0, -1.0), beta.incomplete_beta(2.0, 3.0, 2.0)) == (0.0, 1.0)
    assert math.isclose(beta.student_tail(0.0, 3.0), 0.5)
