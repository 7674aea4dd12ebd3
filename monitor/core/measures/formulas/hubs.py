"""Hubs: single chunks that appear in the answers to many anchors (capture, poisoning)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.lists import NO_CHUNK, RankedLists

CELLS = 1 << 21
"""Counters at a time: 16 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Hubs:
    """Per segment, (G,) each: the largest share, the chunk that has it, and the anchors it rests on.

    A segment without a result has key NO_CHUNK and share 0; one without a known list has share NaN and n = 0.
    """

    share: NDArray[np.float64]
    key: NDArray[np.int64]
    n: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkOccurrences:
    """In whose top-k each chunk appears: what the hubs of any segments are counted from.

    Args:
        known: (A,) bool, anchors with a known list.
        anchor: (m,) int64, the anchor of each filled slot.
        code: (m,) int64, its chunk as an index of `keys`.
        keys: (u,) int64, ascending.
    """

    known: NDArray[np.bool_]
    anchor: NDArray[np.int64]
    code: NDArray[np.int64]
    keys: NDArray[np.int64]

    @classmethod
    def of(cls, lists: RankedLists, depth: int) -> "ChunkOccurrences":
        """Of lists whose keys are distinct, cut at a depth."""
        cut = lists.at(depth)
        anchor, slot = np.nonzero((np.arange(cut.depth) < cut.lengths[:, None]) & cut.known[:, None])
        keys, code = np.unique(cut.keys[anchor, slot], return_inverse=True)
        return cls(cut.known, anchor, code, keys)


def hubs(found: ChunkOccurrences, weights: NDArray[np.float64], groups: NDArray[np.int64], count: int) -> Hubs:
    """Largest weighted share of a segment's anchors in whose top-k one single chunk appears; in [0, 1].

    A few segments are counted at a time, to bound the memory.

    Args:
        found: which chunks stand in the lists of A anchors.
        weights: (A,) float64, positive.
        groups: (A,) int64, segment of each anchor, 0..count-1.
        count: G, number of segments.

    Returns:
        Hubs; of chunks with equal shares the smallest key.

    Source: k-occurrence N_k, Radovanović, Nanopoulos, Ivanović, Hubs in space, JMLR 11, 2010.
    """
    n = np.bincount(groups[found.known], minlength=count).astype(np.int64)
    mass = np.bincount(groups[found.known], weights=weights[found.known], minlength=count)
    share, key = np.zeros(count), np.full(count, NO_CHUNK, np.int64)
    chunks, group = len(found.keys), groups[found.anchor]
    step = max(1, CELLS // max(1, chunks))
    for start in range(0, count if chunks else 0, step):
        inside = (group >= start) & (group < start + step)
        cells, heavy = (group[inside] - start) * chunks + found.code[inside], weights[found.anchor[inside]]
        held = np.bincount(cells, weights=heavy, minlength=min(step, count - start) * chunks).reshape(-1, chunks)
        best = held.argmax(axis=1)  # the first of equals: the smallest key
        share[start : start + step] = np.take_along_axis(held, best[:, None], axis=1)[:, 0]
        key[start : start + step] = np.where(share[start : start + step] > 0.0, found.keys[best], NO_CHUNK)
    return Hubs(np.where(n == 0, np.nan, share / np.where(n == 0, 1.0, mass)), key, n)
