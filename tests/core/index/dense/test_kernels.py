"""The compiled dense kernels against their numpy twins, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.dense import kernels
from monitor.core.index.dense.kernels import EMPTY, Arrivals, Rows
from monitor.core.model.scoring import Distance, scores
from tests.core.index.dense import twins

NAMES = [f"c{slot * 37 % 101}" for slot in range(200)]


def random_rows(generator: np.random.Generator, capacity: int, levels: int) -> Rows:
    """Five sorted buffers whose scores come from a few levels, so that ties are common."""
    rows = Rows(np.full((5, capacity), EMPTY), np.full((5, capacity), -np.inf), np.zeros(5, np.int64), np.zeros(5))
    for at in range(5):
        size = int(generator.integers(0, capacity + 1))
        slots = generator.choice(100, size, replace=False)
        scores = generator.integers(1, levels + 1, size).astype(np.float64)
        order = sorted(range(size), key=lambda i: (-scores[i], NAMES[slots[i]]))
        rows.slots[at, :size], rows.scores[at, :size], rows.sizes[at] = slots[order], scores[order], size
    return rows


def copy(rows: Rows) -> Rows:
    return Rows(rows.slots.copy(), rows.scores.copy(), rows.sizes.copy(), rows.floors.copy())


def assert_same(left: Rows, right: Rows) -> None:
    np.testing.assert_array_equal(left.slots, right.slots)
    np.testing.assert_array_equal(left.scores, right.scores)
    np.testing.assert_array_equal(left.sizes, right.sizes)
    np.testing.assert_array_equal(left.floors, right.floors)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 63, 64, 65, 200])),
    share=st.sampled_from([0.0, 0.01, 0.6, 1.0]),
    wide=st.booleans(),
)
def test_the_pairs_that_reach_what_is_needed(seed: int, shape: tuple[int, int], share: float, wide: bool) -> None:
    generator = np.random.default_rng(seed)
    forms = generator.integers(0, 100, shape).astype(np.float64)
    needed = 100.0 - np.floor(100.0 * share * generator.random(shape[0]))
    expected = np.nonzero(forms >= needed[:, None])
    pairs = (
        kernels.reaching(forms, needed)
        if wide
        else kernels.reaching(forms.astype(np.float32), needed.astype(np.float32))
    )
    for found, wanted in zip(pairs, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    capacity=st.integers(1, 8),
    levels=st.sampled_from([3, 40, 10**9]),
    arriving=st.integers(0, 40),
)
def test_insert_and_drop_are_equal(seed: int, capacity: int, levels: int, arriving: int) -> None:
    generator = np.random.default_rng(seed)
    plain = random_rows(generator, capacity, levels)
    fast = copy(plain)
    gone = np.append(generator.random(200) < 0.3, False)
    np.testing.assert_array_equal(twins.drop(plain, gone), kernels.drop(fast, gone))
    assert_same(plain, fast)
    anchors = np.sort(generator.integers(0, 5, arriving))
    slots = 100 + generator.permutation(100)[:arriving]
    between = generator.choice([0.0, 0.1, 0.3, 0.5, 0.9], arriving)  # equal to a buffered score, or to none
    arrivals = Arrivals(anchors, generator.integers(0, levels + 1, arriving) + between, slots)
    expected = twins.insert(plain, arrivals, NAMES)
    np.testing.assert_array_equal(expected, kernels.insert(fast, arrivals, NAMES))
    assert_same(plain, fast)


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("dimension", [1, 2, 7, 8, 9, 127, 128, 129, 130, 384, 768, 1000, 1536, 3072])
def test_scores_are_equal(distance: Distance, dimension: int) -> None:
    generator = np.random.default_rng(dimension)
    vectors = (generator.standard_normal((40, dimension)) * 10.0 ** generator.integers(-8, 8, (40, 1))).astype(
        np.float32
    )
    vectors[0] = 0.0
    vectors[1] = -0.0
    slots, rows = generator.integers(0, 40, 300), generator.integers(0, 30, 300)
    made = kernels.exact(vectors, slots, vectors[:30].copy(), rows, distance)
    expected = scores(vectors[slots], vectors[rows], distance)
    np.testing.assert_array_equal(made.view(np.int64), expected.view(np.int64))


def test_a_numpy_that_sums_in_another_order_scores_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels._sums_as_numpy(384)
    compiled = kernels._exact
    monkeypatch.setattr(kernels, "_exact", lambda *pairs: compiled(*pairs) + 1e-12)
    monkeypatch.setattr(kernels, "_sums_as_numpy", kernels._sums_as_numpy.__wrapped__)
    assert not kernels._sums_as_numpy(384)
    generator = np.random.default_rng(1)
    vectors = generator.standard_normal((40, 384)).astype(np.float32)
    slots, rows = generator.integers(0, 40, 600), generator.integers(0, 40, 600)
    found = kernels.exact(vectors, slots, vectors, rows, Distance.DOT)
    np.testing.assert_array_equal(found, scores(vectors[slots], vectors[rows], Distance.DOT))
