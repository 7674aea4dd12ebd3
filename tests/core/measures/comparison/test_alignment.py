"""Who compares with whom, and in which segment."""

import numpy as np

from monitor.core.measures.comparison.alignment import Alignment, align
from monitor.core.model.report import SegmentSize
from tests.core.snapshots import anchor_set, plain, snapshot

DE, EN, FR = ((("language", "de"),), (("language", "en"),), (("language", "fr"),))
DE_DOCS = (("language", "de"), ("source", "docs"))


def segments(alignment: Alignment, dimension: str = "language") -> dict[str, list[str]]:
    """Names of the baseline's anchors by segment, for the compared ones."""
    grouping = next(of for of in alignment.groupings if of.dimension == dimension)
    made: dict[str, list[str]] = {segment: [] for segment in grouping.segments}
    for row, member in zip(alignment.then.tolist(), grouping.codes.tolist(), strict=True):
        made[grouping.segments[member]].append(f"a{row}")
    return made


def test_the_same_anchors_in_the_same_order() -> None:
    anchors = anchor_set([DE, EN, DE], weights=[1.0, 2.0, 3.0])
    found = align(anchors, snapshot(anchors, {"dense": plain("a", "b", "c")}), ["language"], cap=9, min_anchors=1)
    assert (found.now.tolist(), found.then.tolist(), found.weights.tolist()) == (
        [0, 1, 2],
        [0, 1, 2],
        [1.0, 2.0, 3.0],
    )
    assert [grouping.dimension for grouping in found.groupings] == ["all", "language"]
    assert segments(found) == {"de": ["a0", "a2"], "en": ["a1"]}
    assert segments(found, "all") == {"all": ["a0", "a1", "a2"]}
    assert found.changed == 0
    assert found.sizes == (
        SegmentSize("all", "all", 3, 3, watched=True),
        SegmentSize("language", "de", 2, 2, watched=True),
        SegmentSize("language", "en", 1, 1, watched=True),
    )


def test_changed_gone_and_new_anchors_are_left_out_and_the_first_two_counted() -> None:
    before = snapshot(anchor_set([DE, EN, DE, EN]), {})
    now = anchor_set([DE, EN, DE], texts={1: "another question"})
    found = align(now, before, ["language"], cap=9, min_anchors=1)
    assert (found.now.tolist(), found.then.tolist(), found.changed) == ([0, 2], [0, 2], 2)
    more = align(anchor_set([DE] * 9), snapshot(anchor_set([DE] * 2), {}), [], cap=9, min_anchors=1)
    assert (more.now.tolist(), more.changed) == ([0, 1], 0)


def test_rows_follow_ids_not_places() -> None:
    anchors = anchor_set([DE, EN, FR])
    turned = type(anchors)(list(anchors.anchors)[::-1], anchors.vectors, np.array([3.0, 2.0, 1.0]), anchors.filters)
    found = align(turned, snapshot(anchors, {}), [], cap=9, min_anchors=1)
    assert (found.now.tolist(), found.then.tolist()) == ([2, 1, 0], [0, 1, 2])
    assert found.weights.tolist() == [1.0, 2.0, 3.0]


def test_segments_are_the_baselines() -> None:
    """An anchor that was moved to another segment since is still compared where it was."""
    found = align(anchor_set([EN, EN]), snapshot(anchor_set([DE, EN]), {}), ["language"], cap=9, min_anchors=1)
    assert segments(found) == {"de": ["a0"], "en": ["a1"]}


def test_small_segments_are_pooled_and_listed_as_not_watched() -> None:
    anchors = anchor_set([DE, DE, EN, FR, ()])
    found = align(anchors, snapshot(anchors, {}), ["language"], cap=9, min_anchors=2)
    assert segments(found) == {"de": ["a0", "a1"], "other": ["a2", "a3", "a4"]}
    assert found.sizes[1:] == (
        SegmentSize("language", "de", 2, 2, watched=True),
        SegmentSize("language", "other", 3, 3, watched=True),
        SegmentSize("language", "en", 1, 1, watched=False),
        SegmentSize("language", "fr", 1, 1, watched=False),
        SegmentSize("language", "unset", 1, 1, watched=False),
    )


def test_segments_over_the_cap_are_pooled_the_largest_stay() -> None:
    anchors = anchor_set([DE, DE, EN, EN, FR])
    found = align(anchors, snapshot(anchors, {}), ["language"], cap=1, min_anchors=1)
    assert segments(found) == {"de": ["a0", "a1"], "other": ["a2", "a3", "a4"]}


def test_the_whole_is_never_pooled() -> None:
    anchors = anchor_set([DE])
    found = align(anchors, snapshot(anchors, {}), [], cap=9, min_anchors=20)
    assert found.sizes == (SegmentSize("all", "all", 1, 1, watched=True),)


def test_a_segment_that_lost_all_its_anchors_is_still_there() -> None:
    before = snapshot(anchor_set([DE, EN, EN]), {})
    found = align(anchor_set([DE, EN, EN], texts={0: "other"}), before, ["language"], cap=9, min_anchors=1)
    assert segments(found) == {"de": [], "en": ["a1", "a2"]}
    assert SegmentSize("language", "de", 1, 0, watched=True) in found.sizes


def test_combined_dimensions() -> None:
    anchors = anchor_set([DE_DOCS, DE])
    found = align(anchors, snapshot(anchors, {}), ["language+source"], cap=9, min_anchors=1)
    assert segments(found, "language+source") == {"de+docs": ["a0"], "de+unset": ["a1"]}


def test_nothing_in_common() -> None:
    found = align(anchor_set([DE]), snapshot(anchor_set([DE], texts={0: "x"}), {}), [], cap=9, min_anchors=1)
    assert (len(found.now), found.changed) == (0, 1)


def test_lists_of_all_anchors_are_not_copied() -> None:
    anchors = anchor_set([DE, EN, DE])
    lists = plain("a", "b", "c")
    every = align(anchors, snapshot(anchors, {"dense": lists}), [], cap=9, min_anchors=1)
    assert every.lists_now(lists) is lists
    some = every.only(np.array([2, 0], np.int64))
    assert some.lists_now(lists).keys.tolist() == lists.keys[[2, 0]].tolist()
    swapped = every.only(np.array([1, 0, 2], np.int64))
    assert swapped.lists_now(lists).keys.tolist() == lists.keys[[1, 0, 2]].tolist()
