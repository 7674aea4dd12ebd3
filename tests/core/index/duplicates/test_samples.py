"""A sample of shingles is the same whatever set they stand in."""

import numpy as np
import pytest

from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.duplicates.kernels_samples import NONE, sampled


@pytest.mark.parametrize("seed", range(10))
def test_samples_are_of_a_fixed_sixteenth(seed: int) -> None:
    """Sets in any order and again, empty ones, and none at all."""
    generator = np.random.default_rng(seed)
    sets = [np.unique(generator.integers(0, 2**32, size, np.uint32)) for size in (0, 1, 500, 16, 0, 90, 3_000)]
    handles = generator.integers(NONE, len(sets), 40)
    said, counts = sampled(Sets.of(sets), handles)
    kept = [
        sets[at][(sets[at] * np.uint32(0x9E37_79B1)) >> np.uint32(28) == 0] if at != NONE else sets[0]
        for at in handles.tolist()
    ]
    assert counts.tolist() == [len(of) for of in kept]
    assert np.array_equal(said, np.concatenate(kept))
    assert said.dtype == np.uint32
    assert counts.dtype == np.int32
    assert [of.tolist() for of in sampled(Sets.of(sets), handles[:0])] == [[], []]
