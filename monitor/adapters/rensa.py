"""Bands of sets of shingles for near copies: MinHash signatures as rensa makes them, cut into bands."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.kernels_minhash import Permutations, bands

BANDS = 16
ROWS = 4
_SEED = 20_261_101


class RensaBands:
    """`Bands` of near copies: 16 bands of 4 rows of an R-MinHash signature, hashed to 32 bits each.

    The probability of sharing a band at Jaccard similarity s is 1 - (1 - s^4)^16: 0.9998 at 0.8, 0.12 at 0.3, 0.0016
    at 0.1 (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4). rensa's own LSH index takes no
    integer hashes for a query and answers a batch with flags only, and its signatures come as lists of numbers, which
    cost more than to make them. So the same signatures are made by `core.index.duplicates.kernels_minhash`, and the
    index of the bands is `core.index.duplicates.buckets`.
    """

    width = BANDS

    def __init__(self) -> None:
        self._permutations = Permutations.of(_SEED, BANDS * ROWS)

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The (n, width) bands of n sets, none empty, that lie one after the other in `shingles`."""
        return bands(shingles, counts, self._permutations, BANDS)
