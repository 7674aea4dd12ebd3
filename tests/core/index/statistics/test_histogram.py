"""Histograms against sorted values, the stability index by hand and by its definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.statistics.counters import DOCUMENT_BINS, NORM_WIDTH, TOKENS_BINS, norm_bins, norm_middles
from monitor.core.index.statistics.histogram import Bins, EarlierDistribution, quantiles, stability_index

VALUES = st.lists(st.integers(0, 3_000_000), min_size=1, max_size=60)


@pytest.mark.parametrize("bins", [TOKENS_BINS, DOCUMENT_BINS, Bins(3, 3, 9)], ids=str)
def test_every_bin_stands_for_what_is_in_it(bins: Bins) -> None:
    every = np.arange(1 << min(bins.top, 20), dtype=np.int64)
    found = bins.of(every)
    assert np.array_equal(np.unique(found), np.arange(bins.width))
    assert (np.diff(found) >= 0).all()
    means = np.bincount(found, every.astype(np.float64)) / np.bincount(found)
    np.testing.assert_array_equal(bins.middles(), means)
    apart = np.abs(bins.middles()[found] - every)
    assert (apart[: 1 << bins.exact] == 0).all()
    assert (apart <= every / 2 ** (bins.fine + 1)).all()
    assert bins.of(np.array([1 << 40]))[0] == bins.width - 1


@given(VALUES, st.sampled_from([0.05, 0.5, 0.95, 1.0, 0.3]))
def test_quantiles_are_those_of_the_values(values: list[int], q: float) -> None:
    found, counts = np.unique(np.array(values, np.float64), return_counts=True)
    ranked = sorted(values)
    # by its definition in exact fractions: the least value that at least q n values do not exceed
    least = next(value for at, value in enumerate(ranked, 1) if at * 100 >= round(q * 100) * len(values))
    assert quantiles(found, counts, (q,)) == [least]


def test_no_values_have_no_quantile() -> None:
    none = np.zeros(0), np.zeros(0, np.int64)
    assert math.isnan(quantiles(*none, (0.5,))[0])
    assert math.isnan(stability_index(none, (np.ones(1), np.ones(1, np.int64))))
    assert math.isnan(stability_index((np.ones(1), np.ones(1, np.int64)), none))


def test_stability_index_by_hand() -> None:
    """Ten values one by one, then all of them twice the last: bins of 0.1 each against one bin."""
    before = np.arange(1.0, 11.0), np.ones(10, np.int64)
    after = np.array([10.0]), np.array([10], np.int64)
    p, few, most = 1.5 / 15, 0.5 / 15, 10.5 / 15
    expected = 9 * (few - p) * math.log(few / p) + (most - p) * math.log(most / p)
    assert stability_index(before, after) == pytest.approx(expected, rel=1e-12)


def test_a_shift_away_from_one_value_shows_on_both_sides() -> None:
    before = np.array([4.0]), np.array([100], np.int64)
    for value in (1.0, 9.0):
        assert stability_index(before, (np.array([value]), np.array([100], np.int64))) > 1.0
    assert stability_index(before, (np.array([4.0]), np.array([500], np.int64))) < 0.05


@given(VALUES, VALUES)
def test_stability_index_is_that_of_the_values(before: list[int], after: list[int]) -> None:
    """Against its definition on the raw values, one bin after the other."""
    sides = [np.unique(np.array(side, np.float64), return_counts=True) for side in (before, after)]
    tenths = quantiles(*sides[0], tuple(step / 10 for step in range(1, 10)))
    bins: list[tuple[float, bool]] = []
    for value in sorted(set(tenths)):
        bins += [(value, False)] if tenths.count(value) > 1 else []
        bins.append((value, True))

    def shares(values: list[int]) -> list[float]:
        made = [0.5] * (len(bins) + 1)
        for value in values:
            place = next(
                (at for at, (end, own) in enumerate(bins) if value < end or (own and value == end)), len(bins)
            )
            made[place] += 1
        return [count / (len(values) + 0.5 * len(made)) for count in made]

    expected = sum((q - p) * math.log(q / p) for p, q in zip(shares(before), shares(after), strict=True))
    assert stability_index(*sides) == pytest.approx(expected, abs=1e-12)
    assert stability_index(sides[0], sides[0]) == 0.0
    assert stability_index(*sides) >= 0.0


def test_lengths_of_vectors_are_known_to_their_bin() -> None:
    order, lengths = norm_middles()
    assert (np.diff(lengths) > 0).all()
    place = np.empty(NORM_WIDTH, np.int64)
    place[order] = np.arange(NORM_WIDTH)
    drawn = np.exp(np.random.default_rng(1).uniform(np.log(0.005), np.log(250), 2_000)).astype(np.float32)
    said = lengths[place[norm_bins(drawn)]]
    assert (np.abs(said - drawn) <= drawn * 0.016).all()
    assert lengths[place[norm_bins(np.array([0.0, 1.0, 0.99999994], np.float32))]].tolist() == [0.0, 1.0, 1.0]
    assert norm_bins(np.array([1e-9, 1e9], np.float32)).tolist() == [0, NORM_WIDTH - 2]


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=2, max_size=4))
def test_what_is_compared_with_again_says_the_same(drawn: list[list[int]]) -> None:
    before, *later = [
        (np.unique(values).astype(np.float64), np.unique(values, return_counts=True)[1].astype(np.int64))
        for values in (np.array(one, np.int64) for one in drawn)
    ]
    known = EarlierDistribution(before)
    for after in (*later, *later):
        np.testing.assert_array_equal(known.stability_index(after), stability_index(before, after))
        np.testing.assert_array_equal(known.quantiles((0.05, 0.5)), quantiles(*before, (0.05, 0.5)))
