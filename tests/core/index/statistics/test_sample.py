"""A bottom-k sample against all members in the order of their hashes, after every batch.

Of very small samples the candidates may, by luck, be too few: then these are the sample.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.statistics import sample as module
from monitor.core.index.statistics.sample import BottomKSample, key_hashes

BATCHES = st.lists(st.tuples(st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59))), max_size=12)
"""Of each batch the chunks that leave, if they are there, and those that come, again or with another content."""


@given(BATCHES, st.sampled_from([2, 7, 256]))
def test_members_come_and_go(batches: list[tuple[set[int], set[int]]], size: int) -> None:
    with pytest.MonkeyPatch.context() as few:
        few.setattr(module, "SIZE", size)
        few.setattr(module, "_FEW", 5)
        sample, slots = BottomKSample(), dict[int, int]()
        for leaving, coming in batches:
            gone = sorted((leaving | coming) & set(slots))
            sample.leave(np.array([slots.pop(key) for key in gone], np.int64), hashed(gone))
            came = sorted(coming)
            free = iter(sorted(set(range(120)) - set(slots.values())))
            slots.update((key, next(free)) for key in came)
            sample.join(np.array([slots[key] for key in came], np.int64), hashed(came))
            if sample.settle():
                sample.refill(np.array(list(slots.values()), np.int64), np.array(list(slots), np.int64))
            assert sample.size == len(slots)
            wanted = [key for key in first(slots, size) if hashed([key])[0] < sample._bound()]
            assert sample.stale or not set(came) & set(wanted)
            assert sample.take().tolist() == [slots[key] for key in wanted]
            assert not sample.stale


def first(keys: dict[int, int], size: int) -> list[int]:
    """The keys with the least hashes."""
    every = list(keys)
    return [every[at] for at in np.argsort(hashed(every), kind="stable")[:size].tolist()]


def hashed(keys: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return key_hashes(np.array(keys, np.int64))
