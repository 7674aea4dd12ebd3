"""Counting parts of documents, compiled by numba."""

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


@compiled
def count_parts(counts: Ints, rows: Ints, held: tuple[Ints, Ints, Ints], sign: int, live: bool) -> None:
    """Count parts of documents, or no longer.

    Args:
        counts: (R, columns), changed in place.
        rows: (n,) of the parts.
        held: (n,) chunks of each part now, changed ones, and those in the baseline.
        sign: 1 or -1.
        live: whether documents and their sizes are counted; else only what changed.
    """
    sizes, changed, then = held
    for at in range(len(rows)):
        own = counts[rows[at]]
        if live and sizes[at] > 0:
            own[_FIRST + size_bin(sizes[at])] += sign
            own[DOCUMENTS] += sign
        if changed[at] > 0:
            if sizes[at] <= 0:
                own[DOCUMENTS_DELETED] += sign
            elif then[at] > 0:
                own[DOCUMENTS_MODIFIED] += sign
            else:
                own[DOCUMENTS_NEW] += sign
