"""What moved in lists, and which chunks stand in them, against numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas.moved import absent, among, holds, moved
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas.rows import pairs

KEYS = st.lists(st.sampled_from([NO_CHUNK, 0, 1, 2, 1 << 16, (1 << 16) + 1, 1 << 40, (1 << 62) + 2]), max_size=12)
"""Some have the same low bits."""


@given(KEYS, KEYS)
def test_which_keys_stand_where(listed: list[int], asked: list[int]) -> None:
    lists, keys = np.array(listed, np.int64), np.array(asked, np.int64)
    np.testing.assert_array_equal(holds(lists, keys), np.isin(lists, keys))
    np.testing.assert_array_equal(absent(keys, lists), np.setdiff1d(keys, lists))
    if len(lists) % 2 == 0:
        rows = lists.reshape(-1, 2)
        np.testing.assert_array_equal(holds(rows, keys), np.isin(rows, keys))
        np.testing.assert_array_equal(holds(rows[:, :1], keys), np.isin(rows[:, :1], keys))


@given(pairs(same_depth=True), st.booleans())
def test_which_lists_are_others(pair: tuple[RankedLists, RankedLists], scores: bool) -> None:
    before, now = pair
    expected = [
        before.known[at] != now.known[at]
        or before.keys[at].tolist() != now.keys[at].tolist()
        or (scores and before.scores[at].tobytes() != now.scores[at].tobytes())
        for at in range(len(now))
    ]
    assert moved(before, now, scores=scores).tolist() == expected
    assert not moved(before, before, scores=scores).any()


@given(st.lists(st.integers(-2, 9), max_size=8), st.sets(st.integers(-2, 9)))
def test_which_values_are_among_others(values: list[int], others: set[int]) -> None:
    found = among(np.array([values], np.int64), np.array(sorted(others), np.int64))
    assert found.tolist() == [[value in others for value in values]]
