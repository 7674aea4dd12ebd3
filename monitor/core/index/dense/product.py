"""A float32 matrix product as a filter: which pairs can reach a score, with a proved bound on its error.

Product form p(x, q): the inner product for cosine and dot. For Euclid p = <x, q> - |x|^2 / 2, so that
|x - q|^2 = |q|^2 - 2 p and a bigger p is a smaller distance; the second term is one more coordinate of x against a 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.scoring import Distance

Floats = NDArray[np.float32] | NDArray[np.float64]

_SINGLE = 2.0**-24
_DOUBLE = 2.0**-52
_LARGEST = 3.0e38
_SAFE = 1.0e37
"""Above this product of norms a float32 sum could overflow: the product is then taken in float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Prepared queries, ready to be multiplied with blocks of prepared rows.

    Bound (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1; any order of summation, with
    or without fused multiply-add): |computed - exact| <= 1.01 n u sum |x_i q_i| <= 1.01 n u |x| |q| with u = 2^-24,
    n terms, n u <= 0.004 (so d <= 65,536; the 1.01 also takes in that norms are themselves rounded). Products below
    the normal range add at most 2^-126 each (so do squares of the extra coordinate).

    Args:
        queries: (a, d) float32, or (a, d + 1) with the extra coordinate for Euclid.
        norms: (a,) float64 norms of the queries.
        dimension: d.
        distance: how to compare.
    """

    queries: NDArray[np.float32]
    norms: NDArray[np.float64]
    dimension: int
    distance: Distance

    @classmethod
    def of(cls, vectors: NDArray[np.float32], distance: Distance) -> "Product":
        """Queries from prepared (a, d) float32 vectors."""
        wide = vectors.astype(np.float64)
        norms: NDArray[np.float64] = np.sqrt(np.add.reduce(wide * wide, axis=1))
        queries = vectors
        if distance is Distance.EUCLID:
            queries = np.concatenate((vectors, np.ones((len(vectors), 1), np.float32)), axis=1)
        return cls(np.ascontiguousarray(queries), norms, vectors.shape[1], distance)

    def multiply(self, vectors: NDArray[np.float32]) -> tuple[Floats, float]:
        """Product form of all pairs, (n, a), float32 where that cannot overflow; and a bound on the rows' norms.

        In memory the n numbers of a query stand together: few rows times many queries is faster that way round.
        """
        # Squares below the normal range vanish in float32; the added term is what they can have been.
        lost = np.sqrt(self.dimension) * 2.0**-62
        with np.errstate(over="ignore"):
            squares = np.einsum("ij,ij->i", vectors, vectors)
        largest = float(np.sqrt(squares.max(initial=0.0).astype(np.float64)) + lost)
        safe = max(largest * max(largest, self.norms.max(initial=0.0)), largest) < _SAFE
        if not safe:
            return self._multiply_wide(vectors)
        rows = vectors
        if self.distance is Distance.EUCLID:
            rows = np.concatenate((vectors, (squares * np.float32(-0.5))[:, None]), axis=1)
        return (self.queries @ rows.T).T, largest

    def _multiply_wide(self, vectors: NDArray[np.float32]) -> tuple[Floats, float]:
        wide = vectors.astype(np.float64)
        squares = np.add.reduce(wide * wide, axis=1)
        if self.distance is Distance.EUCLID:
            wide = np.concatenate((wide, squares[:, None] * -0.5), axis=1)
        return (self.queries.astype(np.float64) @ wide.T).T, float(np.sqrt(squares.max(initial=0.0)))

    def error(self, largest: float) -> NDArray[np.float64]:
        """Bound on |computed product form - the one that the float64 score stands for|; (a,) float64.

        For Euclid the extra coordinate is itself rounded (its d terms add 1.01 d u |x|^2 / 2), and a float64 distance
        r stands for an r^2 that is off by at most (d + 8) 2^-52 r^2, with r <= |x| + |q|.

        Args:
            largest: a bound on the norms of the rows.
        """
        terms = self.dimension + 4
        tiny = 2.0 * terms * 2.0**-126
        bound = 1.01 * terms * _SINGLE * largest * self.norms + tiny
        if self.distance is Distance.EUCLID:
            bound += 1.01 * terms * _SINGLE * largest * largest
            bound += 2.0 * (terms + 8) * _DOUBLE * (largest * largest + self.norms * self.norms)
        return bound

    def needed(self, scores: NDArray[np.float64], largest: float, like: Floats) -> Floats:
        """What the computed product form must reach for a pair to reach `scores`: (a,), in the dtype of `like`.

        Args:
            scores: (a,) float64, minus infinity where everything qualifies.
            largest: a bound on the norms of the rows.
            like: an array of the product's dtype.
        """
        exact = scores
        if self.distance is Distance.EUCLID:
            square = scores * scores
            exact = (self.norms * self.norms - square) * 0.5 - (self.dimension + 8) * _DOUBLE * square
        return lowered(exact - self.error(largest), like)


def lowered(values: NDArray[np.float64], like: Floats) -> Floats:
    """The values in the dtype of `like`, rounded towards minus infinity; float32 ones are kept finite."""
    if like.dtype == np.float64:
        return values
    narrow = np.clip(values, -_LARGEST, _LARGEST).astype(np.float32)
    down: NDArray[np.float32] = np.nextafter(narrow, np.float32(-np.inf))
    return down
