"""Hubs: single chunks that appear in the answers to many anchors (capture, poisoning)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.lists import NO_CHUNK, RankedLists


@dataclass(frozen=True, slots=True, eq=False)
class Hubs:
    """Per segment, (G,) each: the largest share, the chunk that has it, and the anchors it rests on.

    A segment without a result has key NO_CHUNK and share 0; one without a known list has share NaN and n = 0.
    """

    share: NDArray[np.float64]
    key: NDArray[np.int64]
    n: NDArray[np.int64]


def hub_share(
    lists: RankedLists, weights: NDArray[np.float64], groups: NDArray[np.int64], count: int, depth: int
) -> Hubs:
    """Largest weighted share of a segment's anchors in whose top-k one single chunk appears; in [0, 1].

    Args:
        lists: A lists; keys of one list are distinct.
        weights: (A,) float64, positive.
        groups: (A,) int64, segment of each anchor, 0..count-1.
        count: G, number of segments.
        depth: where the lists are cut.

    Returns:
        Hubs; of chunks with equal shares the smallest key.

    Source: k-occurrence N_k, Radovanović, Nanopoulos, Ivanović, Hubs in space, JMLR 11, 2010.
    """
    cut = lists.at(depth)
    known = np.flatnonzero(cut.known)
    n = np.bincount(groups[known], minlength=count).astype(np.int64)
    mass = np.bincount(groups[known], weights=weights[known], minlength=count)
    anchor, slot = np.nonzero((np.arange(cut.depth) < cut.lengths[:, None]) & cut.known[:, None])
    keys, code = np.unique(cut.keys[anchor, slot], return_inverse=True)
    cells, at = np.unique(groups[anchor] * max(len(keys), 1) + code, return_inverse=True)
    held = np.bincount(at, weights=weights[anchor], minlength=len(cells))
    group, chunk = np.divmod(cells, max(len(keys), 1))
    best = np.lexsort((chunk, -held, group))
    first = best[np.diff(group[best], prepend=-1) > 0]
    share, key = np.zeros(count), np.full(count, NO_CHUNK, np.int64)
    share[group[first]], key[group[first]] = held[first], keys[chunk[first]]
    return Hubs(np.where(n == 0, np.nan, share / np.where(n == 0, 1.0, mass)), key, n)
