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
_ROOM, _MOST = 6, 1 << 16
"""Bits of a sieve by elements of its list, at least, and at most: six leave six of seven free, so that a
list's texts may have something of each other."""
_ONE = np.uint64(1)


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


class Sieves(NamedTuple):
    """Tables of bits, a list of sets each, by which most elements are told that stand in none of them.

    Args:
        bits: (N, w) uint64, 64 w a power of two. Whatever stands in a list has its bit set.
        of: (n,) int64, which of them is the table of each list.
        loose: whether what once stood there may have its bit set too.
    """

    bits: NDArray[np.uint64]
    of: SetNumbers
    loose: bool

    @staticmethod
    def words(lists: SetLists) -> int:
        """How many words each table should have where lists are like these."""
        elements = int(lists.sets.lengths[lists.places[lists.places >= 0]].sum()) // max(1, len(lists.places))
        return 1 << (min(max(64, _ROOM * elements), _MOST) - 1).bit_length() - 6


@compiled
def sift(sieves: Sieves, lists: SetLists) -> None:
    """Set the bits of all that stands in some lists; the tables are written to."""
    for row in range(len(sieves.of)):
        for place in lists.places[row]:
            if place < 0:
                break
            sift_one(sieves.bits[sieves.of[row]], lists.sets, place)


@compiled
def sift_one(bits: NDArray[np.uint64], sets: Sets, place: int) -> None:
    """Set the bits of one set."""
    last = np.uint32(64 * len(bits) - 1)
    for element in sets.flat[sets.starts[place] : sets.starts[place] + sets.lengths[place]]:
        bit = element & last
        bits[bit >> np.uint32(6)] |= _ONE << np.uint64(bit & np.uint32(63))


@compiled
def _passing(bits: NDArray[np.uint64], elements: Hashes) -> int:
    """How many of some elements have their bit set."""
    count, last = 0, np.uint32(64 * len(bits) - 1)
    for element in elements:
        bit = element & last
        count += int((bits[bit >> np.uint32(6)] >> np.uint64(bit & np.uint32(63))) & _ONE)
    return count


@compiled
def held_at(
    asked: SetLists,
    lists: SetLists,
    sieves: Sieves,
    slots: tuple[SetNumbers, SetNumbers],
    same: NDArray[np.bool_],
    enough: Enough,
) -> SetNumbers:
    """At which depth, from 1, a list of sets holds a set; NOWHERE where it does not, and for a set without elements.

    Most lists have next to nothing of a set: what they all have together is told first, from their sieves, which can
    only let too much pass, and only where that would be enough are they looked at one by one.

    Args:
        asked: the sets that are looked for, in lists of their own.
        lists: (n, m), where each is looked for: in the list of its row.
        sieves: of the lists; a loose one by which a set could be held is made anew, of what stands there now.
        slots: rows of the q sets that are looked for, ascending, and their slots.
        same: (q, m) bool, where the list has the same thing, whatever is in its set now.
        enough: what counts as held.

    >>> own = SetLists(Sets.of([np.array([1, 2, 3, 4], np.uint32)]), np.array([[0]]))
    >>> other = SetLists(Sets.of([np.array(of, np.uint32) for of in ([1, 9], [2, 8])]), np.array([[0, 1, -1]]))
    >>> first, same = np.zeros(1, np.int64), np.zeros((1, 3), np.bool_)
    >>> sieves = Sieves(np.zeros((1, Sieves.words(other)), np.uint64), first, False)
    >>> sift(sieves, other)
    >>> held_at(own, other, sieves, (first, first), same, Enough(0.5, 0.75, 0.3, False)).tolist()
    [2]
    """
    rows, of = slots
    found, last = np.full(len(rows), NOWHERE, np.int64), -1
    table = np.empty(sieves.bits.shape[1], np.uint64)
    last_bit = np.uint32(64 * len(table) - 1)
    for at in range(len(rows)):
        row = rows[at]
        place = asked.places[row, of[at]]
        size, start = asked.sets.lengths[place], asked.sets.starts[place]
        own, bits = asked.sets.flat[start : start + size], sieves.bits[sieves.of[row]]
        can = _possible(_passing(bits, own), own, lists, row, same[at], enough)
        if can and sieves.loose and row != last:
            bits[:] = 0
            for one in lists.places[row]:
                if one < 0:
                    break
                sift_one(bits, lists.sets, one)
            last = row
            can = _possible(_passing(bits, own), own, lists, row, same[at], enough)
        if not can:
            continue
        marks, marked = np.zeros(size, np.bool_), 0
        table[:] = 0
        sift_one(table, asked.sets, place)
        for slot in range(lists.places.shape[1]):
            place = lists.places[row, slot]
            if place < 0:
                break
            length, start, shared = lists.sets.lengths[place], lists.sets.starts[place], 0
            for element in lists.sets.flat[start : start + length]:
                bit = element & last_bit
                if (table[bit >> np.uint32(6)] >> np.uint64(bit & np.uint32(63))) & _ONE:  # few do, of other texts
                    mark = np.searchsorted(own, element)
                    if mark < size and own[mark] == element:
                        shared += 1
                        marked += not marks[mark]
                        marks[mark] = True
            base = length if enough.theirs else size
            least = enough.same if same[at, slot] else enough.alone
            if (base > 0 and shared / base >= least) or marked / size >= enough.together:
                found[at] = slot + 1
                break
    return found


@compiled
def _possible(most: int, own: Hashes, lists: SetLists, row: int, same: NDArray[np.bool_], enough: Enough) -> bool:
    """Whether a list that has at most so many of a set's elements can hold it; the same thing itself is looked at."""
    if most == 0:
        return False
    if most / len(own) >= enough.together:
        return True
    for slot in range(len(same)):
        place = lists.places[row, slot]
        if place < 0:
            break
        start, length = lists.sets.starts[place], lists.sets.lengths[place]
        base = length if enough.theirs else len(own)
        shared = most
        if same[slot] and base > 0 and most / base >= enough.same:
            shared = mark_shared(own, lists.sets.flat[start : start + length], np.zeros(len(own), np.bool_))
        if base > 0 and shared / base >= (enough.same if same[slot] else enough.alone):
            return True
    return False
