"""Estimates from a sample: unbiased, intervals that cover as often as they say, and no promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.core.migration.estimate import (
    EstimatedItems,
    Outlook,
    RankSample,
    migration_cost,
    quality_outlook,
    stratified_sample,
    unseen_rank,
)
from tests.core.migration.simulations import known_ranks


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.sampled_from([0.02, 0.1, 0.5, 1.0]),
    st.integers(0, 2**32),
)
def test_every_stratum_has_its_share(sizes: list[int], fraction: float, seed: int) -> None:
    strata = [f"s{at}" for at, size in enumerate(sizes) for _ in range(size)]
    drawn = stratified_sample(strata, fraction, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == len(drawn) >= 1
    assert abs(len(drawn) - fraction * len(strata)) <= 1.0
    for at, size in enumerate(sizes):
        own = sum(strata[row] == f"s{at}" for row in drawn.tolist())
        assert abs(own - fraction * size) < 2.0


def test_every_chunk_has_the_same_chance() -> None:
    strata = ["a"] * 7 + ["b"] * 43
    generator = np.random.default_rng(2)
    drawn = np.zeros(50)
    for _ in range(8_000):
        drawn[stratified_sample(strata, 0.1, generator)] += 1
    assert np.allclose(drawn / 8_000, 0.1, atol=0.018)
    assert not len(stratified_sample([], 0.1, generator))


def test_the_limit_that_is_printed() -> None:
    assert unseen_rank(500_000, 0.02) == 150
    clean = RankSample(500_000, 10_000).rank(0, 0, 10_000)
    assert clean.value == 1.0
    assert clean.upper == pytest.approx(1 + 490_000 * (1 - 0.025 ** (1 / 10_000)), rel=0.05)


def test_a_sample_that_is_everything_leaves_no_doubt() -> None:
    found = RankSample(100, 100).rank(2, 5, 90)
    assert found.value == 8.0
    assert found.lower >= 8
    nothing = RankSample(100, 0).rank(2, 0, 0)
    assert math.isnan(nothing.value)
    assert (nothing.lower, nothing.upper) == (3, 100)


def test_intervals_cover_over_200_corpora_and_the_estimate_is_unbiased() -> None:
    generator = np.random.default_rng(11)
    covered = total = above = 0
    errors: list[float] = []
    for _ in range(200):
        made = known_ranks(generator, chunks=4_000, fraction=0.05, anchors=10, deep=40.0)
        for at, truth in enumerate(made.truth.tolist()):
            of = made.items
            found = made.sample.rank(int(of.beaters[at]), int(of.hidden[at]), int(of.outside[at]))
            covered += found.lower <= truth <= found.upper
            total += 1
            errors.append(found.value - truth)
            above += 1 + of.beaters[at] + of.hidden[at] > truth
    assert covered / total >= 0.95, covered / total
    assert above == 0, "what was seen to beat an item does so in the whole corpus"
    assert abs(np.mean(errors)) <= 4 * np.std(errors) / math.sqrt(len(errors)), "unbiased"


def test_the_best_hit_is_never_below_the_truth() -> None:
    generator = np.random.default_rng(12)
    for _ in range(30):
        made = known_ranks(generator, chunks=2_000, fraction=0.05, anchors=40, deep=30.0)
        said = quality_outlook(made.items, made.sample, 10, 0.02)
        assert said.best_hit >= np.mean(made.truth <= 10)


def items(old: list[int], beaters: list[int], hidden: list[int] | None = None) -> EstimatedItems:
    count = len(old)
    none = [0] * count if hidden is None else hidden
    one, two, three = (np.array(of, np.int64) for of in (old, beaters, none))
    return EstimatedItems(one, two, three, np.full(count, 1_000), np.ones(count), np.arange(count))


SAMPLE = RankSample(10_000, 1_000)


def test_each_answer() -> None:
    worse = quality_outlook(items([1] * 300, [20] * 150 + [0] * 150), SAMPLE, 10, 0.02)
    assert worse.outlook is Outlook.LIKELY_WORSE
    assert worse.best_hit == 0.5
    assert "falls from 1.000 to 0.500" in worse.reason
    fine = quality_outlook(items([1] * 300, [0] * 300), SAMPLE, 10, 0.02)
    assert fine.outlook is Outlook.PLAUSIBLE
    assert "rank" in fine.reason
    few = quality_outlook(items([1] * 12, [0] * 12), SAMPLE, 10, 0.02)
    assert few.outlook is Outlook.CANNOT_TELL
    shadowed = quality_outlook(items([1] * 300, [0] * 300, [3] * 300), SAMPLE, 10, 0.02)
    assert shadowed.outlook is Outlook.CANNOT_TELL
    assert "did not see" in shadowed.reason
    assert quality_outlook(items([], []), SAMPLE, 10, 0.02).outlook is Outlook.CANNOT_TELL
    assert quality_outlook(items([1], [0]), RankSample(100, 0), 10, 0.02).outlook is Outlook.CANNOT_TELL


def test_an_encoder_no_worse_is_seldom_called_worse() -> None:
    generator = np.random.default_rng(13)
    called = 0
    for _ in range(200):
        kept = generator.random(200) < 0.02  # two of a hundred answers are lost: exactly what is allowed
        said = quality_outlook(items([1] * 200, np.where(kept, 30, 0).tolist()), SAMPLE, 10, 0.02)
        called += said.outlook is Outlook.LIKELY_WORSE
    assert called <= stats.binom.isf(1e-4, 200, 0.05)


def test_costs_cover_what_they_estimate() -> None:
    generator = np.random.default_rng(14)
    covered = 0
    for _ in range(200):
        corpus = generator.gamma(4.0, 30.0, 5_000)
        sample = generator.choice(corpus, 100, replace=False)
        found = migration_cost(sample, generator.normal(0.01, 0.002, 20), 5_000, 384)
        covered += found.tokens.lower <= corpus.sum() <= found.tokens.upper
        assert found.bytes.value == 5_000 * 384 * 4
        assert found.hours.lower <= found.hours.value <= found.hours.upper
    assert covered >= stats.binom.ppf(1e-4, 200, 0.95)
    unknown = migration_cost(np.zeros(0), np.array([0.1]), 10, 4)
    assert math.isnan(unknown.tokens.value)
    assert unknown.hours.upper == math.inf
