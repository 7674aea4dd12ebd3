"""Neighbours against documents sorted anew, however many chunks come, move and leave at once."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.statistics import neighbours
from monitor.core.index.statistics.neighbours import NONE, Neighbours

Place = tuple[int, int]
"""Document and ordinal of a chunk."""
MOST = 40
BATCHES = st.lists(
    st.dictionaries(
        st.integers(0, MOST - 1), st.none() | st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=MOST
    ),
    max_size=5,
)
"""What some slots hold from a batch on; None: nothing."""


def following(held: Mapping[int, Place]) -> dict[int, int]:
    """The next slot of each live one: documents by ordinal, then by key, which falls with the slot here."""
    ranked = sorted(held, key=lambda slot: (*held[slot], -slot))
    after = dict(pairwise(ranked))
    return {slot: after[slot] if slot in after and held[after[slot]][0] == held[slot][0] else NONE for slot in held}


@pytest.mark.parametrize("many", [1, 4, 16, 1_000])
@given(BATCHES)
def test_the_next_chunk_is_that_of_the_document_in_order(many: int, batches: list[dict[int, Place | None]]) -> None:
    made, held = Neighbours(), dict[int, Place]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_MANY", many)
        for batch in batches:
            before = following(held)
            removed = sorted(slot for slot in batch if slot in held)
            added = sorted(slot for slot, place in batch.items() if place is not None)
            held = {slot: place for slot, place in {**held, **batch}.items() if place is not None}
            places = np.array([held[slot][1] for slot in added], np.int64), 1_000 - np.array(added, np.int64)
            documents = np.array([held[slot][0] for slot in added], np.int64)
            touched = made.apply(np.array(removed, np.int64), np.array(added, np.int64), places, documents)
            now = following(held)
            assert {slot: int(made.next[slot]) for slot in held} == now
            assert len(made) == len({place[0] for place in held.values()})
            moved = {slot for slot in held if before.get(slot, -2) != now[slot]}
            assert moved <= set(touched.tolist()) <= set(held)
            assert touched.tolist() == sorted(set(touched.tolist()))
