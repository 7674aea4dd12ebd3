"""Adding features to the sums of segments, compiled by numba where it is there; both ways give the same integers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import COMPILES, compiled
from monitor.core.index.statistics.counters import CHANGED_SUMS, FEATURE_SUMS, MEAN_START
from monitor.core.index.statistics.features import FEATURES

Ints = NDArray[np.int64]


class Summands(NamedTuple):
    """What n chunks add, and where.

    Args:
        features: (n, FEATURES) int64.
        directions: (n, d) float32 integers.
        cells: (n,) cells.
        rows: (n, D) rows of the cells.
        changed: (n, D), changed since the baseline within each segment.
    """

    features: Ints
    directions: NDArray[np.float32]
    cells: Ints
    rows: Ints
    changed: NDArray[np.bool_]


@compiled
def _accumulate(sums: Ints, parts: Summands, sign: int, only_changed: bool) -> None:
    features, directions, _, rows, changed = parts
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


def accumulate_plain(sums: Ints, parts: Summands, sign: int, *, only_changed: bool) -> None:
    """The same in numpy: chunks that count in the same places are summed first.

    Args:
        sums: by row, changed in place.
        parts: what to add; fewer than 2^13 chunks, for the sums of directions to be exact.
        sign: 1 or -1.
        only_changed: add only to the sums of changed chunks.
    """
    order, starts = _grouped(parts)
    first = order[starts]
    summed = np.add.reduceat(parts.features[order], starts, axis=0) * sign
    means = np.add.reduceat(parts.directions[order], starts, axis=0).astype(np.int64) * sign
    for group, chunk in enumerate(first.tolist()):
        every, some = parts.rows[chunk], parts.rows[chunk][parts.changed[chunk]]
        if not only_changed:
            sums[every, FEATURE_SUMS] += summed[group]
            sums[every, MEAN_START:] += means[group]
        sums[some, CHANGED_SUMS] += summed[group]


def accumulate(sums: Ints, parts: Summands, sign: int, *, only_changed: bool) -> None:
    """Add chunks to the sums, or take them away; see `accumulate_plain`."""
    if COMPILES:
        _accumulate(sums, parts, sign, only_changed)
    else:
        accumulate_plain(sums, parts, sign, only_changed=only_changed)


def _grouped(parts: Summands) -> tuple[Ints, Ints]:
    """An order in which chunks that count in the same places stand together, and where each group begins."""
    bits = parts.changed @ (np.int64(1) << np.arange(parts.changed.shape[1], dtype=np.int64))
    pattern = np.unique(bits, return_inverse=True)[1]
    keys = parts.cells * (int(pattern.max(initial=0)) + 1) + pattern
    order = np.argsort(keys, kind="stable")
    return order, np.flatnonzero(np.diff(keys[order], prepend=-1))
