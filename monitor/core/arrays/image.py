"""Images of maintained state: what a structure is made of as plain values, to be kept and taken up again.

A structure gives its image by `image` and, built anew and empty, is what it was after `resume`. What follows from
other parts of an image in one pass over arrays is left out of it. An image refers to the arrays as they are, and
copies nothing: it says what was there until the structure changes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Segment

Image = dict[str, Any]
"""Arrays, `Roomy` ones, numbers, texts, lists of these, and such mappings, by name."""


class Roomy:
    """An array that is taken up with room behind its end, zeros that nobody wrote.

    Args:
        array: of any shape.
        rows: how many rows it is to have.
    """

    def __init__(self, array: NDArray[Any], rows: int) -> None:
        self.array, self.rows = array, max(rows, len(array))


def plain_segments(segments: list[Segment | None]) -> list[list[list[str]] | None]:
    """Segments as lists, the inverse of `segments_of`."""
    return [None if segment is None else [list(pair) for pair in segment] for segment in segments]


def segments_of(plain: list[list[list[str]] | None]) -> list[Segment | None]:
    """Segments as they were.

    >>> segments_of(plain_segments([(("language", "de"),), None, ()]))
    [(('language', 'de'),), None, ()]
    """
    return [None if pairs is None else tuple((name, value) for name, value in pairs) for pairs in plain]


def unused(used: NDArray[np.int64], room: int) -> list[int]:
    """The numbers below `room` that are not used, greatest first, so that the least is popped first.

    >>> unused(np.array([0, 2]), 5)
    [4, 3, 1]
    """
    free = np.ones(room, np.bool_)
    free[used] = False
    found: list[int] = np.flatnonzero(free)[::-1].tolist()
    return found
