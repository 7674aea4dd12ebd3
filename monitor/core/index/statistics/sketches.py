"""Sketches: where a vector points, in 64 bits, so that two vectors can be told apart by directions alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.features import Features

BITS = 64
NO_SKETCH = 0
_SEED = 20_261_129


class ContentSketches:
    """Signs of a vector's products with 64 fixed random directions: the share of bits in which two sketches differ is
    the angle between their vectors over pi, on average.

    The products are sums of small integers, exact in float32: the sketch of a vector does not depend on its batch.
    Rounding vectors to 16 bits turns a bit over in about one vector of a hundred.

    Args:
        features: makes directions; None: there are no vectors.

    Source: Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
    """

    def __init__(self, features: Features | None) -> None:
        self._features = features
        dimension = 0 if features is None else features.dimension
        signs = np.random.Generator(np.random.PCG64(_SEED)).integers(0, 2, (dimension, BITS))
        self.signs: NDArray[np.float32] = (2 * signs - 1).astype(np.float32)

    def of(self, vectors: NDArray[np.float32], norms: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Sketches of (n, d) vectors with these lengths; NO_SKETCH for a vector without direction. (n,) uint64."""
        if self._features is None:
            return np.full(len(vectors), NO_SKETCH, np.uint64)
        return sketched(self._features.directions(vectors, norms) @ self.signs, norms)


def sketched(products: NDArray[np.float32], norms: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Sketches by (n, BITS) products, of vectors of these lengths; NO_SKETCH without a direction. (n,) uint64."""
    packed = np.packbits(products > 0, axis=1).view(np.uint64)[:, 0]
    made: NDArray[np.uint64] = np.where(norms > 0, np.maximum(packed, np.uint64(1)), np.uint64(NO_SKETCH))
    return made


def differing(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.int64]:
    """In how many bits sketches differ; (n,) int64."""
    found: NDArray[np.int64] = np.bitwise_count(left ^ right).astype(np.int64)
    return found
