"""A set of queries over the forward lists: buffers, the epoch each row is in, refills, and proved rankings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core import lexical_buffers as buffers
from monitor.core.lexical_arrays import EMPTY, Kernels, Lists, Postings, Queries
from monitor.core.lexical_bound import essential, reach, unproved
from monitor.core.lexical_forward import ForwardLists
from monitor.core.lexical_queries import Plan

KEPT = 4
"""Entries kept per result wanted: k' = 4k."""


class Best(NamedTuple):
    """The best k of R rows, best first: (R, k) slots and scores, EMPTY and NaN behind the end."""

    slot: NDArray[np.int32]
    score: NDArray[np.float64]


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

    def drop(self, slots: NDArray[np.int64], capacity: int) -> None:
        """Take removed chunks out of all buffers (what is outside stays outside)."""
        gone = np.zeros(capacity + 1, np.bool_)  # the last one stands for EMPTY
        gone[slots] = True
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

    def rank(self, now: Queries, rows: NDArray[np.int64], names: Sequence[str]) -> Best:
        """The best k of some rows under the present weights, ties by name."""
        ranking = self._kernels.rank(self.entries, now, rows, self.k)
        stale = np.flatnonzero(ranking.tied & self.entries.fresh[rows])
        if len(stale):
            for row in rows[stale].tolist():
                self._order(row, names)
            again = self._kernels.rank(self.entries, now, rows[stale], self.k)
            ranking.place[stale], ranking.score[stale] = again.place, again.score
        slots = self.entries.slot[ranking.place]  # widening moves places, slots stay
        return Best(np.where(ranking.place == EMPTY, EMPTY, slots), ranking.score)

    def unproved(self, ranking: Best, rows: NDArray[np.int64], now: Queries) -> NDArray[np.int64]:
        """Those of some rows whose ranking may be wrong because of what is outside the buffer."""
        least = np.full(len(self.plan), np.inf)
        least[rows] = np.where(ranking.slot[:, -1] == EMPTY, -np.inf, ranking.score[:, -1])
        return unproved(self.plan, self.epoch, now, self.entries.floor, least)

    def proved(
        self, rows: NDArray[np.int64], forward: ForwardLists, now: Queries, reference: Queries, names: Sequence[str]
    ) -> Best:
        """Refill some rows until their ranking is proved: right after a refill only ties at the cut can prevent it,
        and a buffer four times as large holds more of them.
        """
        self.refill(rows, forward, reference)
        ranking = self.rank(now, rows, names)
        open_rows = self.unproved(ranking, rows, now)
        while len(open_rows):
            self.widen(open_rows, 4, forward.documents)
            self.refill(open_rows, forward, reference)
            again = self.rank(now, open_rows, names)
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
        self._kernels.offer(lists, self.epoch, postings, self.entries)

    def _order(self, row: int, names: Sequence[str]) -> None:
        """Number a row's entries by the names of their chunks."""
        entries = self.entries
        start = int(entries.offset[row])
        held = start + np.flatnonzero(entries.slot[start : start + int(entries.used[row])] != EMPTY)
        called = [names[slot] for slot in entries.slot[held].tolist()]
        entries.order[held[sorted(range(len(called)), key=called.__getitem__)]] = np.arange(len(called))
        entries.fresh[row] = False
