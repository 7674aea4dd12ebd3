"""The hierarchy of tests: hand-worked cases, brute-force closed testing, and the level and power it keeps."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.core.judging.hierarchy import RuleTests, hommel, rejected
from monitor.core.judging.holm import rejected as holm

NAN = float("nan")
P = st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.025, 0.05])


@pytest.mark.parametrize(
    ("case", "families", "expected"),
    [
        ("nothing to test", [], []),
        ("a family without tests has no part in the level", [RuleTests([]), RuleTests([0.05])], [[], [True]]),
        ("one test has all of the level", [RuleTests([0.05])], [[True]]),
        ("two halves", [RuleTests([0.026]), RuleTests([0.9])], [[False], [False]]),
        ("what is rejected hands its level on", [RuleTests([0.024]), RuleTests([0.05])], [[True], [True]]),
        ("nothing is handed on by what is not", [RuleTests([0.026]), RuleTests([0.026])], [[False], [False]]),
        ("weights", [RuleTests([0.04], 4.0), RuleTests([0.02])], [[True], [True]]),
        ("a dimension whose segments show it together", [RuleTests([0.9]), RuleTests([0.02, 0.025])],
         [[False], [True] * 2]),
        ("one of three segments", [RuleTests([0.9]), RuleTests([0.008, 0.5, 0.6])], [[False], [True, False, False]]),
        ("one of three, not quite", [RuleTests([0.9]), RuleTests([0.0084, 0.5, 0.6])], [[False], [False] * 3]),
        (
            "a dimension that is rejected in part keeps its level",
            [RuleTests([0.001, 0.9]), RuleTests([0.026])],
            [[True, False], [False]],
        ),
        ("all anchors first, then a dimension at all of the level", [RuleTests([0.001]), RuleTests([0.03, 0.05])],
         [[True], [True] * 2]),
        ("NaN is no evidence and counts", [RuleTests([NAN, 0.02])], [[False, True]]),
        ("NaN takes its part", [RuleTests([NAN, 0.03])], [[False, False]]),
        ("nothing measured", [RuleTests([NAN, NAN]), RuleTests([NAN])], [[False, False], [False]]),
        ("ties share one fate", [RuleTests([0.0125] * 3 + [0.9])], [[True] * 3 + [False]]),
    ],
)  # fmt: skip
def test_by_hand(case: str, families: list[RuleTests], expected: list[list[bool]]) -> None:
    assert rejected(families, 0.05) == expected, case


def simes(p: Sequence[float], alpha: float) -> bool:
    return any(value <= alpha * k / len(p) * (1 + 1e-12) for k, value in enumerate(sorted(p), 1))


def closed(p: Sequence[float], alpha: float) -> list[bool]:
    """Whether Simes' test rejects every set of hypotheses that holds it."""
    rows = range(len(p))
    sets = [[of for of in rows if chosen >> of & 1] for chosen in range(1, 1 << len(p))]
    return [all(simes([p[of] for of in one], alpha) for one in sets if at in one) for at in rows]


@given(st.lists(P, min_size=1, max_size=7))
def test_hommel_is_closed_testing_by_simes_and_finds_no_less_than_holm(p: list[float]) -> None:
    made = hommel(p, 0.05)
    assert made == closed(p, 0.05)
    assert all(found for found, least in zip(made, holm(p, 0.05), strict=True) if least)


@given(st.lists(st.floats(0, 1) | st.just(NAN), max_size=20))
def test_holm_is_monotone_and_between_bonferroni_and_none(p: list[float]) -> None:
    made = holm(p, 0.05)
    assert all(made[at] for at, value in enumerate(p) if value <= 0.05 / len(p))
    assert not any(made[at] for at, value in enumerate(p) if not value <= 0.05)
    least = max((value for at, value in enumerate(p) if made[at]), default=-1.0)
    assert all(made[at] for at, value in enumerate(p) if value < least)


@given(st.lists(st.tuples(P, st.integers(1, 9)), min_size=1, max_size=6))
def test_families_of_one_are_closed_weighted_bonferroni(tests: list[tuple[float, int]]) -> None:
    rows = range(len(tests))
    sets = [s for size in range(1, len(tests) + 1) for s in itertools.combinations(rows, size)]

    def bonferroni(chosen: Sequence[int]) -> bool:
        mass = sum(tests[of][1] for of in chosen)
        return any(tests[of][0] * mass <= 0.05 * tests[of][1] * (1 + 1e-12) for of in chosen)

    expected = [[all(bonferroni(s) for s in sets if at in s)] for at in rows]
    assert rejected([RuleTests([p], weight) for p, weight in tests], 0.05) == expected


@given(st.lists(st.tuples(st.lists(P, max_size=5), st.integers(1, 9)), max_size=5), st.integers(0, 1000))
def test_less_evidence_never_rejects_more(made: list[tuple[list[float], int]], seed: int) -> None:
    families = [RuleTests(p, weight) for p, weight in made]
    grown = np.random.default_rng(seed)
    weaker = [RuleTests([min(1.0, value + grown.random() * 0.02) for value in of.p], of.weight) for of in families]
    before, after = rejected(families, 0.05), rejected(weaker, 0.05)
    for strong, weak in zip(before, after, strict=True):
        assert all(first for first, then in zip(strong, weak, strict=True) if then)


DEPLOYS = 1_500


@pytest.mark.parametrize("correlated", [False, True])
def test_the_level_holds_over_all_true_hypotheses(correlated: bool) -> None:
    """All is true in six families, or half of each is false and plain to see: the worst case for what is handed on.

    Families see the same anchors (correlation .8); segments are disjoint, or share what moves documents (.5).
    """
    generator = np.random.default_rng(7)
    sizes = (1, 1, 1, 8, 8, 40)
    wrong = {False: 0, True: 0}
    for _ in range(DEPLOYS):
        shared, common = generator.standard_normal(41), generator.standard_normal()
        for with_false in (False, True):
            families, true = [], []
            for row, size in enumerate(sizes):
                noise = np.sqrt(0.8) * shared[:size] + np.sqrt(0.2) * generator.standard_normal(size)
                noise = np.sqrt(0.5) * common + np.sqrt(0.5) * noise if correlated else noise
                false = np.arange(size) % 2 == 1 if size > 1 else np.full(1, row % 2 == 1)
                false = false & with_false
                families.append(RuleTests(stats.norm.sf(noise + 6.0 * false).tolist(), 1.0 + row))
                true.append(~false)
            found = rejected(families, 0.05)
            wrong[with_false] += any(np.any(np.array(of) & ok) for of, ok in zip(found, true, strict=True))
    most = stats.binom.isf(1e-4, DEPLOYS, 0.05)
    assert max(wrong.values()) <= most, wrong
    assert max(wrong.values()) > 8, "a test that never errs has no power"
