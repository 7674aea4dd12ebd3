"""Texts known by their content, and which of them are near copies, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.kernels_keys import NONE, find

ContentNumbers = NDArray[np.int64]
ROUNDING = 1e-9
"""What a sum of two floats may be off, and more."""
_TWOS, _FOURS, _EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_SUM = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _TOP = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Width(NamedTuple):
    """Sketches of one width, by place.

    Args:
        bits: (n, w) uint64, so that the words of a sketch stand together; 64 w is a power of two.
        hidden: (n,) int64, shingles that share their bit with another one of the set.
    """

    bits: NDArray[np.uint64]
    hidden: NDArray[np.int64]


class KnownTexts(NamedTuple):
    """Sets of shingles by place, none of them empty; place 0 holds none.

    Args:
        heads: places by content, see `kernels_keys`.
        contents: (n,) int64.
        sets: their shingles.
        few: short sketches, looked at first.
        every: long ones.
    """

    heads: NDArray[np.int32]
    contents: ContentNumbers
    sets: Sets
    few: Width
    every: Width


@compiled
def unknown(known: KnownTexts, contents: ContentNumbers, texts: SetLists) -> tuple[NDArray[np.int64], int]:
    """The slots, numbered row by row, of contents that have shingles and are not known, and their shingles in all.

    Args:
        known: what is known.
        contents: (R, m) int64, NONE for nothing.
        texts: the shingles of the same slots.
    """
    slots, count, total = np.empty(contents.size, np.int64), 0, 0
    for row in range(contents.shape[0]):
        for slot in range(contents.shape[1]):
            place = texts.places[row, slot]
            if contents[row, slot] == NONE or place < 0 or texts.sets.lengths[place] == 0:
                continue
            if find(known.heads, known.contents, contents[row, slot]) == NONE:
                slots[count] = row * contents.shape[1] + slot
                total += texts.sets.lengths[place]
                count += 1
    return slots[:count].copy(), total


@compiled
def take_in(
    known: KnownTexts, ends: tuple[int, int], slots: NDArray[np.int64], contents: ContentNumbers, texts: SetLists
) -> tuple[int, int]:
    """Enter contents with their shingles and sketches behind what is known; each once.

    Args:
        known: what is known, with room enough; is written to.
        ends: behind the last place and behind the last shingle that are taken.
        slots: of `unknown`.
        contents: as there.
        texts: as there.

    Returns:
        The ends then.
    """
    (used, end), mask = ends, len(known.heads) - 1
    for slot in slots[::-1]:  # of several that say the same, the last one is asked what
        row, column = slot // contents.shape[1], slot % contents.shape[1]
        content, place = contents[row, column], texts.places[row, column]
        at = content & mask
        while known.heads[at] != NONE and known.contents[known.heads[at]] != content:
            at = (at + 1) & mask
        if known.heads[at] != NONE:
            continue
        known.heads[at], known.contents[used] = used, content
        start, size = texts.sets.starts[place], texts.sets.lengths[place]
        known.sets.starts[used], known.sets.lengths[used] = end, size
        for one in range(size):
            known.sets.flat[end + one] = texts.sets.flat[start + one]
        own = known.sets.flat[end : end + size]
        _sketch(own, used, known.few)
        _sketch(own, used, known.every)
        used, end = used + 1, end + size
    return used, end


@compiled
def _sketch(shingles: NDArray[np.uint32], place: int, width: Width) -> None:
    """Write the sketch of a set at a place that is empty yet."""
    last, shared = np.uint32(64 * width.bits.shape[1] - 1), 0
    for shingle in shingles:
        bit = shingle & last
        word, mark = bit >> np.uint32(6), _ONE << np.uint64(bit & np.uint32(63))
        shared += (width.bits[place, word] & mark) != 0
        width.bits[place, word] |= mark
    width.hidden[place] = shared


@compiled
def common_at_most(width: Width, left: int, right: int) -> int:
    """How many shingles two sets have in common at most, by their sketches."""
    bits, hidden = width
    common = min(hidden[left], hidden[right])
    for word in range(bits.shape[1]):
        ones = bits[left, word] & bits[right, word]
        ones -= (ones >> _ONE) & _TWOS
        ones = (ones & _FOURS) + ((ones >> _TWO) & _FOURS)
        ones = (ones + (ones >> _FOUR)) & _EIGHTS
        common += np.int64((ones * _SUM) >> _TOP)
    return int(common)


@compiled
def least_shared(sizes: NDArray[np.int64], left: int, right: int, threshold: float) -> float:
    """How many shingles two sets must have in common: |x n y| >= t |x u y| asks for t / (1 + t) (|x| + |y|)."""
    return float(threshold / (1.0 + threshold) * (sizes[left] + sizes[right]) - ROUNDING)


@compiled
def alike(known: KnownTexts, left: int, right: int, threshold: float) -> bool:
    """Whether the sets at two places, none of them empty, have at least this Jaccard similarity, in (0, 1].

    They are walked through only where their sketches allow it, and no further than what is left can be enough.
    """
    least = least_shared(known.sets.lengths, left, right, threshold)
    if common_at_most(known.every, left, right) < least:
        return False
    flat, starts, lengths = known.sets
    shared, at, to = 0, starts[left], starts[right]
    end, until = at + lengths[left], to + lengths[right]
    while at < end and to < until and shared + min(end - at, until - to) >= least:
        if flat[at] < flat[to]:
            at += 1
        elif flat[at] > flat[to]:
            to += 1
        else:
            shared, at, to = shared + 1, at + 1, to + 1
    return bool(shared >= least and shared / (lengths[left] + lengths[right] - shared) >= threshold)


@compiled
def linked(known: KnownTexts, contents: ContentNumbers, threshold: float) -> ContentNumbers:
    """(R, m) the content of the first slot that each is linked with, by equal contents or likeness, over others too.

    Args:
        known: what is known; other contents are like themselves alone.
        contents: (R, m) int64, NONE for nothing.
        threshold: the least similarity.
    """
    made, slots, sizes = contents.copy(), contents.shape[1], known.sets.lengths
    first, places = np.empty(slots, np.int64), np.empty(slots, np.int64)
    for row in range(len(contents)):
        joined = False
        for slot in range(slots):
            first[slot], places[slot] = slot, NONE
            if contents[row, slot] == NONE:
                continue
            for earlier in range(slot):
                if contents[row, earlier] == contents[row, slot]:
                    first[slot] = earlier
                    break
            if first[slot] == slot:  # of equal ones the first speaks for all
                places[slot] = find(known.heads, known.contents, contents[row, slot])
        for right in range(slots):
            for left in range(right if places[right] != NONE else 0):
                if places[left] == NONE:
                    continue
                least = least_shared(sizes, places[left], places[right], threshold)
                if common_at_most(known.few, places[left], places[right]) < least:
                    continue
                one, other = _root(first, left), _root(first, right)
                if one != other and alike(known, places[left], places[right], threshold):
                    first[max(one, other)] = min(one, other)
                    joined = True
        for slot in range(slots if joined else 0):
            made[row, slot] = contents[row, _root(first, slot)]
    return made


@compiled
def linked_sides(
    known: KnownTexts, then: ContentNumbers, now: ContentNumbers, threshold: float
) -> tuple[ContentNumbers, ContentNumbers]:
    """(R, k) and (R, m), as `linked` of the slots of both sides of a row; rows of equal sides stay as they are."""
    before, after = then.copy(), now.copy()
    both = np.empty((1, then.shape[1] + now.shape[1]), np.int64)
    for row in range(len(then)):
        if then.shape[1] == now.shape[1] and np.all(then[row] == now[row]):
            continue
        both[0, : then.shape[1]], both[0, then.shape[1] :] = then[row], now[row]
        found = linked(known, both, threshold)
        before[row], after[row] = found[0, : then.shape[1]], found[0, then.shape[1] :]
    return before, after


@compiled
def _root(first: NDArray[np.int64], slot: int) -> int:
    """The first slot that one is linked with."""
    while first[slot] != slot:
        slot = first[slot]
    return slot
