"""Numbers of distinct keys against numpy's `unique`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.arrays.numbering import numbered, ranked

Keys = st.lists(st.integers(-2, 5) | st.integers(-(2**62), 2**63 - 1) | st.integers(0, 40).map(lambda n: n << 40))


@given(Keys)
def test_as_by_sorting(drawn: list[int]) -> None:
    keys = np.array(drawn, np.int64)
    known = keys >= 0
    distinct, inverse = np.unique(keys[known], return_inverse=True)
    codes, count = ranked(keys)
    assert count == len(distinct)
    assert codes[known].tolist() == inverse.tolist()
    assert (codes[~known] == -1).all()


@given(Keys)
def test_numbers_follow_the_first_appearance(drawn: list[int]) -> None:
    numbers, distinct = numbered(np.array(drawn, np.int64))
    first = list(dict.fromkeys(key for key in drawn if key >= 0))
    assert distinct.tolist() == first
    assert numbers.tolist() == [first.index(key) if key >= 0 else -1 for key in drawn]
