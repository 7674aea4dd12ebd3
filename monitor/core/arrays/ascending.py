"""Orders of values that were in order a moment ago: only what moved is sorted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Ints = NDArray[np.int64]
_RECENT = 8
"""So many set aside in a row say that the one before them is out of place, not they."""
_MOST = 0.25
"""Above this share of values out of place everything is sorted."""


def ascending(values: NDArray[Any], before: Ints | None = None) -> Ints:
    """The places of values in ascending order, equal ones by place: `np.argsort(values, kind="stable")`.

    Args:
        values: (n,) float64 or int64, none of them NaN.
        before: (n,) int64, any order of all places; the nearer it is to what comes out, the less there is to do.

    Returns:
        (n,) int64.

    Source: Ernerfeldt, "Drop-merge sort", 2016.

    >>> ascending(np.array([0.1, 0.9, 0.3, 0.3]), np.array([0, 1, 2, 3])).tolist()
    [0, 2, 3, 1]
    """
    if before is None or len(before) != len(values):
        return np.argsort(values, kind="stable")
    most = int(_MOST * len(values))
    kept, aside = _parted(values, before, most)
    if len(aside) > most:
        return np.argsort(values, kind="stable")
    aside.sort()
    return _merged(values, kept, aside[np.argsort(values[aside], kind="stable")])


@compiled
def _ahead(values: NDArray[Any], left: int, right: int) -> bool:
    """Whether a place stands before another one."""
    return bool(values[left] < values[right] or (values[left] == values[right] and left < right))


@compiled
def _parted(values: NDArray[Any], before: Ints, most: int) -> tuple[Ints, Ints]:
    """Places that stand in order as they are, and those to be sorted in; stops beyond `most` of these."""
    count = len(before)
    kept, aside = np.empty(count, np.int64), np.empty(count, np.int64)
    held = put = row = 0
    at = 0
    while at < count and put <= most:
        place = before[at]
        if held == 0 or _ahead(values, kept[held - 1], place):
            kept[held] = place
            held += 1
            at += 1
            row = 0
        elif row == 0 and held >= 2 and _ahead(values, kept[held - 2], place):
            aside[put] = kept[held - 1]
            put += 1
            kept[held - 1] = place
            at += 1
        elif row < _RECENT:
            aside[put] = place
            put += 1
            row += 1
            at += 1
        else:  # they follow each other well: what stands before them is out of place
            at -= row
            put -= row
            greatest = before[at]
            for later in range(at + 1, at + row + 1):
                if _ahead(values, greatest, before[later]):
                    greatest = before[later]
            while held > 0 and _ahead(values, greatest, kept[held - 1]):
                held -= 1
                aside[put] = kept[held]
                put += 1
            if held > 0:  # at least the one that was in the way
                held -= 1
                aside[put] = kept[held]
                put += 1
            row = 0
    return kept[:held], aside[:put]


@compiled
def _merged(values: NDArray[Any], left: Ints, right: Ints) -> Ints:
    """Two ascending orders in one."""
    made = np.empty(len(left) + len(right), np.int64)
    first = second = 0
    for at in range(len(made)):
        if second == len(right) or (first < len(left) and _ahead(values, left[first], right[second])):
            made[at] = left[first]
            first += 1
        else:
            made[at] = right[second]
            second += 1
    return made
