"""Adding features to the sums of segments, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.statistics.features import FEATURES, FREQUENCIES

Ints = NDArray[np.int64]
_GROUPS = 64


class Summands(NamedTuple):
    """What n chunks add, or did.

    Args:
        phases: (n, FREQUENCIES or more) float32 integers, of the directions.
        directions: (n, d) float32 integers.
        norms: (n,) lengths of the vectors: one that is not above 0 has no direction, and adds nothing.
        rows: (n, D) rows of the sums.
        changed: (n, D), changed since the baseline within each segment.
        left: so many of them, the first ones, are taken away.
    """

    phases: NDArray[np.float32]
    directions: NDArray[np.float32]
    norms: NDArray[np.float32]
    rows: Ints
    changed: NDArray[np.bool_]
    left: int


@compiled
def accumulate(sums: Ints, parts: Summands, cosines: Ints, shift: int, only_changed: bool) -> None:
    """Add chunks to the sums, or take them away; those of the same rows are added up first.

    Args:
        sums: by row, changed in place.
        parts: what to add; some hundred chunks.
        cosines: of a whole turn.
        shift: the bits of a phase from here on are a place among them.
        only_changed: add only to the sums of changed chunks.
    """
    phases, directions, norms, rows, changed, left = parts
    first, following = _alike(rows, changed)
    mapped, turned = np.empty(FEATURES, np.int64), np.empty(directions.shape[1], np.int64)
    up, down, mask, quarter = max(-shift, 0), max(shift, 0), len(cosines) - 1, len(cosines) >> 2
    for leader in first:
        mapped[:], turned[:] = 0, 0
        chunk = leader
        while chunk >= 0:
            sign = np.int64(0)
            if norms[chunk] > 0:
                sign = np.int64(-1) if chunk < left else np.int64(1)
            for at in range(FREQUENCIES if sign else 0):
                angle = np.int64(phases[chunk, at]) << up >> down
                mapped[at] += sign * cosines[angle & mask]
                mapped[FREQUENCIES + at] += sign * cosines[(angle - quarter) & mask]
            for at in range(len(turned)):
                turned[at] += sign * np.int64(directions[chunk, at])
            chunk = following[chunk]
        for place in range(rows.shape[1]):
            into = sums[rows[leader, place]]
            if not only_changed:
                for at in range(FEATURES):
                    into[at] += mapped[at]
                for at in range(len(turned)):
                    into[2 * FEATURES + at] += turned[at]
            if changed[leader, place]:
                for at in range(FEATURES):
                    into[FEATURES + at] += mapped[at]


@compiled
def _alike(rows: Ints, changed: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The first chunk of each group that goes the same ways, and for each chunk the next one of its group, -1 behind
    the last. Beyond `_GROUPS` of them a chunk that is like none is on its own.
    """
    first, last = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    following, groups = np.full(len(rows), np.int64(-1)), 0
    for chunk in range(len(rows)):
        group = 0
        while group < min(groups, _GROUPS):
            leader, place = first[group], 0
            while (
                place < rows.shape[1]
                and rows[leader, place] == rows[chunk, place]
                and changed[leader, place] == changed[chunk, place]
            ):
                place += 1
            if place == rows.shape[1]:
                break
            group += 1
        if group < min(groups, _GROUPS):
            following[last[group]] = chunk
        else:
            group = groups
            first[group] = chunk
            groups += 1
        last[group] = chunk
    return first[:groups].copy(), following
