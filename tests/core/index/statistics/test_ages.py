"""Bins of event time: fine for the young, merged as the reference moves, the same by any way there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.statistics.ages import WIDTH, ages, bins, moved, reference, starts

NOW = 1_790_000_000
PAST = st.one_of(st.integers(0, 5_000), st.integers(0, 4_000_000), st.integers(0, NOW + 100))


@given(st.lists(PAST, min_size=1, max_size=50), st.integers(0, 400_000_000), st.integers(0, 4_095))
def test_bins_move_as_if_they_had_been_made_later(past: list[int], later: int, within: int) -> None:
    seconds = np.array([NOW - age for age in past], np.int64)
    first = reference(NOW * 1_000_000)
    second = reference((NOW + later) * 1_000_000 + within)
    found = bins(seconds, first)
    assert ((found >= 0) & (found < WIDTH)).all()
    np.testing.assert_array_equal(moved(first, second)[found], bins(seconds, second))


@given(st.lists(PAST, min_size=1, max_size=50), st.integers(0, 4_000))
def test_an_age_is_known_to_a_sixteenth_of_itself(past: list[int], within: int) -> None:
    now = NOW + within
    at = reference(now * 1_000_000)
    seconds = np.array([NOW - age for age in past if age <= NOW], np.int64)
    said = ages(at, now * 1_000_000)[bins(seconds, at)]
    actual = now - seconds
    assert (np.abs(said - actual) <= np.maximum(33, (actual + 1) / 31)).all()


def test_what_is_in_a_bin_began_with_it() -> None:
    at = reference(NOW * 1_000_000)
    seconds = np.arange(at - 3_000_000, at + 4_096, 61, dtype=np.int64)
    begin, width = starts(at)
    place = bins(seconds, at)
    assert ((begin[place] <= seconds) & (seconds < begin[place] + width[place])).all()


def test_times_before_1970_count_as_1970() -> None:
    at = reference(NOW * 1_000_000)
    np.testing.assert_array_equal(bins(np.array([-5, 0]), at), bins(np.array([0, 0]), at))
    assert reference(0) == 0
    assert bins(np.array([0]), 0).tolist() == [64]
