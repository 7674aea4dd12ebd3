"""The inner loops of shingling, in numpy: the oracle of the compiled ones, and complete without them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ODD = np.uint64(0xD1342543DE82EF95)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
_PAIRS = 1 << 11
"""Pairs compared at a time: about 10 MB of shingles for chunks of 120 words."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """The inner loops, in numba or numpy; both give the same bits.

    Args:
        name: `numba` or `numpy`.
        roll: (words, lengths, width) -> (pieces, texts): word hashes of n texts one after the other to every shingle
            as `text << 32 | hash`, uint64, texts ascending, and the (n,) hashes of the sequences.
        fold: (pieces, n) -> (shingles, counts, sets): sorted pieces to distinct uint32 shingles, their (n,) number
            per text, and the (n,) hashes of the sets.
        pack: (flat, starts, lengths, into) -> end: copies pieces of `flat`, ascending and apart, one after the other
            to the beginning of `into`.
    """

    name: str
    roll: Callable[[Hashes, NDArray[np.int64], int], tuple[Hashes, Hashes]]
    fold: Callable[[Hashes, int], tuple[NDArray[np.uint32], NDArray[np.int64], Hashes]]
    pack: Callable[[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]], int]


def mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit integers in which every input bit moves every output bit (splitmix64's finaliser).

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 18.
    """
    mixed = (values ^ (values >> np.uint64(30))) * FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
    return mixed ^ (mixed >> np.uint64(31))


def roll(words: Hashes, lengths: NDArray[np.int64], width: int) -> tuple[Hashes, Hashes]:
    """See `Kernels`."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(len(words)) - (np.cumsum(lengths) - lengths)[rows]
    texts = _row_sums(mix(words + GOLDEN * (within + 1).astype(np.uint64)), lengths)
    starts = np.flatnonzero((within == 0) | (within <= lengths[rows] - width))
    rows = rows[starts]
    padded = np.concatenate((words, np.zeros(width, np.uint64)))
    rolled = np.zeros(len(starts), np.uint64)
    for step in range(width):
        word = padded[starts + step]
        word[step >= lengths[rows]] = 0  # a text shorter than a shingle ends here
        rolled = (rolled + word) * ODD
    return rows.astype(np.uint64) << np.uint64(32) | mix(rolled) >> np.uint64(32), texts


def fold(pieces: Hashes, texts: int) -> tuple[NDArray[np.uint32], NDArray[np.int64], Hashes]:
    """See `Kernels`."""
    pieces = pieces[np.concatenate((np.ones(min(1, len(pieces)), np.bool_), pieces[1:] != pieces[:-1]))]
    shingles = pieces.astype(np.uint32)
    counts = np.bincount((pieces >> np.uint64(32)).astype(np.int64), minlength=texts)
    return shingles, counts, _row_sums(mix(shingles.astype(np.uint64) * GOLDEN), counts)


def pack(
    flat: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64], into: NDArray[np.uint32]
) -> int:
    """See `Kernels`. Pieces that touch are copied as one."""
    ends = starts + lengths
    apart = np.flatnonzero(np.append(starts[1:] != ends[:-1], np.ones(min(1, len(ends)), np.bool_)))
    first = np.concatenate((apart[:0] if not len(apart) else np.zeros(1, np.int64), apart[:-1] + 1))
    at = 0
    for start, end in zip(starts[first].tolist(), ends[apart].tolist(), strict=True):
        into[at : at + end - start] = flat[start:end]
        at += end - start
    return at


def gathered(flat: NDArray[np.uint32], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The pieces flat[starts[i] : starts[i] + counts[i]] one after the other."""
    shift = starts - (np.cumsum(counts) - counts)
    pieces: NDArray[np.uint32] = flat[np.arange(int(counts.sum())) + np.repeat(shift, counts)]
    return pieces


def shared(
    flat: NDArray[np.uint32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many shingles the sets left[i] and right[i] share, (p,) int64; see `bucket_numpy.Sets`.

    Both sets of a pair are sorted together: a shingle that occurs twice is shared.
    """
    made = np.zeros(len(left), np.int64)
    for at in range(0, len(left), _PAIRS):
        handles = np.concatenate((left[at : at + _PAIRS], right[at : at + _PAIRS]))
        pairs = len(handles) // 2
        pair = np.tile(np.arange(pairs, dtype=np.uint64), 2) << np.uint64(32)
        counts = lengths[handles]
        merged = np.sort(np.repeat(pair, counts) | gathered(flat, starts[handles], counts))
        twice = merged[1:][merged[1:] == merged[:-1]] >> np.uint64(32)
        made[at : at + pairs] = np.bincount(twice.astype(np.int64), minlength=pairs)
    return made


def _row_sums(values: Hashes, lengths: NDArray[np.int64]) -> Hashes:
    """A hash of each row of values: their sum, modulo 2^64, mixed with their number."""
    total = np.zeros(len(lengths), np.uint64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        total[filled] = np.add.reduceat(values, (np.cumsum(lengths) - lengths)[filled])
    return mix(total + lengths.astype(np.uint64) * ODD)


NUMPY = Kernels("numpy", roll, fold, pack)
