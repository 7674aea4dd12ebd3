"""Counting chunks in the rows of their segments, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.statistics.counters import (
    CHANGED_NONZERO_VECTORS,
    CHUNKS,
    NONZERO_VECTORS,
    OVERLAP,
    OVERLAPPING,
    TOKENS,
)

Ints = NDArray[np.int64]


class ChunkBins(NamedTuple):
    """What n chunks count as.

    Args:
        columns: (n, 3) int64, the histogram columns of length, age and norm.
        tokens: (n,) int32.
        overlaps: (n,) int64, below 0 where no chunk follows.
        directed: (n,) bool, whether the vector has a direction.
        changed: (n, D) bool, changed since the baseline within each segment.
    """

    columns: Ints
    tokens: NDArray[np.int32]
    overlaps: Ints
    directed: NDArray[np.bool_]
    changed: NDArray[np.bool_]


@compiled
def count_chunks(counts: Ints, dirty: NDArray[np.bool_], rows: Ints, chunks: ChunkBins, sign: int) -> None:
    """Count live chunks, or no longer.

    Args:
        counts: (R, columns), changed in place.
        dirty: (R,), set where they change.
        rows: (n, D) of each chunk.
        chunks: what they count as.
        sign: 1 or -1.
    """
    columns, tokens, overlaps, directed, changed = chunks
    for chunk in range(len(rows)):
        for place in range(rows.shape[1]):
            row = rows[chunk, place]
            own = counts[row]
            dirty[row] = True
            own[CHUNKS] += sign
            own[TOKENS] += sign * np.int64(tokens[chunk])
            for column in columns[chunk]:
                own[column] += sign
            if overlaps[chunk] >= 0:
                own[OVERLAP] += sign * overlaps[chunk]
                own[OVERLAPPING] += sign
            if directed[chunk]:
                own[NONZERO_VECTORS] += sign
                own[CHANGED_NONZERO_VECTORS] += sign * np.int64(changed[chunk, place])


@compiled
def count_overlaps(counts: Ints, dirty: NDArray[np.bool_], rows: Ints, stale: Ints, fresh: Ints) -> None:
    """Count other overlaps of n live chunks.

    Args:
        counts: (R, columns), changed in place.
        dirty: (R,), set where they change.
        rows: (n, D) of each chunk.
        stale: (n,) overlaps before, below 0 where no chunk followed.
        fresh: (n,) overlaps now.
    """
    for chunk in range(len(rows)):
        step = max(fresh[chunk], 0) - max(stale[chunk], 0)
        paired = np.int64(fresh[chunk] >= 0) - np.int64(stale[chunk] >= 0)
        if step == 0 and paired == 0:
            continue
        for row in rows[chunk]:
            counts[row, OVERLAP] += step
            counts[row, OVERLAPPING] += paired
            dirty[row] = True
