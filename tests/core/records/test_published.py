"""The cumulative histogram that scrapes read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.records.published import Durations

BOUNDS = (0.01, 0.1, 1.0)


def test_a_duration_on_a_bound_is_within_it() -> None:
    one = Durations.none(BOUNDS).observed(0.1)
    assert (one.counts, one.total, one.seconds) == ((0, 1, 1), 1, 0.1)
    assert Durations.none(BOUNDS).counts == (0, 0, 0), "the one before stays"


@settings(deadline=None)
@given(st.lists(st.sampled_from((0.0, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 7.0))))
def test_counts_are_cumulative(durations: list[float]) -> None:
    found = Durations.none(BOUNDS)
    for seconds in durations:
        found = found.observed(seconds)
    assert found.counts == tuple(sum(seconds <= bound for seconds in durations) for bound in BOUNDS)
    assert list(found.counts) == sorted(found.counts)
    assert found.total == len(durations)
    assert found.seconds == sum(durations)
