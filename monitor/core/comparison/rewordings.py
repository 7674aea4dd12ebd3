"""Stability under rewording, per anchor: measured anew where its list or one of its rewrites' lists moved."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.baseline import ListLeg
from monitor.core.comparison.alignment import Alignment
from monitor.core.comparison.seen import Seen
from monitor.core.comparison.summary import Summarised, Table
from monitor.core.comparison.tables import ListedLeg
from monitor.core.lists import RankedLists
from monitor.core.measure.columns import Name
from monitor.core.measure.moved import moved
from monitor.core.measure.rewrites import rewrite_stability_ratio

STABILITY = "rewrite_stability_ratio"
NO_ENCODER = "no_encoder"
"""Why the dense leg has no value: nothing is configured that makes vectors of the rewrites."""
NOT_KEPT = "rewrites_not_kept"
"""Why kept lists have no value: the rewrites' lists are not stored with them."""
LEGS: tuple[tuple[ListedLeg, ListLeg], ...] = (("dense", "exact"), ("lexical", "lexical"))
"""A leg, and which of its lists are compared: on the dense leg the exact ones, so that what an approximate index
misses does not look like instability."""
Rows = NDArray[np.int64]
Values = NDArray[np.float64]


class Rewordings:
    """The tables about rewrites for one alignment, kept from report to report.

    Args:
        alignment: which anchors compare.
        owners: (R,) int64 row of each rewrite's anchor.
        anchors: A, how many anchors there are now.
        depths: the depths k to measure at.
    """

    def __init__(self, alignment: Alignment, owners: Rows, anchors: int, depths: tuple[int, ...]) -> None:
        place = np.full(anchors, -1, np.int64)
        place[alignment.now] = np.arange(len(alignment.now))
        self._chosen = np.flatnonzero(place[owners] >= 0)
        self._asked, self._owners = np.unique(place[owners[self._chosen]], return_inverse=True)
        self._alignment, self._depths = alignment.only(self._asked), depths
        self._kept: dict[ListedLeg, tuple[RankedLists, RankedLists, Values]] = {}

    def tables(self, seen: Seen, *, afresh: bool) -> list[Summarised]:
        """`rewrite_stability_ratio` of each leg that is on; nothing where no anchor has a rewrite."""
        legs = [(leg, of) for leg, of in LEGS if of in seen.lists] if len(self._asked) else []
        return [Summarised(self._table(leg, of, seen, afresh=afresh), self._alignment) for leg, of in legs]

    def _table(self, leg: ListedLeg, of: ListLeg, seen: Seen, *, afresh: bool) -> Table:
        names = tuple(Name(STABILITY, k) for k in self._depths)
        if of not in seen.rewrites:
            why = NO_ENCODER if seen.facts.events else NOT_KEPT
            return Table(leg, names, np.full((len(names), len(self._asked)), np.nan), (why,) * len(names))
        own, others = seen.lists[of].take(self._alignment.now), seen.rewrites[of].take(self._chosen)
        kept = None if afresh else self._kept.get(leg)
        if kept is None:
            values = self._measured(own, others, np.arange(len(own)))
        else:
            touched = moved(kept[0], own, scores=False)
            touched[self._owners[moved(kept[1], others, scores=False)]] = True
            rows, values = np.flatnonzero(touched), kept[2].copy()
            values[:, rows] = self._measured(own, others, rows)
        self._kept[leg] = (own, others, values)
        return Table(leg, names, values, ("",) * len(names))

    def _measured(self, own: RankedLists, others: RankedLists, rows: Rows) -> Values:
        chosen = np.flatnonzero(np.isin(self._owners, rows))
        owners = np.searchsorted(rows, self._owners[chosen])
        cut, beside = own.take(rows), others.take(chosen)
        return np.stack([rewrite_stability_ratio(cut, beside, owners, k) for k in self._depths])
