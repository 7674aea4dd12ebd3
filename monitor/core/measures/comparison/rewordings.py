"""Stability under rewording, per anchor: measured anew where its list or one of its rewrites' lists moved."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.summary import Summarised, SummaryTable
from monitor.core.measures.comparison.tables import ListedLeg
from monitor.core.measures.formulas.columns import Name
from monitor.core.measures.formulas.moved import moved
from monitor.core.measures.incremental import MeasureColumns, RowSelection, stale
from monitor.core.measures.needs import REWRITES
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.measures.views import RewritesView
from monitor.core.model.lists import RankedLists

NO_ENCODER = "no_encoder"
"""Why the dense leg has no value: nothing is configured that makes vectors of the rewrites."""
NOT_KEPT = "rewrites_not_kept"
"""Why kept lists have no value: the rewrites' lists are not stored with them."""
LEGS: tuple[tuple[ListedLeg, ListLeg], ...] = (("dense", "exact"), ("lexical", "lexical"))
"""A leg, and which of its lists are compared: on the dense leg the exact ones, so that what an approximate index
misses does not look like instability."""


class Rewordings:
    """The tables about rewrites for one alignment, kept from report to report.

    Args:
        alignment: which anchors compare.
        owners: (R,) int64 row of each rewrite's anchor.
        anchors: A, how many anchors there are now.
        depths: the depths k to measure at.
        registry: the measures there are.
    """

    def __init__(
        self,
        alignment: Alignment,
        owners: NDArray[np.int64],
        anchors: int,
        depths: tuple[int, ...],
        registry: MeasureRegistry = REGISTRY,
    ) -> None:
        place = np.full(anchors, -1, np.int64)
        place[alignment.now] = np.arange(len(alignment.now))
        self._chosen = np.flatnonzero(place[owners] >= 0)
        self._asked, self._owners = np.unique(place[owners[self._chosen]], return_inverse=True)
        self._alignment, self._depths, self._registry = alignment.only(self._asked), depths, registry
        self._columns: dict[ListedLeg, MeasureColumns[RewritesView]] = {}
        self._lists: dict[ListedLeg, tuple[RankedLists, RankedLists]] = {}

    def tables(self, seen: Observation, *, afresh: bool) -> list[Summarised]:
        """`rewrite_stability_ratio` of each leg that is on; nothing where no anchor has a rewrite."""
        legs = [(leg, of) for leg, of in LEGS if of in seen.lists] if len(self._asked) else []
        return [Summarised(self._table(leg, of, seen, afresh=afresh), self._alignment) for leg, of in legs]

    def _table(self, leg: ListedLeg, of: ListLeg, seen: Observation, *, afresh: bool) -> SummaryTable:
        columns = self._columns.setdefault(leg, MeasureColumns(self._registry.group("rewrites"), self._depths))
        if of not in seen.rewrites:
            why = NO_ENCODER if seen.facts.events else NOT_KEPT
            names = tuple(Name(measure.name, k) for k in self._depths for measure in self._registry.group("rewrites"))
            return SummaryTable(leg, names, np.full((len(names), len(self._asked)), np.nan), (why,) * len(names))
        now = own, others = seen.lists[of].take(self._alignment.now), seen.rewrites[of].take(self._chosen)
        mask = np.ones(len(own), np.bool_)
        if not afresh and leg in self._lists:
            before = self._lists[leg]
            mask = moved(before[0], own, scores=False)
            mask[self._owners[moved(before[1], others, scores=False)]] = True
        self._lists[leg] = now

        def view(rows: RowSelection) -> RewritesView:
            if isinstance(rows, slice):
                return RewritesView(own, others, self._owners)
            chosen = np.flatnonzero(np.isin(self._owners, rows))
            return RewritesView(own.take(rows), others.take(chosen), np.searchsorted(rows, self._owners[chosen]))

        columns.update(len(own), {REWRITES: stale(mask, view)})
        return SummaryTable(leg, columns.names, columns.values, columns.reasons)
