"""Numbers of chunks, remembered from report to report: most chunks did not change."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.kernels_keys import NONE, find_all, link

_MOST = 1 << 18
"""Chunks remembered at once: many times what a thousand anchors list."""
_LEAST = 1 << 10

Ints = NDArray[np.int64]


class ByKey:
    """A few whole numbers by chunk key; bounded, and forgotten where a chunk changed.

    Args:
        width: numbers of each chunk.
    """

    def __init__(self, width: int) -> None:
        self._used = 0
        self._keys: Ints = np.zeros(_LEAST, np.int64)
        """By place, of which the first `_used` are taken; see `kernels_keys`."""
        self._heads: NDArray[np.int32] = np.full(2 * _LEAST, NONE, np.int32)
        self._table: Ints = np.zeros((_LEAST, width), np.int64)
        self._holds: NDArray[np.bool_] = np.zeros(_LEAST, np.bool_)
        """By place, whether its numbers are not forgotten."""

    def __len__(self) -> int:
        """Places taken, those of chunks that were forgotten one by one included."""
        return self._used

    def forget(self, changed: Ints | None) -> None:
        """These chunks may be others now; None: all of them."""
        if changed is None or self._used > _MOST:
            self._used = 0
            self._heads[:] = NONE
        else:
            places = find_all(self._heads, self._keys, changed)
            self._holds[places[places != NONE]] = False

    def of(self, keys: Ints, look: Callable[[list[int]], Ints]) -> Ints:
        """The numbers of each key, (..., width) int64; looked up where they are not known.

        Args:
            keys: (...) int64.
            look: (n, width) int64, the numbers of n distinct keys, which are asked for all at once.
        """
        sought = keys.reshape(-1)
        places = find_all(self._heads, self._keys, sought)
        missing = np.flatnonzero((places == NONE) | ~self._holds[places])
        if len(missing):
            unknown = list(dict.fromkeys(sought[missing].tolist()))
            self._learn(np.array(unknown, np.int64), look(unknown))
            places[missing] = find_all(self._heads, self._keys, sought[missing])
        return self._table[places].reshape(*keys.shape, self._table.shape[1])

    def _learn(self, keys: Ints, numbers: Ints) -> None:
        places = find_all(self._heads, self._keys, keys)
        new = places == NONE
        first, until = self._used, self._used + int(np.count_nonzero(new))
        self._reach(until)
        places[new] = np.arange(first, until)
        self._keys[first:until] = keys[new]
        link(self._heads, self._keys, first, until)
        self._used = until
        self._table[places], self._holds[places] = numbers, True

    def _reach(self, needed: int) -> None:
        """Make room; twice as much where it is short."""
        room = max(needed, 2 * len(self._keys)) - len(self._keys)
        if needed > len(self._keys):
            self._keys, self._holds = np.pad(self._keys, (0, room)), np.pad(self._holds, (0, room))
            self._table = np.pad(self._table, ((0, room), (0, 0)))
            self._heads = np.full(1 << (2 * len(self._keys) - 1).bit_length(), NONE, np.int32)
            link(self._heads, self._keys, 0, self._used)
