"""Sorted sets of hashes: which of one stand in another."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Hashes = NDArray[np.uint32]
SetNumbers = NDArray[np.int64]
NOWHERE = 1 << 30
"""The depth of a set that nothing holds."""
_BITS = 1 << 14
"""SetNumbers of the table in which elements are told apart; elements are hashes already."""
_MASK = _BITS - 1


class Sets(NamedTuple):
    """Set h is the sorted flat[starts[h] : starts[h] + lengths[h]] of distinct uint32 shingles."""

    flat: Hashes
    starts: SetNumbers
    lengths: SetNumbers

    @classmethod
    def of(cls, sets: Sequence[Hashes]) -> "Sets":
        """Of some sets, numbered as they come."""
        lengths = np.array([len(one) for one in sets], np.int64)
        return cls(np.concatenate([np.zeros(0, np.uint32), *sets]), np.cumsum(lengths) - lengths, lengths)


class Enough(NamedTuple):
    """From which share on, above 0, a set counts as held.

    Args:
        together: of its elements, over all sets that were looked at so far.
        alone: of the elements of the base that one of them has.
        same: as `alone`, where that one is the same thing.
        theirs: whether the base is the other set; else it is the set itself.
    """

    together: float
    alone: float
    same: float
    theirs: bool


@compiled
def mark_shared(own: Hashes, other: Hashes, marks: NDArray[np.bool_]) -> int:
    """Mark which of `own` stand in `other`, and count them; marks that are set already stay.

    Args:
        own: (n,) ascending, distinct.
        other: (m,) ascending, distinct.
        marks: (n,) bool, written.

    >>> marks = np.zeros(3, np.bool_)
    >>> mark_shared(np.array([1, 5, 9], np.uint32), np.array([2, 5, 9, 12], np.uint32), marks), marks.tolist()
    (2, [False, True, True])
    """
    count, left, right = 0, 0, 0
    while left < len(own) and right < len(other):
        if own[left] < other[right]:
            left += 1
        elif own[left] > other[right]:
            right += 1
        else:
            marks[left] = True
            count += 1
            left += 1
            right += 1
    return count


class SetLists(NamedTuple):
    """Lists of sets.

    Args:
        sets: all there are.
        places: (n, m) which of them stand in each list, -1 behind the last.
    """

    sets: Sets
    places: SetNumbers

    @classmethod
    def of(cls, keys: SetNumbers, none: int, look: Callable[[Sequence[int]], Sets]) -> "SetLists":
        """Of lists of keys, each looked up once.

        Args:
            keys: (n, m) what stands in the lists.
            none: the key behind the last; what is looked up for it does not matter.
            look: the sets of some keys.
        """
        distinct, places = np.unique(keys, return_inverse=True)
        return cls(look(distinct.tolist()), np.where(keys == none, -1, places.reshape(keys.shape)))

    def take(self, rows: SetNumbers | slice) -> "SetLists":
        """Some of the lists."""
        return SetLists(self.sets, self.places[rows])


@compiled
def held_at(
    asked: SetLists, lists: SetLists, rows: SetNumbers, slots: SetNumbers, same: NDArray[np.bool_], enough: Enough
) -> SetNumbers:
    """At which depth, from 1, a list of sets holds a set; NOWHERE where it does not, and for a set without elements.

    Most lists have next to nothing of a set: what they all have together is told first, from a table of bits that can
    only have too many, and only where that would be enough are they looked at one by one.

    Args:
        asked: the sets that are looked for, in lists of their own.
        lists: (n, m), where each is looked for: in the list of its row.
        rows: (q,) ascending, the rows of those that are looked for.
        slots: (q,) their slots.
        same: (q, m) bool, where the list has the same thing, whatever is in its set now.
        enough: what counts as held.

    >>> own = SetLists(Sets.of([np.array([1, 2, 3, 4], np.uint32)]), np.array([[0]]))
    >>> other = SetLists(Sets.of([np.array(of, np.uint32) for of in ([1, 9], [2, 8])]), np.array([[0, 1, -1]]))
    >>> first, same = np.zeros(1, np.int64), np.zeros((1, 3), np.bool_)
    >>> held_at(own, other, first, first, same, Enough(0.5, 0.75, 0.3, False)).tolist()
    [2]
    """
    found = np.full(len(rows), NOWHERE, np.int64)
    bits, last = np.zeros(_BITS, np.bool_), -1
    for at in range(len(rows)):
        row = rows[at]
        if row != last:
            _fill(bits, lists, row)
            last = row
        place = asked.places[row, slots[at]]
        size = asked.sets.lengths[place]
        own = asked.sets.flat[asked.sets.starts[place] : asked.sets.starts[place] + size]
        most = 0
        for element in own:
            most += bits[element & _MASK]
        marks = np.zeros(size if _possible(most, size, lists, row, same[at], enough) else 0, np.bool_)
        for slot in range(lists.places.shape[1]):
            place = lists.places[row, slot]
            if place < 0 or len(marks) == 0:
                break
            length = lists.sets.lengths[place]
            start = lists.sets.starts[place]
            shared = mark_shared(own, lists.sets.flat[start : start + length], marks)
            base = length if enough.theirs else size
            least = enough.same if same[at, slot] else enough.alone
            if (base > 0 and shared / base >= least) or marks.sum() / size >= enough.together:
                found[at] = slot + 1
                break
    return found


@compiled
def _fill(bits: NDArray[np.bool_], lists: SetLists, row: int) -> None:
    """Set the bits of all that stands in one list, and no others."""
    bits[:] = False
    for place in lists.places[row]:
        if place < 0:
            break
        start = lists.sets.starts[place]
        for element in lists.sets.flat[start : start + lists.sets.lengths[place]]:
            bits[element & _MASK] = True


@compiled
def _possible(most: int, size: int, lists: SetLists, row: int, same: NDArray[np.bool_], enough: Enough) -> bool:
    """Whether a list that has at most so many of a set's elements can hold it."""
    if most == 0:
        return False
    if most / size >= enough.together:
        return True
    for slot in range(len(same)):
        place = lists.places[row, slot]
        if place < 0:
            break
        base = lists.sets.lengths[place] if enough.theirs else size
        least = enough.same if same[slot] else enough.alone
        if base > 0 and most / base >= least:
            return True
    return False
