"""Anchors in the segments of several dimensions, as kernels read them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A anchors in the G segments of D dimensions.

    Args:
        weights: (A,) float64, positive and finite.
        codes: (D, A) int64, the segment of each anchor in each dimension, told apart over all dimensions: 0..G-1.
        masses: (G,) float64, the weight of each segment.
        members: (D A,) int64, the anchors of segment 0, then those of segment 1, and so on, each ascending.
        starts: (G + 1,) int64, where each segment's members begin.
    """

    weights: NDArray[np.float64]
    codes: Ints
    masses: NDArray[np.float64]
    members: Ints
    starts: Ints

    @classmethod
    def of(cls, weights: NDArray[np.float64], dimensions: Sequence[tuple[Ints, int]]) -> "Grouped":
        """Of the segments of each dimension, (A,) codes from 0 on, and how many there are.

        Raises:
            ValueError: weights that are not positive and finite, or shapes that do not fit.
        """
        for codes, _ in dimensions:
            check(np.zeros((0, len(weights))), weights, codes)
        firsts = np.cumsum([0, *(count for _, count in dimensions)])
        stacked = np.stack([codes + first for (codes, _), first in zip(dimensions, firsts[:-1], strict=True)])
        masses = np.zeros(int(firsts[-1]))
        np.add.at(masses, stacked.ravel(), np.tile(weights, len(stacked)))
        members = np.concatenate([np.argsort(codes, kind="stable") for codes in stacked])
        counts = np.bincount(stacked.ravel(), minlength=int(firsts[-1]))
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        return cls(weights, np.ascontiguousarray(stacked, np.int64), masses, members, starts)


def check(values: NDArray[np.float64], weights: NDArray[np.float64], groups: NDArray[np.generic]) -> None:
    """Raises ValueError where shapes do not fit or a weight is not positive and finite."""
    if values.ndim != 2 or weights.shape != values.shape[1:] or groups.shape != weights.shape:
        shapes = f"values {values.shape}, weights {weights.shape}, groups {groups.shape}"
        message = f"aggregate: {shapes}, expected (M, A), (A,), (A,)"
        raise ValueError(message)
    wrong = np.count_nonzero(~((weights > 0.0) & np.isfinite(weights)))
    if wrong:
        message = f"aggregate: {wrong} of {len(weights)} weights are not positive and finite"
        raise ValueError(message)
