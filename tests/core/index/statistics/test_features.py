"""Features: exact integers that do not depend on the batch, and the kernel they stand for."""

import numpy as np
import pytest

from monitor.core.index.statistics.features import BANDWIDTH, FREQUENCIES, GRID, ONE, Features, norms


@pytest.mark.parametrize("dimension", [1, 7, 384, 4_096])
def test_the_product_is_exact_and_the_batch_does_not_matter(dimension: int) -> None:
    features = Features(dimension)
    vectors = np.random.default_rng(dimension).standard_normal((40, dimension)).astype(np.float32)
    vectors[3] = np.eye(1, dimension, dtype=np.float32)[0] * 1e20
    directions = features.directions(vectors, norms(vectors))
    assert np.abs(directions).max() <= GRID
    frequencies = features.frequencies
    exact = directions.astype(np.int64) @ frequencies.astype(np.int64)
    np.testing.assert_array_equal(directions @ frequencies, exact)
    # whatever the order of the sums: no partial sum of absolute values needs a 25th bit
    longest = np.sqrt(
        (directions.astype(np.float64) ** 2).sum(axis=1).max()
        * (frequencies.astype(np.float64) ** 2).sum(axis=0).max()
    )
    assert longest < 1 << 24
    whole = features.of(directions)
    for size in (1, 3, 17):
        parts = [features.of(directions[at : at + size]) for at in range(0, 40, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_features_are_cosines_and_sines_of_the_phases() -> None:
    features = Features(16)
    vectors = np.random.default_rng(5).standard_normal((50, 16)).astype(np.float32)
    directions = features.directions(vectors, norms(vectors))
    found = features.of(directions)
    phase = (directions.astype(np.float64) @ features.frequencies) * (
        2 * np.pi / (GRID * 2.0 ** (features.shift + 1))
    )
    np.testing.assert_allclose(found[:, :FREQUENCIES] / ONE, np.cos(phase), atol=0.002)
    np.testing.assert_allclose(found[:, FREQUENCIES:] / ONE, np.sin(phase), atol=0.002)


def test_mean_products_are_the_kernel() -> None:
    """Over many pairs the error of 128 frequencies averages out."""
    features = Features(24)
    generator = np.random.default_rng(2)
    base = generator.standard_normal((300, 24))
    vectors = np.concatenate((base, base + generator.standard_normal((300, 24)) * 0.5)).astype(np.float32)
    mapped = features.of(features.directions(vectors, norms(vectors))) / ONE
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = ((unit[:300] - unit[300:]) ** 2).sum(axis=1)
    kernel = np.exp(-apart / (2 * BANDWIDTH**2))
    products = (mapped[:300] * mapped[300:]).sum(axis=1) / FREQUENCIES
    assert np.abs(products - kernel).mean() < 0.06
    assert np.abs((products - kernel).mean()) < 0.02
    np.testing.assert_allclose((mapped * mapped).sum(axis=1) / FREQUENCIES, 1.0, atol=1e-3)


def test_zero_vectors_have_no_direction() -> None:
    features = Features(3)
    vectors = np.array([[0, 0, 0], [0, 5, 0]], np.float32)
    assert norms(vectors).tolist() == [0.0, 5.0]
    assert features.directions(vectors, norms(vectors)).tolist() == [[0, 0, 0], [0, GRID, 0]]
