"""The inner loops of groups of slots, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.duplicates.kernels_buckets import Chains

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
NO_GROUP = -1


class Members(NamedTuple):
    """Who is in which group.

    Args:
        names: key by group.
        of: group by slot, NO_GROUP for none.
        sizes: members by group.
        sums: sum of the members' slots by group.
    """

    names: Keys
    of: Ints
    sizes: Ints
    sums: Ints


class GroupHandles(NamedTuple):
    """The groups that a new key can get.

    Args:
        free: given back, the last one first.
        vacant: how many these are.
        used: from here on none was ever given.
    """

    free: Ints
    vacant: int
    used: int


@compiled
def join(chains: Chains, members: Members, handles: GroupHandles, slots: Ints, keys: Keys) -> tuple[Ints, Ints, Ints]:
    """Put slots, none of which is in a group, into the groups of their keys, made where there are none.

    Args:
        chains: a table of one shelf and one tag per group, the upper half of its key; has room for new ones.
        members: written; has room too.
        handles: of new groups.
        slots: (n,) distinct.
        keys: (n,) theirs.

    Returns:
        The new groups, for each of them the place of its first slot, and the slots that were the only members of the
        groups joined, once for each slot that joined theirs.
    """
    heads, tags, following, previous, linked, partition, _, buckets = chains
    names, of, sizes, sums = members
    made, first, used = np.empty(len(keys), np.int64), np.empty(len(keys), np.int64), 0
    lone, alone = np.empty(len(keys), np.int64), 0
    for row in range(len(keys)):
        tag = keys[row] >> np.uint64(32)
        bucket = np.int64(tag) & (buckets - 1)
        group = np.int64(heads[bucket])
        while group != NO_GROUP and names[group] != keys[row]:
            group = np.int64(following[group])
        if group == NO_GROUP:
            behind = used - handles.vacant
            group = handles.free[-1 - behind] if behind < 0 else np.int64(handles.used + behind)
            names[group], tags[group], linked[group], partition[group] = keys[row], tag, True, 0
            following[group], previous[group] = heads[bucket], NO_GROUP
            if heads[bucket] != NO_GROUP:
                previous[heads[bucket]] = group
            heads[bucket] = group
            made[used], first[used] = group, row
            used += 1
        elif sizes[group] == 1:
            lone[alone] = sums[group]
            alone += 1
        of[slots[row]] = group
    for slot in slots:
        sizes[of[slot]] += 1
        sums[of[slot]] += slot
    return made[:used].copy(), first[:used].copy(), lone[:alone].copy()


@compiled
def leave(members: Members, slots: Ints) -> Ints:
    """Take slots out of their groups; returns the group of each that was in one."""
    left, used = np.empty(len(slots), np.int64), 0
    for slot in slots:
        group = members.of[slot] if slot < len(members.of) else NO_GROUP
        if group != NO_GROUP:
            members.sizes[group] -= 1
            members.sums[group] -= slot
            members.of[slot] = NO_GROUP
            left[used] = group
            used += 1
    return left[:used].copy()
