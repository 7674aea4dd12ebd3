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
_NO, _ONE, _TWO, _THREE, _FOUR, _SEVEN, _EIGHT, _FIFTY_SIX, _BITS, _BYTE = (
    np.uint64(of) for of in (0, 1, 2, 3, 4, 7, 8, 56, 64, 255)
)
"""Of one type: numbers that are signed and others that are not make floats."""
_ALL, _SEVENS, _ONES = np.uint64(2**64 - 1), np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x0101010101010101)
_GATHER = np.uint64(0x0102040810204080)
"""Times it, a number of eight bytes that are 0 or 1 has them side by side in its highest byte."""
_SET = (np.arange(256)[:, None] >> np.arange(8)) & 1
_HOW_MANY = _SET.sum(axis=1).astype(np.uint64)
_PLACES = np.argsort(1 - _SET, axis=1, kind="stable")
"""Of each number below 256, which of its bits are 1, lowest first."""
_CASE, _A, _0, _LETTERS, _DIGITS = (np.uint8(of) for of in (32, ord("a"), ord("0"), 26, 10))
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
        edges: (2 w + 8,) int64, where each word begins and ends in turn.
        counts: (n,) int64, words of each text.
    """

    ids: NDArray[np.int32]
    edges: NDArray[np.int64]
    counts: NDArray[np.int64]


@compiled
def _slot(low: np.uint64, high: np.uint64, mask: np.uint64) -> np.uint64:
    mixed = (low ^ (high * _ODD)) * _GOLDEN
    return (mixed ^ (mixed >> _HALF)) & mask


@compiled
def scan(texts: NDArray[np.uint8], ends: NDArray[np.int64], table: WordTable, made: Words) -> np.int64:
    """Cut texts into words and look them up; returns how many words there are.

    Where words begin and end is found eight bytes at a time, without a branch on what a byte is, which would be
    guessed wrong at each word; and all of it first, so that looking up one word does not wait for the one before.

    Args:
        texts: (8 m,) ASCII, with something that is no word between two texts and 24 times at the end; is made to be
            lower-cased letters and digits, and 0 for the rest.
        ends: (n,) where each text ends.
        table: the words with ids.
        made: is filled.
    """
    for at in range(len(texts)):
        byte = texts[at]
        small = np.uint8(byte | _CASE)
        letter, digit = np.uint8(np.uint8(small - _A) < _LETTERS), np.uint8(np.uint8(byte - _0) < _DIGITS)
        texts[at] = np.uint8(small * letter) | np.uint8(byte * digit)
    eights = texts.view(np.uint64)
    edges, used, before = made.edges, _NO, _NO
    for at in range(len(eights)):
        # a bit for each byte that is not 0, then for each that is another than the one before
        inside = ((((eights[at] + _SEVENS) >> _SEVEN) & _ONES) * _GATHER) >> _FIFTY_SIX
        edge = (inside ^ ((inside << _ONE) | before)) & _BYTE
        before = inside >> _SEVEN
        for which in range(4):
            edges[used + np.uint64(which)] = 8 * at + _PLACES[edge, which]
        if _HOW_MANY[edge] > _FOUR:
            for which in range(4, 8):
                edges[used + np.uint64(which)] = 8 * at + _PLACES[edge, which]
        used += _HOW_MANY[edge]
    begun = np.int64(used) // 2
    # one body on purpose: arrays handed to another compiled function cost reference counts per call
    places, lows, highs, mask = table.places, table.low, table.high, np.uint64(len(table.places) - 1)
    for word in range(begun):
        start, end = np.uint64(edges[2 * word]), np.uint64(edges[2 * word + 1])
        length, eight, shift = end - start, start >> _THREE, (start & _SEVEN) << _THREE
        back = np.uint64(63) - shift
        # eight bytes from anywhere on, and the next eight
        low = (eights[eight] >> shift) | ((eights[eight + _ONE] << _ONE) << back)
        low &= _ALL >> (_BITS - (min(length, _EIGHT) << _THREE))
        high = _NO
        if length > _EIGHT:
            high = (eights[eight + _ONE] >> shift) | ((eights[eight + _TWO] << _ONE) << back)
            high &= _ALL >> (_BITS - (min(length - _EIGHT, _EIGHT) << _THREE))
        slot, found = _slot(low, high, mask), NONE
        for _ in range(_PROBES if length <= LONGEST else 0):
            held = places[slot]
            if held == NONE:
                break
            if lows[np.uint64(held)] == low and highs[np.uint64(held)] == high:
                found = held
                break
            slot = (slot + _ONE) & mask
        made.ids[word] = found
    word = 0
    for text in range(len(ends)):
        first_word = word
        while word < begun and edges[2 * word] < ends[text]:
            word += 1
        made.counts[text] = word - first_word
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
