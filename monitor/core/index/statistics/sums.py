"""Sums of vectors' features per segment value, from which mean embeddings and their distances follow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.counters import CHANGED_NONZERO_VECTORS, NONZERO_VECTORS, Counters
from monitor.core.index.statistics.features import Features
from monitor.core.index.statistics.kernels_sums import Summands, accumulate

Ints = NDArray[np.int64]
_PART = 2_048
"""Vectors summed at once: sums of fewer than 2^13 integers below 2^11 are exact in float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Vectors of some chunks and where they count.

    Args:
        vectors: (n, d) float32.
        norms: (n,) float32, their lengths; zero vectors have no direction and do not count.
        rows: (n, D) rows of the sums.
        changed: (n, D), changed since the baseline within each segment.
    """

    vectors: NDArray[np.float32]
    norms: NDArray[np.float32]
    rows: Ints
    changed: NDArray[np.bool_]

    def take(self, at: Ints) -> "Vectors":
        """Some of them."""
        return Vectors(self.vectors[at], self.norms[at], self.rows[at], self.changed[at])


class FeatureSums:
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
        steps = np.full((len(directions), 1), sign, np.int64)
        if not only_changed:
            self._counters.add(batch.rows, np.int64(NONZERO_VECTORS), steps)
        self._counters.add(batch.rows, np.int64(CHANGED_NONZERO_VECTORS), steps * batch.changed)
        summands = Summands(features.of(directions), directions, batch.rows, batch.changed)
        accumulate(self._counters.sums, summands, sign, only_changed=only_changed)
