"""Candidates for near copies: MinHash signatures by rensa, banded locality-sensitive hashing over them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from monitor.core.buckets import Buckets
from monitor.core.shingles import mix

BANDS = 16
ROWS = 4
_SEED = 20_261_101
_BAND = np.uint64(0x9E3779B97F4A7C15)


class RensaCandidates:
    """A `CandidateIndex`: two sets are candidates when their signatures agree in all rows of a band.

    The probability at Jaccard similarity s is 1 - (1 - s^ROWS)^BANDS: 0.9998 at 0.8, 0.12 at 0.3, 0.0016 at 0.1
    (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4). rensa's own LSH takes no flat integer
    hashes for a query and answers a batch with flags only, so the bands are kept here; a signature is a function of
    the set and the seed alone, and so is a band.
    """

    def __init__(self) -> None:
        self._buckets = Buckets(BANDS)

    def add(self, handles: NDArray[np.int64], shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> None:
        """Take in distinct new handles; their sets, none empty, lie one after the other in `shingles`."""
        if len(handles):
            self._buckets.add(handles, bands(shingles, counts))

    def remove(self, handles: NDArray[np.int64]) -> None:
        """Forget distinct known handles."""
        self._buckets.remove(handles)

    def candidates(self, handles: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rounds of (index into `handles`, candidate), themselves included; a pair may come more than once."""
        return self._buckets.matches(self._buckets.tags(handles))


def bands(shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """One 32-bit hash per band of each set's signature; (n, BANDS) uint32."""
    offsets = np.concatenate((np.zeros(1, np.uint64), np.cumsum(counts).astype(np.uint64)))
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        mix(shingles.astype(np.uint64) + _BAND), offsets, BANDS * ROWS, _SEED
    )
    signature = np.array(matrix.to_rows(), np.uint64).reshape(len(counts), BANDS, ROWS)
    hashed = np.arange(1, BANDS + 1, dtype=np.uint64) * _BAND
    for row in range(ROWS):
        hashed = mix(hashed ^ signature[:, :, row])
    return (hashed >> np.uint64(32)).astype(np.uint32)
