"""Counting and moving lists, compiled by numba; a file of kernels stands alone: its cache follows no imports."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import Counted


@compiled
def count(tokens: NDArray[np.int32], offset: NDArray[np.int64], local: NDArray[np.int32]) -> Counted:
    """Distinct ids per document, those with a local index first."""
    documents = len(offset) - 1
    ends = np.zeros(documents + 1, np.int64)
    heads = np.zeros(documents, np.int32)
    ids = np.empty(len(tokens), np.int32)
    frequencies = np.empty(len(tokens), np.int32)
    rest = np.empty(len(tokens), np.int32)  # of one document: tokens that queries do not know
    seen = np.zeros(len(local), np.int32)  # by token id: occurrences in this document
    used = 0
    for document in range(documents):
        begin, unknown = used, 0
        for at in range(offset[document], offset[document + 1]):
            token = tokens[at]
            # both are written, one is kept: a branch on such data would be guessed wrong every second time
            ids[used] = rest[unknown] = token
            known = local[token] >= 0
            used += known & (seen[token] == 0)
            unknown += (not known) & (seen[token] == 0)
            seen[token] += 1
        heads[document] = used - begin
        for at in range(unknown):
            ids[used + at] = rest[at]
        used += unknown
        for at in range(begin, used):
            frequencies[at] = seen[ids[at]]
            seen[ids[at]] = 0
        ends[document + 1] = used
    return Counted(ends, heads, ids[:used].copy(), frequencies[:used].copy())


@compiled
def recount(frequency: NDArray[np.int32], histogram: NDArray[np.int64], ids: NDArray[np.int32], step: int) -> int:
    """Move each id's frequency by step, once per occurrence; returns how many were moved: stops before one below 0.

    The histogram of frequencies moves along; its last place counts all greater ones too.
    """
    top = len(histogram) - 1
    for done in range(len(ids)):
        before = frequency[ids[done]]
        after = before + step
        if after < 0:
            return done
        histogram[min(before, top)] -= 1
        histogram[min(after, top)] += 1
        frequency[ids[done]] = after
    return len(ids)


@compiled
def gather(slab: NDArray[np.int32], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Parts of a slab, one after the other."""
    made = np.empty(sizes.sum(), slab.dtype)
    used = 0
    for part in range(len(starts)):
        for at in range(sizes[part]):
            made[used + at] = slab[starts[part] + at]
        used += sizes[part]
    return made


@compiled
def scatter(
    slab: NDArray[np.generic], starts: NDArray[np.int64], sizes: NDArray[np.int64], values: NDArray[np.int32]
) -> None:
    """Write parts, given one after the other, to their places in a slab."""
    used = 0
    for part in range(len(starts)):
        for at in range(sizes[part]):
            slab[starts[part] + at] = values[used + at]
        used += sizes[part]


@compiled
def tally(frequency: NDArray[np.int32], histogram: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct frequencies above 0, ascending, and how many ids have each; the histogram is that of `recount`."""
    top = len(histogram) - 1
    great = np.empty(histogram[top], np.int64)
    used = 0
    for at in range(len(frequency) if len(great) else 0):
        if frequency[at] >= top:
            great[used] = frequency[at]
            used += 1
    great = np.sort(great)
    distinct, ids = np.empty(top + len(great), np.int64), np.empty(top + len(great), np.int64)
    used = 0
    for at in range(1, top):
        distinct[used], ids[used] = at, histogram[at]
        used += histogram[at] > 0
    for at in range(len(great)):
        if at and great[at] == great[at - 1]:
            ids[used - 1] += 1
        else:
            distinct[used], ids[used] = great[at], 1
            used += 1
    return distinct[:used].copy(), ids[:used].copy()
