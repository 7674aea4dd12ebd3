"""The inner loops of groups of slots, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.duplicates.kernels_buckets import Chains

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
NO_GROUP = -1


@compiled
def find(chains: Chains, names: Keys, keys: Keys) -> Ints:
    """The groups that have these keys, in a table of one tag per group, the upper half of its key; (n,) int64.

    Args:
        chains: the table, of one shelf.
        names: key by group.
        keys: (n,) sought.

    Returns:
        NO_GROUP where there is none.
    """
    found = np.full(len(keys), np.int64(NO_GROUP))
    for row in range(len(keys)):
        tag = np.int64(keys[row] >> np.uint64(32))
        entry = np.int64(chains.heads[tag & (chains.buckets - 1)])
        while entry != NO_GROUP and names[entry] != keys[row]:
            entry = np.int64(chains.following[entry])
        found[row] = entry
    return found


@compiled
def numbered(keys: Keys, order: Ints) -> tuple[Ints, Ints]:
    """Numbers of distinct keys in ascending order.

    Args:
        keys: (n,).
        order: (n,) that sorts them, equal ones as they stand.

    Returns:
        (n,) number of each, and by number the place of the first key that has it.
    """
    numbers, first, count = np.empty(len(keys), np.int64), np.empty(len(keys), np.int64), 0
    for at in range(len(order)):
        if at == 0 or keys[order[at]] != keys[order[at - 1]]:
            first[count] = order[at]
            count += 1
        numbers[order[at]] = count - 1
    return numbers, first[:count].copy()


@compiled
def join(of: Ints, sizes: Ints, sums: Ints, slots: Ints, groups: Ints) -> None:
    """Put slots, none of which is in a group, into groups.

    Args:
        of: group by slot, written.
        sizes: members by group, written.
        sums: sum of the members' slots by group, written.
        slots: (n,) distinct.
        groups: (n,) theirs.
    """
    for at in range(len(slots)):
        of[slots[at]] = groups[at]
        sizes[groups[at]] += 1
        sums[groups[at]] += slots[at]


@compiled
def leave(of: Ints, sizes: Ints, sums: Ints, slots: Ints) -> Ints:
    """Take slots out of their groups, see `join`; returns the group of each that was in one."""
    left, used = np.empty(len(slots), np.int64), 0
    for slot in slots:
        group = of[slot] if slot < len(of) else NO_GROUP
        if group != NO_GROUP:
            sizes[group] -= 1
            sums[group] -= slot
            of[slot] = NO_GROUP
            left[used] = group
            used += 1
    return left[:used].copy()
