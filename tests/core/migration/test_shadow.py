"""Shadow figures and serving figures against sets and loops over single anchors; empty, unknown and short lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.migration.shadow import serving_figures, shadow_figures, share_served
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists

K = 4
NAMES = [f"c{at}" for at in range(7)]
DOCUMENTS = {chunk_key(name): f"d{at // 2}" for at, name in enumerate(NAMES[:6])}
LISTS = st.lists(
    st.one_of(st.none(), st.lists(st.sampled_from(NAMES), max_size=K, unique=True)), min_size=3, max_size=3
)
SEGMENTS = {"all": ("all",) * 3, "source": ("docs", "wiki", "docs")}


def lists(rows: list[list[str] | None]) -> RankedLists:
    named = [None if row is None else [(name, -float(at)) for at, name in enumerate(row)] for row in rows]
    return RankedLists.of(named, K)


def document(name: str) -> str:
    return DOCUMENTS.get(chunk_key(name), name)


@settings(deadline=None)
@given(LISTS, LISTS)
def test_figures_are_means_over_the_anchors_known_in_both(
    old: list[list[str] | None], new: list[list[str] | None]
) -> None:
    found = shadow_figures(lists(old), lists(new), depths=(K, 2), segments=SEGMENTS, documents=DOCUMENTS)
    expected: dict[tuple[str, str, int], tuple[float, ...]] = {}
    for dimension, names in SEGMENTS.items():
        for segment in set(names):
            for k in (K, 2):
                pairs = [
                    (before[:k], after[:k])
                    for before, after, name in zip(old, new, names, strict=True)
                    if name == segment and before is not None and after is not None
                ]
                if pairs:
                    shared = [len(set(a) & set(b)) for a, b in pairs]
                    swapped = [max(len(a), len(b)) - n for (a, b), n in zip(pairs, shared, strict=True)]
                    united = [({*map(document, a)}, {*map(document, b)}) for a, b in pairs]
                    jaccard = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in united]
                    means = (np.mean(shared) / k, np.mean(jaccard), np.mean(swapped))
                    expected[dimension, segment, k] = (len(pairs), *map(float, means))
    assert {(of.dimension, of.segment, of.k) for of in found} == set(expected)
    for of in found:
        anchors, overlap, documents, swaps = expected[of.dimension, of.segment, of.k]
        assert of.anchors == anchors
        assert (of.overlap, of.document_overlap, of.swaps) == pytest.approx((overlap, documents, swaps))
        assert 0.0 <= of.rbo <= 1.0
    assert [of.dimension for of in found] == sorted((of.dimension for of in found), key=list(SEGMENTS).index)


def test_the_same_lists_are_no_change_and_disjoint_ones_are_all_of_it() -> None:
    same = lists([["c0", "c1"], ["c2", "c3"], []])
    (whole, *_) = shadow_figures(same, same, depths=(K,), segments=SEGMENTS, documents=DOCUMENTS)
    assert (whole.document_overlap, whole.rbo, whole.swaps) == (1.0, 1.0, 0.0)
    other = lists([["c4"], ["c5"], ["c6"]])
    (whole, *_) = shadow_figures(same, other, depths=(K,), segments=SEGMENTS, documents=DOCUMENTS)
    assert (whole.overlap, whole.document_overlap, whole.rbo) == (0.0, 0.0, 0.0)


@given(LISTS, LISTS)
def test_recall_is_what_was_served_of_the_exact_lists(
    exact: list[list[str] | None], served: list[list[str] | None]
) -> None:
    whole = [row or [] for row in exact]
    shares = [
        len(set(best) & set(row)) / len(best)
        for best, row in zip(whole, served, strict=True)
        if row is not None and best
    ]
    found = share_served(lists(served), lists(list(whole)), K)
    assert np.isnan(found) if not shares else found == pytest.approx(np.mean(shares))


def test_what_nobody_asked_is_not_known() -> None:
    exact = lists([["c0"], ["c1"], ["c2"]])
    for served in (None, lists([None, None, None])):
        found = serving_figures("v", served, exact, K, seconds=np.zeros(0), points=None, problems=())
        assert np.isnan([found.ann_recall, found.p50, found.p95, found.p99]).all()
        assert (found.failures, found.empty, found.ready, found.points) == (None, None, None, None)


def test_failures_and_empty_lists_are_counted_apart() -> None:
    exact, served = lists([["c0"], ["c1"], ["c2"]]), lists([None, [], ["c2"]])
    seconds = np.array([np.nan, 0.1, 0.3])
    found = serving_figures("v", served, exact, K, seconds=seconds, points=3, problems=("it optimises",))
    assert (found.failures, found.empty, found.ready, found.asked, found.points) == (1, 1, False, 3, 3)
    assert (found.ann_recall, found.p50) == pytest.approx((0.5, 0.2))
    assert found.problems == ("it optimises",)
    none = serving_figures("v", served, exact, K, seconds=np.full(3, np.nan), points=3, problems=())
    assert np.isnan(none.p99)
    assert none.ready
    assert (served.keys == NO_CHUNK).sum() == 3 * K - 1
