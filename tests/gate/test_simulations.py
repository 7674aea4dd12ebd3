"""The short validation: levels and power on fewer deploys; `python -m tests.gate` is the whole one."""

import numpy as np
import pytest
from scipy import stats

from monitor.core.judging.default_policy import SEGMENT
from monitor.core.judging.policy import Rule
from tests.core.judging.cases import SWAPS, rule, verdict
from tests.gate.simulations import (
    EVERYWHERE,
    LEGS,
    LOST_HALF,
    NOTHING,
    ONE_SEGMENT,
    SEGMENT_LOST,
    SHAPES,
    SWAPS_ALONE,
    TWICE,
    AnswerPool,
    Harm,
    Twins,
    default_verdicts,
    failed_segments,
    power,
    shares,
    small_verdicts,
    swapped,
    verdicts,
)

ALPHA = 0.05
DEPLOYS = 60


def most(deploys: int) -> int:
    """FAILs that a true level of 0.05 exceeds once in ten thousand runs."""
    return int(stats.binom.isf(1e-4, deploys, ALPHA))


@pytest.mark.parametrize("shape", SHAPES)
def test_harm_at_the_tolerance_seldom_fails_and_never_passes_often(shape: str) -> None:
    said = shares(verdicts(3, shape, mean=2.0, documents=30, deploys=DEPLOYS))
    assert said["fail"] * DEPLOYS <= most(DEPLOYS), said
    assert said["pass"] * DEPLOYS <= most(DEPLOYS), said
    assert said["unknown"] == 0.0


def test_clear_cases_are_decided() -> None:
    assert shares(verdicts(3, "even", mean=0.5, documents=60, deploys=10, rules=SWAPS_ALONE))["pass"] == 1.0
    assert shares(verdicts(3, "even", mean=4.0, documents=60, deploys=10))["fail"] == 1.0


def test_the_power_is_as_stated() -> None:
    harm, share = power(3, "even", documents=20, deploys=60)
    assert 2.0 < harm < 4.0
    assert share >= 0.65, (harm, share)


@pytest.mark.parametrize("harm", [EVERYWHERE, ONE_SEGMENT])
def test_a_pool_is_harmed_exactly_as_asked(harm: Harm) -> None:
    pool = AnswerPool.drawn(np.random.default_rng(3), SHAPES["skewed"], harm)
    for leg in LEGS:
        for name, values in pool.columns[leg].items():
            wrong = 1.0 - values if name.metric == "kept_answers_ratio" else values
            means = [wrong[pool.segment == at].mean() for at in range(5)]
            first, rest = harm[name.metric]
            assert means == pytest.approx([first, *[rest] * 4], abs=1e-3), name


@pytest.mark.parametrize("harm", [EVERYWHERE, ONE_SEGMENT])
def test_the_default_policy_seldom_fails_what_it_allows(harm: Harm) -> None:
    said = shares(default_verdicts(3, "skewed", harm, documents=12, deploys=DEPLOYS, whole=False))
    assert said["fail"] * DEPLOYS <= most(DEPLOYS), said
    assert said["unknown"] == 0.0


@pytest.mark.parametrize("harm", [EVERYWHERE, ONE_SEGMENT])
def test_nor_where_whole_documents_are_drawn_and_taken_away(harm: Harm) -> None:
    """Questions of one document lose their answers together, so the document is the witness."""
    said = shares(default_verdicts(3, "skewed", harm, documents=40, deploys=DEPLOYS, whole=True))
    assert said["fail"] * DEPLOYS <= most(DEPLOYS), said


@pytest.mark.parametrize("a_document", [1, 2])
def test_small_segments_at_what_is_usual_seldom_fail_and_one_that_lost_half_does(a_document: int) -> None:
    """Forty segments of twenty: any false FAIL among them at 5%."""
    failed = [
        failed_segments(of)
        for of in small_verdicts(3, lost=0.5, others=SEGMENT.usual, deploys=DEPLOYS // 2, a_document=a_document)
    ]
    assert sum(bool(of - {LOST_HALF}) for of in failed) <= most(DEPLOYS // 2), failed
    if a_document == 1:
        assert sum(LOST_HALF in of for of in failed) >= DEPLOYS // 3
        exactly = small_verdicts(3, lost=None, others=0.0, deploys=3)
        assert [failed_segments(of) for of in exactly] == [{LOST_HALF}] * 3


@pytest.mark.parametrize(("harm", "expected"), [(NOTHING, "pass"), (TWICE, "fail"), (SEGMENT_LOST, "fail")])
def test_the_default_policy_decides_clear_cases(harm: Harm, expected: str) -> None:
    assert shares(default_verdicts(3, "skewed", harm, documents=40, deploys=5, whole=False))[expected] == 1.0


def test_rebuilding_the_index_does_not_fail() -> None:
    """Not even where the rule allows less than the index's own noise: then the harm must exceed the twin's too."""
    twins = Twins.made(5)
    first, second = twins.build(), twins.build()
    noise = swapped(first, second)
    assert noise > 0.5, "two builds of this graph must differ"
    strict = Rule("strict", SWAPS.metric, "dense", "mean", 10, max=noise / 4)
    with_twin, alone = twins.taken(first, second), twins.taken(first, None)
    rebuilt = [twins.build() for _ in range(8)]
    assert [twins.verdict(alone, lists, (strict,)).verdict for lists in rebuilt] == ["fail"] * 8
    said = [twins.verdict(with_twin, lists, (strict,)).verdict for lists in rebuilt]
    assert said.count("fail") <= most(8), said
    gap = with_twin.noise_gap
    assert gap is not None
    assert gap > 0.0
    assert alone.noise_gap == 0.0  # its fingerprint says exact


@pytest.mark.parametrize("share", [0.06, 0.2, 0.5, 1.0])
def test_missing_values_never_pass_by_being_absent(share: float) -> None:
    """Of 100 anchors 25 are fully changed; leaving those (or any more) unmeasured never makes a PASS."""
    generator = np.random.default_rng(5)
    harm = np.zeros(100)
    harm[:25] = 10.0
    for _ in range(20):
        hidden = harm.copy()
        hidden[: round(25 * share)] = np.nan
        hidden[generator.permutation(100)[: round(40 * share)]] = np.nan
        assert verdict(hidden, [rule()]).verdict != "pass"
