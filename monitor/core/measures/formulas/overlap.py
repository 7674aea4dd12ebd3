"""Which results two ranked lists share, matched once per pair; every comparison of lists reads it from here.

Arrays of this file are rank-major, (k, A): row i holds what stands at rank i + 1 of every anchor. A measurement then
walks the k ranks with vector operations over the anchors, in an order that never depends on how many anchors there
are, so that recomputing a few anchors gives the bits of recomputing all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_match import Match, first_places, shared_counts
from monitor.core.model.lists import RankedLists

Ranks = NDArray[np.int16]
DEEPEST = int(np.iinfo(np.int16).max) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Two sets of ranked lists of the same A anchors, matched down to depth K, the shallower of the two.

    Args:
        ranks: (K, A) int16, rank in the current list of the baseline result at each rank, 0 where it is absent.
        shared: (K, A) int16, X_d = |B_1..d ∩ C_1..d|: how many results both lists hold at each depth d.
        baseline_lengths: (A,) int64, results in the baseline list, at most K.
        current_lengths: (A,) int64, results in the current list, at most K.
        known: (A,) bool, False where either list could not be had: every measurement is NaN there.
    """

    ranks: Ranks
    shared: Ranks
    baseline_lengths: NDArray[np.int64]
    current_lengths: NDArray[np.int64]
    known: NDArray[np.bool_]

    @property
    def depth(self) -> int:
        """K: nothing deeper can be measured."""
        return int(self.ranks.shape[0])

    def __len__(self) -> int:
        return int(self.known.shape[0])

    def match(self, depth: int) -> Match:
        """The same for compiled kernels that read it at a depth; ValueError beyond K."""
        self._check(depth)
        return Match(self.ranks, self.shared, self.baseline_lengths, self.current_lengths, self.known)

    def lengths(self, depth: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(A,) lengths of the baseline and the current lists when cut at `depth`; ValueError beyond K."""
        self._check(depth)
        return np.minimum(self.baseline_lengths, depth), np.minimum(self.current_lengths, depth)

    def _check(self, depth: int) -> None:
        if not 1 <= depth <= self.depth:
            message = f"depth {depth}: the lists were matched at depths 1 to {self.depth}"
            raise ValueError(message)

    def cut(self, depth: int) -> Ranks:
        """(depth, A) ranks of the lists cut at `depth`: a result ranked deeper is absent, 0."""
        ranks = self.ranks[:depth]
        return ranks if depth == self.depth else np.where(ranks > depth, np.int16(0), ranks)

    def exited(self, depth: int) -> NDArray[np.bool_]:
        """(A, depth) bool, True at the baseline slots whose result is not in the current list at `depth`."""
        length, _ = self.lengths(depth)
        out: NDArray[np.bool_] = (np.arange(depth) < length[:, None]) & (self.cut(depth).T == 0)
        return out & self.known[:, None]

    def entered(self, depth: int) -> NDArray[np.bool_]:
        """(A, depth) bool, True at the current slots whose result is not in the baseline list at `depth`."""
        _, length = self.lengths(depth)
        new: NDArray[np.bool_] = np.arange(depth) < length[:, None]
        place, anchor = np.nonzero(self.cut(depth))
        new[anchor, self.ranks[place, anchor] - 1] = False
        return new & self.known[:, None]

    def masked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The (A,) float64 values, NaN where a list is unknown."""
        return np.where(self.known, values, np.nan)


def overlap(baseline: RankedLists, current: RankedLists) -> Overlap:
    """Match the lists of A anchors: the rank of each baseline result in the current list, and X_d at every depth.

    The keys of one list are distinct (a retriever returns a chunk once). Lists of different depth are both cut at the
    shallower one, since nothing is known of the other's tail. A list with no results shares nothing.

    Args:
        baseline: A lists.
        current: A lists, of the same anchors in the same order.

    Raises:
        ValueError: if the numbers of anchors differ.
    """
    if len(baseline) != len(current):
        message = f"lists of {len(baseline)} anchors cannot be compared with lists of {len(current)}"
        raise ValueError(message)
    depth = min(baseline.depth, current.depth)
    ranks = first_ranks(baseline.keys[:, :depth], current.keys[:, :depth])
    return Overlap(
        ranks,
        shared_counts(ranks),
        np.minimum(baseline.lengths, depth),
        np.minimum(current.lengths, depth),
        baseline.known & current.known,
    )


def first_ranks(sought: NDArray[np.int64], listed: NDArray[np.int64]) -> Ranks:
    """The 1-based place of each sought key in the list of its row, 0 where it is absent.

    Args:
        sought: (A, m) int64, NO_CHUNK where there is nothing to seek.
        listed: (A, k) int64; of equal keys the first counts.

    Returns:
        (m, A) int16, rank-major.
    """
    if listed.shape[1] > DEEPEST:
        message = f"depth {listed.shape[1]}: at most {DEEPEST} can be matched"
        raise ValueError(message)
    return first_places(sought, listed)
