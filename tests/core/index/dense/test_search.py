"""Exact search over a slab against sorting everything, with blocks far smaller than the slab."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.dense import search as dense_search
from monitor.core.index.dense.kernels import EMPTY
from monitor.core.index.dense.order import dedup_candidates, name_ranks, places, ranked
from monitor.core.index.dense.search import ExactSearch
from monitor.core.model.scoring import Distance, prepare, scores

NAMES = [f"c{slot * 7919 % 100_003}" for slot in range(4000)]


def brute(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    slots: NDArray[np.int64],
    distance: Distance,
    keep: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    made, found = np.full((len(queries), keep), EMPTY), np.full((len(queries), keep), np.nan)
    for at, query in enumerate(queries):
        exact = scores(vectors[slots], query, distance).tolist()
        order = sorted(range(len(slots)), key=lambda i: (-exact[i], NAMES[slots[i]]))[:keep]
        made[at, : len(order)], found[at, : len(order)] = slots[order], [exact[i] for i in order]
    return made, found


def check(vectors: NDArray[np.float32], queries: NDArray[np.float32], distance: Distance, keep: int) -> None:
    vectors, queries = prepare(vectors, distance), prepare(queries, distance)
    for slots in (np.arange(len(vectors)), np.flatnonzero(np.arange(len(vectors)) % 3 > 0)):
        expected = brute(vectors, queries, slots, distance, keep)
        found = ExactSearch(vectors, NAMES, queries, distance=distance, keep=keep).top(slots)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense_search, "_CELLS", 1)  # 256 rows at a time


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("keep", [1, 10, 41, 300])
def test_many_blocks(distance: Distance, keep: int) -> None:
    generator = np.random.default_rng(keep)
    vectors = generator.standard_normal((2000, 12)).astype(np.float32)
    check(vectors, vectors[:5] + np.float32(0.1), distance, keep)


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("rising", [False, True])
def test_scores_that_rise_or_fall_along_the_slab(distance: Distance, rising: bool) -> None:
    """Every block beats all that came before, or none does."""
    step = np.linspace(0.0, 1.0, 1500)[:: 1 if rising else -1, None]
    vectors = (np.ones((1500, 6)) * step + (1 - step) * np.array([1, -1, 1, -1, 1, -1])).astype(np.float32)
    check(vectors, np.ones((2, 6), np.float32), distance, 20)


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("ulps", [0, 1])
def test_a_slab_of_copies_and_of_near_copies(distance: Distance, ulps: int) -> None:
    """Nothing but float64 scores and chunk ids can tell them apart, and the pool stays bounded."""
    generator = np.random.default_rng(1)
    vectors = np.repeat(generator.standard_normal((1, 8)).astype(np.float32), 3000, axis=0)
    if ulps:
        up = generator.random(vectors.shape) < 0.5
        vectors = np.where(up, np.nextafter(vectors, np.float32(9)), vectors)
    check(vectors, vectors[:3] + np.float32(1e-3), distance, 15)


@pytest.mark.parametrize("distance", [Distance.DOT, Distance.EUCLID])
def test_blocks_that_need_the_wide_product_and_blocks_that_do_not(distance: Distance) -> None:
    generator = np.random.default_rng(2)
    vectors = generator.standard_normal((1200, 6)).astype(np.float32)
    vectors[300:330] *= np.float32(1e30)
    vectors[900] *= np.float32(1e37)
    queries = np.concatenate((vectors[:2], vectors[300:302], vectors[900:901]))
    check(vectors, queries, distance, 12)


def test_nothing_to_search_and_nobody_asking() -> None:
    vectors = np.ones((5, 3), np.float32)
    check(vectors[:0], vectors[:2], Distance.DOT, 3)
    check(vectors, vectors[:0], Distance.DOT, 3)
    check(vectors, vectors[:1], Distance.DOT, 9)


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, -0.0, 1.0, 2.0]), st.integers(0, 30)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_ranked_is_the_total_order(drawn: list[tuple[int, float, int]]) -> None:
    rows, values = np.array([r for r, _, _ in drawn], np.int64), np.array([v for _, v, _ in drawn], np.float64)
    slots = np.array([s for _, _, s in drawn], np.int64)
    order = ranked(rows, values, slots, NAMES)
    keys = [(rows[at], -values[at], NAMES[slots[at]]) for at in order]
    assert keys == sorted(keys)
    assert sorted(order.tolist()) == list(range(len(drawn)))
    seen: dict[int, int] = {}
    for row, place in zip(rows[order].tolist(), places(rows[order]).tolist(), strict=True):
        assert place == seen.setdefault(row, 0)
        seen[row] += 1
    ranks = name_ranks(slots, NAMES)
    assert all(
        (ranks[i] < ranks[j]) == (NAMES[slots[i]] < NAMES[slots[j]]) for i in range(len(slots)) for j in range(i)
    )


def test_leaders_are_the_first_names_of_each_set_of_copies_in_each_group() -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0], [-0.0, 1]], np.float32)
    groups = np.array([0, 0, 0, 0, 1, 0])
    names = ["d", "a", "b", "z", "x", "y"]
    assert dedup_candidates(vectors, groups, np.arange(6), names, 2).tolist() == [False, True, True, True, True, True]
    assert dedup_candidates(vectors, groups, np.arange(6), names, 1).tolist() == [
        False,
        True,
        False,
        True,
        True,
        True,
    ]
