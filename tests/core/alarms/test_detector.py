"""The e-detector: hand-worked, against a plain twin, by its properties, and where it must refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.alarms.detector import BETS, alarms_over, grown, no_evidence, share_of_limit

CHURN = st.floats(0.0, 1.0)
NORMAL = st.floats(1e-6, 1.0)


def plain(churn: list[float], normal: float, limit: float) -> list[tuple[float, bool]]:
    """The recursion as the paper has it, number by number: M after each round, before it begins anew, and whether."""
    found = []
    m = [0.0] * len(BETS)
    for x in churn:
        m = [(1.0 + bet / normal * (x - normal)) * (of + 1.0) for bet, of in zip(BETS, m, strict=True)]
        mean = sum(m) / len(m)
        found.append((mean, mean >= limit))
        if mean >= limit:
            m = [0.0] * len(BETS)
    return found


def test_two_rounds_worked_by_hand() -> None:
    """Normal is 1/2, the bets .1, .2, .4, .8, 1.6: X = 1 gives 1 + l/2, then X = 0 (1 - l/2) of that plus 1."""
    one = grown(no_evidence(), 1.0, 0.5, 1.0)
    np.testing.assert_allclose(one, [1.05, 1.1, 1.2, 1.4, 1.8])
    assert share_of_limit(one) == pytest.approx(1.31)
    two = grown(one, 0.0, 0.5, 1.0)
    np.testing.assert_allclose(two, [1.9475, 1.89, 1.76, 1.44, 0.56])
    assert share_of_limit(two) == pytest.approx(1.5195)


STCP = {5: 1.41909320048, 10: 2.0174675574, 20: 2.55484215629, 25: 2.69300251357, 30: 8.35248447233, 40: 24.465384566}
"""log M after so many rounds of `test_equals_the_authors_own_program`, by stcpR6 0.9.8.9000: the mixture `MixE`, with
weights of 1/5, of `SR<Bounded>(bet, 0.03)`."""


def test_equals_the_authors_own_program() -> None:
    """stcpR6 is by the first author of the paper; its figures are for 25 quiet rounds and 15 lively ones."""
    evidence, found = no_evidence(), {}
    for at in range(1, 41):
        churn = (at * 7 % 11) / 200 if at <= 25 else 0.1 + (at % 3) / 10
        evidence = grown(evidence, churn, 0.03, 1.0)
        found[at] = math.log(float(evidence.mean()))
    assert {at: found[at] for at in STCP} == pytest.approx(STCP, abs=1e-10)


@given(st.lists(CHURN, max_size=60), NORMAL, st.floats(2.0, 1e6))
def test_shares_of_the_limit_are_the_papers_numbers(churn: list[float], normal: float, limit: float) -> None:
    evidence, expected = no_evidence(), plain(churn, normal, limit)
    for x, (mean, alarm) in zip(churn, expected, strict=True):
        evidence = grown(evidence, x, normal, 1.0 / limit)
        found = float(share_of_limit(evidence)) * limit
        assert found == pytest.approx(mean, rel=1e-9)
        if alarm != (found >= limit):  # the last bit of a number that stands at its limit
            assert found == pytest.approx(limit, rel=1e-9)
            return
        evidence = no_evidence() if alarm else evidence
    close = any(mean == pytest.approx(limit, rel=1e-9) for mean, _ in expected)
    assert close or alarms_over(churn, normal, limit).tolist() == [alarm for _, alarm in expected]


@given(CHURN, NORMAL)
def test_no_factor_is_negative_and_nothing_overflows(churn: float, normal: float) -> None:
    """1 + l (x - m) >= 0.2 for every x in [0, 1], since l <= 0.8 / m."""
    after = grown(np.full(len(BETS), 5.0), churn, normal, 1.0)
    assert np.all(after >= 0.2 * 6.0 * (1.0 - 1e-12))
    assert np.all(np.isfinite(after))


@given(st.floats(0.01, 0.99), NORMAL)
def test_a_normal_round_grows_by_no_more_than_its_grant(share: float, normal: float) -> None:
    """Under a two-point law with mean m the expected evidence is what was there, and the grant."""
    high = normal + (1.0 - normal) * share
    chance = normal / high
    before = np.array([0.1, 0.2, 0.0, 0.4, 0.05])
    mean = chance * grown(before, high, normal, 0.01) + (1.0 - chance) * grown(before, 0.0, normal, 0.01)
    np.testing.assert_allclose(mean, before + 0.01, rtol=1e-9)


@given(st.lists(CHURN, min_size=1, max_size=40), st.integers(0, 39), CHURN)
def test_more_churn_is_more_evidence(churn: list[float], at: int, more: float) -> None:
    at %= len(churn)
    above = [*churn[:at], max(churn[at], more), *churn[at + 1 :]]
    evidence, other = no_evidence(), no_evidence()
    for x, y in zip(churn, above, strict=True):
        evidence, other = grown(evidence, x, 0.1, 1e-9), grown(other, y, 0.1, 1e-9)
    assert np.all(other >= evidence)


def test_a_round_that_was_not_measured_changes_nothing() -> None:
    churn = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    with_gaps = [0.3, math.nan, 0.4, 0.5, math.nan, math.nan, 0.6, 0.7, 0.8]
    there = ~np.isnan(with_gaps)
    np.testing.assert_array_equal(alarms_over(with_gaps, 0.05, 500.0)[there], alarms_over(churn, 0.05, 500.0))
    assert alarms_over(churn, 0.05, 500.0).any()
    assert not alarms_over(with_gaps, 0.05, 500.0)[~there].any()


def test_many_series_are_each_as_one_alone() -> None:
    generator = np.random.default_rng(3)
    churn = generator.beta(1.0, 9.0, (200, 3, 4))
    together = alarms_over(churn, 0.08, 60.0)
    assert 0 < together.sum() < together.size
    for row in range(3):
        for column in range(4):
            alone = alarms_over(churn[:, row, column], 0.08, 60.0)
            np.testing.assert_array_equal(together[:, row, column], alone)


def test_it_begins_anew_after_an_alarm() -> None:
    raised = np.flatnonzero(alarms_over([0.5] * 30, 0.05, 1_000.0))
    assert len(raised) > 1
    assert len(set(np.diff(raised).tolist())) == 1


def test_nothing_at_all() -> None:
    assert alarms_over([], 0.1, 10.0).tolist() == []
    assert share_of_limit(no_evidence(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("churn", "normal", "grant", "said"),
    [
        (1.1, 0.1, 0.1, r"churn: expected numbers in \[0, 1\]"),
        (math.nan, 0.1, 0.1, r"churn: expected numbers in \[0, 1\]"),
        (0.1, 0.0, 0.1, r"normal churn: expected numbers in \[1e-09, 1\]"),
        (0.1, math.nan, 0.1, r"normal churn: expected"),
        (0.1, 0.1, 0.0, r"grant: expected numbers above 0"),
        (0.1, 0.1, math.inf, r"grant: expected numbers above 0"),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused(churn: float, normal: float, grant: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        grown(no_evidence(), churn, normal, grant)
