"""Clicks: hand-worked logs, a loop as oracle, scipy's binomial test."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.core.migration.clicks import Impression, Team, clicked_items, interleaving_credit, unsupported_share
from monitor.core.model.lists import RankedLists


def seen(query: str, shown: str, clicked: str = "", teams: tuple[Team, ...] = ()) -> Impression:
    return Impression(query, "old", tuple(shown), tuple(clicked), teams)


def test_what_was_never_shown() -> None:
    new = RankedLists.of([[("a", 3.0), ("b", 2.0), ("z", 1.0)], [("c", 1.0)], None], 3)
    log = [seen("q1", "ab"), seen("q1", "xy"), seen("q3", "a"), seen("nobody", "a")]
    assert unsupported_share(log, ["q1", "q2", "q3"], new, 3) == pytest.approx(1 / 3), "q2 was never asked"
    assert unsupported_share(log, ["q1", "q2", "q3"], new, 2) == 0.0
    assert math.isnan(unsupported_share([], ["q1", "q2", "q3"], new, 3))
    assert unsupported_share([seen("q2", "", "c")], ["q1", "q2", "q3"], new, 3) == 0.0, "what is clicked was shown"


def test_clicked_items_in_order() -> None:
    log = [seen("q", "abc", "ba"), seen("q", "abc", "ca"), seen("r", "abc")]
    assert clicked_items(log) == {"q": ("b", "a", "c")}


def test_team_draft_by_hand() -> None:
    log = [
        seen("1", "ab", "a", ("new", "old")),
        seen("2", "ab", "b", ("new", "old")),
        seen("3", "ab", "ab", ("new", "old")),
        seen("4", "ab", "a", ("new", "old")),
        seen("5", "ab", "", ("new", "old")),
        seen("6", "ab", "a"),
        seen("7", "ab", "x", ("new", "old")),
    ]
    found = interleaving_credit(log)
    assert (found.wins, found.losses, found.ties) == (2, 1, 3)
    assert found.preference == pytest.approx((2 + 3 / 2) / 6 - 0.5)
    nothing = interleaving_credit([seen("1", "ab", "a")])
    assert math.isnan(nothing.preference)
    assert nothing.p == 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", ""]), min_size=1, max_size=60))
def test_the_sign_test_is_scipys(clicks: list[str]) -> None:
    found = interleaving_credit([seen(str(at), "ab", of, ("new", "old")) for at, of in enumerate(clicks)])
    decided = found.wins + found.losses
    theirs = stats.binomtest(found.wins, decided, 0.5, alternative="greater").pvalue if decided else 1.0
    assert found.p == pytest.approx(theirs, abs=1e-9)
    assert found.lower <= found.preference <= found.upper
    turned = interleaving_credit([seen(str(at), "ab", of, ("old", "new")) for at, of in enumerate(clicks)])
    assert turned.preference == pytest.approx(-found.preference)
    assert turned.lower == pytest.approx(-found.upper, abs=1e-8)


def test_one_query_asked_often_is_one_witness() -> None:
    many = [seen("q", "ab", "a", ("new", "old")) for _ in range(200)]
    apart = [seen(str(at), "ab", "a", ("new", "old")) for at in range(200)]
    assert interleaving_credit(many).lower < 0.0 < interleaving_credit(apart).lower


def test_the_level_of_the_bound() -> None:
    """Users who prefer neither: the lower bound lies above 0 in about one of twenty logs at most."""
    generator = np.random.default_rng(8)
    above = 0
    for _ in range(200):
        log = [
            seen(str(at), "ab", "ab"[side], ("new", "old")) for at, side in enumerate(generator.integers(0, 2, 100))
        ]
        above += interleaving_credit(log).lower > 0.0
    assert above <= stats.binom.isf(1e-4, 200, 0.05)
