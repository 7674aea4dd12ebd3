"""Points of the target version, and which of two writes of one point is the later one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Position

OBSERVED = Position("", 0, 0)
"""Where a point stands that was read from the index itself: every event counts as later."""
NOT_UNIT, ZERO = 1, 2
"""Bits of what is odd about a vector as it came."""


class TargetPoint(NamedTuple):
    """A point of the target: what it was made from, its prepared vector, when and where that was said.

    Without a vector it says that there was no point then: a chunk that is back after a delete is not covered by what
    was written before the delete, whenever that is read.
    """

    content_hash: str
    vector: NDArray[np.float32] | None
    event_time: int
    position: Position
    marks: int = 0
    """Bits of `NOT_UNIT` and `ZERO`."""

    @property
    def there(self) -> bool:
        """Whether there is a point."""
        return self.vector is not None


class TargetRow(NamedTuple):
    """A point as a state keeps it. `known`: events once made its chunk, which matters where that is not live."""

    key: int
    chunk_id: str
    point: TargetPoint
    known: bool


class FoundPoint(NamedTuple):
    """A point as the target's index has it; without a usable vector it is as good as not there."""

    chunk_id: str
    content_hash: str
    vector: NDArray[np.float32]


def later(one: tuple[int, Position], other: tuple[int, Position]) -> bool:
    """Whether a write comes behind another: by offset in one partition, else by event time, then by partition.

    Whatever an event says comes behind what was read from an index.
    """
    (time, place), (time_before, place_before) = one, other
    if not (place.topic and place_before.topic):  # no topic but that of OBSERVED has no name
        return not place_before.topic
    if place[:2] == place_before[:2]:  # the source of each, without making it: each event asks
        return place.offset > place_before.offset
    return (time, place.source) > (time_before, place_before.source)
