"""The compiled kernels that match lists against their numpy twins, to the bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.baseline import without_repeats
from monitor.core.measures.formulas.kernels_match import footrule_parts, inversions, settle, stabilities
from monitor.core.measures.formulas.kernels_scores import found_shares, scores_at
from monitor.core.measures.formulas.overlap import first_ranks, overlap
from monitor.core.measures.formulas.ranking import jaccard, powers, rbo_ext, swaps
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas import twins
from tests.core.measures.formulas.rows import pairs, same_bits
from tests.core.measures.formulas.singles import kendall_distance, rank_churn

Pair = tuple[RankedLists, RankedLists]


@given(pairs(), st.sampled_from([0.1, 0.9, 0.98]))
def test_a_match_and_what_is_read_from_it(pair: Pair, p: float) -> None:
    matched = overlap(*pair)
    ranks = twins.first_ranks(*(side.keys[:, : matched.depth] for side in pair))
    assert same_bits(matched.ranks, ranks)
    assert same_bits(matched.shared, twins.shared_by_depth(ranks))
    for depth in range(1, matched.depth + 1):
        cut = matched.cut(depth)
        assert same_bits(rbo_ext(matched, depth, p), twins.rbo_ext(matched, depth, p))
        assert same_bits(jaccard(matched, depth), twins.jaccard(matched, depth))
        assert same_bits(swaps(matched, depth), twins.swaps(matched, depth))
        assert same_bits(kendall_distance(matched, depth), twins.kendall_distance(matched, depth))
        churn = rank_churn(matched, depth)
        parts = (churn.total, churn.moved, churn.exited, churn.entered)
        assert all(map(same_bits, parts, twins.rank_churn(matched, depth)))
        sets = jaccard(matched, depth), swaps(matched, depth)
        orders = rbo_ext(matched, depth, p), kendall_distance(matched, depth)
        found = stabilities(matched.match(depth), depth, powers(p, depth))
        assert all(map(same_bits, found, (*sets, *orders, *parts)))
        assert same_bits(inversions(cut), twins.inversions(cut))
        assert all(map(same_bits, footrule_parts(cut), twins.footrule_parts(cut)))


@given(pairs(same_depth=True), st.sampled_from([0.0, 1e-6, 0.126, 0.3]))
def test_ties(pair: Pair, eps: float) -> None:
    before, after = pair
    rows = np.flatnonzero((before.lengths == before.depth) & (after.lengths == after.depth))
    made = settle((before.keys, before.scores), (after.keys, after.scores), rows, eps)
    assert same_bits(made, twins.settled(before, after, rows, eps))


@given(pairs(), st.data())
def test_repeats(pair: Pair, data: st.DataObject) -> None:
    lists = pair[0]
    shape = lists.keys.shape
    drawn = data.draw(st.lists(st.integers(NO_CHUNK, 3), min_size=lists.keys.size, max_size=lists.keys.size))
    keys = np.array(drawn, np.int64).reshape(shape)
    made, expected = without_repeats(lists, keys), twins.without_repeats(lists, keys)
    assert same_bits(made.keys, expected.keys)
    assert same_bits(made.scores, expected.scores)
    assert same_bits(made.lengths, expected.lengths)
    assert same_bits(first_ranks(keys, keys), twins.first_ranks(keys, keys))


@given(pairs(), st.integers(1, 3))
def test_scores(pair: Pair, rank: int) -> None:
    before, after = pair
    if rank <= before.depth:
        scores = before.scores, before.lengths, before.known
        assert same_bits(scores_at(*scores, rank), twins.scores_at(*scores, rank))
    live = before.keys % 2 == 0
    served = before.scores, live, after.scores, after.lengths
    assert same_bits(found_shares(*served, 1e-6), twins.found_shares(*served, 1e-6))
