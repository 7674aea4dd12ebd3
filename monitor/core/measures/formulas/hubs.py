"""Hubs: single chunks that appear in the answers to many anchors (capture, poisoning)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.numbering import numbered
from monitor.core.measures.formulas.kernels_segments import gathered, heaviest
from monitor.core.model.lists import NO_CHUNK, RankedLists


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
        anchors: (m,) int64, those in whose lists the first chunk stands, then those of the second one, and so on.
        starts: (u + 1,) int64, where each chunk's anchors begin.
        keys: (u,) int64, the chunks.
    """

    known: NDArray[np.bool_]
    anchors: NDArray[np.int64]
    starts: NDArray[np.int64]
    keys: NDArray[np.int64]

    @classmethod
    def of(cls, lists: RankedLists, depth: int) -> "ChunkOccurrences":
        """Of lists whose keys are distinct, cut at a depth."""
        cut = lists.at(depth)
        there = (np.arange(cut.depth) < cut.lengths[:, None]) & cut.known[:, None]
        chunks, keys = numbered(np.where(there, cut.keys, NO_CHUNK).ravel())
        anchors, starts = gathered(chunks.reshape(cut.keys.shape), len(keys))
        return cls(cut.known, anchors, starts, keys)


def hubs(found: ChunkOccurrences, weights: NDArray[np.float64], groups: NDArray[np.int64], count: int) -> Hubs:
    """Largest weighted share of a segment's anchors in whose top-k one single chunk appears; in [0, 1].

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
    share, which = heaviest((found.anchors, found.starts, found.keys), weights, groups, count)
    key = np.append(found.keys, NO_CHUNK)[which]
    return Hubs(np.where(n == 0, np.nan, share / np.where(n == 0, 1.0, mass)), key, n)
