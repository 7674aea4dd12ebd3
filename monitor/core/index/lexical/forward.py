"""Forward lists: the distinct terms of every live chunk in one slab, bounded under any stream of updates."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, Roomy
from monitor.core.arrays.ragged import ragged
from monitor.core.index.lexical.arrays import Counted, Lists
from monitor.core.index.lexical.kernels import gather, scatter

_GRAIN = 8
"""Lists start at multiples of this: a hole fits the next list of about the same size."""
_FREE = -1
_MOVED = 65_536
"""Lists moved at once by a compaction."""
_WORTH_MOVING = 65_536
"""Free places below which a compaction is not worth its time."""


class ForwardLists:
    """By slot: distinct token ids with frequencies (those that anchors have first), length, folded segment.

    A removed list leaves a hole that the next list of its size class takes; when holes make up more than half of
    what is used, the slab is compacted. So memory is bounded by the largest live corpus, not by uptime.
    """

    def __init__(self) -> None:
        self.documents = 0
        """Live chunks, empty ones included."""
        self.total_length = 0
        """Tokens in them, repeats included."""
        self.compactions = 0
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sizes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._heads: NDArray[np.int32] = np.zeros(0, np.int32)
        self._lengths: NDArray[np.int32] = np.zeros(0, np.int32)
        self._segments: NDArray[np.int32] = np.zeros(0, np.int32)
        self._ids: NDArray[np.int32] = np.zeros(0, np.int32)
        self._frequencies: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._used = 0
        self._holes: dict[int, list[int]] = {}
        self._hole_places = 0

    @property
    def bytes(self) -> int:
        """Bytes held by the arrays."""
        by_slot = (self._starts, self._sizes, self._heads, self._lengths, self._segments)
        return sum(array.nbytes for array in (*by_slot, self._ids, self._frequencies))

    @property
    def frequency_type(self) -> np.dtype[Any]:
        """That buffers have: uint16, or uint32 once a chunk repeated a token more than 65,535 times."""
        return max(self._frequencies.dtype, np.dtype(np.uint16))

    def live(self) -> NDArray[np.int64]:
        """Live slots, ascending."""
        return np.flatnonzero(self._sizes != _FREE)

    def lists(self, slots: NDArray[np.int64], *, whole: bool = False) -> Lists:
        """The lists of some live slots: the anchors' terms only, or whole."""
        sizes = self._sizes if whole else self._heads
        return Lists(
            slots.astype(np.int32),
            self._starts[slots],
            sizes[slots],
            self._lengths[slots],
            self._segments[slots],
            self._ids,
            self._frequencies,
        )

    def drop(self, slots: NDArray[np.int64]) -> NDArray[np.int32]:
        """Remove live slots; returns their distinct ids, one list after the other.

        Raises:
            ValueError: a slot holds no chunk.
        """
        if len(slots) and (int(slots[-1]) >= len(self._sizes) or int(self._sizes[slots].min()) == _FREE):
            message = f"lexical: a removed slot holds no chunk, slots {int(slots[0])} to {int(slots[-1])}"
            raise ValueError(message)
        sizes = self._sizes[slots].astype(np.int64)
        starts, grains = self._starts[slots], -(-sizes // _GRAIN)
        ids = gather(self._ids, starts, sizes)
        self.documents -= len(slots)
        self.total_length -= int(self._lengths[slots].sum())
        for size, start in zip(grains.tolist(), starts.tolist(), strict=True):
            self._holes.setdefault(size, []).append(start)
        self._hole_places += int(grains.sum()) * _GRAIN
        self._sizes[slots] = _FREE
        return ids

    def store(
        self, slots: NDArray[np.int64], counted: Counted, lengths: NDArray[np.int64], segments: NDArray[np.int32]
    ) -> None:
        """Put new chunks into free slots (all arrays aligned)."""
        if not len(slots):
            return
        self._reach(int(slots.max()) + 1)
        sizes = np.diff(counted.offset)
        starts = self._allocate(-(-sizes // _GRAIN))
        most = int(counted.frequencies.max(initial=0))
        if most > np.iinfo(self._frequencies.dtype).max:  # rare, and wider only
            self._frequencies = self._frequencies.astype(np.uint16 if most <= np.iinfo(np.uint16).max else np.uint32)
        scatter(self._ids, starts, sizes, counted.ids)
        scatter(self._frequencies, starts, sizes, counted.frequencies)
        self._starts[slots], self._sizes[slots], self._heads[slots] = starts, sizes, counted.heads
        self._lengths[slots], self._segments[slots] = lengths, segments
        self.documents += len(slots)
        self.total_length += int(lengths.sum())

    def blocks(self, slots: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
        """Slots in growing portions, the first ones small so that floors rise early."""
        at, step = 0, min(256, size)
        while at < len(slots):
            yield slots[at : at + step]
            at, step = at + step, min(step * 2, size)

    def compact_if_needed(self) -> None:
        """Close the holes if they make up more than half of what is used."""
        if self._hole_places * 2 <= self._used or self._hole_places < _WORTH_MOVING:
            return
        slots = self.live()
        grains = -(-self._sizes[slots].astype(np.int64) // _GRAIN) * _GRAIN
        ends = np.cumsum(grains)
        used = int(ends[-1]) if len(ends) else 0
        ids, frequencies = np.empty(used, np.int32), np.empty(used, self._frequencies.dtype)
        for at in range(0, len(slots), _MOVED):
            some = slots[at : at + _MOVED]
            sizes = self._sizes[some].astype(np.int64)
            starts = (ends - grains)[at : at + _MOVED]
            source, target = ragged(self._starts[some], sizes), ragged(starts, sizes)
            ids[target], frequencies[target] = self._ids[source], self._frequencies[source]
            self._starts[some] = starts
        self._ids, self._frequencies, self._used = ids, frequencies, used
        self._holes, self._hole_places = {}, 0
        self.compactions += 1

    def rehead(self, known: NDArray[np.bool_], before: NDArray[np.bool_]) -> None:
        """Put the ids that anchors have now first; only lists with an id that anchors gained or lost are touched.

        Args:
            known: (capacity,) bool by token id, whether any anchor has it now.
            before: the same, as the lists stand.
        """
        moved = known != before
        if not moved.any():
            return
        for slots in self.blocks(self.live(), _MOVED):
            sizes = self._sizes[slots].astype(np.int64)
            owner = np.repeat(np.arange(len(slots)), sizes)
            hit = moved[self._ids[ragged(self._starts[slots], sizes)]]
            self._partition(slots[np.unique(owner[hit])], known)

    def refold(self, segments: NDArray[np.int32]) -> None:
        """Other folded segments, aligned with `live()`."""
        self._segments[self.live()] = segments

    def segments(self) -> NDArray[np.int32]:
        """Folded segments, aligned with `live()`."""
        return self._segments[self.live()]

    def image(self) -> Image:
        """See `image`."""
        room = self._used * 9 // 8
        return {
            "starts": self._starts,
            "sizes": self._sizes,
            "heads": self._heads,
            "lengths": self._lengths,
            "segments": self._segments,
            "ids": Roomy(self._ids[: self._used], room),
            "frequencies": Roomy(self._frequencies[: self._used], room),
            "used": self._used,
        }

    def resume(self, image: Image) -> None:
        """Take up what was there; what lies between two lists is one hole."""
        self._starts, self._sizes, self._heads = image["starts"], image["sizes"], image["heads"]
        self._lengths, self._segments = image["lengths"], image["segments"]
        self._ids, self._frequencies, self._used = image["ids"], image["frequencies"], image["used"]
        live = self.live()
        self.documents, self.total_length = len(live), int(self._lengths[live].sum(dtype=np.int64))
        grains = -(-self._sizes[live].astype(np.int64) // _GRAIN)
        filled = grains > 0
        starts, grains = self._starts[live][filled] // _GRAIN, grains[filled]
        order = np.argsort(starts)
        ends = np.append(0, (starts + grains)[order])
        gaps = np.append(starts[order], self._used // _GRAIN) - ends
        for size in np.unique(gaps[gaps > 0]).tolist():
            self._holes[size] = (ends[gaps == size] * _GRAIN).tolist()
        self._hole_places = int(gaps.sum()) * _GRAIN

    def _partition(self, slots: NDArray[np.int64], known: NDArray[np.bool_]) -> None:
        """Known ids to the front of some lists, both parts in the order they stand in."""
        sizes = self._sizes[slots].astype(np.int64)
        source = ragged(self._starts[slots], sizes)
        owner = np.repeat(np.arange(len(slots)), sizes)
        ids, frequencies = self._ids[source], self._frequencies[source]
        first = known[ids]
        heads = np.bincount(owner[first], minlength=len(slots))
        self._heads[slots] = heads
        for of, starts, counts in (
            (first, self._starts[slots], heads),
            (~first, self._starts[slots] + heads, sizes - heads),
        ):
            target = ragged(starts, counts)
            self._ids[target], self._frequencies[target] = ids[of], frequencies[of]

    def _allocate(self, grains: NDArray[np.int64]) -> NDArray[np.int64]:
        starts = np.full(len(grains), -1, np.int64)
        for at, size in enumerate(grains.tolist() if self._hole_places else ()):
            holes = self._holes.get(size)
            if holes:
                starts[at] = holes.pop()
                self._hole_places -= size * _GRAIN
        new = starts < 0
        widths = grains[new] * _GRAIN
        ends = np.cumsum(widths)
        starts[new] = self._used + ends - widths
        self._used += int(ends[-1]) if len(ends) else 0
        self._grow(self._used)
        return starts

    def _grow(self, needed: int) -> None:
        if needed > len(self._ids):
            room = max(needed, len(self._ids) * 5 // 4, 4096)
            self._ids = longer(self._ids, room)
            self._frequencies = longer(self._frequencies, room)

    def _reach(self, slots: int) -> None:
        if slots > len(self._sizes):
            room = max(slots, len(self._sizes) * 5 // 4, 1024)
            before = len(self._sizes)
            self._starts, self._sizes = longer(self._starts, room), longer(self._sizes, room)
            self._heads, self._lengths = longer(self._heads, room), longer(self._lengths, room)
            self._segments = longer(self._segments, room)
            self._sizes[before:] = _FREE
