"""The inner loops of shingling and sketches in numpy: the oracles of the compiled ones."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import GOLDEN, ODD, Hashes, mix


def roll(words: Hashes, lengths: NDArray[np.int64], width: int) -> tuple[Hashes, Hashes]:
    """See `kernels_shingles.roll`."""
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
    """See `kernels_shingles.fold`."""
    pieces = pieces[np.concatenate((np.ones(min(1, len(pieces)), np.bool_), pieces[1:] != pieces[:-1]))]
    shingles = pieces.astype(np.uint32)
    counts = np.bincount((pieces >> np.uint64(32)).astype(np.int64), minlength=texts)
    return shingles, counts, _row_sums(mix(shingles.astype(np.uint64) * GOLDEN), counts)


def _row_sums(values: Hashes, lengths: NDArray[np.int64]) -> Hashes:
    """A hash of each row of values: their sum, modulo 2^64, mixed with their number."""
    total = np.zeros(len(lengths), np.uint64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        total[filled] = np.add.reduceat(values, (np.cumsum(lengths) - lengths)[filled])
    return mix(total + lengths.astype(np.uint64) * ODD)
