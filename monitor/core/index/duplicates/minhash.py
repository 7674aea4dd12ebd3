"""Bands of sets of shingles for near copies: R-MinHash signatures, cut into bands."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.kernels_minhash import Permutations, bands

BANDS = 16
ROWS = 4
SEED = 20_261_101


class MinHashBands:
    """`Bands` of near copies: 16 bands of 4 rows of a signature, hashed to 32 bits each.

    The probability of sharing a band at Jaccard similarity s is 1 - (1 - s^4)^16: 0.9998 at 0.8, 0.12 at 0.3, 0.0016
    at 0.1 (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4). Signatures are those of rensa;
    there they come as lists of numbers: that costs more than to make them.
    """

    width = BANDS

    def __init__(self) -> None:
        self._permutations = Permutations.of(SEED, BANDS * ROWS)

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The (n, width) bands of n sets, none empty, that lie one after the other in `shingles`."""
        return bands(shingles, counts, self._permutations, BANDS)
