"""Segments: weighted means, quantiles and shares against numpy, segment by segment."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.measures.formulas.aggregate import LEVELS, Ordered, mean_by_segment

Matrix = NDArray[np.float64]
NAN = float("nan")


@st.composite
def tables(draw: st.DrawFn) -> tuple[Matrix, Matrix, NDArray[np.int64], int]:
    """Columns with ties and NaN, positive weights (floats that do not add exactly), segments, some empty."""
    columns, anchors, count = draw(st.integers(1, 3)), draw(st.integers(1, 12)), draw(st.integers(1, 4))
    value = st.one_of(st.integers(-3, 3).map(lambda x: x / 3), st.just(NAN))
    weight = st.one_of(st.just(1.0), st.sampled_from([0.1, 0.2, 0.3, 0.7, 5.0]), st.floats(1e-6, 1e6))
    values = draw(st.lists(value, min_size=columns * anchors, max_size=columns * anchors))
    weights = draw(st.lists(weight, min_size=anchors, max_size=anchors))
    groups = draw(st.lists(st.integers(0, count - 1), min_size=anchors, max_size=anchors))
    table, masses, segments = (
        np.array(values).reshape(columns, anchors),
        np.array(weights),
        np.array(groups, np.int64),
    )
    for array in (table, masses, segments):
        array.flags.writeable = False
    return table, masses, segments, count


@given(tables())
def test_every_segment_equals_numpy(table: tuple[Matrix, Matrix, NDArray[np.int64], int]) -> None:
    values, weights, groups, count = table
    means = mean_by_segment(*table)
    quantiles = Ordered.of(values, weights).quantiles(groups, count)
    for column, segment in np.ndindex(len(values), count):
        inside = (groups == segment) & ~np.isnan(values[column])
        assert means.n[column, segment] == np.count_nonzero(inside)
        if not inside.any():
            assert np.isnan(means.mean[column, segment])
            assert np.isnan(quantiles[:, column, segment]).all()
            continue
        v, w = values[column, inside], weights[inside]
        assert means.mean[column, segment] == pytest.approx(np.average(v, weights=w), rel=1e-12, abs=1e-12)
        # equal values stay in anchor order on both sides, so that the running weights round alike
        order = np.argsort(v, kind="stable")
        expected = np.quantile(v[order], LEVELS, method="inverted_cdf", weights=w[order])
        np.testing.assert_array_equal(quantiles[:, column, segment], expected)


@given(tables(), st.randoms(use_true_random=False))
def test_an_order_mended_is_the_order_sorted(
    table: tuple[Matrix, Matrix, NDArray[np.int64], int], random: Random
) -> None:
    values, weights, *_ = table
    near = np.array([random.sample(range(values.shape[1]), values.shape[1]) for _ in values], np.int64)
    np.testing.assert_array_equal(Ordered.of(values, weights, near).order, Ordered.of(values, weights).order)


@pytest.mark.parametrize("moved", [0, 1, 20, 1000])
def test_a_few_values_that_moved_are_put_in_their_places(moved: int) -> None:
    """With a thousand others it is cheaper to sort anew; the order is the same."""
    rng = np.random.default_rng(moved)
    before, weights = np.round(rng.random((2, 1000)), 2), np.ones(1000)
    values = before.copy()
    values[:, rng.choice(1000, moved, replace=False)] = rng.choice([NAN, 0.0, -0.0, 0.5], moved)
    mended = Ordered.of(values, weights, Ordered.of(before, weights).order)
    np.testing.assert_array_equal(mended.order, np.argsort(values, axis=1, kind="stable"))


@pytest.mark.parametrize("anchors", [1, 7, 20, 1000, 5000])
def test_many_anchors_equal_numpy(anchors: int) -> None:
    rng = np.random.default_rng(anchors)
    values, weights = np.round(rng.random((3, anchors)), 2), rng.random(anchors) + 0.01
    groups = rng.integers(0, 5, anchors)
    quantiles = Ordered.of(values, weights).quantiles(groups, 5)
    for column, segment in np.ndindex(3, 5):
        inside = groups == segment
        if inside.any():
            expected = np.quantile(values[column, inside], LEVELS, method="inverted_cdf", weights=weights[inside])
            np.testing.assert_array_equal(quantiles[:, column, segment], expected)


def test_by_hand() -> None:
    values = np.array([[0.0, 1.0, 2.0, 3.0, NAN]])
    weights, groups = np.array([1.0, 1.0, 1.0, 7.0, 9.0]), np.zeros(5, np.int64)
    means = mean_by_segment(values, weights, groups, 1)
    assert (means.mean.item(), means.n.item(), means.covered.item()) == (2.4, 4, 10 / 19)
    assert Ordered.of(values, weights).quantiles(groups, 1)[:, 0, 0].tolist() == [0.0, 3.0, 3.0]


def test_perfect_columns_stay_perfect_whatever_the_weights() -> None:
    weights = np.random.default_rng(7).random(5000) + 0.1
    ones, zeros = np.ones((1, 5000)), np.zeros((1, 5000))
    groups = np.arange(5000) % 7
    assert set(mean_by_segment(ones, weights, groups, 7).mean.ravel()) == {1.0}
    assert set(mean_by_segment(zeros, weights, groups, 7).mean.ravel()) == {0.0}


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_anchors_does_not_matter(
    table: tuple[Matrix, Matrix, NDArray[np.int64], int], random: Random
) -> None:
    values, weights, groups, count = table
    weights = np.ceil(weights)  # whole numbers add exactly, in any order
    shuffled = np.array(random.sample(range(len(weights)), len(weights)))
    there = Ordered.of(values, weights).quantiles(groups, count)
    back = Ordered.of(values[:, shuffled], weights[shuffled]).quantiles(groups[shuffled], count)
    np.testing.assert_array_equal(there, back)


@pytest.mark.parametrize("weight", [0.0, -1.0, NAN, float("inf")])
def test_weights_must_be_positive_and_finite(weight: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 weights are not positive and finite"):
        Ordered.of(np.zeros((1, 2)), np.array([1.0, weight]))


def test_nothing_to_aggregate() -> None:
    values, none = np.zeros((2, 0)), np.zeros(0, np.int64)
    assert mean_by_segment(values, np.ones(0), none, 3).n.tolist() == [[0] * 3] * 2
    assert np.isnan(Ordered.of(values, np.ones(0)).quantiles(none, 3)).all()
    assert mean_by_segment(np.zeros((0, 2)), np.ones(2), np.zeros(2, np.int64), 1).mean.shape == (0, 1)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match=r"values \(1, 2\), weights \(3,\)"):
        mean_by_segment(np.zeros((1, 2)), np.ones(3), np.zeros(3, np.int64), 1)
