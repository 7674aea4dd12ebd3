"""Duplicates, hubs, sources and rewrites against plain counting."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.hubs import HubShares
from monitor.core.measures.formulas.rewrites import rewrite_stability_ratio
from monitor.core.measures.formulas.slots import topk_duplicate_ratio
from monitor.core.measures.formulas.sources import NO_SOURCE, SourceMixes, distinct_sources, source_coverage_ratio
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas import oracles
from tests.core.measures.formulas.rows import keyed, pairs, plain

NAN = float("nan")


def codes(lists: RankedLists, kinds: int) -> np.ndarray:
    return np.where(lists.keys == NO_CHUNK, NO_CHUNK, lists.keys % kinds)


@given(pairs(), st.integers(1, 5), st.integers(1, 4))
def test_counting_slots(pair: tuple[RankedLists, RankedLists], kinds: int, depth: int) -> None:
    lists = pair[0]
    duplicates = topk_duplicate_ratio(codes(lists, kinds), depth)
    distinct = distinct_sources(codes(lists, kinds), depth)
    for anchor in range(len(lists)):
        keys = plain(lists, anchor, depth)
        of = [key % kinds for key in keys]
        counts = Counter(of)
        copies = sum(counts[kind] > 1 for kind in of)
        np.testing.assert_array_equal(duplicates[anchor], copies / len(of) if of else NAN)
        assert distinct[anchor] == len(set(of))


@given(pairs(max_anchors=8), st.integers(1, 4), st.data())
def test_hubs(pair: tuple[RankedLists, RankedLists], depth: int, data: st.DataObject) -> None:
    lists, anchors = pair[0], len(pair[0])
    weights = np.array(data.draw(st.lists(st.sampled_from([1.0, 2.0]), min_size=anchors, max_size=anchors)))
    groups = np.array(data.draw(st.lists(st.integers(0, 1), min_size=anchors, max_size=anchors)))
    found = HubShares.of(Grouped.of(weights, [(groups, 3)]), lists, depth)
    for segment in range(3):
        members = np.flatnonzero(lists.known & (groups == segment)).tolist()
        held: Counter[int] = Counter()
        for anchor in members:
            for key in plain(lists, anchor, depth):
                held[key] += int(weights[anchor])
        assert found.n[segment] == len(members)
        expected = max(held.values(), default=0) / weights[members].sum() if members else NAN
        np.testing.assert_array_equal(found.share[segment], expected)


def test_a_poisoned_chunk_is_a_hub() -> None:
    lists = keyed(["axb", "cxd", "xef", None], 3)
    found = HubShares.of(Grouped.of(np.ones(4), [(np.zeros(4, np.int64), 1)]), lists, 3)
    assert (found.share[0], found.n[0]) == (1.0, 3)


def test_source_coverage() -> None:
    expected = np.array([[0, 1], [0, NO_SOURCE], [2, 3], [NO_SOURCE, NO_SOURCE]])
    present = np.array([[1, 1, 0], [1, 1, 0], [NO_SOURCE] * 3, [0, 1, 2]])
    np.testing.assert_array_equal(source_coverage_ratio(expected, present, 3), [1.0, 1.0, 0.0, NAN])
    np.testing.assert_array_equal(source_coverage_ratio(expected, present, 2), [0.5, 0.0, 0.0, NAN])


def test_source_mixes() -> None:
    """Against plain counting: each slot weighs what its anchor does."""
    then = np.array([[10, 10, 7], [10, NO_SOURCE, NO_SOURCE], [7, 7, 7], [9, 9, 9]])
    now = np.array([[10, 7, 7], [10, NO_SOURCE, NO_SOURCE], [NO_SOURCE] * 3, [9, 9, 9]])
    known, groups = np.array([True, True, True, False]), np.array([0, 0, 2, 1])
    anchors = Grouped.of(np.array([1.0, 2.0, 0.5, 1.0]), [(groups, 3), (np.zeros(4, np.int64), 1)])
    found = SourceMixes.of(anchors, (then, now), known)
    mixes = [np.array(of, float) for of in ([[1, 4], [2, 3]], [[2.5, 4], [2, 3]])]  # of 7 and of 10, then and now
    expected = [float(jensen_shannon(*mixes[0])), NAN, NAN, float(jensen_shannon(*mixes[1]))]
    np.testing.assert_array_equal(found.divergence, expected)
    assert found.n.tolist() == [2, 0, 1, 3]


weight = st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any)


@given(weight, weight)
def test_jensen_shannon_equals_scipy(before: list[int], after: list[int]) -> None:
    p, q = np.array(before, float), np.array(after, float)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-12)
    assert jensen_shannon(p, q) == jensen_shannon(q, p)
    assert jensen_shannon(p, 3 * p) == pytest.approx(0.0, abs=1e-15)


def test_jensen_shannon_by_hand() -> None:
    before, after = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 7.0], [2.0, 2.0], [1.0, 0.0]])
    np.testing.assert_array_equal(jensen_shannon(before, after), [1.0, 0.0, NAN])


@given(pairs(max_anchors=6, same_depth=True), st.data())
def test_rewrites(pair: tuple[RankedLists, RankedLists], data: st.DataObject) -> None:
    lists, rewrites = pair
    owner = st.integers(0, len(lists) - 1)
    owners = np.array(data.draw(st.lists(owner, min_size=len(rewrites), max_size=len(rewrites))), np.int64)
    stability = rewrite_stability_ratio(lists, rewrites, owners, lists.depth)
    for anchor in range(len(lists)):
        own = plain(lists, anchor, lists.depth)
        similar = [
            oracles.jaccard(own, plain(rewrites, at, lists.depth))
            for at in np.flatnonzero(owners == anchor).tolist()
            if rewrites.known[at] and lists.known[anchor]
        ]
        assert stability[anchor] == pytest.approx(np.mean(similar) if similar else NAN, nan_ok=True)
