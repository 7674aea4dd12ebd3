"""Which anchors' lists are others than a moment ago, so that only these are measured anew."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.model.lists import RankedLists

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
_SIEVE = 1 << 16
"""Keys are hashes: their low bits tell most of them apart."""


def moved(before: RankedLists, now: RankedLists, *, scores: bool) -> Mask:
    """(A,) bool: anchors whose results, or what is known of them, changed; with `scores` also those rescored.

    Scores are compared by their bits, so a list that did not move gives the bits it gave before.

    Args:
        before: A lists.
        now: A lists of the same anchors and depth.
        scores: whether another score alone is a change.
    """
    if before is now:
        return np.zeros(len(now), np.bool_)
    differs: Mask = (before.lengths != now.lengths) | (before.known != now.known)
    _mark(before.keys, now.keys, differs)
    if scores:
        _mark(_bits(before.scores), _bits(now.scores), differs)
    return differs


def holding(lists: RankedLists, keys: NDArray[np.int64]) -> Mask:
    """(A,) bool: anchors whose list holds any of these chunk keys, (n,) int64 in any order."""
    return np.any(holds(lists.keys, keys), axis=1)  # type: ignore[no-any-return]  # numpy: an array or a scalar


def holds(listed: NDArray[np.int64], keys: NDArray[np.int64]) -> Mask:
    """Of the shape of `listed`, chunk keys: where any of these keys stands, (n,) int64 in any order."""
    found = np.zeros(listed.shape, np.bool_)
    _hold(np.ascontiguousarray(listed).reshape(-1), np.sort(keys), found.reshape(-1))
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
def _mark(before: Integers, now: Integers, differs: Mask) -> None:
    """Mark the rows of which any number is another."""
    for row in range(len(before)):
        for at in range(before.shape[1]):
            differs[row] |= before[row, at] != now[row, at]


@compiled
def _sieve(keys: Integers) -> Mask:
    """By the low bits of a key, whether one of these has them."""
    made = np.zeros(_SIEVE, np.bool_)
    for key in keys:
        made[key & (_SIEVE - 1)] = True
    return made


@compiled
def _hold(listed: Integers, keys: Integers, found: Mask) -> None:
    """Mark where one of some ascending keys stands."""
    sieve = _sieve(keys)
    for place in range(len(listed)):
        key = listed[place]
        if sieve[key & (_SIEVE - 1)]:
            at = np.searchsorted(keys, key)
            found[place] = at < len(keys) and keys[at] == key


@compiled
def _stand(listed: Integers, keys: Integers, found: Mask) -> None:
    """Mark which of some ascending keys stand anywhere."""
    sieve = _sieve(keys)
    for key in listed:
        if sieve[key & (_SIEVE - 1)]:
            at = np.searchsorted(keys, key)
            if at < len(keys) and keys[at] == key:
                found[at] = True


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)
