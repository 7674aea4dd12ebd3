"""Churn of one round: how much of each segment's lists is another content than at the end of the round before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import content_keys, without_repeats
from monitor.core.measures.comparison.alignment import pool_small
from monitor.core.measures.formulas.aggregate import mean_by_segment
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import swaps
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import ALL, OTHER
from monitor.core.model.segments import assign, groups

ChurnLeg = Literal["dense", "lexical", "production"]
CHURN_LEGS: tuple[ChurnLeg, ...] = ("dense", "lexical", "production")
COVERED = 0.9
"""Share of a segment's weight that must be known in both rounds: with less the rest could say anything."""


class ChurnStream(NamedTuple):
    """A series of rounds that is looked at for alarms: one segment on one leg."""

    leg: ChurnLeg
    dimension: str
    segment: str


@dataclass(frozen=True, slots=True, eq=False)
class ContentLists:
    """What the lists of all anchors said at the end of a round.

    Args:
        anchors: A digests (`anchor_digest`), in the order of the rows.
        said: by leg, (A, k) int64 content keys, each once in a row, NO_CHUNK behind the end.
        known: by leg, (A,) bool, False where the list could not be had.
    """

    anchors: Sequence[str]
    said: Mapping[ChurnLeg, NDArray[np.int64]]
    known: Mapping[ChurnLeg, NDArray[np.bool_]]

    @classmethod
    def of(
        cls, anchors: AnchorSet, lists: Mapping[ChurnLeg, RankedLists], hashes: Mapping[int, str], k: int
    ) -> "ContentLists":
        """The lists by what is said in them, see `content_keys`.

        Args:
            anchors: A anchors.
            lists: by leg, in the order of the anchors.
            hashes: content hash by chunk key.
            k: where the lists are cut.
        """
        cut = {leg: of.at(k) for leg, of in lists.items()}
        said = {leg: without_repeats(of, content_keys(of.keys, hashes)).keys for leg, of in cut.items()}
        digests = tuple(anchor_digest(anchor) for anchor in anchors.anchors)
        return cls(digests, said, {leg: of.known for leg, of in cut.items()})

    def ranked(self, leg: ChurnLeg, rows: NDArray[np.int64]) -> RankedLists:
        """Some rows of a leg, without scores; unknown where a row is -1 or the leg is not kept."""
        depth = self.said[leg].shape[1]
        whole = RankedLists(
            self.said[leg],
            np.full(self.said[leg].shape, np.nan),
            np.count_nonzero(self.said[leg] != NO_CHUNK, axis=1).astype(np.int64),
            self.known[leg],
        )
        return whole.arranged(rows) if len(whole) else RankedLists.unknown(len(rows), depth)


@dataclass(frozen=True, slots=True)
class WatchedSegments:
    """Which segments are looked at: those with enough anchors.

    Args:
        dimensions: by which drift is told apart, besides `all`.
        cap: the most segments of a dimension.
        min_anchors: fewer are pooled into `other`; a pool that is still smaller is not looked at.
    """

    dimensions: tuple[str, ...]
    cap: int
    min_anchors: int


def churn(
    then: ContentLists, now: ContentLists, anchors: AnchorSet, watched: WatchedSegments
) -> dict[ChurnStream, float]:
    """X by segment and leg: the weighted mean over anchors of swaps by content / k.

    An anchor counts where it asked the same in both rounds and both lists are known. Swaps are
    max(|B|, |C|) - |B n C| of the sets of contents, a distance: over several rounds together it is at most the sum of
    those of each.

    Args:
        then: at the end of an earlier round.
        now: at the end of this one, in the order of `anchors`.
        anchors: A anchors of now.
        watched: which segments.

    Returns:
        In [0, 1] by stream, for every leg of now; NaN where less than 90% of the weight, or fewer anchors than
        `min_anchors` (in `all`: none), is known in both.
    """
    rows = {digest: row for row, digest in enumerate(then.anchors)}
    before = np.array([rows.get(digest, -1) for digest in now.anchors], np.int64)
    here = np.arange(len(now.anchors), dtype=np.int64)
    made: dict[ChurnStream, float] = {}
    for leg in CHURN_LEGS if len(here) else ():
        if leg not in now.said:
            continue
        column = np.full(len(here), np.nan)
        if leg in then.said and then.said[leg].shape[1] == now.said[leg].shape[1]:
            k = now.said[leg].shape[1]
            column = swaps(overlap(then.ranked(leg, before), now.ranked(leg, here)), k) / k
        made |= _by_segment(leg, column, anchors, watched)
    return made


def _by_segment(
    leg: ChurnLeg, column: NDArray[np.float64], anchors: AnchorSet, watched: WatchedSegments
) -> dict[ChurnStream, float]:
    made: dict[ChurnStream, float] = {}
    marks = [anchor.segment for anchor in anchors.anchors]
    present = (~np.isnan(column)).astype(np.float64)
    for dimension, names in assign(marks, watched.dimensions, cap=watched.cap).items():
        segments, codes = groups(pool_small(dimension, names, watched.min_anchors))
        found = mean_by_segment(np.stack((column, present)), anchors.weights, codes, len(segments))
        sizes = np.bincount(codes, minlength=len(segments))
        least = 1 if dimension == ALL else watched.min_anchors
        for at, segment in enumerate(segments):
            if segment == OTHER and sizes[at] < least:
                continue
            enough = found.n[0, at] >= least and found.mean[1, at] >= COVERED
            value = min(1.0, float(found.mean[0, at])) if enough else np.nan
            made[ChurnStream(leg, dimension, segment)] = value
    return made
