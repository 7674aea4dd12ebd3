"""Distinct 64-bit keys, each in a place of its own, so that what is known of them stands in arrays beside."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.index import kernels_keys
from monitor.core.index.kernels_keys import NONE

_LEAST = 1 << 10


class KeyTable:
    """Places by key: 8 bytes of key, 8 to 16 of a hash table, and what arrays have grown in advance.

    Keys are hashes: their low bits are spread already.

    >>> table = KeyTable()
    >>> table.add(np.array([7, 9])), table.places(np.array([9, 8])).tolist(), len(table)
    (0, [1, -1], 2)
    """

    def __init__(self) -> None:
        self._keys: NDArray[np.int64] = np.zeros(_LEAST, np.int64)
        self._heads: NDArray[np.int32] = np.full(_LEAST * 2, NONE, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> NDArray[np.int64]:
        """(n,) int64 by place; not to be changed."""
        return self._keys[: self._count]

    def places(self, sought: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) int64, the place of each key, NONE for one that is not there."""
        return kernels_keys.find_all(self._heads, self._keys, sought)

    def add(self, keys: NDArray[np.int64]) -> int:
        """Put distinct keys that are not there behind those that are; the place of the first."""
        first, end = self._count, self._count + len(keys)
        if end > len(self._keys):
            self._keys = longer(self._keys, max(end, end * 5 // 4))
        self._keys[first:end], self._count = keys, end
        if 2 * end > len(self._heads):
            self._heads = np.full(1 << (2 * end).bit_length(), NONE, np.int32)
            kernels_keys.link(self._heads, self._keys, 0, end)
        else:
            kernels_keys.link(self._heads, self._keys, first, end)
        return first
