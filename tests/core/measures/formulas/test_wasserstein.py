"""First Wasserstein distance of score lists against scipy, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.wasserstein import PooledScores
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas.rows import lists, pairs, plain_scores
from tests.core.measures.formulas.singles import score_wasserstein


def scored(*rows: list[float] | None) -> RankedLists:
    return lists([None if row is None else list(enumerate(row)) for row in rows], 4)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([0.9, 0.8], [0.9, 0.8], 0.0),
        ([0.9, 0.8], [0.8, 0.6], 0.15),
        ([0.5], [0.9, 0.5], 0.2),  # half of the mass travels 0.4
        ([0.6, 0.5, 0.4], [0.5, 0.5], 0.2 / 3),
        ([0.0], [0.0, 0.0, 0.0, 4.0], 1.0),
        ([], [0.5], float("nan")),
        ([], [], float("nan")),
        (None, [0.5], float("nan")),
    ],
)
def test_by_hand(before: list[float] | None, after: list[float] | None, expected: float) -> None:
    np.testing.assert_allclose(score_wasserstein(scored(before), scored(after), 4), [expected], atol=1e-15)


@given(pairs())
def test_per_anchor_equals_scipy(pair: tuple[RankedLists, RankedLists]) -> None:
    for depth in range(1, min(pair[0].depth, pair[1].depth) + 1):
        distance = score_wasserstein(*pair, depth)
        for anchor in range(len(pair[0])):
            b, c = (plain_scores(side, anchor, depth) for side in pair)
            if pair[0].known[anchor] and pair[1].known[anchor] and b and c:
                assert distance[anchor] == pytest.approx(wasserstein_distance(b, c), abs=1e-12)
            else:
                assert np.isnan(distance[anchor])


@given(pairs())
def test_identity_and_symmetry(pair: tuple[RankedLists, RankedLists]) -> None:
    depth = min(pair[0].depth, pair[1].depth)
    distance = score_wasserstein(*pair, depth)
    np.testing.assert_allclose(distance, score_wasserstein(pair[1], pair[0], depth), rtol=0, atol=1e-15)
    same = score_wasserstein(pair[0], pair[0], depth)
    assert np.all((same == 0.0) | np.isnan(same))


@given(pairs(max_anchors=8), st.data())
def test_pooled_equals_scipy(pair: tuple[RankedLists, RankedLists], draw: st.DataObject) -> None:
    anchors, depth = len(pair[0]), min(pair[0].depth, pair[1].depth)
    weights = np.array(draw.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=anchors, max_size=anchors)))
    groups = np.array(draw.draw(st.lists(st.integers(0, 2), min_size=anchors, max_size=anchors)))
    found = PooledScores.of(Grouped.of(weights, [(groups, 4)]), *pair, depth)
    pooled, n = found.distance, found.n
    usable = ~np.isnan(score_wasserstein(*pair, depth))
    for segment in range(4):
        members = np.flatnonzero(usable & (groups == segment)).tolist()
        assert n[segment] == len(members)
        if not members:
            assert np.isnan(pooled[segment])
            continue
        sides = [[plain_scores(side, anchor, depth) for anchor in members] for side in pair]
        counts = [np.repeat(weights[members], [len(of) for of in side]) for side in sides]
        values = [np.concatenate(side) for side in sides]
        assert pooled[segment] == pytest.approx(wasserstein_distance(*values, *counts), abs=1e-12)


def test_pooling_finds_no_shift_where_anchors_only_traded_scores() -> None:
    before, after = scored([0.9, 0.8], [0.5, 0.4]), scored([0.5, 0.4], [0.9, 0.8])
    assert score_wasserstein(before, after, 2).tolist() == pytest.approx([0.4, 0.4])
    found = PooledScores.of(Grouped.of(np.ones(2), [(np.zeros(2, np.int64), 1)]), before, after, 2)
    assert (found.distance[0], found.n[0]) == (0.0, 2)
