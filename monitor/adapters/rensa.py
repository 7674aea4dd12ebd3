"""Bands of sets of shingles for near copies: MinHash signatures by rensa, cut into bands."""

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from monitor.core.arrays.mixing import mix

BANDS = 16
ROWS = 4
_SEED = 20_261_101
_BAND = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 256
"""Signatures at once: they come as lists of numbers, few of which fit in a cache."""


class RensaBands:
    """`Bands` of near copies: 16 bands of 4 rows of an R-MinHash signature, hashed to 32 bits each.

    The probability of sharing a band at Jaccard similarity s is 1 - (1 - s^4)^16: 0.9998 at 0.8, 0.12 at 0.3, 0.0016
    at 0.1 (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4). rensa's own LSH index takes no
    integer hashes for a query and answers a batch with flags only; so it makes the signatures, and the index of the
    bands is `core.index.duplicates.buckets`.
    """

    width = BANDS

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The (n, width) bands of n sets, none empty, that lie one after the other in `shingles`."""
        offsets = np.append(0, np.cumsum(counts)).astype(np.uint64)
        words = mix(shingles.astype(np.uint64) + _BAND)
        signature = np.empty((len(counts), BANDS * ROWS), np.uint64)
        for at in range(0, len(counts), _AT_ONCE):
            some = offsets[at : at + _AT_ONCE + 1]
            matrix = RMinHash.digest_matrix_from_flat_token_hashes(
                words[some[0] : some[-1]], some - some[0], BANDS * ROWS, _SEED
            )
            signature[at : at + _AT_ONCE] = matrix.to_rows()
        hashed = np.arange(1, BANDS + 1, dtype=np.uint64) * _BAND
        for row in range(ROWS):
            hashed = mix(hashed ^ signature[:, row::ROWS])
        return (hashed >> np.uint64(32)).astype(np.uint32)
