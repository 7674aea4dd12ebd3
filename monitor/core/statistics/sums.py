"""Sums of vectors' features per segment value, from which mean embeddings and their distances follow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.statistics.counters import (
    CHANGED_DIRECTED,
    CHANGED_SUMS,
    DIRECTED,
    FEATURE_SUMS,
    MEAN_START,
    Counters,
)
from monitor.core.statistics.features import Features

Ints = NDArray[np.int64]
_PART = 2_048
"""Vectors summed at once: fewer than 2^13 sums of integers below 2^11 are exact in float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Vectors of some chunks and where they count.

    Args:
        vectors: (n, d) float32.
        norms: (n,) float32, their lengths; zero vectors have no direction and do not count.
        cells: (n,) cells.
        rows: (n, D) rows of the cells.
        changed: (n, D), changed since the baseline within each segment.
    """

    vectors: NDArray[np.float32]
    norms: NDArray[np.float32]
    cells: Ints
    rows: Ints
    changed: NDArray[np.bool_]

    def take(self, at: Ints) -> "Vectors":
        """Some of them."""
        return Vectors(self.vectors[at], self.norms[at], self.cells[at], self.rows[at], self.changed[at])


class Sums:
    """Adds features to the counters, and takes them away to the bit.

    Args:
        dimension: of the vectors; 0 makes everything here do nothing.
        counters: holds the sums.
    """

    def __init__(self, dimension: int, counters: Counters) -> None:
        self.features = Features(dimension) if dimension else None
        self._counters = counters

    def add(self, batch: Vectors, sign: int, *, only_changed: bool = False) -> None:
        """Count vectors, or no longer (sign -1).

        Args:
            batch: where each counts.
            sign: 1 or -1.
            only_changed: they are counted already, but not yet as changed.
        """
        if self.features is None:
            return
        directed = np.flatnonzero(batch.norms > 0)
        for at in range(0, len(directed), _PART):
            self._add(self.features, batch.take(directed[at : at + _PART]), sign, only_changed=only_changed)

    def _add(self, features: Features, batch: Vectors, sign: int, *, only_changed: bool) -> None:
        directions = features.directions(batch.vectors, batch.norms)
        order, starts = _grouped(batch)
        first = order[starts]
        summed = np.add.reduceat(features.of(directions)[order], starts, axis=0, dtype=np.int64) * sign
        sizes = np.diff(starts, append=len(order)) * sign
        rows, changed = batch.rows[first], batch.changed[first]
        means = (np.add.reduceat(directions[order], starts, axis=0) * sign).astype(np.int64)
        if not only_changed:
            self._counters.add(rows, np.int64(DIRECTED), sizes[:, None])
        self._counters.add(rows, np.int64(CHANGED_DIRECTED), sizes[:, None] * changed)
        for group in range(len(first)):
            every, some = rows[group], rows[group][changed[group]]
            if not only_changed:
                self._counters.sums[every, FEATURE_SUMS] += summed[group]
                self._counters.sums[every, MEAN_START:] += means[group]
            self._counters.sums[some, CHANGED_SUMS] += summed[group]


def _grouped(batch: Vectors) -> tuple[Ints, Ints]:
    """An order in which vectors that count in the same places stand together, and where each group begins."""
    bits = batch.changed @ (np.int64(1) << np.arange(batch.changed.shape[1], dtype=np.int64))
    pattern = np.unique(bits, return_inverse=True)[1]
    keys = batch.cells * (int(pattern.max(initial=0)) + 1) + pattern
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    return order, starts
