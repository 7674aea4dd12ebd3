"""R-MinHash signatures cut into bands, compiled by numba; rensa is the oracle."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Numbers = NDArray[np.uint64]

_GOLDEN, _BUCKETS, _ROUND, _REST = (
    np.uint64(of) for of in (0x9E3779B97F4A7C15, 0x6A09E667F3BCC909, 0x3C6EF372FE94F82B, 0xBB67AE8584CAA73B)
)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32, _34 = (np.uint64(of) for of in (27, 30, 31, 32, 34))
_LOW = np.uint64(2**32 - 1)
_ROUNDS = 3
_ALL = 2**64 - 1
_HIGHEST = np.uint64(_ALL)
_NOTHING = 2**62
"""More than any rank."""


class Permutations(NamedTuple):
    """Permutations x -> a x + b of 64-bit numbers, one for each number of a signature.

    Args:
        factors: (s,) uint64, odd; s is a power of two.
        summands: (s,) uint64.
    """

    factors: Numbers
    summands: Numbers

    @classmethod
    def of(cls, seed: int, count: int) -> "Permutations":
        """As rensa draws them: by xoshiro256++, whose state is drawn by splitmix64.

        Source: Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2021.
        """
        state = [_spread(seed + at * int(_GOLDEN) & _ALL) for at in range(1, 5)]
        drawn = []
        for _ in range(2 * count):
            drawn.append(_turned(state[0] + state[3] & _ALL, 23) + state[0] & _ALL)
            shifted = state[1] << 17 & _ALL
            state[2] ^= state[0]
            state[3] ^= state[1]
            state[1] ^= state[2]
            state[0] ^= state[3]
            state[2] ^= shifted
            state[3] = _turned(state[3], 45)
        return cls(np.array([of | 1 for of in drawn[::2]], np.uint64), np.array(drawn[1::2], np.uint64))


def _spread(value: int) -> int:
    value = (value ^ value >> 30) * int(_FIRST) & _ALL
    value = (value ^ value >> 27) * int(_SECOND) & _ALL
    return value ^ value >> 31


def _turned(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & _ALL


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """See `mixing.mix`; here because the cache of compiled code follows no imports."""
    mixed = (value ^ (value >> _30)) * _FIRST
    mixed = (mixed ^ (mixed >> _27)) * _SECOND
    return mixed ^ (mixed >> _31)


@compiled
def bands(
    shingles: NDArray[np.uint32], counts: NDArray[np.int64], permutations: Permutations, count: int
) -> NDArray[np.uint32]:
    """The bands of sets of shingles: equal parts of their signatures, hashed to 32 bits each.

    A number of a signature is the least rank that an element has there. Each element has one in three places at most,
    one a round, and those of an earlier round are less; where no element has one, the ranks are those under a
    permutation of all elements. So most sets cost three hashes an element and not one for each of s numbers.

    Args:
        shingles: n sets, none empty, one after the other.
        counts: (n,) elements of each.
        permutations: s of them.
        count: bands; s is a multiple.

    Returns:
        (n, count) uint32.

    Source: Dahlgaard, Knudsen, Thorup, "Fast similarity sketching", FOCS 2017; rensa 0.5, `rminhash/bucket.rs`.
    """
    factors, summands = permutations
    size = len(factors)
    below = np.uint64(33)  # the highest bits of 32 say where
    while size >> np.int64(np.uint64(33) - below):
        below -= np.uint64(1)
    signature, made = np.empty(size, np.int64), np.empty((len(counts), count), np.uint32)
    words, start = np.empty(counts.max() if len(counts) else 0, np.uint64), 0
    mixed = np.empty_like(words)
    for row in range(len(counts)):
        length = counts[row]
        for at in range(length):
            words[at] = _mix(np.uint64(shingles[start + at]) + _GOLDEN)
        start += length
        signature[:] = _NOTHING
        missing = size
        for turn in range(_ROUNDS):
            seed = summands[0] ^ _BUCKETS ^ (np.uint64(turn) * _ROUND)
            # all that can be done side by side first
            for at in range(length):
                mixed[at] = _mix((words[at] ^ seed) + _GOLDEN)
            for at in range(length):
                place = np.int64((mixed[at] & _LOW) >> below)
                rank, least = np.int64((np.uint64(turn) << _30) | (mixed[at] >> _34)), signature[place]
                signature[place] = min(least, rank)
            missing = 0
            for at in range(size):
                missing += signature[at] == _NOTHING
            if missing == 0:
                break
        if missing:
            for at in range(length):
                words[at] = _mix((words[at] ^ factors[0] ^ _REST) + _GOLDEN)
            for empty in range(size):
                if signature[empty] == _NOTHING:
                    lowest = _HIGHEST
                    for at in range(length):
                        lowest = min(lowest, factors[empty] * words[at] + summands[empty])
                    signature[empty] = np.int64((np.uint64(_ROUNDS) << _30) | (lowest >> _34))
        per = size // count
        for band in range(count):
            hashed = np.uint64(band + 1) * _GOLDEN
            for at in range(band * per, (band + 1) * per):
                hashed = _mix(hashed ^ np.uint64(signature[at]))
            made[row, band] = np.uint32(hashed >> _32)
    return made
