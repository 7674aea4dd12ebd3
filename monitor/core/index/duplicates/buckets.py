"""A hash table from 32-bit tags to handles, in arrays: many tags per handle, removal without a trace."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.duplicates import kernels_buckets, kernels_groups
from monitor.core.index.duplicates.kernels_buckets import MATCHED, NONE, Chains, Handles, Question, Tags

_LEAST = 1 << 10


class Buckets:
    """Chained hash table: many tags per handle, doubly linked chains, all operations on whole batches.

    Two handles match if any of their tags are equal: that depends on the tags alone, never on the size of the table
    or the order of arrival. Tags are hashes already, so their low bits name the bucket. Memory: 12 bytes per tag and
    4 to 8 per bucket.

    Args:
        width: tags per handle.
        shelves: 1, or 2 when handles are kept apart on two shelves, each with its own buckets.
    """

    def __init__(self, width: int, *, shelves: int = 1) -> None:
        self._shelves = shelves
        none, small = np.zeros(0, np.int32), np.full(_LEAST, NONE, np.int32)
        tags, linked = np.zeros(0, np.uint32), np.zeros(0, np.bool_)
        self._chains = Chains(small, tags, none, none, linked, np.zeros(0, np.uint8), width, _LEAST // shelves)
        self._handles = 0

    def __len__(self) -> int:
        """Handles in the table."""
        return self._handles

    def add(self, handles: Handles, tags: Tags, *, partition: int = 0) -> None:
        """Link distinct new handles under their (n, width) tags."""
        self._make_room(int(handles.max(initial=-1)) + 1)
        self._chains.tags[self._chains.entries(handles)] = tags.ravel()
        self._chains.linked[handles] = True
        self._chains.partition[handles] = partition
        self._handles += len(handles)
        if self._handles * self._chains.width > len(self._chains.heads):
            self._rebuild()
        else:
            kernels_buckets.link(self._chains, handles)

    def reserve(self, needed: int, more: int) -> None:
        """Make room for all handles below `needed`, of which at most so many more are in the table."""
        self._make_room(needed)
        if (self._handles + more) * self._chains.width > len(self._chains.heads):
            self._rebuild(more)

    def remove(self, handles: Handles) -> None:
        """Unlink distinct handles that are in the table."""
        if len(handles):
            kernels_buckets.unlink(self._chains, handles)
            self._handles -= len(handles)

    def move(self, handles: Handles, partition: int) -> None:
        """Put distinct handles of the table in a partition."""
        if len(handles):
            kernels_buckets.move(self._chains, handles, partition)

    def tags(self, handles: Handles) -> Tags:
        """The (n, width) tags of linked handles."""
        return self._chains.tags[self._chains.entries(handles)].reshape(-1, self._chains.width)

    def matches(self, tags: Tags, *, partition: int = 0) -> Iterator[tuple[Handles, Handles]]:
        """Who has any of these (n, width) tags: rounds of (index into `tags`, handle), with repeats."""
        chains, sought = self._chains, tags.ravel()
        asking = np.repeat(np.arange(len(tags)), chains.width)
        at = chains.heads[chains.bucket(sought, np.uint8(partition))]
        while len(at):
            there = at != NONE
            at, asking, sought = at[there], asking[there], sought[there]
            found = chains.tags[at] == sought
            if found.any():
                yield asking[found], at[found].astype(np.int64) // chains.width
            at = chains.following[at]

    def take(self, sets: Sets, witness: Handles, fresh: Handles, bands: Tags, threshold: float) -> Handles:
        """Link new handles as sets, each with a witness where there is one; see `kernels_buckets.take`."""
        self.reserve(int(fresh.max(initial=-1)) + 1, len(fresh))
        self._handles += len(fresh)
        met = kernels_buckets.take(self._chains, sets, witness, fresh, bands, threshold)
        self.move(met, MATCHED)
        return met

    def search(self, sets: Sets, witness: Handles, question: Question) -> None:
        """Find near copies among the handles as sets; see `kernels_buckets.search`."""
        kernels_buckets.search(self._chains, sets, witness, question)

    def join(
        self,
        members: kernels_groups.Members,
        handles: kernels_groups.GroupHandles,
        slots: Handles,
        keys: NDArray[np.uint64],
    ) -> tuple[Handles, Handles, Handles]:
        """Find or add the groups of some keys, for which there is room; see `kernels_groups.join`."""
        joined = kernels_groups.join(self._chains, members, handles, slots, keys)
        self._handles += len(joined[0])
        return joined

    def clients(self, gone: Handles) -> Handles:
        """Who has one of these as its tag and is none of these; see `kernels_buckets.clients`."""
        return kernels_buckets.clients(self._chains, gone)

    def holds(self, sets: Sets, asked: Sets, question: Question, found: NDArray[np.bool_]) -> None:
        """Mark which sets have a near copy among the handles; see `kernels_buckets.holds`."""
        kernels_buckets.holds(self._chains, sets, asked, question, found)

    def meets(self, tags: Tags, partition: int) -> NDArray[np.bool_]:
        """Whether some entry has each of these (n,) tags, in a table of one tag per handle; (n,) bool."""
        return kernels_buckets.meets(self._chains, tags, partition)

    def locate(self, tags: Tags, named: tuple[Handles, NDArray[np.uint64]], wanted: NDArray[np.uint64]) -> Handles:
        """The entries that have these tags and are of these sets; see `kernels_buckets.locate`."""
        return kernels_buckets.locate(self._chains, tags, *named, wanted)

    def first_alike(self, sets: Sets, owner: Handles, witness: Handles, question: Question) -> None:
        """Find a witness for each asking set; see `kernels_buckets.first_alike`."""
        kernels_buckets.first_alike(self._chains, sets, owner, witness, question)

    def image(self) -> Image:
        """See `image`: of whoever is in the table, by handle."""
        chains = self._chains
        end = int(np.flatnonzero(chains.linked).max(initial=-1)) + 1
        tags = chains.tags[: end * chains.width]
        return {"tags": tags, "linked": chains.linked[:end], "partition": chains.partition[:end]}

    def resume(self, image: Image) -> None:
        """Take up what was there, into an empty table; chains may hang in another order, which nothing depends on."""
        tags, linked, partition = (image[name] for name in ("tags", "linked", "partition"))
        following, previous = np.zeros(tags.size, np.int32), np.zeros(tags.size, np.int32)
        self._handles = int(linked.sum())
        self._chains = self._chains._replace(
            tags=tags, following=following, previous=previous, linked=linked, partition=partition
        )
        self._rebuild()

    def _make_room(self, needed: int) -> None:
        old = self._chains
        if needed <= len(old.linked):
            return
        room = max(_LEAST, needed * 5 // 4)
        entries = room * old.width
        self._chains = old._replace(
            tags=longer(old.tags, entries),
            following=longer(old.following, entries),
            previous=longer(old.previous, entries),
            linked=longer(old.linked, room),
            partition=longer(old.partition, room),
        )

    def _rebuild(self, more: int = 0) -> None:
        """Hang all entries into as many buckets, those of so many more handles counted, or up to twice as many."""
        old = self._chains
        size = max(_LEAST, 1 << ((self._handles + more) * old.width - 1).bit_length())
        heads = np.full(size, NONE, np.int32)
        arrays = (old.tags, old.following, old.previous, old.linked, old.partition, old.width)
        self._chains = Chains(heads, *arrays, size // self._shelves)
        kernels_buckets.link(self._chains, np.flatnonzero(old.linked))
