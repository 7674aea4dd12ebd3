"""The inner loops of shingling, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.mixing import FIRST, GOLDEN, ODD, SECOND, Hashes

_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ZERO = np.uint64(0)
_MOST = 1 << 12
"""Parts of a text's shingles by their highest bits."""
_FEW = 16
"""Shingles of a part that are put in order one by one."""

Shingles = NDArray[np.uint32]


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """See `mixing.mix`; here because the cache of compiled code follows no imports."""
    mixed = (value ^ (value >> _30)) * FIRST
    mixed = (mixed ^ (mixed >> _27)) * SECOND
    return mixed ^ (mixed >> _31)


@compiled
def _scatter(pieces: Shingles, into: Shingles, size: int, shift: int, tally: NDArray[np.int64]) -> int:
    """Put the first pieces in the order of b bits, from `shift` on, equal ones as they stand; `tally` is (2^b,).

    Returns:
        The most of them that have the same bits.
    """
    mask, most, end = np.uint32(len(tally) - 1), 0, 0
    tally[:] = 0
    for at in range(size):
        tally[pieces[at] >> np.uint32(shift) & mask] += 1
    for place in range(len(tally)):
        count = tally[place]
        most, tally[place] = max(most, count), end
        end += count
    for at in range(size):
        digit = pieces[at] >> np.uint32(shift) & mask
        into[tally[digit]] = pieces[at]
        tally[digit] += 1
    return most


@compiled
def _sort(pieces: Shingles, ranked: Shingles, size: int, tally: NDArray[np.int64]) -> None:
    """Sort the first pieces, which are written over, into `ranked`.

    They are hashes, so about one falls to each value of their highest bits, and few are left to be put in order.
    Where a text repeats itself, or was written to be otherwise, they are sorted by each byte in turn.
    """
    bits = 4
    while 1 << bits < min(size, _MOST):
        bits += 1
    if _scatter(pieces, ranked, size, 32 - bits, tally[: 1 << bits]) > _FEW:
        for shift in (0, 16):
            _scatter(ranked, pieces, size, shift, tally[:256])
            _scatter(pieces, ranked, size, shift + 8, tally[:256])
        return
    for at in range(1, size):
        piece, place = ranked[at], at
        while place > 0 and ranked[place - 1] > piece:
            ranked[place] = ranked[place - 1]
            place -= 1
        ranked[place] = piece


@compiled
def cut(
    ids: NDArray[np.int32], lengths: NDArray[np.int64], hashes: Hashes, width: int
) -> tuple[Shingles, NDArray[np.int64], Hashes, Hashes]:
    """Texts to sets of shingles.

    Args:
        ids: words of n texts, one after the other.
        lengths: (n,) words of each.
        hashes: by id.
        width: words in a shingle.

    Returns:
        The sets one after the other, each ascending, their (n,) sizes, and (n,) hashes of sequences and of sets.
    """
    shingles, counts, used, start = np.empty(len(ids), np.uint32), np.empty(len(lengths), np.int64), 0, 0
    texts, sets = np.empty(len(lengths), np.uint64), np.empty(len(lengths), np.uint64)
    longest = lengths.max() if len(lengths) else 0
    words, rolled = np.empty(longest + width, np.uint64), np.empty(longest, np.uint64)
    pieces, ranked, tally = np.empty(longest, np.uint32), np.empty(longest, np.uint32), np.empty(_MOST, np.int64)
    for text in range(len(lengths)):
        length = lengths[text]
        size = max(min(1, length), length - width + 1)
        for at in range(length):
            words[at] = hashes[ids[start + at]]
        words[length : length + width] = _ZERO  # a text shorter than a shingle ends here
        start += length
        total = _ZERO
        for at in range(length):
            total += _mix(words[at] + np.uint64(at + 1) * GOLDEN)
        texts[text] = _mix(total + np.uint64(length) * ODD)
        rolled[:size] = _ZERO
        for step in range(width):
            for at in range(size):
                rolled[at] = (rolled[at] + words[at + step]) * ODD
        for at in range(size):
            pieces[at] = np.uint32(_mix(rolled[at]) >> _32)
        _sort(pieces, ranked, size, tally)
        first, total = used, _ZERO
        for at in range(size):
            shingles[used] = ranked[at]
            used += at + 1 == size or ranked[at + 1] != ranked[at]
        for at in range(first, used):
            total += _mix(np.uint64(shingles[at]) * GOLDEN)
        counts[text] = used - first
        sets[text] = _mix(total + np.uint64(used - first) * ODD)
    return shingles[:used].copy(), counts, texts, sets


@compiled
def pack(
    flat: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64], into: NDArray[np.uint32]
) -> int:
    """Copy pieces of `flat` one after the other to the beginning of `into`; returns the end."""
    end = 0
    for piece in range(len(starts)):
        for at in range(starts[piece], starts[piece] + lengths[piece]):
            into[end] = flat[at]
            end += 1
    return end
