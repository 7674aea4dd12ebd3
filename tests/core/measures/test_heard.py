"""What was looked for in the baseline's texts stays with its chunk, wherever that stands in its list."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.kernels_answers import NONE, UNSEEN, carry

SLOTS = 4
LIST = st.lists(st.integers(1, 9), unique=True, max_size=SLOTS).map(lambda of: of + [NONE] * (SLOTS - len(of)))
LISTS = st.lists(st.tuples(LIST, LIST), min_size=1, max_size=4)


@given(LISTS, st.sets(st.integers(1, 9)))
def test_it_goes_along_with_chunks_that_say_what_they_said(
    lists: list[tuple[list[int], list[int]]], new: set[int]
) -> None:
    before, now = (np.array(side, np.int64) for side in zip(*lists, strict=True))
    others = np.isin(now, sorted(new))
    heard = np.where(before == NONE, UNSEEN, 100 * np.arange(1, len(before) + 1)[:, None] + before)
    kept = [dict(zip(*of, strict=True)) for of in zip(before.tolist(), heard.tolist(), strict=True)]
    rows, places = carry(heard, before, now, others)
    looked = others | (before != now)
    assert rows.tolist() == looked.any(axis=1).tolist()
    assert places.tolist() == np.flatnonzero(looked).tolist()
    for at, row in enumerate(now.tolist()):
        assert heard[at].tolist() == [UNSEEN if key in new else kept[at].get(key, UNSEEN) for key in row]
