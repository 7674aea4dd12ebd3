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
def _found(table: WordTable, low: np.uint64, high: np.uint64) -> int:
    mask = np.uint64(len(table.places) - 1)
    slot = _slot(low, high, mask)
    for _ in range(_PROBES):
        held: int = table.places[slot]
        if held == NONE:
            return NONE
        if table.low[held] == low and table.high[held] == high:
            return held
        slot = (slot + np.uint64(1)) & mask
    return NONE


@compiled
def scan(
    texts: NDArray[np.uint8], ends: NDArray[np.int64], letters: NDArray[np.uint64], table: WordTable, made: Words
) -> int:
    """Cut texts into words and look them up; returns how many words there are.

    Args:
        texts: the bytes of n ASCII texts, one behind the other.
        ends: (n,) where each ends.
        letters: (256,) the lower-cased letter or digit of each byte, 0 for what separates words.
        table: the words with ids.
        made: is filled.
    """
    at = count = 0
    for text in range(len(ends)):
        first = count
        while at < ends[text]:
            letter = letters[texts[at]]
            if letter == 0:
                at += 1
                continue
            made.starts[count] = at
            low, high, shift = np.uint64(0), np.uint64(0), np.uint64(0)
            while letter != 0:
                if shift < 64:
                    low |= letter << shift
                elif shift < 128:
                    high |= letter << (shift - np.uint64(64))
                shift += np.uint64(8)
                at += 1
                letter = letters[texts[at]] if at < ends[text] else np.uint64(0)
            made.ids[count] = _found(table, low, high) if shift <= 8 * LONGEST else NONE
            made.ends[count] = at
            count += 1
        made.counts[text] = count - first
    return count


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
            slot = (slot + np.uint64(1)) & mask
