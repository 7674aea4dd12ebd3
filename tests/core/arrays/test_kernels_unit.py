"""Vectors at unit length have the bits of numpy's way, whatever their dimension."""

import numpy as np
import pytest

from monitor.core.arrays.kernels_unit import normalised
from monitor.core.model.scoring import Distance, prepare

WIDTHS = [
    *range(20),
    *range(120, 140),
    *range(248, 268),
    300,
    384,
    511,
    512,
    768,
    1000,
    1024,
    1536,
    3072,
    4097,
    65_536,
]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bits_are_those_of_prepare(width: int) -> None:
    """Of every size, with zeros, vectors of zeros, the least and the largest numbers."""
    generator = np.random.default_rng(width)
    scales = 10.0 ** generator.integers(-20, 20, (9, 1))
    vectors = (generator.standard_normal((9, width)) * scales).astype(np.float32)
    if width:
        vectors[0], vectors[1, ::2], vectors[2] = 0.0, -0.0, np.finfo(np.float32).max
        vectors[3, 1:], vectors[4] = 0.0, np.float32(1e-45)
    made = np.full_like(vectors, np.nan)
    lengths = normalised(vectors, made)
    wide = vectors.astype(np.float64)
    assert np.array_equal(lengths, np.sqrt(np.add.reduce(wide * wide, axis=1)))
    assert np.array_equal(made.view(np.uint32), prepare(vectors, Distance.COSINE).view(np.uint32))


def test_of_nothing() -> None:
    none = np.zeros((0, 4), np.float32)
    assert not len(normalised(none, none.copy()))
