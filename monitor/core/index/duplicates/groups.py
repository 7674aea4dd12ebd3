"""Live slots grouped by equal 64-bit keys, with member counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image, unused
from monitor.core.index.duplicates import kernels_groups
from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.kernels_groups import NO_GROUP

__all__ = ["NO_GROUP", "Groups", "Joined"]

Slots = NDArray[np.int64]
Handles = NDArray[np.int64]
Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """What a `join` did.

    Args:
        groups: the group that each slot joined.
        created: the distinct ones among them that did not exist.
        first: for each created one the index in `keys` of its first member.
        lone: slots that were the only members of the groups joined, once for each slot that joined theirs.
    """

    groups: Handles
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
        self._free: list[int] = []
        self._used = 0

    def __len__(self) -> int:
        """Groups in use, empty ones that were not released included."""
        return self._used - len(self._free)

    def join(self, slots: Slots, keys: Keys) -> "Joined":
        """Put distinct slots, none of which is in a group, into the groups of their keys."""
        handles = self._table.named(self._keys, keys)
        fresh = np.flatnonzero(handles == NO_GROUP)
        created, first = fresh, fresh
        if len(fresh):
            unknown = keys[fresh]
            numbers, first = kernels_groups.numbered(unknown, np.argsort(unknown, kind="stable"))
            created = self._allocate(len(first))
            handles[fresh] = created[numbers]
            self._keys[created] = unknown[first]
            self._table.add(created, _tags(unknown[first]))
        lone = self.lone(handles)
        self.cover(slots)
        kernels_groups.join(self.of, self.sizes, self.sums, slots, handles)
        return Joined(handles, created, fresh[first], lone)

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
        return np.unique(kernels_groups.leave(self.of, self.sizes, self.sums, slots))

    def release(self, handles: Handles) -> None:
        """Forget distinct groups that are empty."""
        self._table.remove(handles)
        self._free.extend(handles.tolist())

    def _allocate(self, count: int) -> Handles:
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        more = count - len(again)
        handles = np.array([*again, *range(self._used, self._used + more)], np.int64)
        self._used += more
        if self._used > len(self._keys):
            room = max(1024, self._used * 5 // 4)
            self._keys = longer(self._keys, room)
            self.sizes, self.sums = longer(self.sizes, room), longer(self.sums, room)
        return handles

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
        self._free = unused(held, self._used)
        self._table.add(held, _tags(self._keys[held]))

    def cover(self, slots: Slots) -> None:
        """Make room for these slots in `of`."""
        needed = int(slots.max(initial=-1)) + 1
        if needed > len(self.of):
            self.of = longer(self.of, max(1024, needed * 5 // 4), NO_GROUP)


def _tags(keys: Keys) -> NDArray[np.uint32]:
    return (keys >> np.uint64(32)).astype(np.uint32)[:, None]
