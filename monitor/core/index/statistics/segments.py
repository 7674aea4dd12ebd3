"""Measurements of one segment of the corpus, now and against the baseline."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.cells import VERSION
from monitor.core.index.statistics.counters import (
    DELETED,
    DOCUMENTS_DELETED,
    DOCUMENTS_MODIFIED,
    DOCUMENTS_NEW,
    MODIFIED,
    NEW,
    NORMS,
    norm_middles,
)
from monitor.core.index.statistics.embedding import NONE, cosine_shift, discrepancy, resultant
from monitor.core.index.statistics.histogram import EarlierDistribution, quantiles
from monitor.core.index.statistics.profile import Distribution, SegmentProfile
from monitor.core.model.report import ALL, OTHER, Measurement

NO_CHUNKS, NO_BASELINE, NEW_SEGMENT = "no_chunks", "no_baseline", "not_in_baseline"
NO_VECTORS, OTHER_VERSION, POOLED = "no_vectors", "other_embedding_version", "pooled_segments_differ"
NO_CHUNK_TABLE = "baseline_without_chunks"
_COUNTED = (
    ("chunks", "changed_chunks_ratio", (NEW, MODIFIED, DELETED)),
    ("documents", "changed_documents_ratio", (DOCUMENTS_NEW, DOCUMENTS_MODIFIED, DOCUMENTS_DELETED)),
)
Counts = NDArray[np.int64]


class SegmentMetrics:
    """Measurements of one segment, with what they all have in common.

    Args:
        now: the segment.
        then: the same segment in the baseline, None where there is none.
        why: the reason where `then` is None.
        known: a distribution of `then` made ready; remembered by whoever compares with it again.
    """

    def __init__(
        self,
        now: SegmentProfile,
        then: SegmentProfile | None,
        why: str,
        known: Callable[[Distribution], EarlierDistribution] = EarlierDistribution,
    ) -> None:
        self._now, self._then, self._why, self._known = now, then, why, known

    def versions(self, counts: Counts) -> Iterator[Measurement]:
        """Of an embedding version: chunks and lengths of vectors."""
        now, then = self._now, self._then
        earlier = NONE if then is None else float(then.chunks)
        yield self._said("embedding_version_chunks", "mean", float(now.chunks), earlier)
        order, lengths = norm_middles()
        for stat, value in zip(
            ("p05", "p50", "p95"), quantiles(lengths, counts[NORMS][order], (0.05, 0.5, 0.95)), strict=True
        ):
            yield self._said("vector_norm", stat, value, why=NO_CHUNKS)

    def steady(self, counts: Counts, *, compared: bool) -> Iterator[Measurement]:
        """All that does not move with the newest event time.

        Args:
            counts: the segment's counters.
            compared: whether single chunks are compared with the baseline's.
        """
        yield from self._changes(counts, compared=compared)
        yield from self._lengths()
        yield from self._overlap()
        if self._now.features.size and (len(self._now.direction) or self._now.directed):
            yield from self._embedding()

    def _changes(self, counts: Counts, *, compared: bool) -> Iterator[Measurement]:
        now, then = self._now, self._then
        yield self._said("documents", "mean", float(now.documents), NONE if then is None else float(then.documents))
        for metric, ratio, columns in _COUNTED:
            live = float(getattr(now, metric))
            earlier = float(getattr(then, metric)) if then is not None else 0.0 if self._why == NEW_SEGMENT else NONE
            n = now.chunks if metric == "chunks" else now.documents
            for stat, column in zip(("new", "modified", "deleted"), columns, strict=True):
                value = float(counts[column]) if compared else NONE
                of = live if stat == "new" else earlier
                why = NO_CHUNK_TABLE if self._why != NO_BASELINE else NO_BASELINE
                yield self._said(metric, stat, value, n=n, why=why)
                yield self._said(ratio, stat, value / of if of else NONE, n=n, why=why if not compared else NO_CHUNKS)

    def _lengths(self) -> Iterator[Measurement]:
        now, then = self._now, self._then
        mean = now.tokens / now.chunks if now.chunks else NONE
        yield self._said("chunk_tokens", "mean", mean, then.tokens / then.chunks if then and then.chunks else NONE)
        yield from self._quantiles(
            "chunk_tokens", now.lengths, None if then is None else then.lengths, ("p05", "p50", "p95")
        )
        yield self._shift("chunk_tokens", now.lengths, None if then is None else then.lengths)
        size = now.chunks / now.documents if now.documents else NONE
        yield self._said(
            "chunks_per_document", "mean", size, then.chunks / then.documents if then and then.documents else NONE
        )
        yield self._shift("chunks_per_document", now.sizes, None if then is None else then.sizes)

    def _overlap(self) -> Iterator[Measurement]:
        now = self._now
        earlier = NONE if self._then is None else self._then.overlap
        yield self._said("chunk_overlap_ratio", "mean", now.overlap, earlier, n=now.overlapping, why="no_neighbours")

    def ages(self) -> Iterator[Measurement]:
        """Ages, which move with the newest event time."""
        now, then = self._now, self._then
        yield from self._quantiles("age_seconds", now.ages, None if then is None else then.ages, ("p50", "p95"))
        yield self._shift("age_seconds", now.ages, None if then is None else then.ages)

    def _embedding(self) -> Iterator[Measurement]:
        now, then = self._now, self._then
        why = NO_VECTORS if not now.directed else self._why
        if then is not None and now.directed:
            why = NO_VECTORS if not then.directed else OTHER_VERSION
        same = then is not None and bool(now.directed and then.directed)
        same = same and then is not None and len(now.versions) == 1 and now.versions == then.versions
        squared, cosine = (
            (discrepancy(then, now), cosine_shift(then, now)) if same and then is not None else (NONE, NONE)
        )
        yield self._said("embedding_shift", "squared", squared, n=now.directed, why=why)
        yield self._said("embedding_shift", "cosine", cosine, n=now.directed, why=why)
        alone = len(now.versions) == 1 and now.directed
        earlier = resultant(then) if then is not None and then.directed else NONE
        reason = OTHER_VERSION if now.directed else NO_VECTORS
        yield self._said(
            "embedding_density", "resultant", resultant(now) if alone else NONE, earlier, n=now.directed, why=reason
        )

    def _quantiles(
        self, metric: str, now: Distribution, then: Distribution | None, stats: tuple[str, ...]
    ) -> Iterator[Measurement]:
        at = tuple(int(stat[1:]) / 100 for stat in stats)
        earlier = [NONE] * len(at) if then is None else self._known(then).quantiles(at)
        for stat, value, before in zip(stats, quantiles(*now, at), earlier, strict=True):
            yield self._said(metric, stat, value, before)

    def _shift(self, metric: str, now: Distribution, then: Distribution | None) -> Measurement:
        value = NONE if then is None else self._known(then).stability_index(now)
        return self._said(metric, "psi", value, why=self._why if then is None else NO_CHUNKS)

    def _said(
        self,
        metric: str,
        stat: str,
        value: float,
        earlier: float = NONE,
        *,
        n: int | None = None,
        why: str = NO_CHUNKS,
    ) -> Measurement:
        now = self._now
        count = now.chunks if n is None else n
        reason = "" if value == value else why
        return Measurement(
            metric, "corpus", 0, now.dimension, now.segment, stat, value, count, now.chunks, earlier, reason
        )


def absent(dimension: str, segment: str, *, baseline: bool) -> str:
    """Why a segment has nothing to compare with."""
    if not baseline:
        return NO_BASELINE
    return POOLED if segment == OTHER and dimension not in (ALL, VERSION) else NEW_SEGMENT
