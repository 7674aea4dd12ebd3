"""The counters at one moment, unchanging, and the profile they come to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.statistics import LexicalStatistics
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.counters import (
    AGES,
    CHUNKS,
    DOCUMENT_BINS,
    DOCUMENTS,
    FEATURE_SUMS,
    LENGTHS,
    MEAN_START,
    NONZERO_VECTORS,
    OVERLAP,
    OVERLAPPING,
    SIZES,
    TOKENS,
    TOKENS_BINS,
    SegmentCounters,
)
from monitor.core.index.statistics.features import GRID, ONE
from monitor.core.index.statistics.profile import Distribution, SegmentProfile, Terms
from monitor.core.model.report import ALL, OTHER

LENGTHS_ASCENDING, SIZES_ASCENDING = ages.ranked(TOKENS_BINS.middles()), ages.ranked(DOCUMENT_BINS.middles())
MIXED = 1_000
"""Values of a dimension that a mix tells apart."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedSegment:
    """A segment, its counters, and the rows that these are the sum of."""

    dimension: str
    segment: str
    row: SegmentCounters
    at: tuple[int, ...]

    @property
    def chunks(self) -> int:
        """Live chunks."""
        return int(self.row.counts[CHUNKS])


@dataclass(frozen=True, slots=True, eq=False)
class StatisticsView:
    """The statistics at one moment.

    Args:
        now: newest event time, microseconds.
        reference: of the age bins.
        dimensions: names, `all` first, the embedding version last.
        rows: counters by row.
        names: dimension and value of each row.
        cells: live chunks by cell, and the cells' rows.
        compared: whether changed chunks are told apart: there is a baseline that says which chunks it held.
        live, changed: (s, d) vectors of a sample of the live chunks, and of those changed since the baseline.
        lexical: what BM25 rests on, None when that leg is off.
        upserts: upserts applied so far, and those that repeated the content.
    """

    now: int
    reference: int
    dimensions: tuple[str, ...]
    rows: Mapping[int, SegmentCounters]
    names: Mapping[int, tuple[int, str]]
    cells: tuple[NDArray[np.int64], NDArray[np.int64]]
    compared: bool
    live: NDArray[np.float32]
    changed: NDArray[np.float32]
    lexical: LexicalStatistics | None
    upserts: tuple[int, int]

    @property
    def terms(self) -> Terms | None:
        """What is compared of the lexical statistics."""
        held = self.lexical
        if held is None:
            return None
        idf = dict(zip(held.terms, held.idf.tolist(), strict=True))
        return Terms(held.average_length, idf, held.out_of_vocabulary)

    def segments(self, cap: int) -> Iterator[NamedSegment]:
        """`all`, then the largest `cap` segments of each dimension, ties by name, and the rest pooled as `other`."""
        yield NamedSegment(ALL, ALL, self.rows[0], (0,))
        for at, dimension in enumerate(self.dimensions[1:], 1):
            ranked = self.ranked(at)
            yield from ranked[:cap]
            if len(ranked) > cap:
                rest = SegmentCounters.pooled([named.row for named in ranked[cap:]])
                yield NamedSegment(dimension, OTHER, rest, tuple(row for named in ranked[cap:] for row in named.at))

    def ranked(self, at: int) -> list[NamedSegment]:
        """The segments of one dimension, largest first, ties by name."""
        found = [
            NamedSegment(self.dimensions[at], value, self.rows[row], (row,))
            for row, (of, value) in self.names.items()
            if of == at
        ]
        return sorted(found, key=lambda named: (-named.chunks, named.segment))

    def mixes(self) -> dict[str, dict[str, int]]:
        """Chunks by segment value of each dimension; beyond MIXED values the smallest are pooled."""
        made = {}
        for at, dimension in enumerate(self.dimensions[1:-1], 1):
            ranked = [named for named in self.ranked(at) if named.chunks]
            mix = {named.segment: named.chunks for named in ranked[:MIXED]}
            rest = sum(named.chunks for named in ranked[MIXED:])
            made[dimension] = mix if not rest else {**mix, OTHER: mix.get(OTHER, 0) + rest}
        return made

    def versions(self) -> dict[int, set[str]]:
        """Embedding versions of the live chunks, by row."""
        members, rows = self.cells
        made: dict[int, set[str]] = {}
        for cell in np.flatnonzero(members).tolist():
            version = self.names[int(rows[cell, -1])][1]
            for row in rows[cell].tolist():
                made.setdefault(row, set()).add(version)
        return made

    def profile(self, named: NamedSegment, versions: Sequence[str]) -> SegmentProfile:
        """What the counters of one segment come to."""
        counts, sums = named.row.counts, named.row.sums
        directed, overlapping = int(counts[NONZERO_VECTORS]), int(counts[OVERLAPPING])
        none = float("nan")
        return SegmentProfile(
            dimension=named.dimension,
            segment=named.segment,
            chunks=named.chunks,
            documents=int(counts[DOCUMENTS]),
            tokens=int(counts[TOKENS]),
            lengths=_distribution(LENGTHS_ASCENDING, counts[LENGTHS]),
            sizes=_distribution(SIZES_ASCENDING, counts[SIZES]),
            ages=self.ages(named),
            overlap=int(counts[OVERLAP]) / ONE / overlapping if overlapping else none,
            overlapping=overlapping,
            versions=tuple(sorted(versions)),
            directed=directed,
            features=(sums[FEATURE_SUMS] / (ONE * max(1, directed))).astype(np.float32),
            direction=(sums[MEAN_START:] / (GRID * max(1, directed))).astype(np.float32),
        )

    def ages(self, named: NamedSegment) -> Distribution:
        """Ages of a segment's chunks."""
        return _distribution(ages.ascending(self.reference, self.now), named.row.counts[AGES])


def _distribution(bins: ages.Ascending, counts: NDArray[np.int64]) -> Distribution:
    values, order = bins
    held = counts[order]
    filled = np.flatnonzero(held)
    return values[filled], held[filled]
