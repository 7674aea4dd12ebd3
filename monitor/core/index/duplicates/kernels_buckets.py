"""The kernels of the hash table and of the search for near copies, compiled by numba where it is installed."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import COMPILES, compiled
from monitor.core.index.duplicates.buckets_numpy import NONE, NUMPY, Chains, Handles, Kernels, Question, Sets, Tags

Arrays = tuple[NDArray[np.int32], Tags, NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8], int, int]
SetArrays = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]


@compiled
def _link(chains: Arrays, entries: Handles) -> None:
    heads, tags, following, previous, shelf, width, buckets = chains
    for at in range(len(entries)):
        entry = entries[at]
        bucket = (np.int64(tags[entry]) & (buckets - 1)) + np.int64(shelf[entry // width]) * buckets
        old = heads[bucket]
        following[entry], previous[entry] = old, NONE
        if old != NONE:
            previous[old] = entry
        heads[bucket] = entry


@compiled
def _unlink(chains: Arrays, entries: Handles) -> None:
    heads, tags, following, previous, shelf, width, buckets = chains
    for at in range(len(entries)):
        entry = entries[at]
        before, after = previous[entry], following[entry]
        if before == NONE:
            heads[(np.int64(tags[entry]) & (buckets - 1)) + np.int64(shelf[entry // width]) * buckets] = after
        else:
            following[before] = after
        if after != NONE:
            previous[after] = before


@compiled
def _alike(sets: SetArrays, left: np.int64, right: np.int64, threshold: float) -> bool:
    """Whether the exact Jaccard similarity reaches the threshold: one merge of two sorted sets, given up as soon as
    what is left cannot reach it. J >= t asks for t / (1 + t) (|x| + |y|) in common; one less is safe from rounding.
    """
    flat, starts, lengths = sets
    one, other = lengths[left], lengths[right]
    if min(one, other) / max(one, other) < threshold:
        return False
    at, to = starts[left], starts[right]
    end, stop = at + one, to + other
    common, least = 0, int(threshold / (1.0 + threshold) * (one + other)) - 1
    while at < end and to < stop:
        if common + min(end - at, stop - to) < least:
            return False
        first, second = flat[at], flat[to]
        common += first == second
        at += first <= second
        to += second <= first
    return bool(common / (one + other - common) >= threshold)


@compiled
def _search(
    chains: Arrays, sets: SetArrays, witness: Handles, asked: tuple[Handles, Tags], how: tuple[int, bool, float]
) -> NDArray[np.bool_]:
    heads, tags, following, _, _, width, buckets = chains
    asking, bands = asked
    shelf, to_the_end, threshold = how
    met = np.zeros(len(witness), np.bool_)
    for row in range(len(asking)):
        own = asking[row]
        for band in range(width):
            if not to_the_end and witness[own] != NONE:
                break
            tag = bands[row, band]
            entry = np.int64(heads[(np.int64(tag) & (buckets - 1)) + shelf * buckets])
            while entry != NONE:
                if tags[entry] == tag:
                    other = entry // width
                    alone = witness[own] == NONE
                    waiting = to_the_end and witness[other] == NONE
                    if other != own and (alone or waiting) and _alike(sets, own, other, threshold):
                        witness[own] = other
                        if not to_the_end:
                            break
                        if waiting:
                            witness[other] = own
                            met[other] = True
                entry = np.int64(following[entry])
    return met


def _arrays(chains: Chains) -> Arrays:
    return (
        chains.heads,
        chains.tags,
        chains.following,
        chains.previous,
        chains.shelf,
        chains.width,
        chains.buckets,
    )


def link(chains: Chains, entries: Handles) -> None:
    """See `Kernels`."""
    _link(_arrays(chains), entries)


def unlink(chains: Chains, handles: Handles) -> None:
    """See `Kernels`."""
    _unlink(_arrays(chains), chains.entries(handles))
    chains.linked[handles] = False


def search(chains: Chains, sets: Sets, witness: Handles, question: Question) -> Handles:
    """See `Kernels`."""
    arrays = (sets.flat, sets.starts, sets.lengths)
    asked = (question.asking, np.ascontiguousarray(question.bands))
    how = (question.shelf, question.to_the_end, question.threshold)
    return np.flatnonzero(_search(_arrays(chains), arrays, witness, asked, how))


NUMBA = Kernels("numba", link, unlink, search)
BEST = NUMBA if COMPILES else NUMPY
