"""Dense scores as Qdrant defines them, in float64, so that a score never depends on a batch's shape."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Distance(StrEnum):
    """Qdrant's distances of this project. Internally bigger is better: a Euclid score is minus the distance."""

    COSINE = "cosine"
    DOT = "dot"
    EUCLID = "euclid"


def prepare(vectors: NDArray[np.float32], distance: Distance) -> NDArray[np.float32]:
    """Vectors as they are stored and scored: unit length for cosine (as Qdrant does), otherwise unchanged.

    Args:
        vectors: (n, d) float32, finite.
        distance: the corpus's distance.

    Returns:
        (n, d) float32; zero vectors stay zero (their cosine with anything is 0).
    """
    if distance is not Distance.COSINE or not len(vectors):
        return vectors
    wide = vectors.astype(np.float64)
    norms = np.sqrt(np.add.reduce(wide * wide, axis=1, keepdims=True))
    return (wide / np.where(norms == 0.0, 1.0, norms)).astype(np.float32)


def scores(left: NDArray[np.float32], right: NDArray[np.float32], distance: Distance) -> NDArray[np.float64]:
    """Row-wise float64 scores of prepared vectors: s_i = <l_i, r_i>, or -||l_i - r_i|| for Euclid.

    The sum runs along the contiguous last axis of float64 products (numpy's pairwise order, which depends on d
    only), so the same pair gives the same bits whatever stands in the other rows.

    Args:
        left: (n, d) float32, prepared.
        right: (n, d) or (d,) float32, prepared.
        distance: how to compare.

    Returns:
        (n,) float64, bigger is better.
    """
    wide, other = left.astype(np.float64), right.astype(np.float64)
    if distance is Distance.EUCLID:
        gap = np.ascontiguousarray(wide - other)
        squares: NDArray[np.float64] = np.add.reduce(gap * gap, axis=-1)
        return -np.sqrt(squares)
    product: NDArray[np.float64] = np.add.reduce(np.ascontiguousarray(wide * other), axis=-1)
    return product
