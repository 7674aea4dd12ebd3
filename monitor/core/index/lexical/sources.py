"""The BM25 statistics by source: what each source adds to N, the total length and the document frequencies."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.segment_codes import SegmentCodes
from monitor.core.index.lexical.arrays import Lists
from monitor.core.index.lexical.forward import ForwardLists
from monitor.core.model.segments import source_in

MOST_SOURCES = 256
"""Sources told apart, the largest; chunks of all others count under `(others)`."""
REST = "(others)"
_AT_ONCE = 65_536
"""Chunks counted at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What BM25 rests on: N, tokens in all chunks, document frequencies of the anchor terms, mean idf."""

    documents: int
    length: int
    terms: tuple[str, ...]
    frequency: NDArray[np.int64]
    average_idf: float


@dataclass(frozen=True, slots=True, eq=False)
class SourceStatistics:
    """Sums over the live chunks of S sources; over all sources they are the statistics that BM25 rests on.

    Args:
        sources: S names, sorted.
        documents: (S,) int64, live chunks.
        lengths: (S,) int64, tokens in them.
        terms: the M distinct anchor terms, sorted.
        frequency: (S, M) int64, chunks that contain the term.
        average_idf: mean idf before the floor over the whole vocabulary, which sources share.
    """

    sources: tuple[str, ...]
    documents: NDArray[np.int64]
    lengths: NDArray[np.int64]
    terms: tuple[str, ...]
    frequency: NDArray[np.int64]
    average_idf: float

    def totals(self) -> Totals:
        """All sources together."""
        whole = int(self.documents.sum()), int(self.lengths.sum())
        return Totals(*whole, self.terms, self.frequency.sum(axis=0), self.average_idf)


@dataclass(frozen=True, slots=True, eq=False)
class TermOccurrences:
    """How often C chunks contain the T distinct terms of one query.

    Args:
        terms: in the order of the query.
        repeats: (T,) float64, how often the query says each.
        frequency: (C, T) float64.
        lengths: (C,) float64, tokens of each chunk.
    """

    terms: tuple[str, ...]
    repeats: NDArray[np.float64]
    frequency: NDArray[np.float64]
    lengths: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StatisticsSums:
    """Names, documents, lengths and frequencies as in `SourceStatistics`."""

    sources: tuple[str, ...]
    documents: NDArray[np.int64]
    lengths: NDArray[np.int64]
    frequency: NDArray[np.int64]


def chunks_by_source(codes: SegmentCodes) -> Mapping[str, int]:
    """Live chunks by source; 0 for one that is gone."""
    chunks: Counter[str] = Counter()
    for segment, members in zip(codes.segments, codes.counts.tolist(), strict=False):
        chunks[source_in(segment)] += members
    return chunks


def kept_sources(chunks: Mapping[str, int]) -> frozenset[str]:
    """The sources told apart, of live chunks by source: the largest, of equals the first by name."""
    live = sorted((source for source in chunks if chunks[source]), key=lambda source: (-chunks[source], source))
    return frozenset(live[:MOST_SOURCES])


def sums_by_source(
    forward: ForwardLists, local: NDArray[np.int32], count: int, codes: SegmentCodes, kept: frozenset[str]
) -> StatisticsSums:
    """Sum the forward lists of all live chunks by source.

    Args:
        forward: the lists.
        local: (v,) the term index by token id, of tokens that anchors have.
        count: how many terms there are.
        codes: the segments of all live slots.
        kept: sources told apart; the chunks of all others count under `REST`.
    """
    slots = forward.live()
    names, of_code = _named(codes, kept)
    documents: NDArray[np.int64] = np.zeros(len(names), np.int64)
    lengths, frequency = documents.copy(), np.zeros((len(names), count), np.int64)
    for at in range(0, len(slots), _AT_ONCE):
        some = slots[at : at + _AT_ONCE]
        lists, of = forward.lists(some), of_code[codes.slots[some]]
        _sum(lists.ids, lists.starts, lists.sizes, lists.lengths, local, of, documents, lengths, frequency)
    return StatisticsSums(names, documents, lengths, frequency)


@compiled
def _sum(
    ids: NDArray[np.int32],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int32],
    tokens: NDArray[np.int32],
    local: NDArray[np.int32],
    of: NDArray[np.int64],
    documents: NDArray[np.int64],
    lengths: NDArray[np.int64],
    frequency: NDArray[np.int64],
) -> None:
    """Add n lists to the sums of their sources, `of`; see `sums_by_source`."""
    for row in range(len(starts)):
        source = of[row]
        documents[source] += 1
        lengths[source] += tokens[row]
        for place in range(starts[row], starts[row] + sizes[row]):
            frequency[source, local[ids[place]]] += 1


def occurrences(lists: Lists, repeats: Mapping[str, int], ids: NDArray[np.int32]) -> TermOccurrences:
    """Find the terms of one query in some chunks.

    Args:
        lists: of C chunks.
        repeats: how often the query says each of its T terms.
        ids: (T,) their token ids; one that is unknown is in no chunk.
    """
    frequency = np.zeros((len(lists.slots), len(ids)))
    for at, (start, size) in enumerate(zip(lists.starts.tolist(), lists.sizes.tolist(), strict=True)):
        chunk, column = np.nonzero(lists.ids[start : start + size, None] == ids)
        frequency[at, column] = lists.frequencies[start + chunk]
    said = np.array([*repeats.values()], float)
    return TermOccurrences(tuple(repeats), said, frequency, lists.lengths.astype(float))


def _named(codes: SegmentCodes, kept: frozenset[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sources, sorted, and the number of the source of each segment code; small sources are pooled."""
    live = [source for source, chunks in chunks_by_source(codes).items() if chunks]
    names = tuple(sorted({source if source in kept else REST for source in live}))
    number = {source: at for at, source in enumerate(names)}
    rest = number.get(REST, 0)
    said = [source_in(segment) for segment in codes.segments]
    return names, np.array([number.get(source, rest) for source in said], np.int64)
