"""New hubs, against counting by hand."""

from collections import defaultdict

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from monitor.core.measures.newcomers import _shares
from monitor.core.model.lists import NO_CHUNK

LISTS = st.integers(0, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(1, 9), max_size=4, unique=True).map(lambda row: row + [NO_CHUNK] * (4 - len(row))),
        min_size=n,
        max_size=n,
    )
)


@given(LISTS, st.dictionaries(st.integers(1, 9), st.sampled_from("abc"), max_size=6))
def test_shares_of_documents_are_what_counting_finds(rows: list[list[int]], documents: dict[int, str]) -> None:
    keys = np.array(rows, np.int64).reshape(len(rows), 4)
    counted = np.isin(keys, list(documents))
    made = _shares(keys, counted, [documents[key] for key in np.unique(keys[counted]).tolist()])
    lists: dict[str, set[int]] = defaultdict(set)
    single: dict[int, int] = defaultdict(int)
    for at, row in enumerate(rows):
        for key in row:
            if key in documents:
                lists[documents[key]].add(at)
                single[key] += 1
    most = {name: max(count for key, count in single.items() if documents[key] == name) / len(rows) for name in lists}
    assert made.by_document == {name: (len(found) / len(rows), most[name]) for name, found in lists.items()}
    assert made.document == max((share for share, _ in made.by_document.values()), default=0.0)
    assert made.chunk == max(most.values(), default=0.0)
