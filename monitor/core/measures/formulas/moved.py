"""Which anchors' lists are others than a moment ago, so that only these are measured anew."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.measures.formulas.arrays_of import RankedArrays, arrays_of
from monitor.core.model.lists import RankedLists

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
_SIEVE = 1 << 16
"""Keys are hashes: their low bits tell most of them apart. At most so many places are looked at,"""
_ROOM = 32
"""and for a few keys so many for each: these stay in a core's nearest cache."""


def moved(before: RankedLists, now: RankedLists, *, scores: bool) -> Mask:
    """(A,) bool: anchors whose results, or what is known of them, changed; with `scores` also those rescored.

    Scores are compared by their bits, so a list that did not move gives the bits it gave before.

    Args:
        before: A lists.
        now: A lists of the same anchors and depth.
        scores: whether another score alone is a change.
    """
    return both_moved(before, now)[int(scores)]


def both_moved(before: RankedLists, now: RankedLists) -> tuple[Mask, Mask]:
    """`moved` without and with the scores, in one pass."""
    if before is now:
        nobody = np.zeros(len(now), np.bool_)
        return nobody, nobody
    return _differing(arrays_of(before), arrays_of(now))


def holds(listed: NDArray[np.int64], keys: NDArray[np.int64]) -> Mask:
    """Of the shape of `listed`, chunk keys: where any of these keys stands, (n,) int64 in any order."""
    found = np.zeros(listed.shape, np.bool_)
    _hold(np.ascontiguousarray(listed).reshape(-1), np.sort(keys), found.reshape(-1))
    return found


def among(values: NDArray[np.int64], others: NDArray[np.int64]) -> Mask:
    """Which values, few, are among others, many, that ascend: of the values' shape."""
    if not len(others):
        return np.zeros(values.shape, np.bool_)
    found: Mask = others[np.minimum(np.searchsorted(others, values), len(others) - 1)] == values
    return found


def absent(keys: NDArray[np.int64], listed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of some keys stand nowhere in the lists; distinct, ascending.

    Args:
        keys: int64 of any shape, few beside those of the lists.
        listed: int64 of any shape.
    """
    sought = np.unique(keys)
    there = np.zeros(len(sought), np.bool_)
    _stand(np.ascontiguousarray(listed).reshape(-1), sought, there)
    return sought[~there]


@compiled
def _differing(before: RankedArrays, now: RankedArrays) -> tuple[Mask, Mask]:
    """Rows of which anything but the scores is another, and those of which anything is."""
    bits_before, bits_now = before[1].view(np.int64), now[1].view(np.int64)
    results, whole = np.empty(len(before[0]), np.bool_), np.empty(len(before[0]), np.bool_)
    for row in range(len(results)):
        keys = scores = np.int64(0)
        for at in range(before[0].shape[1]):
            keys |= before[0][row, at] ^ now[0][row, at]
            scores |= bits_before[row, at] ^ bits_now[row, at]
        results[row] = keys != 0 or before[2][row] != now[2][row] or before[3][row] != now[3][row]
        whole[row] = results[row] or scores != 0
    return results, whole


@compiled
def _sieve(keys: Integers) -> Mask:
    """By the low bits of a key, as many as tell it from so few, whether one of these has them."""
    size = 256
    while size < _SIEVE and size < _ROOM * len(keys):
        size *= 2
    made = np.zeros(size, np.bool_)
    for key in keys:
        made[key & (size - 1)] = True
    return made


@compiled
def _hold(listed: Integers, keys: Integers, found: Mask) -> None:
    """Mark where one of some ascending keys stands."""
    sieve = _sieve(keys)
    for place in range(len(listed)):
        key = listed[place]
        if sieve[key & (len(sieve) - 1)]:
            at = np.searchsorted(keys, key)
            found[place] = at < len(keys) and keys[at] == key


@compiled
def _stand(listed: Integers, keys: Integers, found: Mask) -> None:
    """Mark which of some ascending keys stand anywhere."""
    sieve = _sieve(keys)
    for key in listed:
        if sieve[key & (len(sieve) - 1)]:
            at = np.searchsorted(keys, key)
            if at < len(keys) and keys[at] == key:
                found[at] = True
