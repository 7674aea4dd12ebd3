"""Sums of vectors' features per segment value, from which mean embeddings and their distances follow."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.features import FREQUENCIES, Features, VectorRows
from monitor.core.index.statistics.kernels_sums import Summands, accumulate
from monitor.core.index.statistics.sketches import ContentSketches, sketched

Ints = NDArray[np.int64]
_PART = 256
"""Vectors at a time: what is made of them stays in the cache."""


class SummedChunks(NamedTuple):
    """Chunks that come into the sums or leave them.

    Args:
        vectors: (n, d) float32.
        norms: (n,) float32, their lengths.
        rows: (n, D) rows of the sums.
        changed: (n, D), changed since the baseline within each segment.
    """

    vectors: VectorRows
    norms: NDArray[np.float32]
    rows: Ints
    changed: NDArray[np.bool_]

    def part(self, at: int) -> "SummedChunks":
        """Some hundred from a place on."""
        some = slice(at, at + _PART)
        return SummedChunks(self.vectors[some], self.norms[some], self.rows[some], self.changed[some])

    def before(self, others: "SummedChunks") -> "SummedChunks":
        """These, then the others."""
        return SummedChunks(
            np.concatenate((self.vectors, others.vectors)),
            np.concatenate((self.norms, others.norms)),
            np.concatenate((self.rows, others.rows)),
            np.concatenate((self.changed, others.changed)),
        )


class FeatureSums:
    """Adds features to the counters, and takes them away to the bit.

    Args:
        features: maps directions.
        sketches: of the same directions, which are multiplied once.
        counters: holds the sums.
    """

    def __init__(self, features: Features, sketches: ContentSketches, counters: Counters) -> None:
        self._features, self._counters = features, counters
        self._both = np.concatenate((features.frequencies, sketches.signs), axis=1)

    def exchange(self, gone: SummedChunks, come: SummedChunks) -> NDArray[np.uint64]:
        """Take chunks away from the sums of their segments, and add others.

        Returns:
            Sketches of those that come, (n,) uint64, NO_SKETCH for a vector without direction.
        """
        left, made = len(gone.norms), np.empty(len(come.norms), np.uint64)
        if left and left + len(made) <= _PART:  # few are multiplied as fast as half of them
            both = gone.before(come)
            made[:] = sketched(self._add(both, self._both, left)[left:, FREQUENCIES:], come.norms)
            return made
        for at in range(0, left, _PART):
            self._add(gone.part(at), self._features.frequencies, _PART)
        for at in range(0, len(made), _PART):
            part = come.part(at)
            made[at : at + _PART] = sketched(self._add(part, self._both, 0)[:, FREQUENCIES:], part.norms)
        return made

    def add_changed(self, chunks: SummedChunks) -> None:
        """Add chunks that are in the sums to those of changed chunks too."""
        for at in range(0, len(chunks.norms), _PART):
            self._add(chunks.part(at), self._features.frequencies, 0, only_changed=True)

    def _add(self, chunks: SummedChunks, factors: VectorRows, left: int, *, only_changed: bool = False) -> VectorRows:
        """Add chunks, or take the first ones away; returns the products of their directions with these factors."""
        features = self._features
        directions = features.directions(chunks.vectors, chunks.norms)
        products = directions @ factors
        summands = Summands(products, directions, chunks.norms, chunks.rows, chunks.changed, left)
        accumulate(self._counters.sums, summands, features.cosines, features.shift, only_changed)
        return products
