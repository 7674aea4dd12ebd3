"""Where the results come from: expected sources present, distinct sources, and the mix against the baseline's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.arrays.fixed import fixed
from monitor.core.arrays.numbering import ranked
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.kernels_segments import mixed, resourced
from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import NO_CHUNK

NO_SOURCE = NO_CHUNK
"""Fills rows of source codes; codes themselves are >= 0."""

Column = NDArray[np.float64]
Ints = NDArray[np.int64]


def source_coverage_ratio(expected: NDArray[np.int64], present: NDArray[np.int64], depth: int) -> Column:
    """Expected sources that appear in the top-k / expected sources.

    Args:
        expected: (A, e) int64, distinct source codes an anchor should be answered from, NO_SOURCE behind the last.
        present: (A, k) int64, source code of each slot, NO_SOURCE behind the end.
        depth: where the lists are cut.

    Returns:
        (A,) float64 in [0, 1]; NaN where nothing is expected, 0 for an empty list (mask unknown ones yourself).
    """
    wanted = np.count_nonzero(expected != NO_SOURCE, axis=1)
    found = np.count_nonzero(first_ranks(expected, present[:, :depth]), axis=0)
    return np.where(wanted == 0, np.nan, found / np.maximum(wanted, 1))


def distinct_sources(present: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """(A,) int64: how many different sources the top-k comes from, 0 for an empty list.

    Args:
        present: (A, k) int64, source code of each slot, NO_SOURCE behind the end.
        depth: where the lists are cut.
    """
    cut = present[:, :depth]
    places = np.arange(1, cut.shape[1] + 1)[:, None]
    distinct: NDArray[np.int64] = np.count_nonzero(first_ranks(cut, cut) == places, axis=0)
    return distinct


@dataclass(frozen=True, slots=True, eq=False)
class SourceMixes:
    """How the sources of the results in each segment differ from the baseline's.

    Args:
        divergence: (G,) float64, see `jensen_shannon`; in bits, 0..1, NaN where a side names no source.
        n: (G,) int64, the anchors it rests on.
        known: (A,) bool, anchors whose lists are known then and now.
        distinct: (S,) int64, the sources, ascending.
        ranks: (2, A, k) int64, then and now, the place of each slot's source among them, -1 for none.
        used: (S,) int64, in how many slots each stands.
    """

    divergence: Column
    n: Ints
    known: NDArray[np.bool_]
    distinct: Ints
    ranks: Ints
    used: Ints

    @classmethod
    def of(cls, anchors: Grouped, sides: tuple[Ints, Ints], known: NDArray[np.bool_]) -> "SourceMixes":
        """Mix all.

        Args:
            anchors: in their segments.
            sides: (A, k) int64, source code of each slot then and now, NO_SOURCE for none; cut to the depth wanted.
            known: (A,) bool, anchors whose lists are known then and now.
        """
        codes = np.where(known[:, None], np.stack(sides), NO_SOURCE)
        ranks, count = ranked(codes.ravel())
        distinct, there = np.empty(count, np.int64), ranks >= 0
        distinct[ranks[there]] = codes.ravel()[there]
        return cls._mixed(
            anchors, known, distinct, ranks.reshape(codes.shape), np.bincount(ranks[there], minlength=count)
        )

    def moved(self, anchors: Grouped, sides: tuple[Ints, Ints], known: NDArray[np.bool_]) -> "SourceMixes":
        """Of other slots; the result is that of `of`.

        What is kept of the slots is taken over and written to: this one is of no more use for that.
        """
        ranks, used = self.ranks, self.used
        if ranks.shape[1:] != sides[0].shape:
            return SourceMixes.of(anchors, sides, known)
        count = resourced((fixed(sides[0]), fixed(sides[1])), fixed(known), self.distinct, ranks, used)
        if count < 0 or not used.all():  # the sources are others
            return SourceMixes.of(anchors, sides, known)
        if not count and np.array_equal(known, self.known):
            return self
        return SourceMixes._mixed(anchors, known, self.distinct, ranks, used)

    @classmethod
    def _mixed(
        cls, anchors: Grouped, known: NDArray[np.bool_], distinct: Ints, ranks: Ints, used: Ints
    ) -> "SourceMixes":
        mixes = np.zeros((2, len(anchors.masses), max(1, len(distinct))))
        for side in range(2):
            mixed(ranks[side], anchors.weights, anchors.codes, mixes[side])
        n = np.bincount(anchors.codes[:, known].ravel(), minlength=len(anchors.masses))
        return cls(jensen_shannon(mixes[0], mixes[1]), n, known, distinct, ranks, used)
