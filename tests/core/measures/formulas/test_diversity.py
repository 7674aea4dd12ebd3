"""Diversity of a list's vectors against the cosine of every pair."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas import diversity
from monitor.core.measures.formulas.diversity import NO_VECTOR, diversity_ratio


def pairwise(vectors: np.ndarray) -> float:
    """1 - the mean cosine over the pairs, one by one."""
    cosines = []
    for left, right in combinations(vectors.astype(np.float64), 2):
        norms = np.linalg.norm(left) * np.linalg.norm(right)
        cosines.append(float(left @ right / norms) if norms else 0.0)
    return 1.0 - float(np.mean(cosines))


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 5))
def test_equals_the_pairwise_mean(seed: int, anchors: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.round(rng.normal(size=(6, 3))).astype(np.float32)  # some are zero, some equal
    slots = rng.integers(NO_VECTOR, 6, (anchors, depth))
    values = diversity_ratio(vectors, slots)
    for at, row in enumerate(slots):
        of = vectors[row[row != NO_VECTOR]]
        expected = pairwise(of) if len(of) > 1 else np.nan
        assert values[at] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_by_hand() -> None:
    vectors = np.array([[1, 0], [0, 2], [3, 0], [-1, 0], [0, 0]], np.float32)
    slots = np.array([[0, 2, -1], [0, 1, -1], [0, 3, -1], [0, 1, 2], [0, 4, -1], [0, -1, -1], [-1, -1, -1]])
    np.testing.assert_allclose(
        diversity_ratio(vectors, slots), [0.0, 1.0, 2.0, 2 / 3, 1.0, np.nan, np.nan], atol=1e-15
    )


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    vectors, slots = rng.normal(size=(50, 8)).astype(np.float32), rng.integers(-1, 50, (33, 10))
    whole = diversity_ratio(vectors, slots)
    monkeypatch.setattr(diversity, "BLOCK", 8 * 10 * 4)
    np.testing.assert_array_equal(diversity_ratio(vectors, slots), whole)


def test_no_anchors() -> None:
    assert diversity_ratio(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.int64)).shape == (0,)
