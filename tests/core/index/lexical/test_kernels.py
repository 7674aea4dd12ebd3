"""The compiled kernels against loops and their numpy twins, to the bit where the result is defined."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.arrays.ragged import ragged
from monitor.core.index.lexical import buffers, watch
from monitor.core.index.lexical.arrays import EMPTY, Counted
from monitor.core.index.lexical.bound import unproved
from monitor.core.index.lexical.kernels import count, gather, recount, scatter
from monitor.core.index.lexical.kernels_rank import rank
from monitor.core.index.lexical.queries import compile_queries
from tests.core.index.lexical import twins
from tests.core.index.lexical.test_topk import Stream, check, equal


def documents(counted: Counted) -> list[tuple[set[tuple[int, int]], set[int]]]:
    """Per document: its (id, frequency) pairs, and the ids that stand first."""
    made = []
    for start, end, heads in zip(counted.offset[:-1], counted.offset[1:], counted.heads, strict=True):
        ids = counted.ids[start:end].tolist()
        made.append((set(zip(ids, counted.frequencies[start:end].tolist(), strict=True)), set(ids[:heads])))
    return made


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6), st.sets(st.integers(0, 9)))
def test_count(texts: list[list[int]], known: set[int]) -> None:
    local = np.array([0 if token in known else -1 for token in range(10)], np.int32)
    tokens = np.array([token for text in texts for token in text], np.int32)
    offset = np.concatenate((np.zeros(1, np.int64), np.cumsum([len(text) for text in texts], dtype=np.int64)))
    expected = [({(t, text.count(t)) for t in text}, set(text) & known) for text in texts]
    found = count(tokens, offset, local)
    assert documents(found) == expected
    assert [found.ids.itemsize, found.heads.itemsize, found.offset.itemsize] == [4, 4, 8]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 5), max_size=8), st.sampled_from([1, -1])), max_size=6))
def test_recount(steps: list[tuple[list[int], int]]) -> None:
    left = (np.zeros(6, np.int32), np.zeros(5, np.int64))
    right = (np.zeros(6, np.int32), np.zeros(5, np.int64))
    for ids, step in steps:
        given_ids = np.array(ids, np.int32)
        done = twins.recount(*left, given_ids, step)
        before = right[0].copy(), right[1].copy()
        if recount(*right, given_ids, step) < len(ids):
            assert done == 0  # numpy stops before the first, numba at the one that would fall below 0
            right = before
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1][1:], right[1][1:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=6), st.randoms(use_true_random=False))
def test_gather_and_scatter_are_slices(sizes: list[int], order: Random) -> None:
    at = list(range(len(sizes)))
    order.shuffle(at)
    starts = np.array([6 * place for place in at], np.int64)
    slab = np.arange(6 * len(sizes), dtype=np.int32)
    expected = np.concatenate([slab[:0], *(slab[s : s + n] for s, n in zip(starts, sizes, strict=True))])
    parts = gather(slab, starts, np.array(sizes, np.int64))
    np.testing.assert_array_equal(parts, expected)
    copied = np.full(len(slab), 9999, np.uint16)
    scatter(copied, starts, np.array(sizes, np.int64), parts)
    np.testing.assert_array_equal(copied, np.where(np.isin(slab, expected), slab, 9999))


@pytest.mark.parametrize("sizes", [[], [0], [3], [0, 2, 0, 1]])
def test_ragged(sizes: Sequence[int]) -> None:
    starts = np.array([10 * at for at in range(len(sizes))], np.int64)
    expected = [start + at for start, size in zip(starts.tolist(), sizes, strict=True) for at in range(size)]
    assert ragged(starts, np.array(sizes, np.int64)).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), drift=st.sampled_from([0.0, 0.01, 1.0]), ties=st.booleans())
def test_a_ranking_that_stops_early_is_the_whole_one(seed: int, drift: float, ties: bool) -> None:
    """Whatever order entries came in, however far weights moved, also to nothing and below."""
    rng = np.random.default_rng(seed)
    words = [rng.choice(9, int(rng.integers(0, 5)), replace=False).astype(np.int32) for _ in range(6)]
    plan = compile_queries(words, [()] * 6)
    local, k1_b = plan.local(9), (1.5, 0.75)
    idf = rng.choice([0.0, 0.5, 2.0], len(plan.terms)) + rng.random(len(plan.terms)) - 0.05
    epoch = plan.weighted(idf, 20.0, local, k1_b)
    now = plan.weighted(idf * (1.0 + drift * rng.standard_normal(len(idf))), 20.0 + 9 * drift, local, k1_b)
    entries = buffers.empty(plan, np.full(len(plan), 12))
    slots = iter(rng.permutation(200).tolist())
    for row in np.flatnonzero(plan.sizes).tolist():
        for place in range(int(entries.offset[row]), int(entries.offset[row] + rng.integers(0, 19))):
            frequency = 1 + rng.integers(0, 2 if ties else 9, plan.sizes[row])
            entries.frequency[entries.column[: plan.sizes[row]] + place] = frequency
            entries.length[place] = rng.integers(5, 7 if ties else 40)
            entries.slot[place] = next(slots) if rng.random() < 0.8 else EMPTY
            entries.used[row] += 1
    every = np.arange(len(plan))
    entries.score[:] = buffers._scores(entries, epoch, every)
    label = rng.permutation(200) * (rng.random(200) < 0.9) + (not ties)  # 0: a name that was not placed
    entries.floor[:] = np.where(rng.random(len(plan)) < 0.3, -np.inf, rng.random(len(plan)) * 3.0)
    arguments = now, epoch, every, 4, label
    expected = twins.rank(entries, *arguments)
    nameless = np.sort(entries.slot[expected.open])
    for _ in range(2):  # entries are out of order, then in order
        found = rank(entries, *arguments)
        np.testing.assert_array_equal(found.slot, expected.slot)
        np.testing.assert_array_equal(found.score, expected.score)
        np.testing.assert_array_equal(np.sort(entries.slot[found.open]), nameless)
    least = np.where(found.slot[:, -1] == EMPTY, -np.inf, found.score[:, -1])
    loose = unproved(plan, epoch, now, entries.floor, least)
    assert not found.sure[loose].any()
    assert entries.ordered.tolist() == entries.used.tolist()
    assert (np.diff(entries.score[entries.offset[0] : entries.offset[0] + entries.used[0]]) <= 0.0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(EMPTY, 99), max_size=9), max_size=6), st.sets(st.integers(0, 130), min_size=1))
def test_drop(rows: list[list[int]], gone: set[int]) -> None:
    """Slots that are gone, also such as no row can hold; and places behind the end stay as they are."""
    plan = compile_queries([np.array([0], np.int32)] * len(rows), [()] * len(rows))
    held = watch.CandidateBuffers(plan, 2, plan.weighted(np.ones(len(plan.terms)), 1.0, plan.local(1), (1.5, 0.75)))
    entries, expected = held.entries, held.entries.slot.copy()
    for row, slots in enumerate(rows):
        places = slice(int(entries.offset[row]), int(entries.offset[row]) + len(slots))
        entries.slot[places], entries.used[row] = slots, len(slots)
        expected[places] = [EMPTY if slot in gone else slot for slot in slots]
    held.drop(np.array(sorted(gone)))
    np.testing.assert_array_equal(entries.slot, expected)


def test_both_follow_one_stream_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough chunks that buffers overflow, floors rise and bounds decide what is scored."""
    rng = np.random.default_rng(3)
    weights = 1.0 / np.arange(1, 301)
    weights /= weights.sum()

    def text() -> str:
        return " ".join(f"w{n}" for n in rng.choice(300, size=int(rng.integers(0, 25)), p=weights))

    queries = [" ".join(f"w{n}" for n in rng.choice(300, size=int(rng.integers(0, 7)), p=weights)) for _ in range(40)]
    left, right = Stream(queries), Stream(queries)
    for _ in range(25):
        changes: list[tuple[str, str | None]] = [
            (f"c{n}", text() if rng.random() < 0.8 else None) for n in rng.integers(0, 900, size=80)
        ]
        with monkeypatch.context() as plain:
            plain.setattr(watch, "offer", twins.offer)
            plain.setattr(watch, "rank", twins.rank)
            expected = left.apply(changes)
        np.testing.assert_array_equal(expected, right.apply(changes))
        equal(left.index.lists(), right.index.lists())
        held = right.index._watch.entries
        assert (held.ordered <= held.used).all()
        for first, ordered in zip(held.offset.tolist(), held.ordered.tolist(), strict=False):
            assert (np.diff(held.score[first : first + ordered]) <= 0.0).all()
    check(right)
    equal(right.index.lists(), right.rebuilt())
