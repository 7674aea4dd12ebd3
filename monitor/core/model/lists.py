"""Ranked lists of all anchors on one leg, as three arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import chunk_key

NO_CHUNK = -1
"""Fills the unused tail of a row of keys."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedLists:
    """The top-k of A anchors, best first; ties are broken by chunk id.

    Args:
        keys: (A, k) int64, `chunk_key` of each result, NO_CHUNK behind the end of a short list.
        scores: (A, k) float64, bigger is better, NaN behind the end.
        lengths: (A,) int64, results in each list, 0 to k.
        known: (A,) bool, False where the list could not be had (its row is then empty and means nothing).
    """

    keys: NDArray[np.int64]
    scores: NDArray[np.float64]
    lengths: NDArray[np.int64]
    known: NDArray[np.bool_]

    @property
    def depth(self) -> int:
        """The k the lists were cut at."""
        return int(self.keys.shape[1])

    def __len__(self) -> int:
        return int(self.keys.shape[0])

    @classmethod
    def unknown(cls, anchors: int, depth: int) -> "RankedLists":
        """Lists of which nothing is known yet."""
        return cls(
            np.full((anchors, depth), NO_CHUNK, np.int64),
            np.full((anchors, depth), np.nan),
            np.zeros(anchors, np.int64),
            np.zeros(anchors, np.bool_),
        )

    @classmethod
    def of(cls, rows: Sequence[Sequence[tuple[str, float]] | None], depth: int) -> "RankedLists":
        """Build from plain rows of (chunk id, score), already ordered; None is an unknown list."""
        made = cls.unknown(len(rows), depth)
        for at, row in enumerate(rows):
            if row is None:
                continue
            cut = row[:depth]
            made.keys[at, : len(cut)] = [chunk_key(chunk_id) for chunk_id, _ in cut]
            made.scores[at, : len(cut)] = [score for _, score in cut]
            made.lengths[at] = len(cut)
            made.known[at] = True
        return made

    def at(self, depth: int) -> "RankedLists":
        """The same lists cut at a smaller depth."""
        return RankedLists(self.keys[:, :depth], self.scores[:, :depth], np.minimum(self.lengths, depth), self.known)

    def take(self, rows: NDArray[np.int64] | slice) -> "RankedLists":
        """The lists of some anchors, in the order given; a slice copies nothing."""
        return RankedLists(self.keys[rows], self.scores[rows], self.lengths[rows], self.known[rows])

    def arranged(self, rows: NDArray[np.int64]) -> "RankedLists":
        """The lists of some rows in the order given, unknown where a row is -1."""
        made = RankedLists.unknown(len(rows), self.depth)
        there = np.flatnonzero(rows >= 0)
        return made.replaced(there, self.take(rows[there]))

    def replaced(self, rows: NDArray[np.int64], by: "RankedLists") -> "RankedLists":
        """A copy in which the lists of `rows` are those of `by` (same order, same depth)."""
        made = RankedLists(self.keys.copy(), self.scores.copy(), self.lengths.copy(), self.known.copy())
        made.keys[rows], made.scores[rows] = by.keys, by.scores
        made.lengths[rows], made.known[rows] = by.lengths, by.known
        return made
