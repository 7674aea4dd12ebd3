"""A bijection that turns 64-bit integers into hashes."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Hashes = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ODD = np.uint64(0xD1342543DE82EF95)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit integers in which every input bit moves every output bit (splitmix64's finaliser).

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 18.
    """
    return _mixed(np.ravel(values)).reshape(np.shape(values))


@compiled
def _mixed(values: Hashes) -> Hashes:
    """See `mix`; of one row, in one pass."""
    made = np.empty(len(values), np.uint64)
    for at in range(len(values)):
        mixed = (values[at] ^ (values[at] >> np.uint64(30))) * FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
        made[at] = mixed ^ (mixed >> np.uint64(31))
    return made
