"""Ranked lists as arrays."""

import numpy as np
import pytest

from monitor.core.model.events import Partition, Position, chunk_key, text_hash
from monitor.core.model.lists import NO_CHUNK, RankedLists

THREE = RankedLists.of([[("a", 0.9), ("b", 0.5)], None, []], 3)


def test_plain_rows_become_arrays() -> None:
    a, b = chunk_key("a"), chunk_key("b")
    assert (len(THREE), THREE.depth) == (3, 3)
    assert THREE.keys.tolist() == [[a, b, NO_CHUNK], [NO_CHUNK] * 3, [NO_CHUNK] * 3]
    np.testing.assert_array_equal(THREE.scores, [[0.9, 0.5, np.nan], [np.nan] * 3, [np.nan] * 3])
    assert THREE.lengths.tolist() == [2, 0, 0]
    assert THREE.known.tolist() == [True, False, True], "an empty list is known, a missing one is not"


def test_rows_are_cut_at_the_depth() -> None:
    one = RankedLists.of([[("a", 0.9), ("b", 0.5), ("c", 0.1)]], 2)
    assert one.lengths.tolist() == [2]
    assert one.keys.tolist() == [[chunk_key("a"), chunk_key("b")]]


def test_nothing_is_known_at_first() -> None:
    none = RankedLists.unknown(2, 4)
    assert (len(none), none.depth, none.known.tolist(), none.lengths.tolist()) == (2, 4, [False] * 2, [0, 0])
    assert (len(RankedLists.of([], 4)), RankedLists.of([], 4).depth) == (0, 4)


@pytest.mark.parametrize(("depth", "lengths"), [(1, [1, 0, 0]), (2, [2, 0, 0]), (3, [2, 0, 0]), (9, [2, 0, 0])])
def test_cutting(depth: int, lengths: list[int]) -> None:
    cut = THREE.at(depth)
    assert cut.lengths.tolist() == lengths
    assert cut.depth == min(depth, 3)
    assert cut.known.tolist() == [True, False, True]


def test_taking_and_replacing() -> None:
    turned = THREE.take(np.array([2, 0, 0]))
    assert turned.lengths.tolist() == [0, 2, 2]
    fresh = RankedLists.of([[("z", 0.1)]], 3)
    made = THREE.replaced(np.array([1]), fresh)
    assert made.lengths.tolist() == [2, 1, 0]
    assert made.known.tolist() == [True, True, True]
    assert made.keys[1].tolist() == [chunk_key("z"), NO_CHUNK, NO_CHUNK]
    assert THREE.known.tolist() == [True, False, True], "the original stays"
    same = THREE.replaced(np.zeros(0, np.int64), RankedLists.unknown(0, 3))
    np.testing.assert_array_equal(same.keys, THREE.keys)


def test_keys_are_stable_and_fit_63_bits() -> None:
    """Stored states hold these numbers: they may never change."""
    assert chunk_key("guide/auth.md#tokens") == 2084861078851266210
    assert chunk_key("") >= 0
    assert all(0 <= chunk_key(f"c{number}") < 2**63 for number in range(2_000))
    assert len({chunk_key(f"c{number}") for number in range(2_000)}) == 2_000
    assert text_hash("") != text_hash(" ")
    assert len(text_hash("é")) == 32


def test_positions_know_their_partition() -> None:
    assert Position("t", 3, 9).source == Partition("t", 3)
    assert Position("t", 3, 9) < Position("t", 3, 10) < Position("t", 4, 0)
