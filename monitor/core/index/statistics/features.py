"""Random Fourier features of vectors' directions, in integers: the same vector gives the same numbers, always."""

import math

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

FREQUENCIES = 128
"""Each gives a cosine and a sine: 256 features."""
FEATURES = 2 * FREQUENCIES
ONE = 1 << 30
"""What 1 is in the features' fixed point."""
GRID = 1 << 11
"""Coordinates of a unit vector are rounded to 1 / GRID."""
BANDWIDTH = 0.7
"""sigma of the kernel: a fall to 1/e at the distance of two unit vectors with a cosine of 0.5, to 0.13 at 0."""
SEED = 20_261_120
_TABLE = 12
"""Phases are known to 2^-12 turns."""
_EXACT = float(1 << 24)
_PART = 256
"""Vectors at a time: what is made of them stays in the cache."""

VectorRows = NDArray[np.float32]
Ints = NDArray[np.int64]


class Features:
    """Random Fourier features, whose mean product is the kernel exp(-|x - y|^2 / (2 BANDWIDTH^2)) of unit vectors.

    They are cos(w.x) and sin(w.x), with w normal of deviation 1 / BANDWIDTH, as integers from -ONE to ONE. Only
    directions are looked at (lengths have a measurement of their own). Directions and frequencies are rounded to
    integers that are small enough for every partial sum of their product to be exact in float32, and a table makes
    cosines of the integer phases. So the features of a vector do not depend on the batch it came in, and what is
    added can be taken away to the bit. The frequencies depend on the dimension alone: a new baseline needs no new
    sums, and sums of different machines add up.

    Args:
        dimension: of the vectors.

    Source: Rahimi, Recht, "Random features for large-scale kernel machines", NIPS 2007, section 3.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        normal = np.random.Generator(np.random.PCG64(SEED)).standard_normal((dimension, FREQUENCIES))
        turns = normal / (BANDWIDTH * 2.0 * math.pi)
        longest = float(np.sqrt(np.sum(turns**2, axis=0)).max(initial=1.0))
        # |x| |w| bounds every partial sum; rounding lengthens each by at most half a step per coordinate
        rounded = math.sqrt(dimension) / 2.0
        bits = max(0, int(math.log2((_EXACT / (GRID + rounded + 1.0) - rounded) / longest)))
        self.frequencies: VectorRows = np.rint(turns * 2.0**bits).astype(np.float32)
        """(d, FREQUENCIES); read only. Their products with directions are phases."""
        angles = (np.arange(1 << _TABLE) + 0.5) * (2.0 * math.pi / (1 << _TABLE))
        self.cosines: Ints = np.rint(np.cos(angles) * ONE).astype(np.int64)
        """Of a whole turn; read only."""
        self.shift = bits + 11 - _TABLE
        """The bits of a phase from here on are a place among the cosines; below 0 where it has fewer."""

    def directions(self, vectors: VectorRows, norms: NDArray[np.float32]) -> VectorRows:
        """Unit vectors as integers, in 1 / GRID; zero vectors stay zero. (n, d) float32."""
        return _directions(vectors, norms)

    def of(self, directions: VectorRows) -> Ints:
        """Features of directions, in 1 / ONE; (n, FEATURES) int64, cosines first."""
        made = np.empty((len(directions), FEATURES), np.int64)
        for at in range(0, len(directions), _PART):
            phases = directions[at : at + _PART] @ self.frequencies
            _look_up(phases, self.shift, self.cosines, made[at : at + _PART])
        return made


@compiled
def _directions(vectors: VectorRows, norms: NDArray[np.float32]) -> VectorRows:
    """See `Features.directions`."""
    made = np.empty_like(vectors)
    for row in range(len(vectors)):
        scale = np.float32(GRID) / norms[row] if norms[row] > 0 else np.float32(0)
        for at in range(vectors.shape[1]):
            made[row, at] = np.rint(vectors[row, at] * scale)
    return made


@compiled
def _look_up(phases: VectorRows, shift: int, cosines: Ints, made: Ints) -> None:
    """Cosines, then sines, of phases whose upper bits from `shift` on are places of a whole turn in a table."""
    left, right, mask, quarter = max(-shift, 0), max(shift, 0), len(cosines) - 1, len(cosines) >> 2
    for row in range(len(phases)):
        for at in range(FREQUENCIES):
            place = np.int64(phases[row, at]) << left >> right
            made[row, at] = cosines[place & mask]
            made[row, FREQUENCIES + at] = cosines[(place - quarter) & mask]


def norms(vectors: VectorRows) -> NDArray[np.float32]:
    """Lengths, summed in float64; (n,) float32."""
    made = np.empty(len(vectors), np.float32)
    for at in range(0, len(vectors), _PART):
        squares = np.square(vectors[at : at + _PART], dtype=np.float64)
        made[at : at + _PART] = np.sqrt(np.add.reduce(squares, axis=1))
    return made
