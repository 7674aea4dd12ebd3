"""64-bit digests of what a chunk says: its content hash and its vector."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import GOLDEN, mix

_PART = 256


class Digests:
    """Digests of chunks; equal for equal content and vectors in every run, and collide at random at 2^-64.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        words = np.arange(1, dimension + 2, dtype=np.uint64)
        # odd: a change of one number alone always changes the sum
        self._weights = mix(words * GOLDEN) | np.uint64(1)

    def said(self, contents: Sequence[str]) -> NDArray[np.uint64]:
        """Digests of n content hashes alone; (n,) uint64."""
        hashed = [blake2b(said.encode(), digest_size=8).digest() for said in contents]
        return np.frombuffer(bytearray().join(hashed), "<u8").astype(np.uint64, copy=False)

    def of(self, contents: NDArray[np.uint64], vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Digests of n contents, by `said`, with their (n, d) vectors, bit for bit; (n,) uint64."""
        made = contents.copy()
        bits = np.ascontiguousarray(vectors).view(np.uint32)
        for at in range(0, len(made), _PART):
            products = bits[at : at + _PART] * self._weights[: bits.shape[1]]
            made[at : at + _PART] += mix(np.add.reduce(products, axis=1) + self._weights[-1])
        return made
