"""Ages by event time in bins that coarsen with age: about 3% of the age, and never finer than 64 seconds.

A bin is an aligned power-of-two stretch of event time, so that bins of an earlier reference merge into those of a
later one: the histogram depends on what is live and on the newest event time, not on when chunks arrived.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Seconds = NDArray[np.int64]
Ascending = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Values, ascending, and the bin that each stands for."""

FINEST = 6
"""The finest bins are 2^6 seconds."""
_GRID = 12
"""The reference moves in steps of 2^12 seconds (68 minutes): between them no bin changes."""
_COARSEST = 27
_SPAN = 32
"""A bin of age a is at most a / 16 wide: each width serves the ages of 16 to 32 of its bins."""
_AHEAD = 1 << (_GRID - FINEST)
_FIRST = _AHEAD + _SPAN
WIDTH = _FIRST + (_COARSEST - FINEST) * _SPAN
"""Bins in all; the oldest hold everything older than 136 years."""


def reference(now: int) -> int:
    """The reference for a newest event time in microseconds: seconds, rounded down to the grid."""
    return (now // 1_000_000) >> _GRID << _GRID


@compiled
def bins(seconds: Seconds, at: int) -> NDArray[np.int64]:
    """The bin of each event time; (n,) int64 in [0, WIDTH).

    Args:
        seconds: (n,) event times in seconds since 1970, not newer than the grid step that `at` begins; earlier ones
            than 1970 count as 1970.
        at: the reference.
    """
    made = np.empty(len(seconds), np.int64)
    for place in range(len(seconds)):
        time = max(seconds[place], 0)
        age, width = max(at - time, 0), FINEST
        while width < _COARSEST and age >> (width + 5):
            width += 1
        if width < _COARSEST and (at >> width) - (time >> width) >= _SPAN:
            width += 1
        apart = min(max((at >> width) - (time >> width), 1 - _AHEAD), _SPAN - 1)
        made[place] = apart + _AHEAD if width == FINEST else _FIRST + (width - FINEST - 1) * _SPAN + apart
    return made


@lru_cache(maxsize=4)
def starts(at: int) -> tuple[Seconds, Seconds]:
    """Where the bins of a reference begin, in seconds since 1970, and how wide they are; (WIDTH,) int64 each.

    Read only.
    """
    place = np.arange(WIDTH)
    fine = place < _FIRST
    width = np.where(fine, FINEST, FINEST + 1 + (place - _FIRST) // _SPAN)
    apart = np.where(fine, place - _AHEAD, (place - _FIRST) % _SPAN)
    return ((at >> width) - apart) << width, np.int64(1) << width


def moved(earlier: int, later: int) -> NDArray[np.int64]:
    """The bin under the later reference for each bin of the earlier one; (WIDTH,) int64."""
    return bins(np.maximum(starts(earlier)[0], 0), later)


def ages(at: int, now: int) -> NDArray[np.float64]:
    """The age in seconds that each bin stands for: that of its middle, not below 0; (WIDTH,) float64.

    Args:
        at: the reference of the bins.
        now: the newest event time in microseconds.
    """
    begin, width = starts(at)
    made: NDArray[np.float64] = np.maximum(now / 1e6 - (begin + width / 2.0), 0.0)
    return made


def ranked(values: NDArray[np.float64]) -> Ascending:
    """Values in ascending order, and the place where each stood; equal ones as they stood."""
    order = np.argsort(values, kind="stable")
    return values[order], order


@lru_cache(maxsize=16)
def ascending(at: int, now: int) -> Ascending:
    """`ages` in ascending order, and the bin of each: the same for all segments at one moment. Read only."""
    return ranked(ages(at, now))
