"""Alignment of the anchors now with a baseline's: who compares with whom, and in which segment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import ALL, OTHER, SegmentSize
from monitor.core.model.segments import assign, groups


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """One dimension: the baseline's segments, and the (P,) int64 segment of each compared anchor (some get none)."""

    dimension: str
    segments: tuple[str, ...]
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Alignment:
    """P anchors that ask the same now as in the baseline.

    Args:
        now: (P,) int64 rows among the anchors now.
        then: (P,) int64 rows among the baseline's.
        weights: (P,) float64.
        groupings: one per dimension, `all` first.
        sizes: every segment of the baseline, those below `min_anchors` (pooled into `other`) as not watched.
        changed: anchors of the baseline whose text or vector is another now, or that are gone.
        common: the weight of the P anchors as a share of all anchors' now, or their number as a share of the
            baseline's, whichever is less; 0 where there are none.
    """

    now: NDArray[np.int64]
    then: NDArray[np.int64]
    weights: NDArray[np.float64]
    groupings: tuple[Grouping, ...]
    sizes: tuple[SegmentSize, ...]
    changed: int
    common: float = 1.0

    def lists_now(self, lists: RankedLists) -> RankedLists:
        """The lists of the P anchors, out of those of all anchors now; the very same where that is all, in order."""
        return lists if len(lists) == len(self.now) and self._in_order else lists.take(self.now)

    @cached_property
    def _in_order(self) -> bool:
        return np.array_equal(self.now, np.arange(len(self.now)))

    def only(self, rows: NDArray[np.int64]) -> "Alignment":
        """The same of some of the P anchors: segments that lose all of theirs stay, with nobody in them."""
        groupings = tuple(replace(of, codes=of.codes[rows]) for of in self.groupings)
        return replace(
            self, now=self.now[rows], then=self.then[rows], weights=self.weights[rows], groupings=groupings
        )


def align(
    anchors: AnchorSet, baseline: Snapshot, dimensions: Sequence[str], *, cap: int, min_anchors: int
) -> Alignment:
    """Match anchors by id and digest; segments are the baseline's, so that they cannot move under a comparison.

    Args:
        anchors: the anchors now.
        baseline: what they are compared with.
        dimensions: configured dimensions besides `all`.
        cap: the most segments of a dimension.
        min_anchors: fewer anchors than this in the baseline: not watched, pooled into `other`.
    """
    digests = {anchor.id: (row, anchor_digest(anchor)) for row, anchor in enumerate(anchors.anchors)}
    pairs = [
        (digests[name][0], row)
        for row, (name, mark) in enumerate(baseline.anchors.items())
        if name in digests and digests[name][1] == mark.digest
    ]
    now = np.array([pair[0] for pair in pairs], np.int64)
    then = np.array([pair[1] for pair in pairs], np.int64)
    marks = [mark.segment for mark in baseline.anchors.values()]
    groupings: list[Grouping] = []
    sizes: list[SegmentSize] = []
    for dimension, names in assign(marks, dimensions, cap=cap).items():
        pooled = pool_small(dimension, names, min_anchors)
        # Over all of the baseline: a segment that lost its last anchor must still show that it cannot be measured.
        segments, members = groups(pooled)
        groupings.append(Grouping(dimension, segments, members[then]))
        sizes += _sizes(dimension, names, pooled, then)
    weights, whole = anchors.weights[now], float(anchors.weights.sum())
    common = min(float(weights.sum()) / whole, len(pairs) / len(marks)) if pairs else 0.0
    return Alignment(now, then, weights, tuple(groupings), tuple(sizes), len(marks) - len(pairs), common)


def pool_small(dimension: str, names: Sequence[str], min_anchors: int) -> list[str]:
    """Segment names with those of too few anchors as `other`; `all` stays."""
    counted = Counter(names)
    small = {name for name, count in counted.items() if count < min_anchors and dimension != ALL}
    return [OTHER if name in small else name for name in names]


def _sizes(dimension: str, names: Sequence[str], pooled: Sequence[str], then: NDArray[np.int64]) -> list[SegmentSize]:
    """Watched segments as they are judged, then the ones pooled away as they were."""
    kept = then.tolist()
    before, after = Counter(pooled), Counter(pooled[row] for row in kept)
    own_before, own_after = Counter(names), Counter(names[row] for row in kept)
    watched = [SegmentSize(dimension, name, before[name], after[name], watched=True) for name in sorted(before)]
    away: Mapping[str, int] = {name: own_before[name] for name in own_before if name not in before}
    unwatched = [SegmentSize(dimension, name, away[name], own_after[name], watched=False) for name in sorted(away)]
    return watched + unwatched
