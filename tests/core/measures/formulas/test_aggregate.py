"""Segments: weighted means, quantiles and shares against numpy, segment by segment."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.measures.formulas.aggregate import LEVELS, STATISTICS, Aggregates, mean_by_segment
from monitor.core.measures.formulas.grouped import Grouped

Matrix = NDArray[np.float64]
NAN = float("nan")


def aggregated(
    values: Matrix, weights: Matrix, *dimensions: tuple[NDArray[np.int64], int], limit: float = NAN
) -> Aggregates:
    columns = np.arange(len(values))
    return Aggregates.of(Grouped.of(weights, dimensions), values, columns, np.full(len(values), limit))


def quantiles_of(values: Matrix, weights: Matrix, groups: NDArray[np.int64], count: int) -> Matrix:
    return aggregated(values, weights, (groups, count)).statistics[1:4]


def same_bits(one: Aggregates, other: Aggregates) -> None:
    for name in ("order", "n", "statistics", "values"):
        left, right = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(left.view(np.int64), right.view(np.int64), name)


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
    quantiles = quantiles_of(values, weights, groups, count)
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


@given(tables(), st.integers(-3, 3))
def test_all_statistics_are_the_means_and_shares_of_each_dimension(
    table: tuple[Matrix, Matrix, NDArray[np.int64], int], limit: int
) -> None:
    values, weights, groups, count = table
    found = aggregated(values, weights, (groups, count), (np.zeros_like(groups), 1), limit=limit / 3)
    above = np.where(np.isnan(values), np.nan, values > limit / 3)
    for first, codes, wide in ((0, groups, count), (count, np.zeros_like(groups), 1)):
        mean, share = (mean_by_segment(of, weights, codes, wide) for of in (values, above))
        at = slice(first, first + wide)
        said = {name: of[:, at] for name, of in zip(STATISTICS, found.statistics, strict=True)}
        np.testing.assert_array_equal(said["mean"], mean.mean)
        np.testing.assert_array_equal(said["share"], share.mean)
        np.testing.assert_array_equal(said["covered"], np.nan_to_num(mean.covered))
        np.testing.assert_array_equal(found.n[:, at], mean.n)


@given(tables(), st.data())
def test_what_follows_from_the_moment_before_is_what_is_worked_out_anew(
    table: tuple[Matrix, Matrix, NDArray[np.int64], int], data: st.DataObject
) -> None:
    values, weights, groups, count = table
    dimensions = ((groups, count), (np.zeros_like(groups), 1))
    kept = aggregated(values, weights, *dimensions, limit=0.5)
    for _ in range(3):
        values = values.copy()
        for place in data.draw(st.lists(st.integers(0, values.size - 1), max_size=5)):
            values.flat[place] = data.draw(st.sampled_from([0.0, -0.0, 1 / 3, 1.0, NAN]))
        kept = kept.moved(values)
        same_bits(kept, aggregated(values, weights, *dimensions, limit=0.5))


@pytest.mark.parametrize("moved", [0, 1, 15, 16, 17, 32, 33, 65, 400, 999, 1000])
@pytest.mark.parametrize("slightly", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_many_values_move_or_few(moved: int, slightly: bool, whole: bool) -> None:
    """Put in order by themselves and merged in: the order is that of all, and so is all that follows."""
    rng = np.random.default_rng(moved)
    before, groups = np.round(rng.random((2, 1000)), 2), rng.integers(0, 9, 1000)
    weights = rng.integers(1, 4, 1000).astype(np.float64) if whole else rng.random(1000) + 0.1
    values, places = before.copy(), rng.choice(1000, moved, replace=False)
    values[:, places] = values[:, places] + 1e-3 if slightly else rng.choice([NAN, 0.0, -0.0, 0.5, 0.7], (2, moved))
    kept = aggregated(before, weights, (groups, 9)).moved(values)
    np.testing.assert_array_equal(kept.order, np.argsort(values, axis=1, kind="stable"))
    same_bits(kept, aggregated(values, weights, (groups, 9)))
    for segment in range(9):
        v, w = (of[:, (groups == segment) & ~np.isnan(values[1])] for of in (values[1:], weights[None]))
        expected = np.quantile(v[0], LEVELS, method="inverted_cdf", weights=w[0])
        np.testing.assert_array_equal(kept.statistics[1:4, 1, segment], expected)


@pytest.mark.parametrize("anchors", [1, 7, 20, 1000, 5000])
def test_many_anchors_equal_numpy(anchors: int) -> None:
    rng = np.random.default_rng(anchors)
    values, weights = np.round(rng.random((3, anchors)), 2), rng.random(anchors) + 0.01
    groups = rng.integers(0, 5, anchors)
    quantiles = quantiles_of(values, weights, groups, 5)
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
    assert quantiles_of(values, weights, groups, 1)[:, 0, 0].tolist() == [0.0, 3.0, 3.0]


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
    there = quantiles_of(values, weights, groups, count)
    back = quantiles_of(values[:, shuffled], weights[shuffled], groups[shuffled], count)
    np.testing.assert_array_equal(there, back)


@pytest.mark.parametrize("weight", [0.0, -1.0, NAN, float("inf")])
def test_weights_must_be_positive_and_finite(weight: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 weights are not positive and finite"):
        Grouped.of(np.array([1.0, weight]), [(np.zeros(2, np.int64), 1)])


def test_nothing_to_aggregate() -> None:
    values, none = np.zeros((2, 0)), np.zeros(0, np.int64)
    assert mean_by_segment(values, np.ones(0), none, 3).n.tolist() == [[0] * 3] * 2
    found = aggregated(values, np.ones(0), (none, 3))
    assert np.isnan(found.statistics[:5]).all()
    assert not found.statistics[5].any()
    assert mean_by_segment(np.zeros((0, 2)), np.ones(2), np.zeros(2, np.int64), 1).mean.shape == (0, 1)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match=r"values \(1, 2\), weights \(3,\)"):
        mean_by_segment(np.zeros((1, 2)), np.ones(3), np.zeros(3, np.int64), 1)
