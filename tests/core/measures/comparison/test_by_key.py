"""Numbers by chunk key: whatever is forgotten, asked again and grown, as a dictionary would say."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.comparison.by_key import ByKey

KEYS = st.lists(st.integers(-1, 40).map(lambda of: of * 4_099), max_size=12)


@given(st.lists(st.tuples(KEYS, KEYS), max_size=12))
def test_only_what_is_not_known_is_looked_up_and_once(steps: list[tuple[list[int], list[int]]]) -> None:
    kept, told = ByKey(2), dict[int, tuple[int, int]]()
    for turn, (changed, asked) in enumerate(steps):
        looked: list[int] = []

        def look(keys: Sequence[int], turn: int = turn, looked: list[int] = looked) -> np.ndarray:
            looked += keys
            return np.array([(key, turn) for key in keys], np.int64)

        kept.forget(np.array(changed, np.int64))
        for key in changed:
            told.pop(key, None)
        unknown = list(dict.fromkeys(key for key in asked if key not in told))
        told |= {key: (key, turn) for key in unknown}
        found = kept.of(np.array(asked, np.int64).reshape(-1, 1), look)
        assert looked == unknown
        assert found[:, 0].tolist() == [list(told[key]) for key in asked]


def test_it_grows_and_forgets_all() -> None:
    kept, keys = ByKey(1), np.arange(5_000) * 977
    assert np.array_equal(kept.of(keys, lambda of: np.array(of)[:, None])[:, 0], keys)
    assert np.array_equal(kept.of(keys, lambda _: np.zeros((0, 1), np.int64))[:, 0], keys)
    kept.forget(None)
    assert not len(kept)
    assert kept.of(keys[:2], lambda of: np.array(of)[:, None] + 1).tolist() == [[1], [978]]
