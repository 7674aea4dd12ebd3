"""64-bit digests of what a chunk says: its content hash and its vector."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.mixing import FIRST, GOLDEN, SECOND, mix


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
        bits = np.ascontiguousarray(vectors).view(np.uint32)
        return _mixed(contents, bits, self._weights)


@compiled
def _mixed(contents: NDArray[np.uint64], bits: NDArray[np.uint32], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Contents, each with the hash of the weighted sum of its bits, which is `mixing.mix` of it, added."""
    made = contents.copy()
    for row in range(len(bits)):
        total = weights[-1]
        for at in range(bits.shape[1]):
            total += np.uint64(bits[row, at]) * weights[at]
        total = (total ^ (total >> np.uint64(30))) * FIRST
        total = (total ^ (total >> np.uint64(27))) * SECOND
        made[row] += total ^ (total >> np.uint64(31))
    return made
