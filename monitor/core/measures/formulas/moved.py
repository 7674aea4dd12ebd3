"""Which anchors' lists are others than a moment ago, so that only these are measured anew."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.lists import RankedLists

Mask = NDArray[np.bool_]
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
    differs |= np.any(before.keys != now.keys, axis=1)
    if scores:
        differs |= np.any(_bits(before.scores) != _bits(now.scores), axis=1)
    return differs


def holding(lists: RankedLists, keys: NDArray[np.int64]) -> Mask:
    """(A,) bool: anchors whose list holds any of these chunk keys, (n,) int64 in any order."""
    return np.any(holds(lists.keys, keys), axis=1)  # type: ignore[no-any-return]  # numpy: an array or a scalar


def holds(listed: NDArray[np.int64], keys: NDArray[np.int64]) -> Mask:
    """Of the shape of `listed`, chunk keys: where any of these keys stands, (n,) int64 in any order."""
    found = _sieved(listed, keys)
    found[found] = np.isin(listed[found], keys)
    return found


def absent(keys: NDArray[np.int64], listed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of some keys stand nowhere in the lists; distinct, ascending.

    Args:
        keys: int64 of any shape, few beside those of the lists.
        listed: int64 of any shape.
    """
    sought = np.unique(keys)
    if not len(sought):
        return sought
    return sought[~np.isin(sought, listed[_sieved(listed, sought)])]


def _sieved(listed: NDArray[np.int64], keys: NDArray[np.int64]) -> Mask:
    """Of the shape of `listed`: where one of the keys may stand; everywhere where one stands."""
    sieve = np.zeros(_SIEVE, np.bool_)
    sieve[keys & (_SIEVE - 1)] = True
    found: Mask = sieve[listed & (_SIEVE - 1)]
    return found


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)
