"""A hash table from 32-bit tags to handles, in arrays: many tags per handle, removal without a trace."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Handles = NDArray[np.int64]
Tags = NDArray[np.uint32]

_NONE = -1
_LEAST = 1 << 10
_REBUILT_AT_A_TIME = 1 << 16


class Buckets:
    """Chained hash table: entry `handle * width + column` of a handle hangs in the bucket of its tag.

    Two handles match if any of their tags are equal: that depends on the tags alone, never on the size of the table
    or the order of arrival. Tags are hashes already, so their low bits name the bucket. All operations work on whole
    batches; a chain is walked in rounds, all cursors at once. Memory: 12 bytes per tag and 4 to 8 per bucket.

    Args:
        width: tags per handle.
        shelves: 1, or 2 when handles are kept apart on two shelves, each with its own buckets.
    """

    def __init__(self, width: int, *, shelves: int = 1) -> None:
        self.width, self._shelves = width, shelves
        self._heads = np.full(_LEAST, _NONE, np.int32)
        self._tags = np.zeros(0, np.uint32)
        self._next = np.zeros(0, np.int32)
        self._previous = np.zeros(0, np.int32)
        self._linked = np.zeros(0, np.bool_)
        self._shelf = np.zeros(0, np.uint8)
        self._entries = 0

    def __len__(self) -> int:
        """Handles in the table."""
        return self._entries // self.width

    def add(self, handles: Handles, tags: Tags, *, shelf: int = 0) -> None:
        """Link distinct new handles under their (n, width) tags."""
        self._make_room(handles)
        entries = self._entries_of(handles)
        self._tags[entries] = tags.ravel()
        self._linked[handles] = True
        self._shelf[handles] = shelf
        self._entries += len(entries)
        if self._entries > len(self._heads):
            self._rebuild()
        else:
            self._link(entries)

    def remove(self, handles: Handles) -> None:
        """Unlink distinct handles that are in the table."""
        self._unlink(handles)
        self._linked[handles] = False
        self._entries -= len(handles) * self.width

    def move(self, handles: Handles, shelf: int) -> None:
        """Put distinct handles of the table on a shelf."""
        handles = handles[self._shelf[handles] != shelf]
        self._unlink(handles)
        self._shelf[handles] = shelf
        self._link(self._entries_of(handles))

    def tags(self, handles: Handles) -> Tags:
        """The (n, width) tags of linked handles."""
        return self._tags[self._entries_of(handles)].reshape(-1, self.width)

    def matches(
        self, tags: Tags, *, shelf: int = 0, wanted: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[Handles, Handles]]:
        """Who has any of these tags: rounds of (index into `tags`, handle); a pair may come more than once.

        Args:
            tags: (n, width) uint32. A round holds at most n * width pairs.
            shelf: where to look.
            wanted: (n,) bool, read before each round: rows that the caller has cleared are not walked any further.
        """
        sought = tags.ravel()
        asking = np.repeat(np.arange(len(tags)), self.width)
        at = self._heads[self._bucket(sought, np.uint8(shelf))]
        while len(at):
            alive = at != _NONE if wanted is None else (at != _NONE) & wanted[asking]
            at, asking, sought = at[alive], asking[alive], sought[alive]
            found = self._tags[at] == sought
            if found.any():
                yield asking[found], at[found].astype(np.int64) // self.width
            at = self._next[at]

    def _bucket(self, tags: Tags, shelf: NDArray[np.uint8] | np.uint8) -> Handles:
        size = len(self._heads) // self._shelves
        buckets: Handles = (tags & np.uint32(size - 1)).astype(np.int64) + shelf * np.int64(size)
        return buckets

    def _entries_of(self, handles: Handles) -> Handles:
        return (handles[:, None] * self.width + np.arange(self.width)).ravel()

    def _link(self, entries: Handles) -> None:
        """Hang entries in front of their buckets' chains; entries of one bucket become a run of the chain."""
        buckets = self._bucket(self._tags[entries], self._shelf[entries // self.width])
        order = np.argsort(buckets, kind="stable")
        entries, buckets = entries[order], buckets[order]
        edge = buckets[1:] != buckets[:-1]
        first = np.concatenate((np.ones(min(1, len(entries)), np.bool_), edge))
        last = np.concatenate((edge, np.ones(min(1, len(entries)), np.bool_)))
        after = np.concatenate((entries[1:], entries[:1])).astype(np.int32)
        old = self._heads[buckets]
        self._next[entries] = np.where(last, old, after)
        self._previous[entries] = np.where(first, _NONE, np.concatenate((entries[-1:], entries[:-1])))
        behind = last & (old != _NONE)
        self._previous[old[behind]] = entries[behind]
        self._heads[buckets[first]] = entries[first]

    def _unlink(self, handles: Handles) -> None:
        """Close the gaps that leaving entries make, whole runs of them at once.

        The successor that stays is found by pointer doubling; the first entry of each run closes the gap.
        """
        if not len(handles):
            return
        self._linked[handles] = False
        entries = np.sort(self._entries_of(handles))
        before, after = self._previous[entries], self._next[entries]
        while True:
            leaving = np.flatnonzero((after != _NONE) & ~self._linked[after // self.width])
            if not len(leaving):
                break
            after[leaving] = after[np.searchsorted(entries, after[leaving])]
        first = (before == _NONE) | self._linked[before // self.width]
        entries, before, after = entries[first], before[first], after[first]
        head = before == _NONE
        heads = entries[head]
        self._heads[self._bucket(self._tags[heads], self._shelf[heads // self.width])] = after[head]
        self._next[before[~head]] = after[~head]
        follows = after != _NONE
        self._previous[after[follows]] = before[follows]
        self._linked[handles] = True

    def _make_room(self, handles: Handles) -> None:
        needed = int(handles.max(initial=-1)) + 1
        if needed <= len(self._linked):
            return
        room = max(_LEAST, needed * 5 // 4) - len(self._linked)
        self._linked = np.concatenate((self._linked, np.zeros(room, np.bool_)))
        self._shelf = np.concatenate((self._shelf, np.zeros(room, np.uint8)))
        cells = room * self.width
        self._tags = np.concatenate((self._tags, np.zeros(cells, np.uint32)))
        self._next = np.concatenate((self._next, np.zeros(cells, np.int32)))
        self._previous = np.concatenate((self._previous, np.zeros(cells, np.int32)))

    def _rebuild(self) -> None:
        """Hang all entries into enough buckets for twice as many."""
        size = 1 << (2 * self._entries - 1).bit_length()
        self._heads = np.full(size, _NONE, np.int32)
        handles = np.flatnonzero(self._linked)
        for at in range(0, len(handles), _REBUILT_AT_A_TIME):
            self._link(self._entries_of(handles[at : at + _REBUILT_AT_A_TIME]))
