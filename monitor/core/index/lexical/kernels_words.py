"""ASCII words looked up by their bytes, compiled by numba; `tokenize` and a dictionary are the oracle."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

LONGEST = 16
"""Bytes of the longest word that two numbers hold."""
NONE = -1
"""No word in this place of the table; no id for a word."""
_PROBES = 32
"""Places looked at for a word: what is not found within is left to the dictionary, whatever hostile texts hold."""
_ONE, _ALL = np.uint64(1), np.uint64(2**64 - 1)
_ODD, _GOLDEN, _HALF = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


class WordTable(NamedTuple):
    """Words by their bytes, open addressing with linear probing.

    Args:
        places: (2^m,) int32 ids, NONE where there is none; an id may stand where an earlier word of it stood.
        low: (capacity,) uint64 by id: the word's first eight bytes, little-endian; 0 for a word that is not held.
        high: (capacity,) uint64 by id: its next eight.
    """

    places: NDArray[np.int32]
    low: NDArray[np.uint64]
    high: NDArray[np.uint64]


class Words(NamedTuple):
    """The words of some texts, room for all there can be.

    Args:
        ids: (w,) int32, NONE where the table does not tell.
        starts: (w,) int64, where each word begins.
        ends: (w,) int64, where it ends.
        counts: (n,) int64, words of each text.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counts: NDArray[np.int64]


@compiled
def _slot(low: np.uint64, high: np.uint64, mask: np.uint64) -> np.uint64:
    mixed = (low ^ (high * _ODD)) * _GOLDEN
    return (mixed ^ (mixed >> _HALF)) & mask


@compiled
def scan(eights: NDArray[np.uint64], ends: NDArray[np.int64], table: WordTable, made: Words) -> int:
    """Cut texts into words and look them up; returns how many words there are.

    Where words begin and end is found without a branch on what a byte is, which would be guessed wrong at each word;
    and all of it first, so that looking up one word does not wait for the one before.

    Args:
        eights: the bytes of texts, eight a number: lower-cased letters and digits, 0 for what separates words or
            texts, and at least 17 times at the end.
        ends: (n,) where each text ends.
        table: the words with ids.
        made: is filled.
    """
    texts = eights.view(np.uint8)
    begun = ended = 0
    before = False
    for at in range(len(texts)):
        inside = texts[at] != 0
        made.starts[begun] = made.ends[ended] = at
        begun += inside & (not before)
        ended += before & (not inside)
        before = inside
    # one body on purpose: arrays handed to another compiled function cost reference counts per call
    places, lows, highs, mask = table.places, table.low, table.high, np.uint64(len(table.places) - 1)
    for word in range(begun):
        start = made.starts[word]
        length, at = made.ends[word] - start, start >> 3
        shift = np.uint64(8 * (start & 7))
        back = np.uint64(63) - shift
        # eight bytes from anywhere on, and the next eight
        first = (eights[at] >> shift) | ((eights[at + 1] << _ONE) << back)
        second = (eights[at + 1] >> shift) | ((eights[at + 2] << _ONE) << back)
        low = first & (_ALL >> np.uint64(64 - 8 * min(length, 8)))
        high = second & (_ALL >> np.uint64(64 - 8 * min(length - 8, 8))) if length > 8 else np.uint64(0)
        slot = _slot(low, high, mask)
        made.ids[word] = NONE
        for _ in range(_PROBES if length <= LONGEST else 0):
            held = places[slot]
            if held == NONE:
                break
            if lows[held] == low and highs[held] == high:
                made.ids[word] = held
                break
            slot = (slot + _ONE) & mask
    word = 0
    for text in range(len(ends)):
        first = word
        while word < begun and made.starts[word] < ends[text]:
            word += 1
        made.counts[text] = word - first
    return begun


@compiled
def place(table: WordTable, ids: NDArray[np.int32]) -> None:
    """Put words into the table; one that finds no room near its place stays out."""
    mask = np.uint64(len(table.places) - 1)
    for held in ids:
        if table.low[held] == 0:
            continue
        slot = _slot(table.low[held], table.high[held], mask)
        for _ in range(_PROBES):
            if table.places[slot] == NONE or table.places[slot] == held:
                table.places[slot] = held
                break
            slot = (slot + _ONE) & mask
