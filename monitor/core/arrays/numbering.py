"""Numbers for distinct keys: what a sort would do, in one pass."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Ints = NDArray[np.int64]
NONE = -1


@compiled
def numbered(keys: Ints) -> tuple[Ints, Ints]:
    """Number distinct keys from 0 on, in the order in which they appear first.

    Args:
        keys: (n,) int64; those below 0 get no number.

    Returns:
        (n,) int64 numbers, NONE for what has none, and (u,) int64 the distinct keys by number.

    >>> numbers, distinct = numbered(np.array([7, -1, 3, 7]))
    >>> numbers.tolist(), distinct.tolist()
    ([0, -1, 1, 0], [7, 3])
    """
    size = 16
    while size < 2 * len(keys):
        size *= 2
    table, distinct, count = np.full(size, NONE, np.int64), np.empty(len(keys), np.int64), 0
    numbers = np.full(len(keys), NONE, np.int64)
    for at in range(len(keys)):
        key = keys[at]
        if key < 0:
            continue
        place = (key ^ (key >> 29)) & (size - 1)
        while table[place] != NONE and distinct[table[place]] != key:
            place = (place + 1) & (size - 1)
        if table[place] == NONE:
            table[place], distinct[count] = count, key
            count += 1
        numbers[at] = table[place]
    return numbers, distinct[:count].copy()


def ranked(keys: Ints) -> tuple[Ints, int]:
    """Number distinct keys from 0 on in ascending order; (n,) int64 and how many there are.

    Args:
        keys: (n,) int64; those below 0 get NONE.

    >>> codes, count = ranked(np.array([7, -1, 3, 7]))
    >>> codes.tolist(), count
    ([1, -1, 0, 1], 2)
    """
    numbers, distinct = numbered(keys)
    ranks = np.full(len(distinct) + 1, NONE, np.int64)
    ranks[np.argsort(distinct)] = np.arange(len(distinct))
    return ranks[numbers], len(distinct)
