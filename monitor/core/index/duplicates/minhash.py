"""Bands of MinHash signatures in numpy: `Bands` where no faster ones are at hand, as in a notebook."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix

_BANDS = 16
_ROWS = 4
_SEED = np.uint64(0x9E3779B97F4A7C15)


class MinHashBands:
    """16 bands of 4 rows, hashed to 32 bits each: as `RensaBands` cuts them, of signatures made one row at a time.

    Sets of Jaccard similarity s share a band with probability 1 - (1 - s^4)^16: .9998 at .8, .12 at .3.
    """

    width = _BANDS

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The (n, width) bands of n sets, none empty, that lie one after the other in `shingles`."""
        if not len(counts):
            return np.zeros((0, _BANDS), np.uint32)
        starts = np.append(0, np.cumsum(counts)[:-1])
        words = mix(shingles.astype(np.uint64) + _SEED)
        seeds: NDArray[np.uint64] = np.arange(1, _BANDS * _ROWS + 1, dtype=np.uint64) * _SEED
        bands = np.tile(np.arange(1, _BANDS + 1, dtype=np.uint64) * _SEED, (len(counts), 1))
        for at in range(_BANDS * _ROWS):
            permuted: NDArray[np.uint64] = words ^ seeds[at]
            least: NDArray[np.uint64] = np.minimum.reduceat(mix(permuted), starts)
            bands[:, at // _ROWS] = mix(bands[:, at // _ROWS] ^ least)
        return (bands >> np.uint64(32)).astype(np.uint32)
