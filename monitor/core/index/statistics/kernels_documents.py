"""Counting parts of documents, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.statistics.counters import (
    DOCUMENT_BINS,
    DOCUMENTS,
    DOCUMENTS_DELETED,
    DOCUMENTS_MODIFIED,
    DOCUMENTS_NEW,
    SIZES,
)

Ints = NDArray[np.int64]
_FIRST, _EXACT, _FINE, _TOP = SIZES.start, DOCUMENT_BINS.exact, DOCUMENT_BINS.fine, DOCUMENT_BINS.top


@compiled
def size_bin(chunks: int) -> int:
    """`DOCUMENT_BINS.of` of one number of chunks.

    >>> int(size_bin(63)), int(size_bin(64)), int(size_bin(71))
    (63, 64, 65)
    """
    cut = min(chunks, (1 << _TOP) - 1)
    if cut < 1 << _EXACT:
        return cut
    octave = _EXACT
    while cut >> (octave + 1):
        octave += 1
    return (1 << _EXACT) + ((octave - _EXACT) << _FINE) + (cut >> (octave - _FINE)) - (1 << _FINE)


class PartTable(NamedTuple):
    """Parts of documents, by handle.

    Args:
        rows: where each is counted, in the low `row_bits` bits.
        sizes, changed, then: live chunks, changed ones, and those in the baseline.
        row_bits: how many.
    """

    rows: Ints
    sizes: Ints
    changed: Ints
    then: Ints
    row_bits: int


@compiled
def _change(size: int, changed: int, then: int) -> int:
    """The column of what a part is: new, modified or deleted; DOCUMENTS if nothing of it changed."""
    if changed <= 0:
        return DOCUMENTS
    if size <= 0:
        return DOCUMENTS_DELETED
    return DOCUMENTS_MODIFIED if then > 0 else DOCUMENTS_NEW


@compiled
def step_parts(
    counts: Ints, dirty: NDArray[np.bool_], table: PartTable, kind: int, handles: Ints, steps: Ints
) -> Ints:
    """Add steps to what is counted of parts, and count these anew.

    Args:
        counts: (R, columns), changed in place.
        dirty: (R,), set where they change.
        table: changed in place.
        kind: what is stepped: 0 live chunks, 1 changed ones, 2 those of the baseline.
        handles: (n,) of the parts.
        steps: (n,) of each; repeats add up.

    Returns:
        Handles that had nothing, live or in the baseline, after their step; some may have again.
    """
    sizes, changed, then = table.sizes, table.changed, table.then
    counted = (sizes, changed, then)[kind]
    empty, used = np.empty(len(handles), np.int64), 0
    for at in range(len(handles)):
        part = handles[at]
        row = table.rows[part] & ((1 << table.row_bits) - 1)
        size, of = sizes[part], _change(sizes[part], changed[part], then[part])
        counted[part] += steps[at]
        if sizes[part] != size:
            dirty[row] = True
            if size > 0:
                counts[row, _FIRST + size_bin(size)] -= 1
                counts[row, DOCUMENTS] -= 1
            if sizes[part] > 0:
                counts[row, _FIRST + size_bin(sizes[part])] += 1
                counts[row, DOCUMENTS] += 1
        now = _change(sizes[part], changed[part], then[part])
        if now != of:
            dirty[row] = True
            if of != DOCUMENTS:
                counts[row, of] -= 1
            if now != DOCUMENTS:
                counts[row, now] += 1
        if sizes[part] == 0 and then[part] == 0:
            empty[used] = part
            used += 1
    return empty[:used].copy()


@compiled
def forget_changes(counts: Ints, dirty: NDArray[np.bool_], table: PartTable, parts: Ints) -> None:
    """No part of these has changed: count that, and set it."""
    for part in parts:
        row = table.rows[part] & ((1 << table.row_bits) - 1)
        dirty[row] = True
        of = _change(table.sizes[part], table.changed[part], table.then[part])
        if of != DOCUMENTS:
            counts[row, of] -= 1
        table.changed[part] = 0
