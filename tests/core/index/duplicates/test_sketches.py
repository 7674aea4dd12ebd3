"""Sketches: what can be alike is never ruled out, and what is not alike nearly always is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.duplicates.kernels_sketches import Width, allowed, sketch
from monitor.core.index.duplicates.shingles import jaccard
from monitor.core.index.duplicates.sketches import ShingleSketches
from tests.core.index.duplicates import twins

# few places: most shingles share their bit with others, as in long texts
SHINGLES = st.one_of(st.integers(0, 40), st.integers(0, 8).map(lambda number: number * 1024 + 3))
CROWDS = st.lists(st.sets(SHINGLES, min_size=1, max_size=30), min_size=2, max_size=6)


def made(crowd: list[set[int]]) -> dict[int, NDArray[np.uint32]]:
    return {10 + at: np.array(sorted(of), np.uint32) for at, of in enumerate(crowd)}


@given(CROWDS, st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.integers(1, 5))
def test_no_pair_that_is_alike_is_ruled_out(crowd: list[set[int]], threshold: float, first: int) -> None:
    sets, sketches = made(crowd), ShingleSketches(threshold)
    named = list(sets.items())
    for part in (named[:first], named[first:]):  # learnt in two goes
        sketches.add(dict(part))
    row = np.array([[*sets, 999]], np.int64)
    at, left, right = sketches.possible(row, np.ones(row.shape, np.bool_))
    assert set(at.tolist()) <= {0}
    found = set(zip(row[0, left].tolist(), row[0, right].tolist(), strict=True))
    alike = {(a, b) for a in sets for b in sets if a < b and jaccard(sets[a], sets[b]) >= threshold}
    assert alike <= found
    assert all(999 not in pair for pair in found), "what is not known is like nothing"


@given(CROWDS)
def test_slots_that_are_not_asked_for_have_no_pairs(crowd: list[set[int]]) -> None:
    sets, sketches = made([*crowd, crowd[0]]), ShingleSketches(0.8)
    sketches.add(sets)
    row = np.array([list(sets)] * 2, np.int64)
    asked = np.array([[True] * row.shape[1], [False] * row.shape[1]])
    at, _, _ = sketches.possible(row, asked)
    assert 0 in at, "equal sets can be alike"
    assert 1 not in at


def test_texts_that_share_a_third_are_told_apart() -> None:
    generator = np.random.default_rng(5)
    shared = generator.integers(0, 2**32, 40, dtype=np.uint64)
    crowd = [np.concatenate([shared, generator.integers(0, 2**32, 80, dtype=np.uint64)]) for _ in range(40)]
    sets = {at: np.unique(of.astype(np.uint32)) for at, of in enumerate(crowd)}
    sets[40] = np.unique(np.concatenate([sets[0][:-4], sets[1][:4]]))
    sketches = ShingleSketches(0.8)
    sketches.add(sets)
    row = np.arange(41)[None, :]
    _, left, right = sketches.possible(row, np.ones(row.shape, np.bool_))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 40)]
    assert sketches.longest == 120


@pytest.mark.parametrize("slots", [0, 1, 2, 7, 20])
def test_the_kernel_allows_what_plain_numpy_allows(slots: int) -> None:
    draw = np.random.default_rng(slots)
    held = 40

    def width(words: int) -> Width:
        bits = draw.integers(0, 1 << 64, (held, words), np.uint64, endpoint=False)
        same = draw.random(held) < 0.5  # as good as equal sketches, so that both answers come up
        bits[same] = bits[:1] | (np.uint64(1) << np.uint64(63))
        return Width(bits, draw.integers(0, 9, held))

    sizes = np.where(draw.random(held) < 0.2, 0, draw.integers(1, 1_200, held))
    few, every, places = width(4), width(16), draw.integers(0, held, (60, slots))
    for share in (0.05, 0.25, 4 / 9):
        found = allowed(places, sizes, few, every, share)
        np.testing.assert_array_equal(found, twins.allowed(places, sizes, few, every, share))
        assert slots < 7 or 0 < np.count_nonzero(found) < found.size


@given(CROWDS, st.sampled_from([4, 16]))
def test_the_kernel_writes_what_plain_numpy_writes(crowd: list[set[int]], words: int) -> None:
    sets = list(made(crowd).values())
    starts = np.cumsum([0, *map(len, sets)])
    width = Width(np.zeros((len(sets) + 2, words), np.uint64), np.zeros(len(sets) + 2, np.int64))
    sketch((np.concatenate(sets), starts), np.arange(1, len(sets) + 1), width)
    for at, own in enumerate(sets, 1):
        wide = np.zeros(64 * words, np.bool_)
        wide[own % (64 * words)] = True
        assert width.bits[at].tobytes() == np.packbits(wide, bitorder="little").tobytes()
        assert width.hidden[at] == len(own) - wide.sum()
    assert not width.bits[[0, -1]].any()
