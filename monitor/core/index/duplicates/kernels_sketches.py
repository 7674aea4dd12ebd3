"""Which sketches allow two sets to be alike, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

SketchPlaces = NDArray[np.int64]
Mask = NDArray[np.bool_]
ROUNDING = 1e-9
"""What a sum of two floats may be off, and more."""
_TWOS, _FOURS, _EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_SUM = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _TOP = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Width(NamedTuple):
    """Sketches of one width, by place.

    Args:
        bits: (n, w) uint64, so that the words of a sketch stand together.
        hidden: (n,) int64, shingles that share their bit with another one of the set.
    """

    bits: NDArray[np.uint64]
    hidden: NDArray[np.int64]


@compiled
def sketch(shingles: tuple[NDArray[np.uint32], SketchPlaces], places: SketchPlaces, width: Width) -> None:
    """Write the sketches of sets into places that are empty yet.

    Args:
        shingles: of all sets, one after the other, and (m + 1,) where each begins.
        places: (m,) int64.
        width: is written to; 64 w is a power of two.
    """
    flat, starts = shingles
    bits, hidden = width
    last = np.uint32(64 * bits.shape[1] - 1)
    for at in range(len(places)):
        place, shared = places[at], 0
        for one in range(starts[at], starts[at + 1]):
            bit = flat[one] & last
            word, mark = bit >> np.uint32(6), _ONE << np.uint64(bit & np.uint32(63))
            shared += (bits[place, word] & mark) != 0
            bits[place, word] |= mark
        hidden[place] = shared


@compiled
def _common(width: Width, left: int, right: int) -> int:
    bits, hidden = width
    common = min(hidden[left], hidden[right])
    for word in range(bits.shape[1]):
        ones = bits[left, word] & bits[right, word]
        ones -= (ones >> _ONE) & _TWOS
        ones = (ones & _FOURS) + ((ones >> _TWO) & _FOURS)
        ones = (ones + (ones >> _FOUR)) & _EIGHTS
        common += np.int64((ones * _SUM) >> _TOP)
    return int(common)


@compiled
def allowed(places: SketchPlaces, sizes: NDArray[np.int64], few: Width, every: Width, share: float) -> Mask:
    """Whether the sketches allow two slots of a row to be alike: for each row all pairs, the smaller slot first.

    Args:
        places: (R, m) int64, place of each slot's set; 0, of no shingles, is like nothing.
        sizes: (n,) int64, shingles by place.
        few: short sketches, looked at first.
        every: long ones.
        share: t / (1 + t) of the threshold t.

    Returns:
        (R, m (m - 1) / 2) bool, in the order of `numpy.triu_indices(m, 1)`.
    """
    rows, slots = places.shape
    made = np.zeros((rows, slots * (slots - 1) // 2), np.bool_)
    for row in range(rows):
        pair = 0
        for left in range(slots):
            for right in range(left + 1, slots):
                one, other = places[row, left], places[row, right]
                if sizes[one] > 0 and sizes[other] > 0:
                    least = share * (sizes[one] + sizes[other]) - ROUNDING
                    if _common(few, one, other) >= least:
                        made[row, pair] = _common(every, one, other) >= least
                pair += 1
    return made
