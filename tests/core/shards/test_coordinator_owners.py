"""Owners at the coordinator against plain dictionaries, over random arrivals, steps and forgetting."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model.events import chunk_key
from monitor.core.shards.chunk_owner import ChunkOwner
from monitor.core.shards.messages import ChunkInTwoShardsError, ShardError, TermSteps
from monitor.core.shards.term_owner import TermOwner

KEYS = np.array([chunk_key(str(at)) for at in range(40)], np.int64)
SOME = st.lists(st.integers(0, len(KEYS) - 1), max_size=12, unique=True)


@given(st.lists(st.tuples(st.sampled_from(["arrive", "forget"]), st.integers(0, 3), SOME), max_size=30))
def test_a_chunk_is_where_it_arrived_until_it_is_forgotten(turns: list[tuple[str, int, list[int]]]) -> None:
    owner, homes = ChunkOwner(), dict[int, int]()
    for what, shard, some in turns:
        if what == "forget":
            owner.forget(KEYS[some])
            for one in some:
                homes.pop(one, None)
        elif any(homes.get(one, shard) != shard for one in some):
            with pytest.raises(ChunkInTwoShardsError):
                owner.arrive(shard, KEYS[some])
        else:
            owner.arrive(shard, KEYS[some])
            homes |= dict.fromkeys(some, shard)
        assert owner.homes(KEYS).tolist() == [homes.get(at, -1) for at in range(len(KEYS))]
        assert len(owner) == len(homes)


STEPS = st.dictionaries(st.integers(0, 30), st.sampled_from([-1, -1, 1, 2, 3, 4_095, 5_000, -4_095]), max_size=10)


@given(st.lists(st.lists(STEPS, max_size=4), max_size=20))
def test_words_are_counted_over_all_shards(turns: list[list[dict[int, int]]]) -> None:
    owner, counted = TermOwner(), Counter[int]()
    for shards in turns:
        after = Counter(counted)
        for steps in shards:
            for word, step in steps.items():
                after[word] += step
        moved = [
            TermSteps(KEYS[list(steps)].astype(np.uint64), np.array([*steps.values()], np.int64)) for steps in shards
        ]
        if min(after.values(), default=0) < 0:
            with pytest.raises(ShardError, match="expected no count below 0"):
                owner.take(moved)
        else:
            owner.take(moved)
            counted = after
        held = Counter(of for of in counted.values() if of)
        assert [array.tolist() for array in owner.frequencies()] == [sorted(held), [held[of] for of in sorted(held)]]
        assert len(owner) == sum(held.values())


def test_many_chunks_and_words_grow_the_tables() -> None:
    chunks, words = ChunkOwner(), TermOwner()
    keys = np.random.default_rng(1).integers(0, 1 << 62, 50_000)
    for at in range(0, len(keys), 7_000):
        some = keys[at : at + 7_000]
        chunks.arrive(at // 7_000, some)
        words.take([TermSteps(some.astype(np.uint64), np.ones(len(some), np.int64))])
    assert chunks.homes(keys).tolist() == [at // 7_000 for at in range(len(keys))]
    words.take([TermSteps(keys[:40_000].astype(np.uint64), np.full(40_000, -1))])
    assert [array.tolist() for array in words.frequencies()] == [[1], [10_000]]
