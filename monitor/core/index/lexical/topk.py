"""The exact BM25 top-k of every anchor, kept current under a stream of chunk changes."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image, plain_segments, segments_of
from monitor.core.arrays.ragged import Pieces
from monitor.core.arrays.segment_codes import SegmentCodes
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.lexical.arrays import Queries, Ranking
from monitor.core.index.lexical.bm25 import Bm25Scorer, Variant
from monitor.core.index.lexical.forward import ForwardLists
from monitor.core.index.lexical.kernels import count
from monitor.core.index.lexical.kernels_rank import name
from monitor.core.index.lexical.names import OrderLabels
from monitor.core.index.lexical.queries import QueryFilters, QueryPlan, anchor_terms, compile_queries
from monitor.core.index.lexical.sources import (
    SourceStatistics,
    StatisticsSums,
    TermOccurrences,
    Totals,
    chunks_by_source,
    kept_sources,
    occurrences,
    sums_by_source,
)
from monitor.core.index.lexical.statistics import LexicalStatistics, statistics
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.index.lexical.watch import CandidateBuffers
from monitor.core.model.events import Segment
from monitor.core.model.lists import RankedLists

_STORED = 16_384
"""Chunks counted at once: bounds the memory of a large first delta."""
_MANY = 4
"""A scan for more than one anchor in so many refills all: the others would drift and follow soon."""
_WIDEST = 64
"""Entries per result wanted up to which failing often alone widens a buffer."""
_NONE = np.zeros(0, np.int64)
_OFTEN = 256
"""A row that fails again within this many batches gets a buffer twice as large: a scan for one row costs as much as
ranking a hundred thousand entries more, so a row that fails once in so many batches already pays for its room."""


class LexicalTopK:
    """The exact top-k of A anchors; scores equal rank-bm25's on the live corpus at every step (to 1e-9).

    A change moves N, the average length and document frequencies, so every BM25 score moves a little. Buffers
    hold the best k' = 8k of each anchor under the frozen weights of its epoch; each batch rescores only these,
    and a bound on what everything outside can score now proves the top-k exact (`lexical_bound`), or the anchor
    is refilled by a scan. Scores are computed from integers in a fixed order: the same live corpus gives the
    same bits, whatever the history, the batches and the slots were.

    A corpus in shards has one of these a shard: `stage` takes a batch in, `rank` is told what BM25 rests on in all
    shards together. Floors are of the shard's own chunks, weights of all chunks, and the proof is the same.

    A hit contains at least one term of its anchor; hits with a score <= 0 are hits. An anchor without terms, the
    empty corpus and chunks without tokens give empty lists. Ties by chunk id.

    Args:
        queries: A tokenised anchors; a repeated token counts as often as it is said.
        filters: (A,) attribute values that a hit must have.
        corpus: whose `names` and `keys` by slot are read while a delta is applied.
        vocabulary: of this index alone; the tokens given to `apply` come from its `encode`.
        k: depth of the lists.
        variant, k1, b, epsilon: see `Bm25Scorer`.
        anchors: how many of the queries, from the first on, are anchors, whose terms the statistics are about; None:
            all. The others are rewrites.
    """

    def __init__(
        self,
        queries: Sequence[Sequence[str]],
        filters: Sequence[Segment],
        corpus: Corpus,
        vocabulary: Vocabulary,
        *,
        k: int,
        variant: Variant = "okapi",
        k1: float = 1.5,
        b: float = 0.75,
        epsilon: float = 0.25,
        anchors: int | None = None,
    ) -> None:
        self.k = k
        self.bm25 = Bm25Scorer(variant, k1, b, epsilon)
        self.refills = 0
        """Anchors whose buffer was refilled by a scan, ever."""
        self.epochs = 0
        """Scans that refilled all anchors at once, ever."""
        self._corpus, self._vocabulary = corpus, vocabulary
        self._queries = [tuple(query) for query in queries]
        self._pinned = vocabulary.pin(self._queries)
        self._anchors, self._filters = anchors, filters
        self._terms = anchor_terms(self._queries[:anchors], self._pinned)
        self._asked = anchor_terms(self._queries, self._pinned)
        self._totals: Totals | None = None
        self._plan = compile_queries(self._pinned, filters)
        self._forward, self._names = ForwardLists(), OrderLabels(corpus.names)
        self._local = self._plan.local(vocabulary.capacity)
        self._now, self._start = self._weighted(self._plan, self._local)
        self._watch = CandidateBuffers(self._plan, k, self._reference())
        self._failed_at: NDArray[np.int64] = np.full(len(queries), -_OFTEN - 1, np.int64)
        self._batch = 0
        self._arrived, self._left, self._fresh = _NONE, _NONE, _NONE
        self._lists = RankedLists.of([[] for _ in queries], k)

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]]) -> NDArray[np.bool_]:
        """Apply a batch's net changes and bring every list up to date.

        Args:
            delta: removed slots (processed first) and added ones.
            tokens: m arrays of token ids with repeats, in text order, aligned with `delta.added`.

        Returns:
            (A,) bool: anchors whose top-k ids, or their order, changed.
        """
        self.stage(delta, tokens)
        return self.rank()

    def stage(self, delta: Delta, tokens: Sequence[NDArray[np.int32]]) -> None:
        """Take a batch in, arguments as of `apply`; the lists stay as they are until `rank`, which may wait."""
        self._batch += 1
        self._vocabulary.release(self._forward.drop(delta.removed))
        self.take(delta, tokens)
        self._left = np.union1d(self._left, delta.removed) if len(self._left) else delta.removed
        waiting = self._arrived
        if len(waiting):  # slots of chunks that left again are free, or hold others now
            waiting = np.setdiff1d(waiting, delta.removed, assume_unique=True)
        self._arrived = np.union1d(waiting, delta.added) if len(waiting) else delta.added

    @property
    def waiting(self) -> int:
        """Chunks that were staged and that no list was made with yet."""
        return len(self._arrived)

    def rank(self, totals: Totals | None = None) -> NDArray[np.bool_]:
        """Bring every list up to date with what was staged, and with the queries asked since.

        Args:
            totals: what BM25 rests on in all shards, of the terms of `own`; None: there are no other chunks.

        Returns:
            What `apply` does.
        """
        self._totals = totals
        arrived, self._arrived = self._arrived, _NONE
        fresh, self._fresh = self._fresh, _NONE
        if 2 * len(arrived) > self._forward.documents:
            return self.settle()
        self._follow()
        self._watch.offer(self._forward.lists(arrived), self._names)
        every = np.arange(len(self._plan))
        ranking = self._watch.rank(self._now, every, self._names)
        failed = self._watch.to_refill(ranking, self._now, self._names)
        if len(failed) or len(fresh):
            failed = np.union1d(failed, fresh)
            again = self._proved(failed)
            rows = every if len(again.slot) == len(every) else failed
            ranking.slot[rows], ranking.score[rows] = again.slot, again.score
        return self._publish(ranking)

    def own(self) -> Totals:
        """What these chunks add to what BM25 rests on: of the terms of all queries, rewrites too. No mean idf."""
        return self._own(self._asked)

    def take(self, delta: Delta, tokens: Sequence[NDArray[np.int32]]) -> None:
        """Take in what a delta adds. A corpus that comes in parts is taken part by part, then settled."""
        self._names.reach(len(self._corpus.names))
        self._watch.rename(delta.added, self._names)
        self._store(delta, tokens)

    def postpone(self) -> None:
        """Instead of `settle`: every list is made anew by the next `rank`."""
        self._arrived = self._forward.live()

    def settle(self) -> NDArray[np.bool_]:
        """Make every list anew, by a scan; returns what `apply` does."""
        self._follow()
        return self._publish(self._proved(np.arange(len(self._plan))))

    def reanchor(
        self,
        queries: Sequence[Sequence[str]],
        filters: Sequence[Segment],
        kept: NDArray[np.int64],
        *,
        anchors: int | None = None,
    ) -> None:
        """Keep the lists of other anchors from here on; only new questions are scanned for.

        What the chunks contain is known for every token, so new terms cost one pass over the forward lists' ids, and
        only lists that hold a term gained or lost are rewritten. Call it between two batches.

        Args:
            queries: A tokenised anchors.
            filters: (A,) attribute values that a hit must have.
            kept: (A,) int64, see `anchors.kept_rows`: buffers and lists of those rows hold as they are.
            anchors: see the constructor.
        """
        self.ask(queries, filters, kept, anchors=anchors)
        fresh, self._fresh = self._fresh, _NONE
        if len(fresh):
            found = self._watch.proved(fresh, self._forward, self._now, self._reference(), self._names)
            self._lists = self._lists.replaced(self._plan.order[fresh], self._listed(found, np.arange(len(fresh))))

    def ask(
        self,
        queries: Sequence[Sequence[str]],
        filters: Sequence[Segment],
        kept: NDArray[np.int64],
        *,
        anchors: int | None = None,
    ) -> None:
        """As `reanchor`, without the scan: new questions have empty lists until `rank`, which comes next."""
        before, watch, pinned = self._plan, self._watch, self._pinned
        self._anchors, self._filters = anchors, filters
        self._queries = [tuple(query) for query in queries]
        self._pinned = self._vocabulary.pin(self._queries)
        self._terms = anchor_terms(self._queries[:anchors], self._pinned)
        self._asked, self._totals = anchor_terms(self._queries, self._pinned), None  # those were of other terms
        self._vocabulary.unpin(pinned)
        self._vocabulary.recycle()
        self._plan = compile_queries(self._pinned, filters)
        self._forward.refold(self._refolded(before.admission))
        self._local = self._plan.local(self._vocabulary.capacity)
        self._forward.rehead(self._local >= 0, before.local(self._vocabulary.capacity) >= 0)
        self._now, self._start = self._weighted(self._plan, self._local)
        self._watch = CandidateBuffers(self._plan, self.k, self._reference())
        rows = kept[self._plan.order]  # by row of the new plan: the query before
        target, self._fresh = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        source = np.argsort(before.order)[rows[target]]
        self._watch.carry(watch, source, target)
        failed_at, self._failed_at = self._failed_at, np.full(len(rows), -_OFTEN - 1, np.int64)
        self._failed_at[target] = failed_at[source]
        self._watch.follow(self._now, self._frequency(self._plan), self._forward.frequency_type)
        self._lists = self._lists.arranged(kept)

    def image(self) -> Image:
        """See `image`; the vocabulary is not part of it."""
        return {
            "forward": self._forward.image(),
            "folds": plain_segments(list(self._plan.admission.folds)),
            "labelled": self._names.labelled(),
            "watch": self._watch.image(),
        }

    def resume(self, image: Image) -> None:
        """Take up what was there, of the same queries, where nothing is yet; the vocabulary did so before."""
        self._pinned = self._vocabulary.pin(self._queries)
        self._terms = anchor_terms(self._queries[: self._anchors], self._pinned)
        self._asked = anchor_terms(self._queries, self._pinned)
        self._plan = compile_queries(self._pinned, self._filters)
        self._plan.admission.encode([of for of in segments_of(image["folds"]) if of is not None])
        self._forward.resume(image["forward"])
        self._local = self._plan.local(self._vocabulary.capacity)
        self._now, self._start = self._weighted(self._plan, self._local)
        self._watch = CandidateBuffers(self._plan, self.k, self._reference())
        self._watch.resume(image["watch"])
        self._names.reach(len(self._corpus.names))
        self._names.place(image["labelled"])
        self.rank()

    @property
    def bytes(self) -> int:
        """Bytes held for chunks and buffers (the vocabulary's strings not counted)."""
        return self._forward.bytes + self._watch.bytes

    def lists(self) -> RankedLists:
        """The exact top-k of every anchor now, scores in float64; never an unknown row."""
        return self._lists

    def statistics(self) -> LexicalStatistics:
        """What BM25 rests on now."""
        return statistics(self.bm25, self._own(self._terms), self._vocabulary.frequencies())

    def tokens(self, slots: NDArray[np.int64]) -> NDArray[np.int32]:
        """Tokens, with repeats, of the chunks in these live slots."""
        return self._forward.lists(slots).lengths

    def by_source(self, codes: SegmentCodes) -> SourceStatistics:
        """The statistics told apart by source, by a pass over all live chunks; `codes` are their segments."""
        sums = self.sums_by_source(codes, kept_sources(chunks_by_source(codes)))
        average = self.bm25.average_idf(self._forward.documents, *self._vocabulary.frequencies())
        return SourceStatistics(sums.sources, sums.documents, sums.lengths, self._terms[0], sums.frequency, average)

    def sums_by_source(self, codes: SegmentCodes, kept: frozenset[str]) -> StatisticsSums:
        """What `by_source` is made of: the sums of these sources, and of all others together."""
        terms, ids = self._terms
        local: NDArray[np.int32] = np.zeros(self._vocabulary.capacity, np.int32)
        local[ids] = np.arange(len(terms), dtype=np.int32)
        return sums_by_source(self._forward, local, len(terms), codes, kept)

    def occurrences(self, query: int, slots: NDArray[np.int64]) -> TermOccurrences:
        """How often some live chunks contain the terms of one query."""
        repeats = Counter(self._queries[query])
        return occurrences(self._forward.lists(slots), repeats, self._vocabulary.lookup(tuple(repeats)))

    def search(self, queries: Sequence[Sequence[str]], filters: Sequence[Segment], k: int) -> RankedLists:
        """Exact top-k of any queries over the live corpus, by a scan; the same bits as a maintained list.

        Args:
            queries: Q tokenised queries; a token that no chunk has adds nothing.
            filters: (Q,) attribute values that a hit must have.
            k: depth.
        """
        if not queries:
            return RankedLists.unknown(0, k)
        plan = compile_queries([self._vocabulary.lookup(query) for query in queries], filters)
        now, start = self._weighted(plan, plan.local(self._vocabulary.capacity))
        segments = self._folded(plan.admission)
        now = now._replace(allowed=plan.admission.allowed)
        reference = now._replace(weight=plan.weights(start))
        watch = CandidateBuffers(plan, k, reference, segments)
        watch.follow(now, self._frequency(plan), self._forward.frequency_type)
        ranking = watch.proved(np.arange(len(plan)), self._forward, now, reference, self._names)
        return self._listed(ranking, plan.order)

    def _own(self, asked: tuple[tuple[str, ...], NDArray[np.int32]]) -> Totals:
        terms, ids = asked
        frequency = self._vocabulary.document_frequency[ids].astype(np.int64)
        return Totals(self._forward.documents, self._forward.total_length, terms, frequency, 0.0)

    def _store(self, delta: Delta, tokens: Sequence[NDArray[np.int32]]) -> None:
        if len(self._local) < self._vocabulary.capacity:
            self._local = self._plan.local(self._vocabulary.capacity)
        for at in range(0, len(delta.added), _STORED):
            some = slice(at, at + _STORED)
            pieces = Pieces.of(tokens[some])
            lengths = pieces.lengths
            offset = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
            counted = count(pieces.flat, offset, self._local)
            segments = self._plan.admission.encode([row.segment for row in delta.rows[some]])
            self._forward.store(delta.added[some], counted, lengths, segments)
            self._vocabulary.retain(counted.ids)

    def _follow(self) -> None:
        """Bring weights and watch up to what is stored now."""
        left, self._left = self._left, _NONE
        self._watch.drop(left)
        self._vocabulary.recycle()
        self._forward.compact_if_needed()
        self._now, self._start = self._weighted(self._plan, self._local)
        self._watch.follow(self._now, self._frequency(self._plan), self._forward.frequency_type)

    def _reference(self) -> Queries:
        """The queries under the weights that a new epoch starts with."""
        return self._now._replace(weight=self._plan.weights(self._start))

    def _weighted(self, plan: QueryPlan, local: NDArray[np.int32]) -> tuple[Queries, NDArray[np.float64]]:
        """A plan under the present weights, and the idf a new epoch starts with: positive for absent terms."""
        documents, total = self._forward.documents, self._forward.total_length
        frequency, totals = self._frequency(plan), self._totals
        if totals is None:
            average = self.bm25.average_idf(documents, *self._vocabulary.frequencies())
        elif plan is self._plan:
            documents, total, average = totals.documents, totals.length, totals.average_idf
            frequency[np.searchsorted(plan.terms, self._asked[1])] = totals.frequency
        else:
            message = "lexical: one shard cannot search for what nobody watches; the weights are of other terms"
            raise ValueError(message)
        start = self.bm25.floored(self.bm25.raw_idf(documents, frequency), average)
        idf = np.where(frequency == 0, 0.0, start)
        length = total / documents if documents else 0.0
        return plan.weighted(idf, length, local, (self.bm25.k1, self.bm25.b)), start

    def _frequency(self, plan: QueryPlan) -> NDArray[np.int64]:
        return self._vocabulary.document_frequency[plan.terms].astype(np.int64)

    def _proved(self, failed: NDArray[np.int64]) -> Ranking:
        """Refill the anchors that failed, or all of them once many did; those that keep failing get more room."""
        again = failed[self._batch - self._failed_at[failed] <= _OFTEN]
        self._watch.widen(again, 2, min(self._forward.documents, _WIDEST * self.k))
        self._failed_at[failed] = self._batch
        if len(failed) * _MANY > len(self._plan):
            failed = np.arange(len(self._plan))
            self.epochs += 1
        self.refills += len(failed)
        return self._watch.proved(failed, self._forward, self._now, self._reference(), self._names)

    def _publish(self, ranking: Ranking) -> NDArray[np.bool_]:
        before = self._lists.keys
        self._lists = self._listed(ranking, self._plan.order)
        changed: NDArray[np.bool_] = (before != self._lists.keys).any(axis=1)
        return changed

    def _listed(self, ranking: Ranking, order: NDArray[np.int64]) -> RankedLists:
        """Slots to chunk keys, row r as list order[r]."""
        shape = ranking.slot.shape
        made = RankedLists(
            np.empty(shape, np.int64), np.empty(shape), np.empty(len(order), np.int64), np.ones(len(order), np.bool_)
        )
        name(ranking, order, self._corpus.keys, made.keys, made.scores, made.lengths)
        return made

    def _refolded(self, before: QueryFilters) -> NDArray[np.int32]:
        """Segments of the live slots, folded by the present filters instead of those before."""
        table = self._plan.admission.refolded(before)
        if table is not None:
            return table[self._forward.segments()]
        return self._folded(self._plan.admission)[self._forward.live()]

    def _folded(self, admission: QueryFilters) -> NDArray[np.int32]:
        """Segments by slot, folded by the filters of an ad hoc search."""
        live = self._forward.live()
        segments = np.zeros(int(live.max(initial=0)) + 1, np.int32)
        rows = [self._corpus.row(key) for key in self._corpus.keys[live].tolist()]
        segments[live] = admission.encode([row.segment for row in rows if row is not None])
        return segments
