"""Dense scores: the same bits whatever stands around them, and the value of an exact sum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from monitor.core.model.scoring import Distance, prepare, scores

Vectors = NDArray[np.float32]
NUMBER = st.floats(-1e3, 1e3, width=32)
SHAPES = st.tuples(st.integers(1, 40), st.sampled_from((1, 2, 3, 7, 8, 9, 64, 129, 384)))
PAIRS = SHAPES.flatmap(lambda shape: st.tuples(arrays(np.float32, shape, elements=NUMBER), st.just(shape)))


def random(rows: int, dimension: int, seed: int = 1) -> Vectors:
    return np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)


def exact(left: Vectors, right: Vectors, distance: Distance) -> float:
    """The correctly rounded score: products of float32 are exact in float64, and fsum adds them without error."""
    if distance is Distance.EUCLID:
        gaps = [float(a) - float(b) for a, b in zip(left, right, strict=True)]
        return -math.sqrt(math.fsum(gap * gap for gap in gaps))
    return math.fsum(float(a) * float(b) for a, b in zip(left, right, strict=True))


def layouts(matrix: Vectors) -> dict[str, Vectors]:
    """The same numbers in other places of memory."""
    wide = np.repeat(np.repeat(matrix, 2, axis=1), 3, axis=0)
    shifted = np.empty(matrix.nbytes + 1, np.uint8)[1:].view()
    unaligned = np.frombuffer(shifted, np.uint8, matrix.nbytes).view(np.float32).reshape(matrix.shape)
    unaligned[:] = matrix
    return {
        "fortran": np.asfortranarray(matrix),
        "strided": wide[::3, ::2],
        "backwards": matrix[::-1, ::-1].copy()[::-1, ::-1],
        "unaligned": unaligned,
        "transposed": np.ascontiguousarray(matrix.T).T,
    }


@pytest.mark.parametrize("distance", Distance)
@pytest.mark.parametrize("dimension", [1, 2, 3, 7, 8, 9, 16, 127, 128, 129, 384, 1000])
def test_a_score_does_not_depend_on_the_other_rows(distance: Distance, dimension: int) -> None:
    left, right = random(70, dimension), random(1, dimension, 2)[0]
    whole = scores(left, right, distance)
    for rows in (slice(0, 1), slice(5, 6), slice(0, 2), slice(3, 20), slice(69, 70), slice(None, None, 7)):
        np.testing.assert_array_equal(scores(left[rows], right, distance), whole[rows])
    tiled = np.tile(right, (70, 1))
    np.testing.assert_array_equal(scores(left, tiled, distance), whole)
    np.testing.assert_array_equal(scores(tiled, left, distance), whole)


@pytest.mark.parametrize("distance", Distance)
@pytest.mark.parametrize("dimension", [1, 9, 129, 384])
def test_a_score_does_not_depend_on_memory_layout(distance: Distance, dimension: int) -> None:
    left, right = random(33, dimension), random(33, dimension, 2)
    whole = scores(left, right, distance)
    for name, other in layouts(left).items():
        np.testing.assert_array_equal(scores(other, right, distance), whole, err_msg=name)
        np.testing.assert_array_equal(scores(right, other, distance), whole, err_msg=name)


@pytest.mark.parametrize("distance", Distance)
@pytest.mark.parametrize("dimension", [1, 9, 129, 384])
def test_preparation_does_not_depend_on_memory_layout_or_other_rows(distance: Distance, dimension: int) -> None:
    vectors = random(33, dimension)
    whole = prepare(vectors, distance)
    for name, other in layouts(vectors).items():
        np.testing.assert_array_equal(prepare(other, distance), whole, err_msg=name)
    for row in (0, 7, 32):
        np.testing.assert_array_equal(prepare(vectors[row : row + 1], distance)[0], whole[row])


@settings(deadline=None)
@given(PAIRS, st.sampled_from(Distance), st.integers(0, 2**31))
def test_scores_are_the_exact_sum(pair: tuple[Vectors, tuple[int, int]], distance: Distance, seed: int) -> None:
    left, (_, dimension) = pair
    right = random(1, dimension, seed)[0]
    found = scores(left, right, distance)
    assert found.dtype == np.float64
    for row, score in zip(left, found.tolist(), strict=True):
        scale = math.fsum(abs(float(a) * float(b)) for a, b in zip(row, right, strict=True))
        assert score == pytest.approx(exact(row, right, distance), rel=1e-12, abs=1e-12 * max(scale, 1e-300))


@settings(deadline=None)
@given(PAIRS, st.sampled_from(Distance))
def test_scores_are_symmetric_and_euclid_to_oneself_is_nothing(
    pair: tuple[Vectors, tuple[int, int]], distance: Distance
) -> None:
    left, _ = pair
    right = left[::-1]
    np.testing.assert_array_equal(scores(left, right, distance), scores(right, left, distance))
    if distance is Distance.EUCLID:
        np.testing.assert_array_equal(scores(left, left, distance), np.zeros(len(left)))
        assert (scores(left, right, distance) <= 0.0).all()


@settings(deadline=None)
@given(arrays(np.float32, (5, 7), elements=st.floats(-(2.0**127), 2.0**127, width=32)))
def test_prepared_cosine_vectors_have_unit_length_whatever_their_size(vectors: Vectors) -> None:
    before = vectors.copy()
    made = prepare(vectors, Distance.COSINE)
    np.testing.assert_array_equal(vectors, before)
    assert made.dtype == np.float32
    zero = ~before.any(axis=1)
    np.testing.assert_array_equal(made[zero], 0.0)
    lengths = np.linalg.norm(made[~zero].astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-6)


def test_hand_worked_values() -> None:
    left = np.array([[3.0, 4.0]], np.float32)
    right = np.array([0.0, 1.0], np.float32)
    np.testing.assert_array_equal(prepare(left, Distance.COSINE), np.array([[0.6, 0.8]], np.float32))
    assert prepare(left, Distance.DOT) is left
    assert prepare(left, Distance.EUCLID) is left
    assert scores(left, right, Distance.DOT).tolist() == [4.0]
    assert scores(left, right, Distance.EUCLID).tolist() == [-math.sqrt(18.0)]
    assert scores(prepare(left, Distance.COSINE), right, Distance.COSINE)[0] == pytest.approx(0.8, abs=1e-7)


@pytest.mark.parametrize("distance", Distance)
def test_nothing_gives_nothing(distance: Distance) -> None:
    for shape in ((0, 3), (0, 0)):
        empty = np.zeros(shape, np.float32)
        assert prepare(empty, distance).shape == shape
        assert scores(empty, np.zeros(shape[1], np.float32), distance).tolist() == []
    np.testing.assert_array_equal(scores(np.zeros((2, 0), np.float32), np.zeros(0, np.float32), distance), [0.0, 0.0])


def test_zero_vectors_score_zero() -> None:
    zero = prepare(np.zeros((1, 4), np.float32), Distance.COSINE)
    assert scores(zero, random(1, 4)[0], Distance.COSINE).tolist() == [0.0]
