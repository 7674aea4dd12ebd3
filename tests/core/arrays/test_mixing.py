"""Hashes of integers are those of plain arithmetic."""

import numpy as np
import pytest

from monitor.core.arrays.mixing import FIRST, SECOND, mix


def mixed(value: int) -> int:
    value = (value ^ (value >> 30)) * int(FIRST) % 2**64
    value = (value ^ (value >> 27)) * int(SECOND) % 2**64
    return value ^ (value >> 31)


@pytest.mark.parametrize("shape", [(0,), (48,), (6, 8)])
def test_each_integer_is_mixed_by_itself(shape: tuple[int, ...]) -> None:
    drawn = np.random.default_rng(1).integers(0, 2**64, shape, np.uint64)
    for values in (drawn, drawn[..., ::2]):
        found = mix(values)
        assert found.shape == values.shape
        assert found.ravel().tolist() == [mixed(value) for value in values.ravel().tolist()]
