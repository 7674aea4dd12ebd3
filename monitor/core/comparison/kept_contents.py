"""What the chunks in the lists say, remembered from report to report: most of them did not change."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.baseline import content_key

_MOST = 1 << 18
"""Chunks remembered at once: many times what a thousand anchors list."""


class KeptContents:
    """Content keys by chunk key, and which chunks are live; bounded, and forgotten where a chunk changed."""

    def __init__(self) -> None:
        self._said: dict[int, int] = {}
        self._live: dict[int, bool] = {}

    def forget(self, changed: Iterable[int] | None) -> None:
        """These chunks may say something else now, or be gone; None: all of them."""
        if changed is None or len(self._said) + len(self._live) > _MOST:
            self._said.clear()
            self._live.clear()
            return
        for key in changed:
            self._said.pop(key, None)
            self._live.pop(key, None)

    def keys(self, keys: NDArray[np.int64], hashes: Mapping[int, str]) -> NDArray[np.int64]:
        """`baseline.content_keys` of an array of chunk keys."""
        asked = keys.ravel().tolist()
        said = self._said
        found = list(map(said.get, asked))
        if None in found:  # most are known: two passes at the speed of the dictionary beat one that branches
            for key in {key for key, one in zip(asked, found, strict=True) if one is None}:
                said[key] = content_key(key, hashes)
            found = list(map(said.get, asked))
        return np.array(found, np.int64).reshape(keys.shape)

    def live(self, keys: NDArray[np.int64], hashes: Mapping[int, str]) -> NDArray[np.bool_]:
        """Whether each chunk is in the corpus, as the hashes say."""
        asked = keys.ravel().tolist()
        live = self._live
        found = list(map(live.get, asked))
        if None in found:
            for key in {key for key, one in zip(asked, found, strict=True) if one is None}:
                live[key] = key in hashes
            found = list(map(live.get, asked))
        return np.array(found, np.bool_).reshape(keys.shape)
