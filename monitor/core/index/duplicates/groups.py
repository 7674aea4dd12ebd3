"""Live slots grouped by equal 64-bit keys, with member counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, unused
from monitor.core.index.duplicates import kernels_groups
from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.kernels_groups import NO_GROUP, Members

__all__ = ["NO_GROUP", "Groups", "Joined"]

Slots = NDArray[np.int64]
Handles = NDArray[np.int64]
Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """What a `join` did.

    Args:
        created: the groups joined that did not exist.
        first: for each created one the index in `keys` of its first member.
        lone: slots that were the only members of the groups joined, once for each slot that joined theirs.
    """

    created: Handles
    first: NDArray[np.int64]
    lone: Slots


class Groups:
    """A group per distinct key; handles of empty groups are given back by `release` and used again."""

    def __init__(self) -> None:
        self.sizes: NDArray[np.int64] = np.zeros(1, np.int64)
        """Members by handle."""
        self.sums: NDArray[np.int64] = np.zeros(1, np.int64)
        """Sum of the members' slots by handle: of a group of one, its member."""
        self.of: Handles = np.full(0, NO_GROUP, np.int64)
        """Group by slot; NO_GROUP where the slot is free or belongs to none."""
        self._keys = np.zeros(1, np.uint64)
        self._table = Buckets(1)
        self._free: Handles = np.zeros(64, np.int64)
        self._vacant = self._used = 0

    def __len__(self) -> int:
        """Groups in use, empty ones that were not released included."""
        return self._used - self._vacant

    def join(self, slots: Slots, keys: Keys) -> "Joined":
        """Put distinct slots, none of which is in a group, into the groups of their keys."""
        self.cover(slots)
        self._make_room(len(keys))
        given = kernels_groups.GroupHandles(self._free[: self._vacant], self._vacant, self._used)
        joined = Joined(*self._table.join(self._members(), given, slots, keys))
        again = min(len(joined.created), self._vacant)
        self._vacant -= again
        self._used += len(joined.created) - again
        return joined

    def lone(self, handles: Handles) -> Slots:
        """The members of those groups that have just one."""
        members: Slots = self.sums[handles[self.sizes[handles] == 1]]
        return members

    def keys(self, slots: Slots) -> Keys:
        """The keys of the groups of live slots, 0 for a slot without a group; (n,) uint64."""
        groups = self.of[slots]
        return np.where(groups == NO_GROUP, np.uint64(0), self._keys[groups])

    def leave(self, slots: Slots) -> Handles:
        """Take slots out of their groups; returns those groups, ascending. Slots without a group are passed over."""
        return distinct([kernels_groups.leave(self._members(), slots)])

    def release(self, handles: Handles) -> None:
        """Forget distinct groups that are empty."""
        self._table.remove(handles)
        vacant = self._vacant + len(handles)
        if vacant > len(self._free):
            self._free = longer(self._free, max(64, 2 * vacant))
        self._free[self._vacant : vacant] = handles
        self._vacant = vacant

    def _members(self) -> Members:
        return Members(self._keys, self.of, self.sizes, self.sums)

    def _make_room(self, count: int) -> None:
        """For so many groups more."""
        needed = self._used + max(0, count - self._vacant)
        if needed > len(self._keys):
            room = max(1024, needed * 5 // 4)
            self._keys = longer(self._keys, room)
            self.sizes, self.sums = longer(self.sizes, room), longer(self.sums, room)
        self._table.reserve(needed, count)

    def image(self) -> Image:
        """See `image`."""
        return {"of": self.of, "keys": self._keys[: self._used]}

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet."""
        self.of, self._used = image["of"], len(image["keys"])
        room = max(1, self._used)  # who has no group reads the last one
        self._keys = longer(image["keys"], room)
        slots = np.flatnonzero(self.of != NO_GROUP)
        joined = self.of[slots]
        self.sizes = np.bincount(joined, minlength=room)
        self.sums = np.zeros(room, np.int64)
        np.add.at(self.sums, joined, slots)
        held = np.flatnonzero(self.sizes)
        self._free = np.array(unused(held, self._used), np.int64)
        self._vacant = len(self._free)
        self._table.add(held, _tags(self._keys[held]))

    def cover(self, slots: Slots) -> None:
        """Make room for these slots in `of`."""
        needed = int(slots.max(initial=-1)) + 1
        if needed > len(self.of):
            self.of = longer(self.of, max(1024, needed * 5 // 4), NO_GROUP)


def _tags(keys: Keys) -> NDArray[np.uint32]:
    return (keys >> np.uint64(32)).astype(np.uint32)[:, None]
