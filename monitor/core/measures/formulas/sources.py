"""Where the results come from: expected sources present, distinct sources, and the mix against the baseline's."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_segments import mixed
from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import NO_CHUNK

NO_SOURCE = NO_CHUNK
"""Fills rows of source codes; codes themselves are >= 0."""

Column = NDArray[np.float64]


def source_coverage_ratio(expected: NDArray[np.int64], present: NDArray[np.int64], depth: int) -> Column:
    """Expected sources that appear in the top-k / expected sources.

    Args:
        expected: (A, e) int64, distinct source codes an anchor should be answered from, NO_SOURCE behind the last.
        present: (A, k) int64, source code of each slot, NO_SOURCE behind the end.
        depth: where the lists are cut.

    Returns:
        (A,) float64 in [0, 1]; NaN where nothing is expected, 0 for an empty list (mask unknown ones yourself).
    """
    wanted = np.count_nonzero(expected != NO_SOURCE, axis=1)
    found = np.count_nonzero(first_ranks(expected, present[:, :depth]), axis=0)
    return np.where(wanted == 0, np.nan, found / np.maximum(wanted, 1))


def distinct_sources(present: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """(A,) int64: how many different sources the top-k comes from, 0 for an empty list.

    Args:
        present: (A, k) int64, source code of each slot, NO_SOURCE behind the end.
        depth: where the lists are cut.
    """
    cut = present[:, :depth]
    places = np.arange(1, cut.shape[1] + 1)[:, None]
    distinct: NDArray[np.int64] = np.count_nonzero(first_ranks(cut, cut) == places, axis=0)
    return distinct


def source_mix(
    present: NDArray[np.int64], weights: Column, groups: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Weight of each source in the results of each segment; two of them go into `jensen_shannon`.

    Args:
        present: (A, k) int64, source code of each slot, NO_SOURCE behind the end; cut to the depth wanted.
        weights: (A,) float64, positive.
        groups: (A,) int64, segment of each anchor.
        shape: (G, S), numbers of segments and of sources.

    Returns:
        (G, S) float64, Σ of the anchors' weights over the slots a source holds.
    """
    mix = np.zeros(shape)
    mixed(present, weights, groups, mix)
    return mix
