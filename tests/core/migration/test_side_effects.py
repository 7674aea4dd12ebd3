"""The shape of the answers: brute force and hand-worked cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from monitor.core.migration.side_effects import (
    ListedTraits,
    answer_shape,
    gini,
    source_mix_divergence,
    suggested_threshold,
)
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists

TRAITS = {
    chunk_key("a"): ListedTraits("d1", "docs", 10, 0),
    chunk_key("b"): ListedTraits("d1", "docs", 30, 2_000_000),
    chunk_key("c"): ListedTraits("d2", "blog", 50, 4_000_000),
}


def ranked(*rows: str | None) -> RankedLists:
    return RankedLists.of([row if row is None else [(c, 1.0) for c in row] for row in rows], 3)


def test_by_hand() -> None:
    found = answer_shape(ranked("ab", "ac", None, ""), TRAITS, 3, live=4, now=4_000_000, diversity=0.5)
    assert found.documents == 1.5
    assert found.tokens == 50.0
    assert found.age_seconds == 3.0
    assert found.hub_share == 1.0
    assert found.hub_gini == pytest.approx(gini(np.array([2.0, 1.0, 1.0]), 4))
    assert found.n == 2
    nothing = answer_shape(ranked(None, ""), TRAITS, 3, live=4, now=0, diversity=math.nan)
    assert nothing.n == 0
    assert math.isnan(nothing.documents)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 5))
def test_gini_is_half_the_relative_mean_difference(counts: list[int], unlisted: int) -> None:
    whole = [*counts, *[0] * unlisted]
    apart = sum(abs(a - b) for a in whole for b in whole)
    expected = apart / (2 * len(whole) ** 2 * (sum(whole) / len(whole)))
    assert gini(np.array(counts, np.float64), len(whole)) == pytest.approx(expected)


def test_gini_of_nothing() -> None:
    assert math.isnan(gini(np.zeros(0), 5))
    assert gini(np.array([3.0]), 1) == 0.0


def test_source_mix_against_scipy() -> None:
    found = source_mix_divergence(ranked("ab", "a"), ranked("ac", "c"), TRAITS, 3)
    assert found == pytest.approx(jensenshannon([3, 0], [1, 2], base=2) ** 2)
    assert source_mix_divergence(ranked("a"), ranked("b"), TRAITS, 3) == 0.0
    assert math.isnan(source_mix_divergence(ranked("a"), ranked(None), TRAITS, 3))


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=30), st.floats(-1.2, 1.2))
def test_no_other_cut_passes_a_nearer_share(scores: list[tuple[float, float]], threshold: float) -> None:
    old, new = np.array(scores).T
    found = suggested_threshold(old, new, threshold)
    passed = np.mean(old >= threshold)
    assert found.old_share == pytest.approx(passed)
    assert found.new_share == pytest.approx(np.mean(new >= found.new))
    cuts = [*new.tolist(), 2.0, -2.0]
    assert abs(found.new_share - passed) <= min(abs(np.mean(new >= cut) - passed) for cut in cuts) + 1e-12


def test_a_shifted_space_gets_a_shifted_threshold() -> None:
    old = np.linspace(0.2, 0.9, 101)
    found = suggested_threshold(old, 0.5 * old + 0.4, 0.55)
    assert found.new == pytest.approx(0.5 * 0.55 + 0.4, abs=1e-9)
    unknown = suggested_threshold(np.array([np.nan, 0.3]), np.array([0.5, np.nan]), 0.4)
    assert unknown.n == 0
    assert math.isnan(unknown.new)
