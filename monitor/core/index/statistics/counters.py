"""One row of integer counters per segment value, changed in place and read through copies that stay as they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.image import Image
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.features import FEATURES
from monitor.core.index.statistics.histogram import Bins

TOKENS_BINS = Bins(9, 5, 20)
"""Tokens of a chunk: exact below 512, to 1.6% above."""
DOCUMENT_BINS = Bins(6, 4, 20)
"""Chunks of a document: exact below 64, to 3% above."""
NORM_OCTAVES, NORM_FINE = 16, 5
NORM_WIDTH = (NORM_OCTAVES << NORM_FINE) + 1
"""Vector lengths from 2^-8 to 2^8, 32 bins per octave (1.6%); the last bin is 0."""
_HALF = 1.0 + 0.5 / (1 << NORM_FINE)
"""Puts 1, the length of normalised vectors, in the middle of its bin."""

CHUNKS, TOKENS, OVERLAP, OVERLAPPING, NONZERO_VECTORS, CHANGED_NONZERO_VECTORS = range(6)
NEW, MODIFIED, DELETED = 6, 7, 8
DOCUMENTS_NEW, DOCUMENTS_MODIFIED, DOCUMENTS_DELETED, DOCUMENTS = 9, 10, 11, 12
_SCALARS = 13
LENGTHS = slice(_SCALARS, _SCALARS + TOKENS_BINS.width)
AGES = slice(LENGTHS.stop, LENGTHS.stop + ages.WIDTH)
SIZES = slice(AGES.stop, AGES.stop + DOCUMENT_BINS.width)
NORMS = slice(SIZES.stop, SIZES.stop + NORM_WIDTH)
_COUNTS = NORMS.stop

FEATURE_SUMS = slice(0, FEATURES)
CHANGED_SUMS = slice(FEATURES, 2 * FEATURES)
MEAN_START = 2 * FEATURES
"""Then the sum of directions."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentCounters:
    """A segment's counters at one moment.

    Args:
        counts: scalars and histograms, int64.
        sums: sums of features, of changed chunks' features, and of directions, int64.
    """

    counts: Ints
    sums: Ints

    @classmethod
    def pooled(cls, rows: Sequence["SegmentCounters"]) -> "SegmentCounters":
        """Several segments as one: what moved between them, and documents in several, count in each."""
        counts, sums = rows[0].counts.copy(), rows[0].sums.copy()
        for row in rows[1:]:
            counts += row.counts
            sums += row.sums
        return cls(counts, sums)


class Counters:
    """Counters by row, int64.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self.counts: Ints = np.zeros((0, _COUNTS), np.int64)
        self.sums: Ints = np.zeros((0, MEAN_START + dimension if dimension else 0), np.int64)
        self.dirty: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Rows that changed since they were last frozen; who changes counts or sums says so."""
        self._frozen: dict[int, SegmentCounters] = {}

    def cover(self, rows: int) -> None:
        """Make room for so many rows."""
        more = rows - len(self.counts)
        if more > 0:
            more = max(16, more, len(self.counts) // 4)
            self.counts = np.concatenate((self.counts, np.zeros((more, self.counts.shape[1]), np.int64)))
            self.sums = np.concatenate((self.sums, np.zeros((more, self.sums.shape[1]), np.int64)))
            self.dirty = np.concatenate((self.dirty, np.zeros(more, np.bool_)))

    def add(self, rows: Ints, columns: Ints | np.int64, steps: Ints | np.int64) -> None:
        """counts[rows, columns] += steps; repeats add up. Steps broadcast to rows, as columns do."""
        places = rows * self.counts.shape[1] + columns
        if np.shape(steps) not in ((), places.shape):
            steps = np.broadcast_to(steps, places.shape)
        np.add.at(self.counts.reshape(-1), places.ravel(), np.ravel(steps) if np.ndim(steps) else steps)
        self.dirty[rows.ravel()] = True

    def rebin_ages(self, moved: Ints) -> None:
        """Move every age bin to another one."""
        filled = np.flatnonzero(self.counts[:, CHUNKS])
        held = self.counts[filled, AGES]
        made = np.zeros_like(held)
        np.add.at(made.T, moved, held.T)
        self.counts[filled, AGES] = made
        self.dirty[filled] = True

    def image(self) -> Image:
        """See `image`."""
        return {"counts": self.counts, "sums": self.sums}

    def resume(self, image: Image) -> None:
        """Take up what was there."""
        self.counts, self.sums = image["counts"], image["sums"]
        self.dirty = np.ones(len(self.counts), np.bool_)

    def clear(self, columns: tuple[int, ...]) -> None:
        """Set some scalars and the sums of changed chunks to 0 in all rows."""
        self.counts[:, list(columns)] = 0
        self.sums[:, CHANGED_SUMS] = 0
        self.dirty[:] = True

    def frozen(self, rows: list[int]) -> dict[int, SegmentCounters]:
        """Copies of these rows; a row that did not change is the very object of the last call."""
        kept = self._frozen
        for row in rows:
            if self.dirty[row] or row not in kept:
                kept[row] = SegmentCounters(self.counts[row].copy(), self.sums[row].copy())
                self.dirty[row] = False
        if len(kept) > len(rows):
            self._frozen = kept = {row: kept[row] for row in rows}
        return dict(kept)


@compiled
def norm_bins(norms: NDArray[np.float32]) -> Ints:
    """The bin of each vector length; (n,) int64."""
    made = np.full(len(norms), np.int64(NORM_WIDTH - 1))
    for place in range(len(norms)):
        if norms[place] > 0:
            mantissa, exponent = math.frexp(np.float64(norms[place]) * _HALF)
            within = np.int64((mantissa * 2.0 - 1.0) * (1 << NORM_FINE))
            octave = exponent - 1 + NORM_OCTAVES // 2
            found = (octave << NORM_FINE) + within
            made[place] = min(max(int(found), 0), NORM_WIDTH - 2)
    return made


@lru_cache(maxsize=1)
def norm_middles() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Order of the bins by length (0 first), and the length each stands for in it; (NORM_WIDTH,) int64, float64.

    Read only.
    """
    place = np.arange(NORM_WIDTH - 1)
    octave, within = place >> NORM_FINE, place & ((1 << NORM_FINE) - 1)
    lengths = 2.0 ** (octave - NORM_OCTAVES // 2) * (1.0 + (within + 0.5) / (1 << NORM_FINE)) / _HALF
    order = np.concatenate((np.array([NORM_WIDTH - 1]), place))
    return order, np.concatenate((np.zeros(1), lengths))
