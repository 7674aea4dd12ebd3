"""What is measured of lists in one pass against the plain formulas one after the other, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.collapsed import Sides, collapsed
from monitor.core.measures.formulas.arrays_of import arrays_of
from monitor.core.measures.formulas.disagreement import Disagreement
from monitor.core.measures.formulas.kernels_lists import contents_moved, legs_apart, ranked, scored
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import jaccard, powers, rbo_ext, swaps, top1_changed
from monitor.core.measures.formulas.scores import gap, top1_score
from monitor.core.measures.formulas.ties import settle_ties
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas import singles
from tests.core.measures.formulas.rows import lists, pairs, same_bits

Pair = tuple[RankedLists, RankedLists]
EPS = [None, 0.0, 0.126]


def rows_of(draw: st.DataObject, anchors: int) -> np.ndarray:
    return np.array(draw.draw(st.lists(st.integers(0, anchors - 1), max_size=4)), np.int64)


@pytest.mark.parametrize("eps", EPS)
@given(pairs(), st.data())
def test_ranks(eps: float | None, pair: Pair, draw: st.DataObject) -> None:
    rows, p = rows_of(draw, len(pair[0])), 0.9
    then, now = pair[0].take(rows), pair[1].take(rows)
    for depth in range(1, min(then.depth, now.depth) + 1):
        found = ranked(
            arrays_of(pair[0]), arrays_of(pair[1]), rows, powers(p, depth), np.nan if eps is None else eps, 0.1
        )
        settled = [now.at(k) if eps is None else settle_ties(then.at(k), now.at(k), eps) for k in (depth, 1)]
        whole, first = overlap(then.at(depth), settled[0]), overlap(then.at(1), settled[1])
        churn, known = singles.rank_churn(whole, depth), then.known & now.known
        expected = [
            jaccard(whole, depth),
            swaps(whole, depth),
            rbo_ext(whole, depth, p),
            singles.kendall_distance(whole, depth),
            *(churn.total, churn.moved, churn.exited, churn.entered),
            top1_changed(first),
            singles.top1_changed_decided(first, np.where(known, gap(then), np.nan), 0.1),
        ]
        assert all(map(same_bits, found, expected))


@pytest.mark.parametrize("eps", EPS)
@given(pairs(), st.data())
def test_contents(eps: float | None, pair: Pair, draw: st.DataObject) -> None:
    rows = rows_of(draw, len(pair[0]))
    then, now = pair[0].take(rows), pair[1].take(rows)
    for depth in range(1, min(then.depth, now.depth) + 1):
        count = len(rows) * depth
        code = st.lists(st.integers(NO_CHUNK, 3), min_size=count, max_size=count)
        codes = [np.array(draw.draw(code), np.int64).reshape(len(rows), depth) for _ in range(2)]
        arrays = arrays_of(pair[0]), arrays_of(pair[1])
        found = contents_moved(*arrays, rows, (codes[0], codes[1]), np.nan if eps is None else eps)
        plain = collapsed(then.at(depth), now.at(depth), Sides(*codes), eps)
        expected = swaps(plain, depth), jaccard(plain, depth), top1_changed(plain)
        assert all(map(same_bits, found, expected))


@given(pairs(same_depth=True, max_anchors=3), pairs(same_depth=True, max_anchors=3), st.data())
def test_legs(then: Pair, now: Pair, draw: st.DataObject) -> None:
    anchors = np.arange(min(len(then[0]), len(now[0])))
    before, after = ([leg.take(anchors) for leg in sides] for sides in (then, now))
    rows, depth = rows_of(draw, len(anchors)), min(then[0].depth, now[0].depth)
    sides = [(arrays_of(one), arrays_of(other)) for one, other in (before, after)]
    found = legs_apart(sides[0], sides[1], rows, powers(0.9, depth))
    (dense_then, lexical_then), (dense, lexical) = (
        [leg.take(rows).at(depth) for leg in of] for of in (before, after)
    )
    plain = singles.disagreement(
        singles.LegPairs(
            overlap(dense, lexical),
            overlap(dense_then, lexical_then),
            overlap(dense_then, dense),
            overlap(lexical_then, lexical),
        ),
        depth,
    )
    assert all(map(same_bits, Disagreement(*found), plain))


@given(pairs(), st.data(), st.booleans())
def test_scores(pair: Pair, draw: st.DataObject, shuffled: bool) -> None:
    """Also of lists that are served out of order."""
    then, now = pair
    if shuffled:
        now = RankedLists(now.keys, np.abs(now.scores), now.lengths, now.known)
    rows = rows_of(draw, len(then))
    for depth in range(1, min(then.depth, now.depth) + 1):
        found = scored(arrays_of(then), arrays_of(now), rows, depth)
        before, after = then.take(rows), now.take(rows)
        known = before.known & after.known
        both = [top1_score(after), gap(after), top1_score(before), gap(before)]
        expected = [
            singles.score_wasserstein(before, after, depth),
            singles.top1_score_drop(before, after),
            singles.gap_drop(before, after),
            *(np.where(known, of, np.nan) for of in both),
        ]
        assert all(map(same_bits, found, expected))


def test_nobody_and_lists_without_results() -> None:
    nobody, empty = arrays_of(lists([], 2)), arrays_of(lists([[], []], 2))
    rows, p = np.zeros(0, np.int64), powers(0.9, 2)
    assert ranked(nobody, nobody, rows, p, 0.0, np.nan).shape == (10, 0)
    assert scored(nobody, nobody, rows, 2).shape == (7, 0)
    assert legs_apart((nobody, nobody), (nobody, nobody), rows, p).shape == (6, 0)
    both = np.arange(2)
    found = ranked(empty, empty, both, p, 0.0, 0.0)
    assert found[:, 0].tolist()[:9] == [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert np.isnan(found[9]).all(), "without two results nobody is decided"
    assert np.isnan(scored(empty, empty, both, 2)).all()
    assert legs_apart((empty, empty), (empty, empty), both, p)[:, 0].tolist() == [0.0] * 6
