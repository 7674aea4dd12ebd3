"""The inner loops of the hash table and of the search for near copies, in numpy: the compiled ones' oracle."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.shingles_numpy import shared

Handles = NDArray[np.int64]
Tags = NDArray[np.uint32]

NONE = -1
"""The end of a chain, and the witness of a set that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """The arrays of a hash table; entry `handle * width + column` is linked into the bucket of its tag and shelf.

    Args:
        heads: (shelves * buckets) int32, the first entry of each bucket; buckets is a power of two.
        tags: uint32 by entry.
        following: int32 by entry, the next one of its chain.
        previous: int32 by entry.
        linked: bool by handle.
        shelf: uint8 by handle.
        width: entries per handle.
        buckets: per shelf.
    """

    heads: NDArray[np.int32]
    tags: Tags
    following: NDArray[np.int32]
    previous: NDArray[np.int32]
    linked: NDArray[np.bool_]
    shelf: NDArray[np.uint8]
    width: int
    buckets: int

    def entries(self, handles: Handles) -> Handles:
        """All entries of some handles."""
        made: Handles = (handles[:, None] * self.width + np.arange(self.width)).ravel()
        return made

    def bucket(self, tags: Tags, shelf: NDArray[np.uint8] | np.uint8) -> Handles:
        """Where in `heads` tags hang."""
        made: Handles = (tags & np.uint32(self.buckets - 1)).astype(np.int64) + shelf * np.int64(self.buckets)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Set h is the sorted flat[starts[h] : starts[h] + lengths[h]] of distinct uint32 shingles."""

    flat: NDArray[np.uint32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Who is alike?

    Args:
        asking: (n,) handles of sets.
        bands: (n, width) their bands.
        shelf: where to look for candidates.
        to_the_end: look at all candidates, also once a witness is found, and vouch for those that have none.
        threshold: the least Jaccard similarity.
    """

    asking: Handles
    bands: Tags
    shelf: int
    to_the_end: bool
    threshold: float


@dataclass(frozen=True, slots=True)
class Kernels:
    """The inner loops, in numba or numpy. Chains and witnesses may differ in order; who has a witness may not.

    Args:
        name: `numba` or `numpy`.
        link: (chains, entries) hangs entries, whose tags and shelves are set, in front of their chains.
        unlink: (chains, handles) takes distinct linked handles out of their chains.
        search: (chains, sets, witness, question) finds a witness for each asking set that has none, in place;
            returns the candidates that got one themselves.
    """

    name: str
    link: Callable[[Chains, Handles], None]
    unlink: Callable[[Chains, Handles], None]
    search: Callable[[Chains, Sets, Handles, Question], Handles]


def link(chains: Chains, entries: Handles) -> None:
    """See `Kernels`. The entries of one bucket become a run of its chain."""
    buckets = chains.bucket(chains.tags[entries], chains.shelf[entries // chains.width])
    order = np.argsort(buckets, kind="stable")
    entries, buckets = entries[order], buckets[order]
    edge, one = buckets[1:] != buckets[:-1], np.ones(min(1, len(entries)), np.bool_)
    first, last = np.concatenate((one, edge)), np.concatenate((edge, one))
    old = chains.heads[buckets]
    chains.following[entries] = np.where(last, old, np.roll(entries, -1))
    chains.previous[entries] = np.where(first, NONE, np.roll(entries, 1))
    behind = last & (old != NONE)
    chains.previous[old[behind]] = entries[behind]
    chains.heads[buckets[first]] = entries[first]


def unlink(chains: Chains, handles: Handles) -> None:
    """See `Kernels`. The successor that stays is found by pointer doubling; a run's first closes the gap."""
    entries = np.sort(chains.entries(handles))
    chains.linked[handles] = False
    before, after = chains.previous[entries], chains.following[entries]
    while True:
        leaving = np.flatnonzero((after != NONE) & ~chains.linked[after // chains.width])
        if not len(leaving):
            break
        after[leaving] = after[np.searchsorted(entries, after[leaving])]
    first = (before == NONE) | chains.linked[before // chains.width]
    entries, before, after = entries[first], before[first], after[first]
    head = before == NONE
    heads = entries[head]
    chains.heads[chains.bucket(chains.tags[heads], chains.shelf[heads // chains.width])] = after[head]
    chains.following[before[~head]] = after[~head]
    follows = after != NONE
    chains.previous[after[follows]] = before[follows]


def matches(
    chains: Chains, tags: Tags, shelf: int, wanted: NDArray[np.bool_] | None = None
) -> Iterator[tuple[Handles, Handles]]:
    """Rounds of (index into `tags`, handle with an equal tag); a pair may come more than once.

    Args:
        chains: the table.
        tags: (n, width) uint32. A round holds at most n * width pairs.
        shelf: where to look.
        wanted: (n,) bool, read before each round: rows that the caller has cleared are not walked any further.
    """
    sought = tags.ravel()
    asking = np.repeat(np.arange(len(tags)), chains.width)
    at = chains.heads[chains.bucket(sought, np.uint8(shelf))]
    while len(at):
        alive = at != NONE if wanted is None else (at != NONE) & wanted[asking]
        at, asking, sought = at[alive], asking[alive], sought[alive]
        found = chains.tags[at] == sought
        if found.any():
            yield asking[found], at[found].astype(np.int64) // chains.width
        at = chains.following[at]


def search(chains: Chains, sets: Sets, witness: Handles, question: Question) -> Handles:
    """See `Kernels`. All chains are walked at once; sets that are content drop out."""
    met, asking = [np.zeros(0, np.int64)], question.asking
    wanted = np.ones(len(asking), np.bool_) if question.to_the_end else witness[asking] == NONE
    for at, others in matches(chains, question.bands, question.shelf, wanted):
        alone = witness[asking[at]] == NONE
        if question.to_the_end:
            alone |= witness[others] == NONE
        left, right = _alike(sets, asking[at[alone]], others[alone], question.threshold)
        witness[left] = right
        if question.to_the_end:
            met.append(right[witness[right] == NONE])
            witness[right] = left
        else:
            wanted &= witness[asking] == NONE
    return np.unique(np.concatenate(met))


def _alike(sets: Sets, left: Handles, right: Handles, threshold: float) -> tuple[Handles, Handles]:
    """The distinct pairs of near copies among these pairs."""
    lengths, others = sets.lengths[left], sets.lengths[right]
    possible = (left != right) & (np.minimum(lengths, others) / np.maximum(lengths, others) >= threshold)
    pairs = np.unique(left[possible] << 32 | right[possible])
    left, right = pairs >> 32, pairs & 0xFFFFFFFF
    common = shared(sets.flat, sets.starts, sets.lengths, left, right)
    near = common / (sets.lengths[left] + sets.lengths[right] - common) >= threshold
    return left[near], right[near]


NUMPY = Kernels("numpy", link, unlink, search)
