"""Measurements of one segment of the corpus, now and against the baseline."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.fixed import fixed
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.cells import VERSION
from monitor.core.index.statistics.counters import (
    AGES,
    CHUNKS,
    DELETED,
    DOCUMENTS,
    DOCUMENTS_DELETED,
    DOCUMENTS_MODIFIED,
    DOCUMENTS_NEW,
    LENGTHS,
    MEAN_START,
    MODIFIED,
    NEW,
    NONZERO_VECTORS,
    NORMS,
    OVERLAP,
    OVERLAPPING,
    SIZES,
    TOKENS,
    SegmentCounters,
    norm_middles,
)
from monitor.core.index.statistics.embedding import NONE, length_of, resultant, squared_apart, turned
from monitor.core.index.statistics.features import GRID, ONE
from monitor.core.index.statistics.histogram import (
    EarlierDistribution,
    index_between,
    levels_of,
    quantiles,
    quantiles_at,
)
from monitor.core.index.statistics.profile import Distribution, Embedding, SegmentProfile
from monitor.core.index.statistics.view import LENGTHS_ASCENDING, SIZES_ASCENDING, NamedSegment
from monitor.core.model.report import ALL, OTHER, Measurement

NO_CHUNKS, NO_BASELINE, NEW_SEGMENT = "no_chunks", "no_baseline", "not_in_baseline"
NO_VECTORS, OTHER_VERSION, POOLED = "no_vectors", "other_embedding_version", "pooled_segments_differ"
NO_CHUNK_TABLE = "baseline_without_chunks"
_COUNTED = (
    ("chunks", "changed_chunks_ratio", CHUNKS, (NEW, MODIFIED, DELETED)),
    ("documents", "changed_documents_ratio", DOCUMENTS, (DOCUMENTS_NEW, DOCUMENTS_MODIFIED, DOCUMENTS_DELETED)),
)
_SPREAD, _AGES = (0.05, 0.5, 0.95), (0.5, 0.95)
_STATS = ("p05", "p50", "p95")
_WITHOUT_VECTORS = 21
"""Numbers of a segment before those of its vectors; then come three, and three of its ages."""
NUMBERS = 27
_BINS, _INDEX = (LENGTHS.start, SIZES.start, AGES.start), (17, 19, 26)
"""Of lengths, sizes and ages: where their bins begin, and which number is their stability index."""
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Known = Callable[[Distribution], EarlierDistribution]


RESTS = (CHUNKS, DOCUMENTS, OVERLAPPING, NONZERO_VECTORS)
"""Counters that say what a measurement rests on."""
ALL_NUMBERS = NUMBERS + len(RESTS)


class MeasurementForm(NamedTuple):
    """A measurement whatever its number is.

    Args:
        at: which number of the segment.
        metric, stat: its names.
        n: the counter that says what it rests on.
        earlier: the baseline's own value, NaN for none.
        why: the reason where there is no number.
    """

    at: int
    metric: str
    stat: str
    n: int = CHUNKS
    earlier: float = NONE
    why: str = NO_CHUNKS


class Against(NamedTuple):
    """What a segment's numbers are worked out against.

    Args:
        counts: chunks and documents of the baseline, NaN where nobody knows.
        lengths, sizes, ages: ends and shares of the baseline's distributions, empty for none.
        features, direction: means of the baseline's vectors; empty where they do not compare.
        told: whether single chunks are compared with the baseline's, and whether the vectors are of one version.
    """

    counts: tuple[float, float]
    lengths: tuple[Floats, Floats]
    sizes: tuple[Floats, Floats]
    ages: tuple[Floats, Floats]
    features: Embedding
    direction: Embedding
    told: tuple[bool, bool]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentLayout:
    """What is said of one segment whatever its numbers are.

    Args:
        where: dimension and segment.
        lines: in their order, those of ages last.
        against: the baseline.
        rests: (2, L) int64, by line its number, and the place in `RESTS` of what it rests on.
    """

    where: tuple[str, str]
    lines: tuple[MeasurementForm, ...]
    against: Against
    rests: Counts

    @classmethod
    def of(
        cls,
        named: NamedSegment,
        versions: tuple[str, ...],
        then: SegmentProfile | None,
        why: str,
        *,
        compared: bool,
        known: Known = EarlierDistribution,
    ) -> "SegmentLayout":
        """Lay out.

        Args:
            named: the segment.
            versions: embedding versions of its chunks.
            then: the same segment in the baseline, None where there is none.
            why: the reason where `then` is None.
            compared: whether single chunks are compared with the baseline's.
            known: a distribution of `then` made ready; remembered by whoever compares with it again.
        """
        directed = bool(named.row.counts[NONZERO_VECTORS])
        alone, same = len(versions) == 1, then is not None and directed and bool(then.directed)
        same = same and then is not None and alone and versions == then.versions
        nothing = np.zeros(0, np.float32)
        absent = 0.0 if why == NEW_SEGMENT else NONE
        none = (np.zeros(0), np.zeros(0))
        earlier = [] if then is None else [known(of).tenths for of in (then.lengths, then.sizes, then.ages)]
        lengths, sizes, old = earlier or (none, none, none)
        lines = [*_changes(then, why, compared=compared), *_lengths(then, why, known), _overlap(then)]
        if named.row.sums.size and (len(named.row.sums) > MEAN_START or directed):
            lines += _embedding(then, why, directed=directed)
        lines += _ages(then, why, known)
        return cls(
            (named.dimension, named.segment),
            tuple(lines),
            Against(
                (absent, absent) if then is None else (float(then.chunks), float(then.documents)),
                lengths,
                sizes,
                old,
                fixed(then.features) if same and then is not None else nothing,
                fixed(then.direction) if same and then is not None else nothing,
                (compared, alone),
            ),
            np.array([[line.at for line in lines], [RESTS.index(line.n) for line in lines]], np.int64),
        )

    def said(self, numbers: Floats, moved: Sequence[int], before: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
        """What all lines say.

        Args:
            numbers: of the segment, see `numbers_of`.
            moved: the lines that say something else than before.
            before: what was said before; empty where nothing was, and all lines moved.
        """
        if not moved:
            return before
        values: list[float] = numbers.tolist()
        said: list[Any] = list(before or self.lines)
        n = dict(zip(RESTS, map(int, values[NUMBERS:]), strict=True))
        chunks, (dimension, segment), make = n[CHUNKS], self.where, partial(tuple.__new__, Measurement)
        for place in moved:
            number, metric, stat, of, earlier, why = self.lines[place]
            value = values[number]
            reason = "" if value == value else why
            said[place] = make(
                (metric, "corpus", 0, dimension, segment, stat, value, n[of], chunks, earlier, reason, 1.0)
            )
        return tuple(said)


class AgainstAll(NamedTuple):
    """`Against` of S segments at once, and their lines.

    Args:
        counts: (S, 2) float64.
        bins: (S, 3) int64, in how many bins lengths, sizes and ages are compared; 0: in none.
        ends, shares: (S, 3, B) float64, of these bins; the last one has no end.
        features, direction: (S, ...) float32 means.
        told: (S, 3) bool: as of `Against`, and whether the means compare.
        lines: (S, 2, L) int64, `rests` of each layout; -1 behind its last line.
    """

    counts: Floats
    bins: Counts
    ends: Floats
    shares: Floats
    features: Embedding
    direction: Embedding
    told: NDArray[np.bool_]
    lines: Counts

    @classmethod
    def of(cls, layouts: Sequence[SegmentLayout]) -> "AgainstAll":
        """Side by side."""
        all_of = [layout.against for layout in layouts]
        lines = np.full((len(layouts), 2, max((len(layout.lines) for layout in layouts), default=0)), -1)
        for own, layout in zip(lines, layouts, strict=True):
            own[:, : len(layout.lines)] = layout.rests
        distributions = [(one.lengths, one.sizes, one.ages) for one in all_of]
        bins = np.array([[len(shares) for _, shares in of] for of in distributions], np.int64).reshape(-1, 3)
        all_ends, all_shares = np.zeros((2, len(all_of), 3, int(bins.max(initial=1))))
        for at, of in enumerate(distributions):
            for which, (ends, shares) in enumerate(of):
                all_ends[at, which, : len(ends)], all_shares[at, which, : len(shares)] = ends, shares
        return cls(
            np.array([one.counts for one in all_of]).reshape(-1, 2),
            bins,
            all_ends,
            all_shares,
            _side_by_side([one.features for one in all_of]),
            _side_by_side([one.direction for one in all_of]),
            np.array([(*one.told, bool(len(one.features))) for one in all_of], np.bool_).reshape(-1, 3),
            lines,
        )


def _side_by_side(means: Sequence[Embedding]) -> Embedding:
    """(S, n) means; zeros in place of those that are empty."""
    made = np.zeros((len(means), max(map(len, means), default=0)), np.float32)
    for row, mean in zip(made, means, strict=True):
        row[: len(mean)] = mean
    return made


def numbers_of(
    rows: Sequence[SegmentCounters], old: ages.Ascending, against: AgainstAll, before: Sequence[Floats | None]
) -> tuple[Floats, list[list[int]]]:
    """The numbers that the lines of S segments are about, and which lines say something else than before.

    Args:
        rows: counters of each.
        old: the ages of their bins.
        against: what each is worked out against.
        before: numbers of each by the same layout as they were; None of one that is new.

    Returns:
        (S, ALL_NUMBERS), behind the numbers of a segment the counters that its lines rest on. A line moved where its
        number, compared by its bits, or what it rests on is another; and all lines of a segment of more chunks or
        fewer, for all say how many there are.
    """
    counts, sums = np.stack([row.counts for row in rows]), np.stack([row.sums for row in rows])
    known = np.stack([_NO_NUMBERS if one is None else one for one in before])
    made, others = _numbers(counts, sums, (LENGTHS_ASCENDING, SIZES_ASCENDING, old), against, known)
    moved: list[list[int]] = [[] for _ in rows]
    for segment, line in np.argwhere(others).tolist():
        moved[segment].append(line)
    return made, moved


_NO_NUMBERS = np.full(ALL_NUMBERS, NONE)


@compiled
def _numbers(
    counters: Counts,
    summed: Counts,
    bins: tuple[ages.Ascending, ages.Ascending, ages.Ascending],
    against: AgainstAll,
    before: Floats,
) -> tuple[Floats, NDArray[np.bool_]]:
    """All numbers of S segments, NaN where one has none; in the order of the lines of `SegmentLayout`.

    Args:
        counters: (S, ...) counts.
        summed: (S, ...) sums.
        bins: values of lengths, sizes and ages in ascending order, and their bins.
        against: the baseline.
        before: (S, ALL_NUMBERS) numbers as they were.

    Returns:
        The numbers, and (S, L) which lines moved.
    """
    all_made = np.full((len(counters), ALL_NUMBERS), np.nan)
    bits, known = all_made.view(np.int64), before.view(np.int64)
    moved = np.zeros((len(counters), against.lines.shape[2]), np.bool_)
    for segment in range(len(counters)):
        counts, sums, made = counters[segment], summed[segment], all_made[segment]
        compared, alone, same = against.told[segment]
        chunks, documents, overlapping = counts[CHUNKS], counts[DOCUMENTS], counts[OVERLAPPING]
        made[0] = documents
        for of in range(2):
            first = (NEW, DOCUMENTS_NEW)[of]
            live, earlier = (chunks, documents)[of], against.counts[segment, of]
            for step in range(3 if compared else 0):
                made[1 + 6 * of + 2 * step] = counts[first + step]
                whole = np.float64(live) if step == 0 else earlier
                if whole != 0.0:
                    made[2 + 6 * of + 2 * step] = counts[first + step] / whole
        if chunks:
            made[13] = counts[TOKENS] / chunks
        if documents:
            made[18] = chunks / documents
        if overlapping:
            made[20] = counts[OVERLAP] / ONE / overlapping
        directed = counts[NONZERO_VECTORS]
        if directed and alone:
            mean = (sums[MEAN_START:] / np.float64(GRID * directed)).astype(np.float32)
            made[_WITHOUT_VECTORS + 2] = length_of(mean)
            if same:
                now = (sums[: MEAN_START // 2] / np.float64(ONE * directed)).astype(np.float32)
                made[_WITHOUT_VECTORS] = squared_apart(against.features[segment], now)
                made[_WITHOUT_VECTORS + 1] = turned(against.direction[segment], mean)
        for which in range(3):
            values, order = bins[which]
            held = counts[_BINS[which] :][order]
            if which == 0:
                made[14:17] = quantiles_at(values, held, _FOR_LENGTHS)
            elif which == 2:
                made[24:26] = quantiles_at(values, held, _FOR_AGES)
            told = chunks if which == 0 else np.sum(held > 0)
            count = against.bins[segment, which]
            if told and count:
                ends, shares = against.ends[segment, which, : count - 1], against.shares[segment, which, :count]
                made[_INDEX[which]] = index_between(values, held, ends, shares)
        for at in range(len(RESTS)):
            made[NUMBERS + at] = counts[RESTS[at]]
        whole = bits[segment, NUMBERS] != known[segment, NUMBERS]
        for line in range(moved.shape[1]):
            number, rest = against.lines[segment, 0, line], NUMBERS + against.lines[segment, 1, line]
            moved[segment, line] = number >= 0 and (
                whole
                or bits[segment, number] != known[segment, number]
                or bits[segment, rest] != known[segment, rest]
            )
    return all_made, moved


_FOR_LENGTHS, _FOR_AGES = levels_of(_SPREAD), levels_of(_AGES)


def _changes(then: SegmentProfile | None, why: str, *, compared: bool) -> Iterator[MeasurementForm]:
    yield MeasurementForm(0, "documents", "mean", earlier=NONE if then is None else float(then.documents))
    place, reason = 1, NO_CHUNK_TABLE if why != NO_BASELINE else NO_BASELINE
    for metric, ratio, n, _ in _COUNTED:
        for stat in ("new", "modified", "deleted"):
            yield MeasurementForm(place, metric, stat, n, why=reason)
            yield MeasurementForm(place + 1, ratio, stat, n, why=reason if not compared else NO_CHUNKS)
            place += 2


def _lengths(then: SegmentProfile | None, why: str, known: Known) -> Iterator[MeasurementForm]:
    psi = why if then is None else NO_CHUNKS
    mean = then.tokens / then.chunks if then and then.chunks else NONE
    size = then.chunks / then.documents if then and then.documents else NONE
    yield MeasurementForm(13, "chunk_tokens", "mean", earlier=mean)
    earlier = [NONE] * len(_STATS) if then is None else known(then.lengths).quantiles(_SPREAD)
    for place, (stat, before) in enumerate(zip(_STATS, earlier, strict=True), 14):
        yield MeasurementForm(place, "chunk_tokens", stat, earlier=before)
    yield MeasurementForm(17, "chunk_tokens", "psi", why=psi)
    yield MeasurementForm(18, "chunks_per_document", "mean", earlier=size)
    yield MeasurementForm(19, "chunks_per_document", "psi", why=psi)


def _overlap(then: SegmentProfile | None) -> MeasurementForm:
    earlier = NONE if then is None else then.overlap
    return MeasurementForm(20, "chunk_overlap_ratio", "mean", OVERLAPPING, earlier, "no_neighbours")


def _embedding(then: SegmentProfile | None, why: str, *, directed: bool) -> Iterator[MeasurementForm]:
    why = why if directed else NO_VECTORS
    if then is not None and directed:
        why = OTHER_VERSION if then.directed else NO_VECTORS
    earlier = resultant(then) if then is not None and then.directed else NONE
    yield MeasurementForm(_WITHOUT_VECTORS, "embedding_shift", "squared", NONZERO_VECTORS, why=why)
    yield MeasurementForm(_WITHOUT_VECTORS + 1, "embedding_shift", "cosine", NONZERO_VECTORS, why=why)
    reason = OTHER_VERSION if directed else NO_VECTORS
    yield MeasurementForm(_WITHOUT_VECTORS + 2, "embedding_density", "resultant", NONZERO_VECTORS, earlier, reason)


def _ages(then: SegmentProfile | None, why: str, known: Known) -> Iterator[MeasurementForm]:
    earlier = [NONE] * len(_AGES) if then is None else known(then.ages).quantiles(_AGES)
    for place, (stat, before) in enumerate(zip(("p50", "p95"), earlier, strict=True), 24):
        yield MeasurementForm(place, "age_seconds", stat, earlier=before)
    yield MeasurementForm(26, "age_seconds", "psi", why=why if then is None else NO_CHUNKS)


def of_version(named: NamedSegment, then: SegmentProfile | None) -> Iterator[Measurement]:
    """Of an embedding version: chunks and lengths of vectors."""
    chunks, (order, lengths) = named.chunks, norm_middles()
    found = quantiles(lengths, named.row.counts[NORMS][order], _SPREAD)
    rows = [("embedding_version_chunks", "mean", float(chunks), NONE if then is None else float(then.chunks))]
    rows += [("vector_norm", stat, value, NONE) for stat, value in zip(_STATS, found, strict=True)]
    for metric, stat, value, earlier in rows:
        reason = "" if value == value else NO_CHUNKS
        yield Measurement(
            metric, "corpus", 0, named.dimension, named.segment, stat, value, chunks, chunks, earlier, reason
        )


def absent(dimension: str, segment: str, *, baseline: bool) -> str:
    """Why a segment has nothing to compare with."""
    if not baseline:
        return NO_BASELINE
    return POOLED if segment == OTHER and dimension not in (ALL, VERSION) else NEW_SEGMENT
