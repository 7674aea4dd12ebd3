"""Sorted sets of hashes, against numpy."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import mark_shared

SETS = st.sets(st.integers(0, 40) | st.just(2**32 - 1)).map(lambda some: np.array(sorted(some), np.uint32))


@given(SETS, SETS, st.booleans())
def test_what_both_hold_is_marked_and_counted(
    own: NDArray[np.uint32], other: NDArray[np.uint32], before: bool
) -> None:
    marks = np.full(len(own), before)
    there = np.isin(own, other)
    assert mark_shared(own, other, marks) == there.sum()
    assert marks.tolist() == (there | before).tolist()
