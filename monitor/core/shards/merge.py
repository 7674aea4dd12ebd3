"""Shards' lists made one: by score, then chunk id, with a second round where a shard held back too much."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.dense.order import places
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.shards.kernels_merge import kth_best
from monitor.core.shards.messages import ChunkInTwoShardsError, LegEntries, LikestTexts

Names = Callable[[Sequence[int]], Sequence[str]]
"""Chunk ids of some keys: asked for where scores are equal, and only there."""
_BELOW = 0.01
"""A cut stands this share of the k-th score below it: BM25 moves every score a little with each change."""


def cuts_after(lists: RankedLists) -> NDArray[np.float64]:
    """(R,) float64, below which nothing is likely to be among the best k next time; -inf for a short list.

    >>> lists = RankedLists.of([[("a", 3.0), ("b", 2.0)], [("a", 1.0)]], 2)
    >>> cuts_after(lists).tolist()
    [1.98, -inf]
    """
    last = lists.scores[:, -1]
    full = lists.lengths == lists.depth
    cut = np.full(len(lists), -np.inf)
    cut[full] = last[full] - _BELOW * np.abs(last[full])
    return cut


def merged(shards: Sequence[LegEntries], k: int, names: Names) -> RankedLists:
    """The best k of all shards' entries, in the order of one process: score descending, then chunk id.

    Args:
        shards: of the same R questions each.
        k: depth of the lists.
        names: chunk ids, for ties.

    Raises:
        ChunkInTwoShardsError: one chunk stands in the lists of two shards.
    """
    count = len(shards[0].counts)
    rows = np.concatenate([np.repeat(np.arange(count), of.counts) for of in shards])
    keys = np.concatenate([of.keys for of in shards])
    scores = np.concatenate([of.scores for of in shards])
    shard = np.repeat(np.arange(len(shards)), [len(of.keys) for of in shards])
    near = scores >= kth_best(rows, scores, count, k)[rows]  # of what is below, nobody needs an order or a name
    rows, keys, scores, shard = rows[near], keys[near], scores[near], shard[near]
    order = np.lexsort((_among_equals(rows, scores, shard, keys, names), -scores, rows))
    rows, keys, scores = rows[order], keys[order], scores[order]
    place = places(rows)
    first = place < k
    made = RankedLists.unknown(count, k)
    made.keys[rows[first], place[first]] = keys[first]
    made.scores[rows[first], place[first]] = scores[first]
    made.lengths[:] = (made.keys != NO_CHUNK).sum(axis=1)
    made.known[:] = True
    ordered = np.sort(made.keys, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NO_CHUNK)
    if twice.any():
        message = (
            f"chunk {names([int(ordered[:, 1:][twice][0])])[0]!r}: live in two shards; expected the chunk id as key"
        )
        raise ChunkInTwoShardsError(message)
    return made


def short(lists: RankedLists, cut: NDArray[np.float64], shards: Sequence[LegEntries]) -> NDArray[np.int64]:
    """Questions whose merged list may miss what a shard withheld: short, or with a k-th score below the cut."""
    withheld = np.logical_or.reduce([of.withheld for of in shards])
    last = lists.scores[:, -1]
    safe = (lists.lengths == lists.depth) & ~(last < cut)
    return np.flatnonzero(withheld & ~safe)


def likest(shards: Sequence[LikestTexts]) -> NDArray[np.int64]:
    """(n,) int64: of the likest set of all shards, of equals the one with the least shingles, the least key."""
    keys = np.full(len(shards[0].keys), NO_CHUNK, np.int64)
    for at in range(len(keys)):
        found = [
            (-float(of.alike[at]), of.shingles[at].tobytes(), int(of.keys[at]))
            for of in shards
            if of.keys[at] != NO_CHUNK
        ]
        keys[at] = min(found)[2] if found else NO_CHUNK
    return keys


def _among_equals(
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    shard: NDArray[np.int64],
    keys: NDArray[np.int64],
    names: Names,
) -> NDArray[np.int64]:
    """What orders equal scores of one list: their shard's order, or chunk ids where several shards have some."""
    made = np.arange(len(rows))
    order = np.lexsort((-scores, rows))
    row, score, of = rows[order], scores[order], shard[order]
    equal = (row[1:] == row[:-1]) & (score[1:] == score[:-1])
    group = np.concatenate((np.zeros(min(1, len(rows)), np.int64), np.cumsum(~equal)))
    mixed = np.unique(group[1:][equal & (of[1:] != of[:-1])])
    tied = order[np.isin(group, mixed)]
    if len(tied):
        distinct, places = np.unique(keys[tied], return_inverse=True)
        named = names(distinct.tolist())
        ranks = np.empty(len(distinct), np.int64)
        ranks[sorted(range(len(distinct)), key=named.__getitem__)] = np.arange(len(distinct))
        made[tied] = ranks[places]
    return made
