"""One number per chunk, remembered from report to report: most chunks did not change."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

_MOST = 1 << 18
"""Chunks remembered at once: many times what a thousand anchors list."""


class ByKey:
    """Numbers by chunk key; bounded, and forgotten where a chunk changed."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def forget(self, changed: Iterable[int] | None) -> None:
        """These chunks may be others now; None: all of them."""
        if changed is None or len(self._known) > _MOST:
            self._known.clear()
            return
        for key in changed:
            self._known.pop(key, None)

    def of(self, keys: NDArray[np.int64], look: Callable[[int], int]) -> NDArray[np.int64]:
        """The number of each key, of the same shape; looked up where it is not known."""
        asked = keys.ravel().tolist()
        known = self._known
        for key in {key for key in asked if key not in known}:
            known[key] = look(key)
        return np.array([known[key] for key in asked], np.int64).reshape(keys.shape)
