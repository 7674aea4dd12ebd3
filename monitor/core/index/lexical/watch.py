"""A set of queries over the forward lists: buffers, the epoch each row is in, refills, and proved rankings."""

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.arrays.ragged import ragged
from monitor.core.index.lexical import buffers
from monitor.core.index.lexical.arrays import EMPTY, Entries, Lists, Postings, Queries, Ranking, part
from monitor.core.index.lexical.bound import postings, unproved
from monitor.core.index.lexical.forward import ForwardLists
from monitor.core.index.lexical.kernels_bound import drop, exhausted
from monitor.core.index.lexical.kernels_offer import offer
from monitor.core.index.lexical.kernels_rank import rank
from monitor.core.index.lexical.names import OrderLabels
from monitor.core.index.lexical.queries import QueryPlan

_SOON, _FEW = 0.01, 8
"""A scan for one row costs nearly as much as one for twenty: those that would follow within this margin go along,
unless they are more than one in so many."""
_BLOCK = 8_192
"""Chunks offered at once while a buffer is refilled."""
KEPT = 8
"""Entries kept per result wanted: k' = 8k. Half as many are ranked a quarter faster and run out thrice as often."""


class CandidateBuffers:
    """Keeps, for each row of a plan, a buffer whose proved best k are the exact top-k.

    Invariant: every live hit of row r that is not in its buffer scores at most `floor[r]` under the row's epoch,
    whose weights are `epoch.weight` and `epoch.average`.

    Args:
        plan: the queries.
        k: depth of the lists.
        epoch: the queries under the first epoch's weights.
        segments: by slot, folded by this plan's filters, for an ad hoc plan: its terms are then looked up in whole
            forward lists. None for the anchors' own plan.
    """

    def __init__(self, plan: QueryPlan, k: int, epoch: Queries, segments: NDArray[np.int32] | None = None) -> None:
        self.plan, self.k = plan, k
        self.entries = buffers.empty(plan, np.full(len(plan), KEPT * k, np.int64))
        self.epoch = epoch._replace(weight=epoch.weight.copy(), average=epoch.average.copy())
        self._segments = segments
        self._every: Postings | None = None  # of all rows; None while outdated
        self._frequency: NDArray[np.int64] = np.zeros(len(plan.terms), np.int64)

    @property
    def bytes(self) -> int:
        """Bytes held by the buffers."""
        return sum(array.nbytes for array in self.entries)

    def carry(self, before: "CandidateBuffers", source: NDArray[np.int64], target: NDArray[np.int64]) -> None:
        """Take over buffers and epochs of rows of another watch that ask the same terms, with the same filters.

        Call it on a watch that holds nothing yet, for the same chunks.

        Args:
            before: the other watch.
            source: (R,) int64 rows there.
            target: (R,) int64 rows here, ascending.
        """
        keep = self.entries.keep.copy()
        keep[target] = before.entries.keep[source]
        wide = before.entries.frequency.dtype == np.uint32
        self.entries = buffers.empty(self.plan, keep, wide)
        sizes = self.plan.sizes[target]
        buffers.carry(before.entries, source, self.entries, target, sizes)
        pairs = ragged(self.plan.start[target], sizes)
        self.epoch.weight[pairs] = before.epoch.weight[ragged(before.plan.start[source], sizes)]
        self.epoch.average[target] = before.epoch.average[source]
        self._every = None

    def image(self) -> Image:
        """See `image`."""
        epoch = {"weight": self.epoch.weight, "average": self.epoch.average}
        return {"entries": self.entries._asdict(), **epoch}

    def resume(self, image: Image) -> None:
        """Take up what was there, of the same plan."""
        self.entries = Entries(**image["entries"])
        self.epoch = self.epoch._replace(weight=image["weight"], average=image["average"])
        self._every = None

    def drop(self, slots: NDArray[np.int64]) -> None:
        """Take removed chunks out of all buffers (what is outside stays outside)."""
        if len(slots):
            drop(self.entries, slots)

    def rename(self, slots: NDArray[np.int64], order: OrderLabels) -> None:
        """Slots that other chunks hold now stand for nobody any more; labels that no entry needs are taken back."""
        gone = order.forget(slots)
        if len(gone):
            buffers.expose(self.entries, gone)
        if order.crowded():
            named = np.unique(np.concatenate((self.entries.slot, self.entries.tied)))
            order.keep(named[named != EMPTY].astype(np.int64))

    def offer(self, lists: Lists, order: OrderLabels) -> None:
        """Insert new chunks where they may score above the floors."""
        if self._every is None:
            self._every = postings(self.plan, self.epoch, np.arange(len(self.plan)))
        self._offer(lists, self._every, order)

    def refill(
        self, rows: NDArray[np.int64], forward: ForwardLists, reference: Queries, order: OrderLabels, *, seeded: bool
    ) -> None:
        """Start a new epoch for some rows and fill their buffers from all live chunks.

        Args:
            rows: ascending.
            forward: the live chunks.
            reference: weights of the new epoch: the present ones, but above 0 for a term nobody has yet.
            order: labels of names.
            seeded: start the floors just below what the buffers still hold (it will be found again, and better
                beside it), so that most chunks are passed over; else at -inf.
        """
        pairs = ragged(self.plan.start[rows], self.plan.sizes[rows])
        self.epoch.weight[pairs] = reference.weight[pairs]
        self.epoch.average[rows] = reference.average[rows]
        floor = buffers.least_known(self.entries, self.epoch, rows, self.k) if seeded else -np.inf
        buffers.clear(self.entries, rows)
        self.entries.floor[rows] = floor
        self._every = None
        asked = postings(self.plan, self.epoch, rows)
        for slots in forward.blocks(forward.live(), _BLOCK):
            lists = forward.lists(slots, whole=self._segments is not None)
            if self._segments is not None:
                lists = lists._replace(segments=self._segments[slots])
            self._offer(lists, asked, order)

    def widen(self, rows: NDArray[np.int64], factor: int, documents: int) -> None:
        """Keep `factor` times as many entries for some rows, but not more than there are chunks."""
        keep = self.entries.keep.copy()
        keep[rows] = np.clip(keep[rows] * factor, keep[rows], np.maximum(keep[rows], documents))
        if (keep != self.entries.keep).any():
            self.entries = buffers.resized(self.plan, self.entries, keep)

    def rank(self, now: Queries, rows: NDArray[np.int64], order: OrderLabels) -> Ranking:
        """The best k of some rows under the present weights, ties by name."""
        ranking = rank(self.entries, now, self.epoch, rows, self.k, order.label)
        places = ranking.open
        if len(places):
            order.place(np.unique(self.entries.slot[places]).astype(np.int64))
            stale = np.unique(np.searchsorted(self.entries.offset, places, side="right") - 1)
            again = rank(self.entries, now, self.epoch, stale, self.k, order.label)
            at = np.searchsorted(rows, stale)
            _patch(ranking, at, again)
        return ranking

    def unproved(
        self, ranking: Ranking, rows: NDArray[np.int64], now: Queries, order: OrderLabels, *, margin: float = 0.0
    ) -> NDArray[np.int64]:
        """Those of some rows whose ranking may be wrong because of what is outside the buffer.

        With a margin also those whose k-th score is so near (as a share of it) to what something outside can score.
        """
        last = ranking.slot[:, -1]
        least = np.where(last == EMPTY, -np.inf, ranking.score[:, -1])
        every = np.full(len(self.plan), np.inf)
        every[rows] = least - margin * np.where(last == EMPTY, 0.0, np.abs(least))
        beaten = ranking.outside > least
        even = np.flatnonzero((ranking.outside == least) & (least > -np.inf))
        if len(even):  # ties outside: the name decides
            order.place(np.unique(last[even]).astype(np.int64))
            beaten[even] = order.label[self.entries.tied[rows[even]]] < order.label[last[even]]
        loose = unproved(self.plan, self.epoch, now, self.entries.floor, every)
        if len(loose):
            loose = self._closely(loose, every, now)
        return np.union1d(rows[beaten], loose) if beaten.any() else loose

    def to_refill(self, ranking: Ranking, now: Queries, order: OrderLabels) -> NDArray[np.int64]:
        """Rows whose ranking may be wrong; if there are any, also those that would soon follow."""
        open_rows = np.flatnonzero(~ranking.sure)
        if not len(open_rows):
            return open_rows
        failed = self.unproved(_some(ranking, open_rows), open_rows, now, order)
        if not len(failed):
            return failed
        every = np.arange(len(self.plan))
        soon = np.union1d(failed, self.unproved(ranking, every, now, order, margin=_SOON))
        return soon if len(soon) * _FEW < len(every) else failed

    def _closely(self, rows: NDArray[np.int64], least: NDArray[np.float64], now: Queries) -> NDArray[np.int64]:
        """The bound once more for some rows, without the terms that no chunk outside the buffer contains: rare
        terms, whose idf moves most with each chunk.
        """
        some = np.full(len(self.plan), np.inf)
        some[rows] = least[rows]
        outside = exhausted(self.entries, now, rows, self._frequency)
        return unproved(self.plan, self.epoch, now, self.entries.floor, some, outside)

    def proved(
        self, rows: NDArray[np.int64], forward: ForwardLists, now: Queries, reference: Queries, order: OrderLabels
    ) -> Ranking:
        """Refill some rows until their ranking is proved: from seeded floors, then from none, then with buffers
        four times as large each time (ties at the cut, weights below zero).
        """
        self.refill(rows, forward, reference, order, seeded=True)
        ranking = self.rank(now, rows, order)
        open_rows = self.unproved(ranking, rows, now, order)
        factor = 1
        while len(open_rows):
            self.widen(open_rows, factor, forward.documents)
            self.refill(open_rows, forward, reference, order, seeded=False)
            again = self.rank(now, open_rows, order)
            _patch(ranking, np.searchsorted(rows, open_rows), again)
            open_rows = self.unproved(again, open_rows, now, order)
            factor = 4
        return ranking

    def follow(self, now: Queries, document_frequency: NDArray[np.int64], frequency: np.dtype[Any]) -> None:
        """Follow what moved: ids of the vocabulary, folded segments, (M,) document frequencies, their width."""
        if len(now.local) != len(self.epoch.local):
            self._every = None
        self.epoch = self.epoch._replace(local=now.local, allowed=now.allowed)
        self._frequency = document_frequency
        if self.entries.frequency.dtype != frequency:
            self.entries = buffers.widened(self.entries)

    def _offer(self, lists: Lists, asked: Postings, order: OrderLabels) -> None:
        """Offer chunks to some rows; rows that get stuck get the names at their cut labelled, and go on."""
        entries = self.entries
        for attempt in count():
            if not len(asked.rows) or not len(lists.slots):
                break
            missed = np.flatnonzero(offer(lists, self.epoch, asked, entries, order.label))
            stuck = np.flatnonzero(entries.stuck >= 0)
            if not len(stuck):
                break
            for row in stuck.tolist():
                order.place(np.unique(buffers.held(entries, row) if attempt else buffers.at_cut(entries, row)))
            lists, asked = part(lists, missed), postings(self.plan, self.epoch, stuck)
            if attempt:  # many ties at once: label all that are still to come
                order.place(lists.slots.astype(np.int64))
            entries.since[:], entries.stuck[:] = np.searchsorted(missed, entries.stuck), -1
        entries.since[:] = 0


def _some(ranking: Ranking, rows: NDArray[np.int64]) -> Ranking:
    """The ranking of some rows."""
    slot, score, outside, places, sure = ranking
    return Ranking(slot[rows], score[rows], outside[rows], places, sure[rows])


def _patch(ranking: Ranking, at: NDArray[np.int64], by: Ranking) -> None:
    """Replace the ranking of some rows."""
    ranking.slot[at], ranking.score[at] = by.slot, by.score
    ranking.outside[at], ranking.sure[at] = by.outside, by.sure
