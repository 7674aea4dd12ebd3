"""A set of queries over the forward lists: buffers, the epoch each row is in, refills, and proved rankings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core import lexical_buffers as buffers
from monitor.core.lexical_arrays import EMPTY, Kernels, Lists, Postings, Queries, Ranking
from monitor.core.lexical_bound import essential, reach, unproved
from monitor.core.lexical_forward import ForwardLists
from monitor.core.lexical_names import NameOrder
from monitor.core.lexical_queries import Plan

KEPT = 4
"""Entries kept per result wanted: k' = 4k."""


class Watch:
    """Keeps, for each row of a plan, a buffer whose proved best k are the exact top-k.

    Invariant: every live hit of row r that is not in its buffer scores at most `floor[r]` under the row's epoch,
    whose weights are `epoch.weight` and `epoch.average`.

    Args:
        plan: the queries.
        k: depth of the lists.
        epoch: the queries under the first epoch's weights.
        kernels: the inner loops.
        segments: by slot, folded by this plan's filters, for an ad hoc plan: its terms are then looked up in whole
            forward lists. None for the anchors' own plan.
    """

    def __init__(
        self, plan: Plan, k: int, epoch: Queries, kernels: Kernels, segments: NDArray[np.int32] | None = None
    ) -> None:
        self.plan, self.k = plan, k
        self.entries = buffers.empty(plan, np.full(len(plan), KEPT * k, np.int64))
        self.epoch = epoch._replace(weight=epoch.weight.copy(), average=epoch.average.copy())
        self._kernels, self._segments = kernels, segments
        self._reach = reach(plan, epoch)

    @property
    def bytes(self) -> int:
        """Bytes held by the buffers."""
        return sum(array.nbytes for array in self.entries)

    def drop(self, slots: NDArray[np.int64]) -> None:
        """Take removed chunks out of all buffers (what is outside stays outside)."""
        gone = np.zeros(int(max(slots.max(initial=0), self.entries.slot.max(initial=0))) + 2, np.bool_)
        gone[slots] = True  # the last place stands for EMPTY
        self.entries.slot[gone[self.entries.slot]] = EMPTY

    def offer(self, lists: Lists) -> None:
        """Insert new chunks where they may score above the floors."""
        self._offer(lists, self.entries.floor)

    def refill(self, rows: NDArray[np.int64], forward: ForwardLists, reference: Queries) -> None:
        """Start a new epoch for some rows and fill their buffers from all live chunks.

        Args:
            rows: ascending.
            forward: the live chunks.
            reference: weights of the new epoch: the present ones, but above 0 for a term nobody has yet.
        """
        buffers.clear(self.entries, rows)
        pairs = np.isin(self.plan.row, rows)
        self.epoch.weight[pairs] = reference.weight[pairs]
        self.epoch.average[rows] = reference.average[rows]
        self._reach = reach(self.plan, self.epoch)
        others = np.ones(len(self.plan), np.bool_)
        others[rows] = False
        for slots in forward.blocks(forward.live(), self._kernels.block):
            lists = forward.lists(slots, whole=self._segments is not None)
            if self._segments is not None:
                lists = lists._replace(segments=self._segments[slots])
            self._offer(lists, np.where(others, np.inf, self.entries.floor))

    def widen(self, rows: NDArray[np.int64], factor: int, documents: int) -> None:
        """Keep `factor` times as many entries for some rows, but not more than there are chunks."""
        keep = self.entries.keep.copy()
        keep[rows] = np.clip(keep[rows] * factor, keep[rows], np.maximum(keep[rows], documents))
        if (keep != self.entries.keep).any():
            self.entries = buffers.resized(self.plan, self.entries, keep)

    def rank(self, now: Queries, rows: NDArray[np.int64], order: NameOrder) -> Ranking:
        """The best k of some rows under the present weights, ties by name."""
        ranking = self._kernels.rank(self.entries, now, rows, self.k, order.label)
        places = np.flatnonzero(ranking.open)
        if len(places):
            order.place(np.unique(self.entries.slot[places]).astype(np.int64))
            stale = np.unique(np.searchsorted(self.entries.offset, places, side="right") - 1)
            again = self._kernels.rank(self.entries, now, stale, self.k, order.label)
            at = np.searchsorted(rows, stale)
            ranking.slot[at], ranking.score[at] = again.slot, again.score
        return ranking

    def unproved(self, ranking: Ranking, rows: NDArray[np.int64], now: Queries) -> NDArray[np.int64]:
        """Those of some rows whose ranking may be wrong because of what is outside the buffer."""
        least = np.full(len(self.plan), np.inf)
        least[rows] = np.where(ranking.slot[:, -1] == EMPTY, -np.inf, ranking.score[:, -1])
        return unproved(self.plan, self.epoch, now, self.entries.floor, least)

    def proved(
        self, rows: NDArray[np.int64], forward: ForwardLists, now: Queries, reference: Queries, order: NameOrder
    ) -> Ranking:
        """Refill some rows until their ranking is proved: right after a refill only ties at the cut can prevent it,
        and a buffer four times as large holds more of them.
        """
        self.refill(rows, forward, reference)
        ranking = self.rank(now, rows, order)
        open_rows = self.unproved(ranking, rows, now)
        while len(open_rows):
            self.widen(open_rows, 4, forward.documents)
            self.refill(open_rows, forward, reference)
            again = self.rank(now, open_rows, order)
            at = np.searchsorted(rows, open_rows)
            ranking.slot[at], ranking.score[at] = again.slot, again.score
            open_rows = self.unproved(again, open_rows, now)
        return ranking

    def follow(self, now: Queries, frequency: np.dtype[Any]) -> None:
        """Follow what grew: ids of the vocabulary, folded segments, the width of frequencies."""
        self.epoch = self.epoch._replace(local=now.local, allowed=now.allowed)
        if self.entries.frequency.dtype != frequency:
            self.entries = buffers.widened(self.entries)

    def _offer(self, lists: Lists, floor: NDArray[np.float64]) -> None:
        postings: Postings = essential(self.plan, self._reach, floor)
        if len(postings.row):
            self._kernels.offer(lists, self.epoch, postings, self.entries)
