"""The inner loops of the hash table and of the search for near copies, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import Sets

Handles = NDArray[np.int64]
Tags = NDArray[np.uint32]

NONE = -1
"""The end of a chain, and the witness of a set that has none."""
WAITING, MATCHED = 0, 1
"""Shelves: sets without and with a witness."""
_PLACES = 1 << 12
"""Places by which shingles are told apart before they are compared."""
_LAST = np.uint32(_PLACES - 1)


class Chains(NamedTuple):
    """The arrays of a hash table; entry `handle * width + column` is linked into the bucket of its tag and partition.

    Args:
        heads: (shelves * buckets) int32, the first entry of each bucket; buckets is a power of two.
        tags: uint32 by entry.
        following: int32 by entry, the next one of its chain.
        previous: int32 by entry.
        linked: bool by handle.
        partition: uint8 by handle.
        width: entries per handle.
        buckets: per partition.
    """

    heads: NDArray[np.int32]
    tags: Tags
    following: NDArray[np.int32]
    previous: NDArray[np.int32]
    linked: NDArray[np.bool_]
    partition: NDArray[np.uint8]
    width: int
    buckets: int

    def entries(self, handles: Handles) -> Handles:
        """All entries of some handles."""
        made: Handles = (handles[:, None] * self.width + np.arange(self.width)).ravel()
        return made

    def bucket(self, tags: Tags, partition: NDArray[np.uint8] | np.uint8) -> Handles:
        """Where in `heads` tags hang."""
        made: Handles = (tags & np.uint32(self.buckets - 1)).astype(np.int64) + partition * np.int64(self.buckets)
        return made


class Question(NamedTuple):
    """Who is alike?

    Args:
        asking: (n,) handles of sets.
        bands: (n, width) their bands.
        partition: where to look for candidates.
        threshold: the least Jaccard similarity.
    """

    asking: Handles
    bands: Tags
    partition: int
    threshold: float


@compiled
def link(chains: Chains, handles: Handles) -> None:
    """Hang the entries of handles, whose tags and shelves are set, in front of their chains."""
    heads, tags, following, previous, _, partition, width, buckets = chains
    for handle in handles:
        shelf = np.int64(partition[handle]) * buckets
        for entry in range(handle * width, (handle + 1) * width):
            bucket = (np.int64(tags[entry]) & (buckets - 1)) + shelf
            old = heads[bucket]
            following[entry], previous[entry] = old, NONE
            if old != NONE:
                previous[old] = entry
            heads[bucket] = entry


@compiled
def unlink(chains: Chains, handles: Handles) -> None:
    """Take distinct linked handles out of their chains."""
    heads, tags, following, previous, linked, partition, width, buckets = chains
    for at in range(len(handles)):
        linked[handles[at]] = False
        for entry in range(handles[at] * width, (handles[at] + 1) * width):
            before, after = previous[entry], following[entry]
            if before == NONE:
                heads[(np.int64(tags[entry]) & (buckets - 1)) + np.int64(partition[handles[at]]) * buckets] = after
            else:
                following[before] = after
            if after != NONE:
                previous[after] = before


@compiled
def move(chains: Chains, handles: Handles, partition: int) -> None:
    """Put distinct linked handles on a shelf."""
    moving, used = np.empty(len(handles), np.int64), 0
    for handle in handles:
        moving[used] = handle
        used += chains.partition[handle] != partition
    unlink(chains, moving[:used])
    for handle in moving[:used]:
        chains.linked[handle], chains.partition[handle] = True, partition
    link(chains, moving[:used])


@compiled
def lying(sets: Sets, handles: Handles, slots: Handles) -> tuple[Handles, Handles, Handles]:
    """Where the sets of slots lie.

    Args:
        sets: by handle.
        handles: by slot, NONE for none.
        slots: (n,) int64, NONE behind the end of a list; another one below 0 has no set.

    Returns:
        (n,) start and length of each, 0 where there is none, and its number among the n, NONE behind the end.
    """
    starts, lengths, places = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64), np.arange(len(slots))
    for at in range(len(slots)):
        if slots[at] == NONE:
            places[at] = NONE
        handle = handles[slots[at]] if slots[at] >= 0 else NONE
        if handle != NONE:
            starts[at], lengths[at] = sets.starts[handle], sets.lengths[handle]
    return starts, lengths, places


@compiled
def common(sets: Sets, left: Handles, right: Handles) -> NDArray[np.int64]:
    """How many shingles the sets left[i] and right[i] share; (p,) int64."""
    flat, starts, lengths = sets
    made, most = np.zeros(len(left), np.int64), 0
    for handle in left:
        most = max(most, lengths[handle])
    seen, maybe = np.empty(_PLACES, np.bool_), np.empty(most + 1, np.uint32)
    for pair in range(len(left)):
        at, to = starts[left[pair]], starts[right[pair]]
        end, stop = at + lengths[left[pair]], to + lengths[right[pair]]
        # which of the left ones can be there at all: most that are not are told by their last bits
        seen[:] = False
        for place in range(to, stop):
            seen[flat[place] & _LAST] = True
        count = 0
        for place in range(at, end):
            maybe[count] = flat[place]
            count += seen[flat[place] & _LAST]
        common = at = 0
        step = (stop - to) // 8  # few are left of two texts that share nothing: most of the other set is passed over
        while at < count and to < stop:
            first = maybe[at]
            while to + step + 1 < stop and flat[to + step] < first:
                to += step + 1
            second = flat[to]
            common += first == second
            at += first <= second
            to += second <= first
        made[pair] = common
    return made


@compiled
def _alike(ours: Sets, left: np.int64, theirs: Sets, right: np.int64, threshold: float) -> bool:
    """Whether the exact Jaccard similarity reaches the threshold: one merge of two sorted sets, given up as soon as
    what is left cannot reach it. J >= t asks for t / (1 + t) (|x| + |y|) in common; one less is safe from rounding.
    """
    one, other = ours.lengths[left], theirs.lengths[right]
    if min(one, other) / max(one, other) < threshold:
        return False
    at, to = ours.starts[left], theirs.starts[right]
    end, stop = at + one, to + other
    common, least = 0, int(threshold / (1.0 + threshold) * (one + other)) - 1
    while at < end and to < stop:
        if common + min(end - at, stop - to) < least:
            return False
        first, second = ours.flat[at], theirs.flat[to]
        common += first == second
        at += first <= second
        to += second <= first
    return bool(common / (one + other - common) >= threshold)


@compiled
def near(sets: Sets, left: Handles, right: Handles, threshold: float) -> NDArray[np.bool_]:
    """Whether the exact Jaccard similarity of the sets left[i] and right[i] reaches the threshold; (p,) bool."""
    found = np.zeros(len(left), np.bool_)
    for pair in range(len(left)):
        found[pair] = _alike(sets, left[pair], sets, right[pair], threshold)
    return found


@compiled
def search(chains: Chains, sets: Sets, witness: Handles, question: Question) -> None:
    """Find a witness for each asking set that has none, in place."""
    heads, tags, following, _, _, _, width, buckets = chains
    asking, bands, partition, threshold = question
    for row in range(len(asking)):
        own = asking[row]
        for band in range(width):
            if witness[own] != NONE:
                break
            tag = bands[row, band]
            entry = np.int64(heads[(np.int64(tag) & (buckets - 1)) + partition * buckets])
            while entry != NONE:
                if (
                    tags[entry] == tag
                    and entry // width != own
                    and _alike(sets, own, sets, entry // width, threshold)
                ):
                    witness[own] = entry // width
                    break
                entry = np.int64(following[entry])


@compiled
def meet(sets: Sets, witness: Handles, asking: Handles, bands: Tags, threshold: float) -> None:
    """Find a witness for each asking set that has none among those that come with it.

    A table of their own is small, and who was there before has been looked at.

    Args:
        sets: by handle.
        witness: by handle, written.
        asking: (n,) handles.
        bands: (n, width) their bands.
        threshold: the least Jaccard similarity.
    """
    count, width = bands.shape
    size = 16
    while size < count * width:
        size *= 2
    heads, following = np.full(size, np.int32(NONE)), np.empty(count * width, np.int32)
    tags = bands.ravel()
    for place in range(len(tags)):
        bucket = np.int64(tags[place]) & (size - 1)
        following[place], heads[bucket] = heads[bucket], place
    for row in range(count):
        own = asking[row]
        for tag in bands[row]:
            if witness[own] != NONE:
                break
            entry = np.int64(heads[np.int64(tag) & (size - 1)])
            while entry != NONE:
                other = asking[entry // width]
                if tags[entry] == tag and other != own and _alike(sets, own, sets, other, threshold):
                    witness[own] = other
                    break
                entry = np.int64(following[entry])


@compiled
def take(chains: Chains, sets: Sets, witness: Handles, fresh: Handles, bands: Tags, threshold: float) -> Handles:
    """Link new sets, each with a witness where there is one; sets that waited for one get theirs.

    Args:
        chains: the table, with room for them, of two shelves: sets without and with a witness.
        sets: by handle.
        witness: by handle, written.
        fresh: (n,) handles.
        bands: (n, width) their bands.
        threshold: the least Jaccard similarity.

    Returns:
        The sets that waited and have a witness now; they are to be moved to the other shelf.
    """
    heads, tags, following, _, linked, partition, width, buckets = chains
    met, used = np.empty(len(witness), np.int64), 0  # memory that nobody writes costs nothing
    entries, after = np.empty((2, width), np.int64), np.empty((2, width), np.int64)
    found = np.empty((2, width), np.uint32)
    for row in range(len(fresh)):
        own = fresh[row]
        # the beginnings of all chains are asked for at once: each alone would wait for the memory
        for shelf in range(2):
            for band in range(width):
                entries[shelf, band] = heads[(np.int64(bands[row, band]) & (buckets - 1)) + shelf * buckets]
        for shelf in range(2):
            for band in range(width):
                place = max(entries[shelf, band], 0)
                found[shelf, band], after[shelf, band] = tags[place], following[place]
        for shelf in range(2):
            for band in range(width):
                if shelf == MATCHED and witness[own] != NONE:
                    break
                entry, tag, later = entries[shelf, band], found[shelf, band], after[shelf, band]
                while entry != NONE:
                    other = entry // width
                    waits = shelf == WAITING and witness[other] == NONE
                    asked = tag == bands[row, band] and (waits or witness[own] == NONE)
                    if asked and _alike(sets, own, sets, other, threshold):
                        witness[own] = other
                        if shelf == MATCHED:
                            break
                        if waits:
                            witness[other] = own
                            met[used] = other
                            used += 1
                    entry = later
                    place = max(entry, 0)
                    tag, later = tags[place], np.int64(following[place])
    meet(sets, witness, fresh, bands, threshold)
    for row in range(len(fresh)):
        own = fresh[row]
        tags[own * width : (own + 1) * width] = bands[row]
        linked[own], partition[own] = True, WAITING if witness[own] == NONE else MATCHED
    link(chains, fresh)
    return met[:used].copy()


@compiled
def clients(chains: Chains, gone: Handles) -> Handles:
    """The handles, of a table of one tag per handle, that have one of these as their tag and are none of these.

    Args:
        chains: the table, of one shelf.
        gone: (n,) ascending.
    """
    found, used = np.empty(16, np.int64), 0
    for handle in gone:
        tag = np.uint32(handle)
        entry = np.int64(chains.heads[np.int64(tag) & (chains.buckets - 1)])
        while entry != NONE:
            if chains.tags[entry] == tag:
                place = np.searchsorted(gone, entry)
                if place == len(gone) or gone[place] != entry:
                    if used == len(found):
                        found = np.concatenate((found, np.empty(used, np.int64)))
                    found[used] = entry
                    used += 1
            entry = np.int64(chains.following[entry])
    return found[:used].copy()


@compiled
def holds(chains: Chains, sets: Sets, asked: Sets, question: Question, found: NDArray[np.bool_]) -> None:
    """Mark which of some sets that need not be in the table have a near copy in it.

    Args:
        chains: the table.
        sets: of its handles.
        asked: the sets asked about, none of them empty, by their places in `question.asking`.
        question: who is alike; the search ends with the first that is.
        found: (n,) bool, written; what is marked already is not looked for.
    """
    heads, tags, following, _, _, _, width, buckets = chains
    asking, bands, partition, threshold = question
    for row in range(len(asking)):
        for band in range(width):
            if found[row]:
                break
            tag = bands[row, band]
            entry = np.int64(heads[(np.int64(tag) & (buckets - 1)) + partition * buckets])
            while entry != NONE:
                if tags[entry] == tag and _alike(asked, asking[row], sets, entry // width, threshold):
                    found[row] = True
                    break
                entry = np.int64(following[entry])


@compiled
def meets(chains: Chains, tags: Tags, partition: int) -> NDArray[np.bool_]:
    """Whether some entry of a table of one tag per handle has each of these; (n,) bool."""
    found = np.zeros(len(tags), np.bool_)
    for row in range(len(tags)):
        tag = tags[row]
        entry = np.int64(chains.heads[(np.int64(tag) & (chains.buckets - 1)) + partition * chains.buckets])
        while entry != NONE and not found[row]:
            found[row] = chains.tags[entry] == tag
            entry = np.int64(chains.following[entry])
    return found


@compiled
def locate(
    chains: Chains, tags: Tags, sets: Handles, names: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> Handles:
    """The entry, of a table of one tag per entry, that has this tag and is of the set with this name; (n,) int64.

    Args:
        chains: the table, of two shelves.
        tags: (n,) of each set sought, one.
        sets: by entry.
        names: by set.
        wanted: (n,) names of the sets sought.

    Returns:
        NONE where there is no such entry.
    """
    found = np.full(len(tags), np.int64(NONE))
    for row in range(len(tags)):
        for partition in range(2):
            tag = tags[row]
            entry = np.int64(chains.heads[(np.int64(tag) & (chains.buckets - 1)) + partition * chains.buckets])
            while entry != NONE and found[row] == NONE:
                if chains.tags[entry] == tag and names[sets[entry]] == wanted[row]:
                    found[row] = entry
                entry = np.int64(chains.following[entry])
    return found


@compiled
def first_alike(chains: Chains, sets: Sets, owner: Handles, witness: Handles, question: Question) -> None:
    """Find a witness for each asking set that has none, in place, in a table of one tag per entry.

    Args:
        chains: the table.
        sets: by set.
        owner: the set of each entry.
        witness: by set, written.
        question: one row per tag of an asking set.
    """
    asking, bands, partition, threshold = question
    for row in range(len(asking)):
        own, tag = asking[row], bands[row]
        if witness[own] != NONE:
            continue
        entry = np.int64(chains.heads[(np.int64(tag) & (chains.buckets - 1)) + partition * chains.buckets])
        while entry != NONE:
            other = owner[entry]
            if chains.tags[entry] == tag and other != own and _alike(sets, own, sets, other, threshold):
                witness[own] = other
                break
            entry = np.int64(chains.following[entry])
