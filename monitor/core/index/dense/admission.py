"""Which slots are live and which filters let them through."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.arrays.segment_codes import DEAD, SegmentCodes
from monitor.core.model.events import Segment
from monitor.core.model.segments import admits


class FilterIndex:
    """Live slots, each with a small code for its segment attributes; a filter is a table over the codes.

    Args:
        filters: (A,) the filter of each anchor; few are distinct.
    """

    def __init__(self, filters: Sequence[Segment]) -> None:
        self._codes = SegmentCodes()
        self.refilter(filters)

    def refilter(self, filters: Sequence[Segment]) -> None:
        """Other anchors: their filters from here on. What is live does not depend on them."""
        self._distinct: tuple[Segment, ...] = tuple(sorted(set(filters)))
        at = {wanted: index for index, wanted in enumerate(self._distinct)}
        self._group = np.array([at[wanted] for wanted in filters], np.int64)
        self.open = self._distinct in ((), ((),))
        """Whether no anchor has a filter."""

    @property
    def live(self) -> int:
        """Live slots."""
        return self._codes.live

    def add(self, slots: NDArray[np.int64], segments: Sequence[Segment]) -> None:
        """Slots come to life."""
        self._codes.add(slots, segments)

    def remove(self, slots: NDArray[np.int64]) -> None:
        """Slots die."""
        self._codes.remove(slots)

    def image(self) -> Image:
        """See `image`."""
        return self._codes.image()

    def resume(self, image: Image) -> None:
        """Take up what was live, where nothing is yet."""
        self._codes.resume(image)

    def codes(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """What filters see of live slots: equal codes pass the same filters."""
        return self._codes.slots[slots]

    def table(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each anchor's filter lets each live slot through; (n, A) bool."""
        codes, place = np.unique(self.codes(slots), return_inverse=True)
        segments = [self._codes.segments[code] for code in codes.tolist()]
        passed = np.array([[admits(wanted, segment) for wanted in self._distinct] for segment in segments], np.bool_)
        shaped = passed.reshape(len(codes), len(self._distinct))
        return shaped[:, self._group][place]

    def slots(self, wanted: Segment) -> NDArray[np.int64]:
        """All live slots that pass a filter, ascending."""
        if not wanted:
            return np.flatnonzero(self._codes.slots != DEAD)
        # A dead slot's code is -1 and reads the False at the end; codes given back have no slots.
        passes = np.array([*(admits(wanted, segment) for segment in self._codes.segments), False], np.bool_)
        return np.flatnonzero(passes[self._codes.slots])
