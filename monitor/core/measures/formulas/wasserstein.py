"""First Wasserstein distance between the top-k scores of the baseline and of now, pooled; per anchor see `scored`."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ascending import ascending
from monitor.core.arrays.fixed import fixed
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.kernels_segments import in_order, pooled_distances, rescored, stale_segments
from monitor.core.model.lists import RankedLists

Column = NDArray[np.float64]
Ints = NDArray[np.int64]


def _usable(baseline: RankedLists, current: RankedLists) -> NDArray[np.bool_]:
    usable: NDArray[np.bool_] = baseline.known & current.known & (baseline.lengths > 0) & (current.lengths > 0)
    return usable


@dataclass(frozen=True, slots=True, eq=False)
class SortedScores:
    """All scores of one side's lists, and whose they are.

    Args:
        values: (m,) float64, ascending.
        whose: (m,) int64, the anchor of each.
        flat: (A k,) float64, all places of the lists row by row, infinite where no score is.
        order: (A k,) int64, the places in ascending order.
    """

    values: Column
    whose: Ints
    flat: Column
    order: Ints

    @classmethod
    def of(cls, cut: RankedLists) -> "SortedScores":
        """The scores of lists."""
        flat = np.full(cut.scores.size, np.inf)
        rescored(fixed(cut.scores), fixed(cut.lengths), fixed(cut.known), flat)
        return cls._sorted(flat, ascending(flat), cut.depth)

    def moved(self, cut: RankedLists) -> tuple["SortedScores", NDArray[np.bool_]]:
        """Of other lists of as many anchors and the same depth, and which rows, (A,) bool, are others by any bit.

        From those of a moment ago they are in order with little to do.
        """
        flat = self.flat.copy()
        rows = rescored(fixed(cut.scores), fixed(cut.lengths), fixed(cut.known), flat)
        return (self._sorted(flat, ascending(flat, self.order), cut.depth) if rows.any() else self), rows

    @classmethod
    def _sorted(cls, flat: Column, order: Ints, depth: int) -> "SortedScores":
        return cls(*in_order(flat, order, max(1, depth)), flat, order)


@dataclass(frozen=True, slots=True, eq=False)
class PooledScores:
    """W1 = ∫ |F_B(x) - F_C(x)| dx of all scores of the baseline's lists and of the current ones, by segment.

    Args:
        distance: (G,) float64 >= 0, NaN where no anchor is usable.
        n: (G,) int64, the anchors it rests on.
        usable: (A,) bool, anchors with results on both sides; the others are left out of both.
        before: scores of the baseline's lists.
        after: scores of the current ones.
    """

    distance: Column
    n: Ints
    usable: NDArray[np.bool_]
    before: SortedScores
    after: SortedScores

    @classmethod
    def of(cls, anchors: Grouped, baseline: RankedLists, current: RankedLists, depth: int) -> "PooledScores":
        """Pool the top-`depth` scores; each counts with its anchor's weight."""
        then, now = baseline.at(depth), current.at(depth)
        count = len(anchors.masses)
        blank = cls(
            np.full(count, np.nan), np.zeros(count, np.int64), _usable(then, now), SortedScores.of(then),
            SortedScores.of(now),
        )  # fmt: skip
        return blank._pooled(anchors, np.ones(count, np.bool_))

    def moved(self, anchors: Grouped, baseline: RankedLists, current: RankedLists, depth: int) -> "PooledScores":
        """Of other current lists against the same baseline: only segments with another list are pooled anew. The
        result is that of `of`.
        """
        then, now = baseline.at(depth), current.at(depth)
        if now.scores.size != self.after.flat.size:
            return PooledScores.of(anchors, baseline, current, depth)
        (after, rows), usable = self.after.moved(now), _usable(then, now)
        rows |= usable != self.usable
        if not rows.any():
            return self
        made = PooledScores(self.distance.copy(), self.n, usable, self.before, after)
        return made._pooled(anchors, stale_segments(rows, anchors.codes, len(self.n)))

    def _pooled(self, anchors: Grouped, stale: NDArray[np.bool_]) -> "PooledScores":
        values, whose = (self.before.values, self.after.values), (self.before.whose, self.after.whose)
        by = anchors.weights, anchors.codes
        pooled_distances(values, whose, self.usable, by, stale, self.distance)
        n = np.bincount(anchors.codes[:, self.usable].ravel(), minlength=len(stale))
        return replace(self, n=n)
