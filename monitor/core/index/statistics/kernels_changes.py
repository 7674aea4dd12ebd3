"""What chunks contribute to the counts of changes since the baseline, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.statistics.counters import DELETED, MODIFIED, NEW

Ints = NDArray[np.int64]
ABSENT = -1
"""The place of a chunk that the baseline does not hold."""


class ChangeTable(NamedTuple):
    """Where changes are counted.

    Args:
        counts: (R, columns), changed in place.
        dirty: (R,), set where they change.
        rows: (cells, D) rows of each cell.
    """

    counts: Ints
    dirty: NDArray[np.bool_]
    rows: Ints


class ComparedChunks(NamedTuple):
    """Chunks as they are said to be, by place or by slot.

    Args:
        cells: (n,) cells.
        digests: (n,) uint64.
        parts: (n, D) parts of documents.
    """

    cells: Ints
    digests: NDArray[np.uint64]
    parts: Ints


@compiled
def count_live(
    table: ChangeTable, baseline: ComparedChunks, live: ComparedChunks, then: Ints, slots: Ints, sign: int
) -> tuple[NDArray[np.bool_], Ints]:
    """Count live chunks as what they are against the baseline, or no longer.

    Args:
        table: where.
        baseline: by place.
        live: by slot.
        then: by slot, places in the baseline, ABSENT for none.
        slots: (n,) of the chunks.
        sign: 1 or -1.

    Returns:
        (n, D) in which dimensions each is new or modified, and the parts that it changes, once for each change.
    """
    counts, dirty, rows = table
    wide = rows.shape[1]
    mask = np.zeros((len(slots), wide), np.bool_)
    parts, used = np.empty(2 * mask.size, np.int64), 0
    for chunk in range(len(slots)):
        slot = slots[chunk]
        place, now = then[slot], rows[live.cells[slot]]
        known = place != ABSENT
        before = rows[baseline.cells[place]] if known else now
        differs = not known or live.digests[slot] != baseline.digests[place]
        for at in range(wide):
            part = live.parts[slot, at]
            stays = known and now[at] == before[at]
            mask[chunk, at] = differs or not stays
            if mask[chunk, at]:
                counts[now[at], MODIFIED if stays else NEW] += sign
                dirty[now[at]] = True
            # a chunk that only moved to another document changed both
            elsewhere = known and part != baseline.parts[place, at]
            if mask[chunk, at] or elsewhere:
                parts[used] = part
                used += 1
            if known and not stays:
                counts[before[at], DELETED] += sign
                dirty[before[at]] = True
            if known and (elsewhere or not stays):
                parts[used] = baseline.parts[place, at]
                used += 1
    return mask, parts[:used].copy()


@compiled
def count_gone(table: ChangeTable, baseline: ComparedChunks, places: Ints, sign: int) -> Ints:
    """Count chunks of the baseline that are not live, or no longer; ABSENT ones count nothing.

    Args:
        table: where.
        baseline: by place.
        places: (n,) of the chunks.
        sign: 1 or -1.

    Returns:
        The parts that they change.
    """
    counts, dirty, rows = table
    parts, used = np.empty(len(places) * rows.shape[1], np.int64), 0
    for place in places:
        if place != ABSENT:
            for at in range(rows.shape[1]):
                row = rows[baseline.cells[place], at]
                counts[row, DELETED] += sign
                dirty[row] = True
                parts[used] = baseline.parts[place, at]
                used += 1
    return parts[:used].copy()
