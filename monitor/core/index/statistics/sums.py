"""Sums of vectors' features per segment value, from which mean embeddings and their distances follow."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.features import Features, VectorRows
from monitor.core.index.statistics.kernels_sums import Summands, accumulate

Ints = NDArray[np.int64]


class FeatureSums:
    """Adds features to the counters, and takes them away to the bit.

    Args:
        features: maps directions.
        counters: holds the sums.
    """

    def __init__(self, features: Features, counters: Counters) -> None:
        self._features, self._counters = features, counters

    def add(
        self,
        directions: VectorRows,
        rows: Ints,
        changed: NDArray[np.bool_],
        sign: int,
        *,
        only_changed: bool = False,
    ) -> None:
        """Add chunks to the sums of their segments, or take them away.

        Args:
            directions: (n, d) of their vectors, n some hundred.
            rows: (n, D) rows of the sums.
            changed: (n, D), changed since the baseline within each segment.
            sign: 1 or -1.
            only_changed: they are in the sums already, but not yet in those of changed chunks.
        """
        summands = Summands(self._features.of(directions), directions, rows, changed)
        accumulate(self._counters.sums, summands, sign, only_changed=only_changed)
