"""The shared match of two ranked lists."""

import numpy as np
import pytest
from hypothesis import given

from monitor.core.measures.formulas.overlap import DEEPEST, first_ranks, overlap
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas.rows import keyed, pairs, plain


def test_ranks_and_shared_by_hand() -> None:
    pair = overlap(keyed(["abcd", "ab", None], 4), keyed(["bxad", "", "ab"], 4))
    assert pair.ranks.T.tolist() == [[3, 1, 0, 4], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert pair.shared.T.tolist() == [[0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert pair.known.tolist() == [True, True, False]
    assert pair.exited(4)[:2].tolist() == [[False, False, True, False], [True, True, False, False]]
    assert pair.entered(4)[:2].tolist() == [[False, True, False, False], [False] * 4]
    assert not pair.exited(4)[2].any()
    assert not pair.entered(4)[2].any()


def test_cutting_makes_deeper_results_absent() -> None:
    pair = overlap(keyed(["abc"], 3), keyed(["cab"], 3))
    assert pair.cut(2).T.tolist() == [[2, 0]]
    assert pair.exited(2).tolist() == [[False, True]]
    assert pair.entered(2).tolist() == [[True, False]]


@given(pairs())
def test_one_match_serves_every_depth(pair: tuple[RankedLists, RankedLists]) -> None:
    matched = overlap(*pair)
    for depth in range(1, matched.depth + 1):
        for anchor in np.flatnonzero(matched.known).tolist():
            b, c = (plain(side, anchor, depth) for side in pair)
            assert matched.shared[depth - 1, anchor] == len(set(b) & set(c))
            assert matched.cut(depth)[: len(b), anchor].tolist() == [c.index(x) + 1 if x in c else 0 for x in b]
            assert [x for x, out in zip(b, matched.exited(depth)[anchor], strict=False) if out] == [
                x for x in b if x not in c
            ]
            assert [x for x, new in zip(c, matched.entered(depth)[anchor], strict=False) if new] == [
                x for x in c if x not in b
            ]


@pytest.mark.parametrize("depth", [0, 3, -1])
def test_a_depth_that_was_not_matched(depth: int) -> None:
    with pytest.raises(ValueError, match="matched at depths 1 to 2"):
        overlap(keyed(["ab"], 2), keyed(["abc"], 3)).lengths(depth)


def test_different_numbers_of_anchors() -> None:
    with pytest.raises(ValueError, match="lists of 1 anchors cannot be compared with lists of 2"):
        overlap(keyed(["a"], 1), keyed(["a", "b"], 1))


def test_lists_deeper_than_can_be_counted() -> None:
    with pytest.raises(ValueError, match=f"at most {DEEPEST}"):
        first_ranks(np.zeros((1, 1), np.int64), np.zeros((1, DEEPEST + 1), np.int64))


def test_no_anchors() -> None:
    pair = overlap(keyed([], 3), keyed([], 3))
    assert (len(pair), pair.depth) == (0, 3)
    assert pair.entered(2).shape == (0, 2)
