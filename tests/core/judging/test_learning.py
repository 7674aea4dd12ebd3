"""Limits learnt from approved deploys: what teaches, how far, and that slow growth teaches nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.learning import CAP, FEWEST, FLOOR, ROOM, ApprovedDeploy, CountedPlace, learnt, limited
from monitor.core.judging.policy import LearntLimit, Rule, allowing

RULES = default_rules(("language",), ("dense",), k=10, min_anchors=20)
ALL, DE = CountedPlace("dense", "all", "all"), CountedPlace("dense", "language", "de")


def deploys(values: list[float], *, by_person: bool = False, place: CountedPlace = ALL) -> list[ApprovedDeploy]:
    return [ApprovedDeploy(f"d{at}", by_person, {place: value}) for at, value in enumerate(values)]


def limit(rules: tuple[Rule, ...], segment: str, dimension: str = "all") -> Rule:
    (rule,) = [of for of in rules if of.metric == "new_results" and of.dimension == dimension]
    return allowing(rule, segment, {})


@pytest.mark.parametrize(
    ("case", "gates", "people", "expected"),
    [
        ("nothing new, ever: half the policy's", [0.0] * 30, [], 0.375),
        ("one and a half times the most there was", [0.1] * 29 + [0.4], [], 0.6),
        ("deploys that passed teach no more than the policy", [0.74] * 30, [], 0.75),
        ("a person teaches what was accepted", [0.1] * 30, [1.1], 1.1),
        ("but not beyond twice the policy's", [0.1] * 30, [4.0], 1.5),
        ("what a person accepted below the limit is no reason for a narrower one", [0.4] * 30, [0.1], 0.6),
        ("a passing estimate beyond the limit (small anchors) teaches the limit", [1.9], [], 0.75),
    ],
)
def test_limits(case: str, gates: list[float], people: list[float], expected: float) -> None:
    assert limited(0.75, gates, people) == pytest.approx(expected), case


def test_few_deploys_teach_nothing() -> None:
    rules = learnt(RULES, deploys([0.1] * (FEWEST - 1)))
    assert rules == RULES
    assert limit(rules, "all").max == 0.75
    assert limit(rules, "all").note == ""


def test_what_was_learnt_is_said_with_the_policys_own_limit_and_growth() -> None:
    rules = learnt(RULES, deploys([0.4] * FEWEST))
    of = limit(rules, "all")
    assert of.max == pytest.approx(0.6)
    assert of.note == "learnt from 20 approved deploys; 0.75 by the policy"
    (rule,) = [one for one in rules if one.learnt]
    grown = allowing(rule, "all", {("all", "all"): 0.05})
    assert grown.max == pytest.approx(1.1)
    assert grown.note == "0.6 learnt from 20 approved deploys; 0.75 by the policy, and 0.50 for 5.0% growth"


def test_each_segment_learns_for_itself_and_only_new_results_are_learnt() -> None:
    rules = learnt(RULES, [*deploys([0.4] * FEWEST), *deploys([1.8] * FEWEST, by_person=True, place=DE)])
    assert {of.metric for of in rules if of.learnt} == {"new_results"}
    assert limit(rules, "de", "language").max == pytest.approx(1.8)
    assert limit(rules, "fr", "language").max == 1.0, "nobody knows of that segment"
    other = learnt(RULES, deploys([0.4] * FEWEST, place=CountedPlace("lexical", "all", "all")))
    assert other == RULES


def test_a_rule_of_ones_own_is_as_it_was_written() -> None:
    own = (Rule("mine", "new_results", "dense", "mean", 10, max=3.0),)
    assert learnt(own, deploys([0.1] * 50)) == own


@given(st.lists(st.floats(0, 10), max_size=60), st.lists(st.floats(0, 10), max_size=5))
def test_between_half_and_twice_the_policy_whatever_was_approved(gates: list[float], people: list[float]) -> None:
    found = limited(0.75, gates, people)
    assert FLOOR * 0.75 <= found <= CAP * 0.75
    assert people or found <= 0.75
    assert limited(0.75, [*gates, 0.2], people) >= found, "more approved deploys never narrow it"


def test_slow_growth_that_passes_by_itself_teaches_nothing_beyond_the_policy() -> None:
    """Each deploy has as many new results as the limit lets through."""
    passed = [0.05] * FEWEST
    for _ in range(200):
        rule = limit(learnt(RULES, deploys(passed[-100:])), "all")
        assert rule.max is not None
        passed.append(rule.max)
    assert max(passed) == 0.75


def test_a_limit_is_forgotten_with_the_deploys_that_taught_it() -> None:
    busy, calm = deploys([0.5] * FEWEST), deploys([0.1] * FEWEST)
    assert limit(learnt(RULES, [*busy, *calm]), "all").max == pytest.approx(ROOM * 0.5)
    assert limit(learnt(RULES, calm), "all").max == pytest.approx(0.375)
    assert learnt(RULES, busy)[1].learnt == (LearntLimit("all", 0.75, FEWEST),)
