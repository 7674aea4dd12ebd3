"""Hubs: single chunks that appear in the answers to many anchors (capture, poisoning)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.fixed import fixed
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.kernels_segments import greatest_shares, renumbered, stale_segments
from monitor.core.model.lists import NO_CHUNK, RankedLists

Ints = NDArray[np.int64]
_ROOM = 2
"""Numbers for chunks that were listed, by places in the lists: then all are numbered anew."""


@dataclass(frozen=True, slots=True, eq=False)
class HubShares:
    """The largest weighted share of a segment's anchors in whose top-k one single chunk appears.

    Args:
        share: (G,) float64 in [0, 1], 0 in a segment without a result, NaN in one without a known list.
        n: (G,) int64, the anchors it rests on.
        keys: (A, k) int64, the chunks that were counted, NO_CHUNK for none.
        known: (A,) bool, anchors with a known list.
        numbers: (A, k) int64, the number of each chunk, -1 for none.
        table, distinct, count: who has which number, see `renumbered`.

    Source: k-occurrence N_k, Radovanović, Nanopoulos, Ivanović, Hubs in space, JMLR 11, 2010.
    """

    share: NDArray[np.float64]
    n: Ints
    keys: Ints
    known: NDArray[np.bool_]
    numbers: Ints
    table: Ints
    distinct: Ints
    count: int

    @classmethod
    def of(cls, anchors: Grouped, lists: RankedLists, depth: int) -> "HubShares":
        """Count all.

        Args:
            anchors: in their segments.
            lists: of these anchors, whose keys are distinct.
            depth: where the lists are cut.
        """
        shape, segments = lists.at(depth).keys.shape, len(anchors.masses)
        room = max(16, _ROOM * shape[0] * shape[1])
        blank = cls(
            np.full(segments, np.nan),
            np.zeros(segments, np.int64),
            np.full(shape, NO_CHUNK, np.int64),
            np.zeros(shape[0], np.bool_),
            np.full(shape, -1, np.int64),
            np.full(2 << (room - 1).bit_length(), -1, np.int64),
            np.empty(room, np.int64),
            0,
        )
        return blank.moved(anchors, lists, depth)

    def moved(self, anchors: Grouped, lists: RankedLists, depth: int) -> "HubShares":
        """Of other lists of the same anchors: only segments in which a list is another one are counted anew.

        What says who has which number is taken over and written to: this one is of no more use for that.
        """
        cut = lists.at(depth)
        if cut.keys.shape != self.keys.shape:
            return HubShares.of(anchors, lists, depth)
        keys, known, numbers, table, distinct = self.keys, self.known, self.numbers, self.table, self.distinct
        now = fixed(cut.keys), fixed(cut.lengths), fixed(cut.known)
        rows, count = renumbered(now, (keys, known), (table, distinct), self.count, numbers)
        if count < 0:
            return HubShares.of(anchors, lists, depth)
        if not rows.any():
            return self
        share, n = self.share.copy(), self.n.copy()
        stale = stale_segments(rows, anchors.codes, len(share))
        greatest_shares(numbers, count, known, (anchors.weights, anchors.members, anchors.starts), stale, share, n)
        return HubShares(share, n, keys, known, numbers, table, distinct, count)
