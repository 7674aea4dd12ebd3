"""Adding features to the sums of segments, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.statistics.features import FEATURES

Ints = NDArray[np.int64]


class Summands(NamedTuple):
    """What n chunks add, and where.

    Args:
        features: (n, FEATURES) int64.
        directions: (n, d) float32 integers.
        rows: (n, D) rows of the sums.
        changed: (n, D), changed since the baseline within each segment.
    """

    features: Ints
    directions: NDArray[np.float32]
    rows: Ints
    changed: NDArray[np.bool_]


@compiled
def accumulate(sums: Ints, parts: Summands, sign: int, only_changed: bool) -> None:
    """Add chunks to the sums, or take them away.

    Args:
        sums: by row, changed in place.
        parts: what to add.
        sign: 1 or -1.
        only_changed: add only to the sums of changed chunks.
    """
    features, directions, rows, changed = parts
    for chunk in range(len(rows)):
        for place in range(rows.shape[1]):
            into = sums[rows[chunk, place]]
            if not only_changed:
                for at in range(FEATURES):
                    into[at] += sign * features[chunk, at]
                for at in range(directions.shape[1]):
                    into[2 * FEATURES + at] += sign * np.int64(directions[chunk, at])
            if changed[chunk, place]:
                for at in range(FEATURES):
                    into[FEATURES + at] += sign * features[chunk, at]
