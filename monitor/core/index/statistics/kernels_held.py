"""Which numbers are among others, and how many of each owner's, compiled by numba; a file of kernels stands alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.mixing import GOLDEN

NOTHING = 0
"""In a free place of a table; the number 0 itself is looked for apart."""


@compiled
def held(values: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which values are among others; both of one unsigned type, in any order, with any repeats.

    The table is of the fewer ones: of samples of shingles that of a whole corpus would be larger than what it is of.
    """
    few = others if len(others) <= len(values) else values
    bits = np.uint64(4)
    while (1 << bits) < 2 * len(few):
        bits += np.uint64(1)
    shift, size = np.uint64(64) - bits, 1 << bits
    table, marked = np.zeros(size, few.dtype), np.zeros(size, np.bool_)
    for value in few:
        table[_place(table, shift, value)] = value
    nothing = False
    for other in others:
        if other == NOTHING:
            nothing = True
            continue
        at = _place(table, shift, other)
        marked[at] = table[at] == other
    found = np.empty(len(values), np.bool_)
    for row in range(len(values)):
        value = values[row]
        found[row] = nothing if value == NOTHING else marked[_place(table, shift, value)]
    return found


@compiled
def _place(table: NDArray[Any], shift: np.uint64, value: Any) -> int:
    """Where a value stands, or where it belongs; linear probing behind multiplicative hashing.

    Source: Knuth, The Art of Computer Programming 3, section 6.4.
    """
    at, last = np.int64((np.uint64(value) * GOLDEN) >> shift), len(table) - 1
    while table[at] != NOTHING and table[at] != value:
        at = (at + 1) & last
    return int(at)


@compiled
def counted(marked: NDArray[np.bool_], sizes: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) how many are marked of the first sizes[0], of the next sizes[1], and so on."""
    counts, at = np.zeros(len(sizes), np.int64), 0
    for owner in range(len(sizes)):
        for _ in range(sizes[owner]):
            counts[owner] += marked[at]
            at += 1
    return counts
