"""The bootstrap distribution that is worked out, against draws, closed forms and Clopper and Pearson."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.core.judging import beta
from monitor.core.judging.resampling import Clusters, excess, lower, probability, upper

FACTORS = st.floats(-100.0, 100.0).filter(lambda factor: abs(factor) > 1e-3)


def singletons(values: list[float]) -> Clusters:
    return Clusters.of(np.array(values), np.ones(len(values)), np.arange(len(values)))


@given(FACTORS, FACTORS)
def test_two_exponentials_in_closed_form(one: float, other: float) -> None:
    found = probability(np.array([one, other]), np.ones(2))
    if one * other > 0.0:
        assert found == float(one < 0.0)
    else:
        most, least = max(one, other), min(one, other)
        assert found == pytest.approx(-least / (most - least), rel=1e-8)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.02, 0.98))
def test_two_kinds_are_a_beta_distribution(above: int, below: int, limit: float) -> None:
    """P(sum of a of n exponentials / sum of all <= t) is Beta(a, n - a)."""
    found = probability(np.array([1.0 - limit, -limit]), np.array([above, below], np.float64))
    assert found == pytest.approx(stats.beta.cdf(limit, above, below), rel=1e-7, abs=1e-11)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_any_factors_against_draws(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    factors = generator.standard_normal(count) * generator.gamma(0.5, size=count) + 0.2 * generator.standard_normal()
    drawn = np.count_nonzero(generator.exponential(size=(40_000, count)) @ factors <= 0.0) / 40_000
    assert probability(factors, np.ones(count)) == pytest.approx(drawn, abs=5 * 0.5 / math.sqrt(40_000))


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_for_zeros_and_ones_it_is_clopper_pearson(case: tuple[int, int], limit: float) -> None:
    harmed, n = case
    clusters = singletons([1.0] * harmed + [0.0] * (n - harmed))
    assert upper(clusters, 1.0, 0.05) == pytest.approx(beta.share_upper(harmed, n, 0.05), abs=1e-7)
    assert lower(clusters, 0.0, 0.05) == pytest.approx(beta.share_lower(harmed, n, 0.05), abs=1e-7)
    assert excess(clusters, 0.0, limit) == pytest.approx(beta.share_excess(harmed, n, limit), rel=1e-4, abs=1e-12)


def test_equal_values_are_no_proof() -> None:
    """No harm in five anchors: the mean swap of ten may still be 10 times the bound of the share."""
    clusters = singletons([0.0] * 5)
    assert upper(clusters, 10.0, 0.05) == pytest.approx(10.0 * (1.0 - 0.05**0.2), abs=1e-6)
    assert lower(clusters, 0.0, 0.05) == 0.0
    full = singletons([10.0] * 5)
    assert upper(full, 10.0, 0.05) == 10.0
    assert lower(full, 0.0, 0.05) == pytest.approx(10.0 * 0.05**0.2, abs=1e-6)


def test_anchors_of_one_document_are_one_witness() -> None:
    values, weights = np.tile([0.0, 4.0, 1.0, 2.0], 10), np.ones(40)
    apart = Clusters.of(values, weights, np.arange(40))
    together = Clusters.of(values, weights, np.repeat(np.arange(4), 10) * 0 + np.tile(np.arange(4), 10))
    assert apart.mean == together.mean == pytest.approx(1.75)
    assert together.count == 4
    assert upper(together, 10.0, 0.05) > upper(apart, 10.0, 0.05)
    assert lower(together, 0.0, 0.05) < lower(apart, 0.0, 0.05)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 4), st.integers(0, 6)), min_size=1, max_size=30))
def test_bounds_enclose_and_do_not_depend_on_order_or_scale(rows: list[tuple[int, int, int]]) -> None:
    values, weights, members = (np.array(column) for column in zip(*rows, strict=True))
    clusters = Clusters.of(values.astype(float), weights.astype(float), members)
    low, high = lower(clusters, 0.0, 0.05), upper(clusters, 10.0, 0.05)
    assert 0.0 <= low <= clusters.mean + 1e-9
    assert clusters.mean - 1e-9 <= high <= 10.0
    turned = Clusters.of(values[::-1].astype(float), 3.0 * weights[::-1], 7 - members[::-1])
    assert upper(turned, 10.0, 0.05) == pytest.approx(high, abs=1e-6)
    assert excess(clusters, 0.0, low) == pytest.approx(0.05, abs=1e-4) or low in (0.0, clusters.mean)


def test_nothing_gives_nothing() -> None:
    empty = singletons([])
    assert empty.count == 0
    assert math.isnan(empty.mean)
    assert math.isnan(singletons([1.0]).deviation)
