"""Numbers of chunks, remembered from report to report: most chunks did not change."""

from collections.abc import Callable, Iterable
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

_MOST = 1 << 18
"""Chunks remembered at once: many times what a thousand anchors list."""


class ByKey:
    """A few whole numbers by chunk key; bounded, and forgotten where a chunk changed.

    Args:
        width: numbers of each chunk.
    """

    def __init__(self, width: int) -> None:
        self._at: dict[int, int] = {}
        self._table: NDArray[np.int64] = np.zeros((0, width), np.int64)
        self._used = 0

    def forget(self, changed: Iterable[int] | None) -> None:
        """These chunks may be others now; None: all of them."""
        if changed is None or self._used > _MOST:
            self._at.clear()
            self._used = 0
            return
        for key in changed:
            self._at.pop(key, None)

    def of(
        self,
        keys: NDArray[np.int64],
        look: Callable[[int], tuple[int, ...]],
        ahead: Callable[[list[int]], None] = lambda _: None,
    ) -> NDArray[np.int64]:
        """The numbers of each key, (..., width) int64; looked up where they are not known.

        Args:
            keys: (...) int64.
            look: the numbers of one.
            ahead: is told first of all that will be looked up.
        """
        places = self._places(keys)
        unknown = list(dict.fromkeys(keys[places < 0].tolist()))
        if unknown:
            ahead(unknown)
            self._learn(unknown, [look(key) for key in unknown])
            places[places < 0] = self._places(keys[places < 0])
        return self._table[places]

    def _places(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the shape of the keys: the row of the table that holds each, -1 where none does."""
        found = map(self._at.get, keys.ravel().tolist(), repeat(-1))
        return np.fromiter(found, np.int64, keys.size).reshape(keys.shape)

    def _learn(self, keys: list[int], numbers: list[tuple[int, ...]]) -> None:
        until = self._used + len(keys)
        if until > len(self._table):
            room = np.zeros((max(1024, until * 3 // 2) - len(self._table), self._table.shape[1]), np.int64)
            self._table = np.concatenate((self._table, room))
        width = self._table.shape[1]
        flat = np.fromiter(chain.from_iterable(numbers), np.int64, len(keys) * width)
        self._table[self._used : until] = flat.reshape(-1, width)
        self._at.update(zip(keys, range(self._used, until), strict=True))
        self._used = until
