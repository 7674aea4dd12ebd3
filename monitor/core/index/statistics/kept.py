"""The statistics of the live corpus, kept current from each batch's net changes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image
from monitor.core.arrays.ragged import Pieces
from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.cells import SegmentKeys
from monitor.core.index.statistics.columns import DEAD, SlotColumns
from monitor.core.index.statistics.contents import Contents, implausible
from monitor.core.index.statistics.counters import (
    AGES,
    CHANGED_NONZERO_VECTORS,
    DELETED,
    DOCUMENTS_DELETED,
    DOCUMENTS_MODIFIED,
    DOCUMENTS_NEW,
    LENGTHS,
    MODIFIED,
    NEW,
    NORMS,
    TOKENS_BINS,
    Counters,
    norm_bins,
)
from monitor.core.index.statistics.digests import Digests
from monitor.core.index.statistics.documents import Documents
from monitor.core.index.statistics.features import ONE, Features, VectorRows, norms
from monitor.core.index.statistics.kernels_changes import ABSENT
from monitor.core.index.statistics.kernels_counters import ChunkBins, count_chunks, count_overlaps
from monitor.core.index.statistics.neighbours import NONE, Neighbours
from monitor.core.index.statistics.population import Baseline, Population
from monitor.core.index.statistics.sample import BottomKSample, key_hashes
from monitor.core.index.statistics.sketches import NO_SKETCH, ContentSketches
from monitor.core.index.statistics.sums import FeatureSums, SummedChunks
from monitor.core.index.statistics.word_samples import sampled_words

Ints = NDArray[np.int64]
SINCE = (NEW, MODIFIED, DELETED, DOCUMENTS_NEW, DOCUMENTS_MODIFIED, DOCUMENTS_DELETED, CHANGED_NONZERO_VECTORS)
"""Counters that depend on the baseline."""
_PART = 4_096
"""Vectors gathered at a time."""


class StatisticsAccumulator:
    """Counters per segment value of every dimension; all of them integers.

    What is kept depends on the live chunks and the baseline alone, not on the history: the same after any batches,
    any order of partitions, and a restart.

    Args:
        corpus: the chunk table, read by slot while a delta is applied.
        duplicates: holds the shingles; has taken a delta before this.
        dimensions: the configured ones.
        whole: whether all chunks of each document are in this corpus; else somebody who sees them all says which
            chunk follows which, and `overlapped` takes what they share.
    """

    def __init__(
        self, corpus: Corpus, duplicates: Duplicates, dimensions: Sequence[str], *, whole: bool = True
    ) -> None:
        self.corpus, self._duplicates = corpus, duplicates
        self.cells = SegmentKeys(dimensions)
        self.columns = SlotColumns(len(self.cells.dimensions))
        self.counters = Counters(corpus.dimension)
        self.documents = Documents(self.counters)
        self.baseline: Baseline | None = None
        self.live, self.changed = BottomKSample(), BottomKSample()
        """Samples of the live chunks, and of those new or modified since the baseline in the whole corpus."""
        self.reference = self.batches = 0
        self.counts: Ints = np.zeros(16, np.int64)
        """Live chunks by cell."""
        self.features = Features(corpus.dimension) if corpus.dimension else None
        """The features of vectors, None without vectors."""
        self._sums = (
            None
            if self.features is None
            else FeatureSums(self.features, ContentSketches(self.features), self.counters)
        )
        self._digests = Digests(corpus.dimension)
        self._neighbours = Neighbours() if whole else None
        self._codes: Ints = np.zeros(0, np.int64)
        self.counters.cover(1)
        self.columns.cover(1)

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> None:
        """Take in one batch; `tokens` are the token ids of each added text, `hashes` the words' by id."""
        self.batches += 1
        self.advance(self.corpus.newest_event_time)
        self._again(delta.noop_rows)
        self.columns.cover(int(delta.added.max(initial=-1)) + 1)
        left, before = self.columns.cells[delta.removed], self.columns.cells[delta.added]
        then = self.columns.then[delta.removed]
        tokens = Pieces.of(tokens)
        self._add(delta, tokens, before, self._remove(delta))
        self._away(then, self.columns.then[delta.added])
        self.columns.words[delta.added] = sampled_words(tokens, hashes)
        self.documents.settle()
        self.cells.release(left)
        self._overlap(delta)
        self._settle()

    def advance(self, now: int) -> None:
        """Move the reference of ages to a newest event time."""
        later = ages.reference(now)
        if later > self.reference:
            self.counters.rebin_ages(ages.moved(self.reference, later))
            self.reference = later

    def rebase(self, population: Population | None) -> None:
        """Compare with another baseline from here on; one pass over the corpus and over the baseline."""
        held = None if self.baseline is None else self.baseline.population
        if population is held or (population is not None and held is not None and population.same(held)):
            return
        self._forget()
        if population is None:
            return
        columns, slots = self.columns, self.columns.live()
        baseline = self.baseline = Baseline(population, self.cells, self.documents)
        self.counters.cover(self.cells.room)
        self.documents.update(2, *_each(baseline.parts.ravel(), 1))
        columns.then[slots] = baseline.places(self.corpus.keys[slots])
        columns.changed[slots], touched = baseline.count_live(self.counters, columns, slots, 1)
        self.documents.update(1, *_each(touched, 1))
        gone = np.ones(len(population.keys), np.bool_)
        found = columns.then[slots]
        gone[found[found != ABSENT]] = False
        touched = baseline.count_gone(self.counters, np.flatnonzero(gone), 1)
        self.documents.update(1, *_each(touched, 1))
        self.documents.settle()
        part = slots[columns.changed[slots].any(axis=1)]
        for at in range(0, len(part), _PART):
            self._add_changed(part[at : at + _PART])
        self._refill()

    def _add_changed(self, slots: Ints) -> None:
        """Count the vectors of some chunks as changed too."""
        rows = self._rows(slots)
        directed = np.flatnonzero(self.columns.norms[slots] > 0)
        steps = self.columns.changed[slots[directed]].astype(np.int64)
        self.counters.add(rows[directed], np.int64(CHANGED_NONZERO_VECTORS), steps)
        if self._sums is not None:
            self._sums.add_changed(self._summed(slots, self.corpus.vectors[slots], rows))

    def image(self) -> Image:
        """See `image`: without a baseline, which this forgets."""
        self.rebase(None)
        return {
            "cells": self.cells.image(),
            "columns": self.columns.image(),
            "counters": self.counters.image(),
            "documents": self.documents.image(),
            "reference": self.reference,
        }

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet; corpus and copies did so before."""
        columns = self.columns
        columns.resume(image["columns"])
        slots = columns.live()
        self.cells.resume(image["cells"], columns.cells[slots])
        self.counters.resume(image["counters"])
        self.documents.resume(image["documents"])
        self.counts = np.bincount(columns.cells[slots], minlength=len(self.cells.rows))
        self.reference, self.batches = image["reference"], 1
        if self._neighbours is not None:
            none = np.zeros(0, np.int64)
            places, ordinals = self.corpus.places()
            codes = self.documents.of(columns.parts[places, 0])
            self._neighbours.apply(none, places, (ordinals, self.corpus.keys[places]), codes)
        self._refill()

    def population(self) -> Population:
        """The chunks as they are now, for a later comparison."""
        columns, slots = self.columns, self.columns.live()
        keys = self.corpus.keys[slots]
        order = np.argsort(keys)
        slots = slots[order]
        cells, cell = np.unique(columns.cells[slots], return_inverse=True)
        values = [self.cells.values[at] for at in cells.tolist()]
        ranked = sorted(range(len(values)), key=values.__getitem__)
        place = np.empty(len(values), np.int32)
        place[ranked] = np.arange(len(values))
        codes, coded = np.unique(self.documents.of(columns.parts[slots, 0]), return_inverse=True)
        known = np.array([self.documents.hashes[code] for code in codes.tolist()], np.int64)
        hashes, first, ranks = np.unique(known, return_index=True, return_inverse=True)
        document = ranks[coded]
        shingles, sampled, distinct = self._duplicates.sampled(slots)
        return Population(
            keys[order],
            columns.digests[slots],
            place[cell.astype(np.int64)] if len(slots) else np.zeros(0, np.int32),
            document.astype(np.int32),
            tuple(values[at] for at in ranked),
            hashes,
            Contents(
                columns.said[slots],
                self._duplicates.texts(slots),
                columns.sketches[slots],
                columns.tokens[slots],
                implausible(columns.seconds[slots]),
                distinct,
                sampled,
                shingles,
                columns.words[slots],
                tuple(self.documents.name(int(codes[at])) for at in first),
                columns.norms[slots],
            ),
        )

    def _again(self, rows: Sequence[ChunkRow]) -> None:
        """Chunks that were said again: only their event times move."""
        if rows:
            slots = np.array([row.slot for row in rows], np.int64)
            seconds = np.array([row.event_time // 1_000_000 for row in rows], np.int64)
            where, columns = self._rows(slots), self.columns
            self._age(where, columns.seconds[slots], -1)
            columns.seconds[slots] = seconds
            self._age(where, seconds, 1)

    def _remove(self, delta: Delta) -> SummedChunks:
        """Let go of what left, but for its vectors, which are returned."""
        columns, slots = self.columns, delta.removed
        rows = self._rows(slots)
        self._count(slots, rows, -1)
        gone = self._summed(slots, delta.removed_vectors, rows)
        self._move(slots, -1)
        hashes, far = key_hashes(delta.removed_keys), columns.changed[slots, 0]
        self.live.leave(slots, hashes)
        self.changed.leave(slots[far], hashes[far])
        columns.cells[slots] = DEAD
        return gone

    def _add(self, delta: Delta, tokens: Pieces, before: Ints, gone: SummedChunks) -> None:
        """Take in what came.

        Args:
            delta: of the batch.
            tokens: ids of each text's words.
            before: the cells of the chunks that stood in these slots, DEAD where none did.
            gone: what left.
        """
        columns, slots = self.columns, delta.added
        vectors = delta.vectors
        columns.cells[slots] = cells = self.cells.of([(row.segment, row.embedding_version) for row in delta.rows])
        self.cells.hold(cells)
        self.counters.cover(self.cells.room)
        columns.tokens[slots] = tokens.lengths
        columns.seconds[slots] = [row.event_time // 1_000_000 for row in delta.rows]
        columns.norms[slots] = norms(vectors)
        columns.sketches[slots] = NO_SKETCH
        columns.said[slots] = self._digests.said([row.content_hash for row in delta.rows])
        columns.digests[slots] = self._digests.of(columns.said[slots], vectors)
        rows = self._rows(slots)
        codes = self.documents.codes([row.doc_id for row in delta.rows])
        # most updates leave a chunk in its document and its segments
        moves = cells != before
        stays = np.flatnonzero(~moves)
        moves[stays] = self.documents.of(columns.parts[slots[stays], 0]) != codes[stays]
        moved = np.flatnonzero(moves)
        columns.parts[slots[moved]] = self.documents.parts(codes[moved], rows[moved])
        keys = np.array([row.key for row in delta.rows], np.int64)
        columns.then[slots] = ABSENT if self.baseline is None else self.baseline.places(keys)
        columns.changed[slots] = self._move(slots, 1)
        columns.overlaps[slots] = DEAD
        self._count(slots, rows, 1)
        if self._sums is not None:
            columns.sketches[slots] = self._sums.exchange(gone, self._summed(slots, vectors, rows))
        hashes, far = key_hashes(keys), columns.changed[slots, 0]
        self.live.join(slots, hashes)
        self.changed.join(slots[far], hashes[far])
        self._codes = codes

    def _rows(self, slots: Ints) -> Ints:
        """Rows of live slots, (n, D)."""
        rows: Ints = self.cells.rows[self.columns.cells[slots]]
        return rows

    def _summed(self, slots: Ints, vectors: VectorRows, rows: Ints) -> SummedChunks:
        """Live chunks with these vectors and rows, as they are summed."""
        return SummedChunks(vectors, self.columns.norms[slots], rows, self.columns.changed[slots])

    def _count(self, slots: Ints, rows: Ints, sign: int) -> None:
        """Count live chunks, or no longer."""
        columns, counters = self.columns, self.counters
        if len(self.counts) < len(self.cells.rows):
            self.counts = longer(self.counts, len(self.cells.rows))
        np.add.at(self.counts, columns.cells[slots], sign)
        bins = np.empty((len(slots), 3), np.int64)
        bins[:, 0] = TOKENS_BINS.of(columns.tokens[slots].astype(np.int64)) + LENGTHS.start
        bins[:, 1] = ages.bins(columns.seconds[slots], self.reference) + AGES.start
        lengths = columns.norms[slots]
        bins[:, 2] = norm_bins(lengths) + NORMS.start
        chunks = ChunkBins(bins, columns.tokens[slots], columns.overlaps[slots], lengths > 0, columns.changed[slots])
        count_chunks(counters.counts, counters.dirty, rows, chunks, sign)

    def _age(self, rows: Ints, seconds: Ints, sign: int) -> None:
        self.counters.add(rows, (AGES.start + ages.bins(seconds, self.reference))[:, None], np.int64(sign))

    def _overlap(self, delta: Delta) -> None:
        """Look at the neighbours of what came, and of what stood before what came or left."""
        if self._neighbours is None:
            return
        ordinals = np.array([row.ordinal for row in delta.rows], np.int64)
        places = ordinals, np.array([row.key for row in delta.rows], np.int64)
        slots = self._neighbours.apply(delta.removed, delta.added, places, self._codes)
        following = self._neighbours.next[slots]
        paired = np.flatnonzero(following != NONE)
        fresh = np.full(len(slots), DEAD, np.int64)
        fresh[paired] = shares(*self._duplicates.shared(slots[paired], following[paired]))
        self.overlapped(slots, fresh)

    def overlapped(self, slots: Ints, fresh: Ints) -> None:
        """Count anew which share of their shingles live chunks have in common with the next one of their document.

        Args:
            slots: (n,), distinct.
            fresh: (n,) the shares by `shares`, DEAD where none follows.
        """
        columns = self.columns
        stale = columns.overlaps[slots]
        columns.overlaps[slots] = fresh
        rows = self._rows(slots)
        count_overlaps(self.counters.counts, self.counters.dirty, rows, stale, fresh)

    def _move(self, slots: Ints, sign: int) -> NDArray[np.bool_]:
        """Chunks come to life or die: count their documents and, against a baseline, what is new or modified."""
        columns, documents = self.columns, self.documents
        documents.update(0, *_each(columns.parts[slots].ravel(), sign))
        if self.baseline is None:
            return np.zeros((len(slots), columns.dimensions), np.bool_)
        changed, touched = self.baseline.count_live(self.counters, columns, slots, sign)
        documents.update(1, *_each(touched, sign))
        return changed

    def _away(self, left: Ints, came: Ints) -> None:
        """Count those of the baseline's chunks that are gone now, and no longer those that are there again.

        Args:
            left: (r,) places in the baseline of the chunks that left.
            came: (m,) of those that came: the same where all are only modified.
        """
        if self.baseline is not None and not np.array_equal(left, came):
            for places, sign in ((left, 1), (came, -1)):
                touched = self.baseline.count_gone(self.counters, places, sign)
                self.documents.update(1, *_each(touched, sign))

    def _forget(self) -> None:
        """As if there had never been a baseline."""
        baseline, self.baseline = self.baseline, None
        slots = self.columns.live()
        self.columns.then[slots], self.columns.changed[slots] = ABSENT, False
        if baseline is not None:
            self.documents.forget(baseline.parts.ravel())
            baseline.let_go()
        self.counters.clear(SINCE)
        self._refill()

    def _settle(self) -> None:
        """Samples keep as many candidates as their members ask for."""
        if self.live.settle() | self.changed.settle():
            self._refill()

    def _refill(self) -> None:
        slots = self.columns.live()
        self.live.refill(slots, self.corpus.keys[slots])
        slots = slots[self.columns.changed[slots, 0]]
        self.changed.refill(slots, self.corpus.keys[slots])


def _each(parts: Ints, step: int) -> tuple[Ints, Ints]:
    """Parts, and the same step for each."""
    return parts, np.full(len(parts), np.int64(step))


def shares(shared: Ints, own: Ints) -> Ints:
    """The share of each chunk's shingles that the next one has, in 1 / ONE; DEAD of a chunk without any. (n,) int64.

    Args:
        shared: (n,) shingles in common.
        own: (n,) shingles of the chunk.
    """
    found: Ints = np.where(own > 0, shared * ONE // np.maximum(own, 1), DEAD)
    return found
