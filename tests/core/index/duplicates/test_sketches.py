"""Sketches: what can be alike is never ruled out, and what is not alike nearly always is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.duplicates.kernels_sketches import (
    KnownTexts,
    Width,
    alike,
    common_at_most,
    least_shared,
    take_in,
    unknown,
)
from monitor.core.index.duplicates.shingles import NO_SHINGLES, jaccard
from monitor.core.index.kernels_keys import NONE, find

# few places: most shingles share their bit with others, as in long texts
SHINGLES = st.one_of(st.integers(0, 40), st.integers(0, 8).map(lambda number: number * 1024 + 3))
CROWDS = st.lists(st.sets(SHINGLES, min_size=1, max_size=30), min_size=2, max_size=6)


def empty(room: int) -> KnownTexts:
    few, every = (Width(np.zeros((room, words), np.uint64), np.zeros(room, np.int64)) for words in (4, 16))
    sets = Sets(np.zeros(130 * room, np.uint32), np.zeros(room, np.int64), np.zeros(room, np.int64))
    return KnownTexts(np.full(256, NONE, np.int32), np.zeros(room, np.int64), sets, few, every)


def made(sets: list[NDArray[np.uint32]]) -> KnownTexts:
    """Contents 10, 11, ... at the places from 1 on."""
    known, lists = empty(len(sets) + 2), SetLists(Sets.of(sets), np.arange(len(sets))[None])
    slots, contents = np.arange(len(sets))[::-1].copy(), 10 + np.arange(len(sets))[None]
    assert take_in(known, (1, 0), slots, contents, lists) == (len(sets) + 1, sum(map(len, sets)))
    return known


def ascending(crowd: list[set[int]]) -> list[NDArray[np.uint32]]:
    return [np.array(sorted(of), np.uint32) for of in crowd]


@given(CROWDS, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_pairs_are_alike_whose_similarity_reaches_the_threshold(crowd: list[set[int]], threshold: float) -> None:
    sets = ascending(crowd)
    known = made(sets)
    for left, one in enumerate(sets, 1):
        for right, other in enumerate(sets, 1):
            assert alike(known, left, right, threshold) == (jaccard(one, other) >= threshold)
            for width in (known.few, known.every):
                assert common_at_most(width, left, right) >= len(np.intersect1d(one, other))


def test_texts_that_share_a_third_are_told_apart_by_their_sketches() -> None:
    generator = np.random.default_rng(5)
    shared = generator.integers(0, 2**32, 40, dtype=np.uint64)
    crowd = [np.concatenate([shared, generator.integers(0, 2**32, 80, dtype=np.uint64)]) for _ in range(40)]
    sets = [np.unique(of.astype(np.uint32)) for of in crowd]
    sets.append(np.unique(np.concatenate([sets[0][:-4], sets[1][:4]])))
    known = made(sets)
    near = [
        (left, right)
        for right in range(1, 42)
        for left in range(1, right)
        if common_at_most(known.few, left, right) >= least_shared(known.sets.lengths, left, right, 0.8)
    ]
    assert near == [(1, 41)]
    assert alike(known, 1, 41, 0.8)


@given(CROWDS)
def test_the_kernel_writes_what_plain_numpy_writes(crowd: list[set[int]]) -> None:
    sets = ascending(crowd)
    known = made(sets)
    for at, own in enumerate(sets, 1):
        start = known.sets.starts[at]
        assert known.sets.flat[start : start + known.sets.lengths[at]].tolist() == own.tolist()
        assert find(known.heads, known.contents, 9 + at) == at
        for width in (known.few, known.every):
            wide = np.zeros(64 * width.bits.shape[1], np.bool_)
            wide[own % len(wide)] = True
            assert width.bits[at].tobytes() == np.packbits(wide, bitorder="little").tobytes()
            assert width.hidden[at] == len(own) - wide.sum()
    assert not known.few.bits[[0, -1]].any()


def test_each_content_that_says_anything_is_entered_once() -> None:
    sets = [np.array(of, np.uint32) for of in ([1, 2], [3], [4, 5, 6])] + [NO_SHINGLES]
    lists = SetLists(Sets.of(sets), np.array([[0, 1, 3], [2, 0, -1]]))
    contents = np.array([[10, 11, 12], [10, 13, NONE]])
    known = empty(8)
    slots, total = unknown(known, contents, lists)
    assert (slots.tolist(), total) == ([0, 1, 3, 4], 8)
    assert take_in(known, (1, 0), slots, contents, lists) == (4, 6)
    assert [find(known.heads, known.contents, of) != NONE for of in (10, 11, 12, 13)] == [True, True, False, True]
    place = find(known.heads, known.contents, 10)
    assert known.sets.lengths[place] == 3, "of several that say the same the last is asked"
    slots, total = unknown(known, contents, lists)
    assert (len(slots), total) == (0, 0)
