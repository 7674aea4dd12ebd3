"""Which anchors' lists are others than a moment ago, so that only these are measured anew."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.lists import RankedLists

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
    sieve = np.zeros(_SIEVE, np.bool_)
    sieve[keys & (_SIEVE - 1)] = True
    row, place = np.nonzero(sieve[lists.keys & (_SIEVE - 1)])
    found = np.zeros(len(lists), np.bool_)
    found[row[np.isin(lists.keys[row, place], keys)]] = True
    return found


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)
