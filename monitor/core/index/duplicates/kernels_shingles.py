"""The inner loops of shingling, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.mixing import FIRST, GOLDEN, ODD, SECOND, Hashes

_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ZERO = np.uint64(0)


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """See `mixing.mix`; here because the cache of compiled code follows no imports."""
    mixed = (value ^ (value >> _30)) * FIRST
    mixed = (mixed ^ (mixed >> _27)) * SECOND
    return mixed ^ (mixed >> _31)


@compiled
def roll(words: Hashes, lengths: NDArray[np.int64], width: int) -> tuple[Hashes, Hashes]:
    """Word hashes of n texts, one after the other, to every shingle and to (n,) hashes of the sequences.

    A shingle is `text << 32 | hash`, uint64, texts ascending.
    """
    pieces = np.empty(len(words), np.uint64)
    texts = np.empty(len(lengths), np.uint64)
    used, start = 0, 0
    for text in range(len(lengths)):
        length = lengths[text]
        total, position = _ZERO, _ZERO
        for at in range(start, start + length):
            position += GOLDEN
            total += _mix(words[at] + position)
        texts[text] = _mix(total + np.uint64(length) * ODD)
        for at in range(start, start + max(min(1, length), length - width + 1)):
            rolled = _ZERO
            for step in range(width):
                word = words[at + step] if at + step < start + length else _ZERO
                rolled = (rolled + word) * ODD
            pieces[used] = np.uint64(text) << _32 | _mix(rolled) >> _32
            used += 1
        start += length
    return pieces[:used], texts


@compiled
def fold(pieces: Hashes, texts: int) -> tuple[NDArray[np.uint32], NDArray[np.int64], Hashes]:
    """Sorted shingles of `roll` to distinct uint32 ones, their (n,) number per text, and (n,) hashes of the sets."""
    shingles = np.empty(len(pieces), np.uint32)
    counts = np.zeros(texts, np.int64)
    sets = np.zeros(texts, np.uint64)
    used = 0
    for at in range(len(pieces)):
        piece = pieces[at]
        if at == 0 or piece != pieces[at - 1]:
            text = int(piece >> _32)
            shingles[used] = np.uint32(piece)
            sets[text] += _mix(np.uint64(shingles[used]) * GOLDEN)
            counts[text] += 1
            used += 1
    for text in range(texts):
        sets[text] = _mix(sets[text] + np.uint64(counts[text]) * ODD)
    return shingles[:used], counts, sets


@compiled
def pack(
    flat: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64], into: NDArray[np.uint32]
) -> int:
    """Copy pieces of `flat`, ascending and apart, one after the other to the beginning of `into`; returns the end."""
    end = 0
    for piece in range(len(starts)):
        for at in range(starts[piece], starts[piece] + lengths[piece]):
            into[end] = flat[at]
            end += 1
    return end
