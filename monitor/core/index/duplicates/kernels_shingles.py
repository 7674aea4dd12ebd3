"""The shingling kernels compiled by numba where it is installed; `BEST` is numba's or numpy's set."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import COMPILES, compiled
from monitor.core.index.duplicates.shingles_numpy import FIRST, GOLDEN, NUMPY, ODD, SECOND, Hashes, Kernels

_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ZERO = np.uint64(0)


@compiled
def _mix(value: np.uint64) -> np.uint64:
    mixed = (value ^ (value >> _30)) * FIRST
    mixed = (mixed ^ (mixed >> _27)) * SECOND
    return mixed ^ (mixed >> _31)


@compiled
def _roll(words: Hashes, lengths: NDArray[np.int64], width: int) -> tuple[Hashes, Hashes]:
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
def _fold(pieces: Hashes, texts: int) -> tuple[NDArray[np.uint32], NDArray[np.int64], Hashes]:
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
def _pack(
    flat: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64], into: NDArray[np.uint32]
) -> int:
    end = 0
    for piece in range(len(starts)):
        for at in range(starts[piece], starts[piece] + lengths[piece]):
            into[end] = flat[at]
            end += 1
    return end


NUMBA = Kernels("numba", _roll, _fold, _pack)
BEST = NUMBA if COMPILES else NUMPY
