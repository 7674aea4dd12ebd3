"""The coordinator: chooses steps, sums what shards have, tells them the sums, merges what they rank."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.duplicates import Copies
from monitor.core.index.duplicates.near import AskedSets, NearCopies
from monitor.core.index.duplicates.shingles import THRESHOLD
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.sources import SourceStatistics, TermOccurrences, Totals, kept_sources
from monitor.core.index.lexical.statistics import LexicalStatistics, statistics
from monitor.core.index.maintained import ListWork, Taken
from monitor.core.model.anchors import AnchorSet, kept_rows
from monitor.core.model.changes import Delta, Refused
from monitor.core.model.events import Delete, Located, Partition, Upsert, chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.rewrites import with_rewrites
from monitor.core.shards.merge import cuts_after, likest, merged, short
from monitor.core.shards.messages import (
    ChunkInTwoShardsError,
    EpochSpan,
    NotShardedError,
    ShardAwayError,
    ShardLists,
    ShardPosition,
    StageSums,
)
from monitor.core.shards.port import Shards
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_statistics import ShardedStatistics
from monitor.core.shards.term_owner import TermOwner
from monitor.core.text.tokens import tokenize

_NO_WORDS: NDArray[np.int64] = np.zeros(0, np.int64)


class ShardedState:
    """All maintained state of a corpus in shards: what `Engine` is to one process, to the bit.

    A step is one batch of events: shards stage it, their sums become what BM25 rests on, shards rank under it, and
    their lists are merged. What is published is what this says after a step; a shard alone publishes nothing.

    Args:
        config: of all shards.
        anchors: the anchors, with prepared vectors.
        shards: the shards, empty.
        corpus: the chunk table over them.
    """

    def __init__(self, config: ShardConfig, anchors: AnchorSet, shards: Shards, corpus: ShardedCorpus) -> None:
        self.anchors = anchors
        self.statistics = ShardedStatistics(config.dimensions, shards, corpus)
        self.duplicates = ShardedCopies(config, shards, corpus, self.statistics)
        self.lexical = ShardedLexical(config, anchors, shards, corpus) if config.depths.lexical else None
        self.second_rounds = 0
        """Questions that shards were asked a second time, because they had held back too much, ever."""
        self.config, self.shards, self._corpus = config, shards, corpus
        self._positions: dict[Partition, int] = {}
        self._lists = self._empty()
        self._summed = -1
        """The step whose sums were taken: where a shard is away, the same step is ranked once more."""
        self._totals: Totals | None = None

    @property
    def positions(self) -> Mapping[Partition, int]:
        """Next offset by partition, of all shards."""
        return self._positions

    def ingest(self, corpus: Corpus, events: Sequence[Located]) -> Taken:
        """Take a step: see `Engine.ingest`. Changes and delta stay with the shards.

        Raises:
            ShardError: a shard refused the step, or one chunk is in two shards.
        """
        if corpus is not self._corpus:
            message = "events of another corpus than the shards'"
            raise NotShardedError(message)
        upto = dict(self._positions)
        for located in events:
            source, offset = located.position.source, located.position.offset
            upto[source] = max(upto.get(source, 0), offset + 1)
        span = EpochSpan(self._corpus.epoch + 1, self._positions, upto)
        sums = self.shards.stage(span, events)
        noted = np.unique(np.concatenate([of.noted for of in sums]))
        self._corpus.forget(noted.tolist())
        before = self._lists
        try:
            self._rank(span, sums, self._cuts())
        except ChunkInTwoShardsError as error:
            raise _named(error, events) from error
        self._positions = upto
        outcomes: Counter[tuple[str, str]] = Counter()
        for of in sums:
            outcomes.update(of.outcomes)
        return Taken(
            changes=(),
            delta=self._no_delta(),
            touched=self._touched(before),
            outcomes=outcomes,
            upserts=(sum(of.upserts[0] for of in sums), sum(of.upserts[1] for of in sums)),
            refused=_in_order(events, [one for of in sums for one in of.refused]),
            noted=noted,
            sketches={key: sketch for of in sums for key, sketch in of.sketches.items()},
            came=np.concatenate([of.came for of in sums]),
            gone=np.concatenate([of.gone for of in sums]),
            said=np.concatenate([of.said for of in sums]),
        )

    def resume(self, at: ShardPosition, loaded: Sequence[StageSums]) -> None:
        """Go on where the shards stopped: owners and coordinator begin anew from what each shard has.

        Args:
            at: where they stood, as each of them was told.
            loaded: what `Shard.load` said.
        """
        self._positions, self._corpus.barrier_time = dict(at.positions), at.barrier_time
        self._corpus.newest_event_time = at.newest_event_time
        self._rank(EpochSpan(at.epoch, at.positions, at.positions), loaded, {})

    def reanchor(self, anchors: AnchorSet) -> NDArray[np.int64]:
        """Watch other anchors from here on; see `Engine.reanchor`. A step of its own, without events."""
        kept = kept_rows(self.anchors, anchors)
        span = EpochSpan(self._corpus.epoch + 1, self._positions, self._positions)
        sums = self.shards.ask(span.epoch, anchors)
        self.anchors = anchors
        if self.lexical is not None:
            self.lexical.ask(anchors)
        self._rank(span, sums, {})
        return kept

    def lists(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists now; the dense ones under `exact`."""
        return {leg: of.take(np.arange(len(self.anchors))) for leg, of in self._lists.items()}

    def rewrites(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists of all rewrites, in the order of the anchors; a leg that does not ask them is absent."""
        own = len(self.anchors)
        return {leg: of.take(np.arange(own, len(of))) for leg, of in self._lists.items() if len(of) > own}

    def by_source(self) -> SourceStatistics | None:
        """The BM25 statistics told apart by source; None while the lexical leg is off."""
        return None if self.lexical is None else self.lexical.by_source()

    def exact(self, rows: NDArray[np.int64]) -> RankedLists:
        """The dense lists of some anchors once more: a pass over the live vectors of each shard, merged."""
        parts = self.shards.exact(self._corpus.epoch, rows)
        return merged([of.legs["exact"] for of in parts], self.config.depths.k, self._corpus.names_of)

    def work(self) -> ListWork:
        """What keeping the lists exact took, of all shards together; a word of two shards counts twice."""
        parts = self.shards.work(self._corpus.epoch)
        searched: Counter[ListLeg] = Counter()
        for of in parts:
            searched.update(of.searched)
        return ListWork(
            searched,
            rebuilds=sum(of.rebuilds for of in parts),
            epochs=sum(of.epochs for of in parts),
            terms=sum(of.terms for of in parts),
            tombstones=sum(of.tombstones for of in parts),
        )

    def _rank(self, span: EpochSpan, sums: Sequence[StageSums], cuts: dict[ListLeg, NDArray[np.float64]]) -> None:
        """The second half of a step: from sums to merged lists."""
        if self._summed != span.epoch:
            for of in sums:
                self._corpus.arrive(of.shard, of.arrived)
            self._corpus.chunks = sum(of.chunks for of in sums)
            newest = max(of.newest_event_time for of in sums)
            self._corpus.newest_event_time = max(self._corpus.newest_event_time, newest)
            self._totals = None if self.lexical is None else self.lexical.summed(sums)
            self._summed = span.epoch
        replies = self.shards.rank(span, self._totals, cuts)
        before, self._corpus.epoch = self._corpus.epoch, span.epoch
        try:
            lists = {leg: self._merged(leg, replies, cuts.get(leg)) for leg in self._lists}
            listed = np.unique(np.concatenate([_NO_WORDS, *(of.keys.ravel() for of in lists.values())]))
            self._corpus.make_room(listed)
            self._corpus.fetch(listed.tolist())
        except ShardAwayError:
            self._corpus.epoch = before
            raise
        self._lists = lists

    def _merged(self, leg: ListLeg, replies: Sequence[ShardLists], cut: NDArray[np.float64] | None) -> RankedLists:
        k, names = self.config.depths.k, self._corpus.names_of
        entries = [of.legs[leg] for of in replies]
        lists = merged(entries, k, names)
        if cut is None:
            return lists
        rows = short(lists, cut, entries)
        if not len(rows):
            return lists
        self.second_rounds += len(rows)
        again = self.shards.rest(self._corpus.epoch, {leg: rows})
        return lists.replaced(rows, merged([of.legs[leg] for of in again], k, names))

    def _cuts(self) -> dict[ListLeg, NDArray[np.float64]]:
        return {leg: cuts_after(of) for leg, of in self._lists.items()}

    def _empty(self) -> dict[ListLeg, RankedLists]:
        depths, made = self.config.depths, {}
        legs: list[tuple[ListLeg, bool]] = [("exact", depths.dense), ("lexical", depths.lexical)]
        for leg, on in legs:
            if on:
                asked = with_rewrites(self.anchors, vectors=leg == "exact")
                made[leg] = RankedLists.of([[] for _ in asked.anchors], depths.k)
        return made

    def _touched(self, before: Mapping[ListLeg, RankedLists]) -> dict[ListLeg, NDArray[np.bool_]]:
        """By leg, as the legs themselves say it: dense ones by ids and scores, lexical ones by ids."""
        made: dict[ListLeg, NDArray[np.bool_]] = {}
        for leg, of in self.lists().items():
            then = before[leg].take(np.arange(len(of)))
            other = then.keys != of.keys
            if leg == "exact":
                other |= (then.scores != of.scores) & ~(np.isnan(then.scores) & np.isnan(of.scores))
            made["dense" if leg == "exact" else leg] = other.any(axis=1)
        return made

    def _no_delta(self) -> Delta:
        none = np.zeros((0, self.config.dimension), np.float32)
        return Delta(_NO_WORDS, _NO_WORDS, (), (), none, _NO_WORDS, none)


class ShardedLexical:
    """The lexical leg over all shards, beside its lists; see `LexicalTopK`, whose methods these are."""

    def __init__(self, config: ShardConfig, anchors: AnchorSet, shards: Shards, corpus: ShardedCorpus) -> None:
        self.bm25 = Bm25Scorer(config.bm25.variant, config.bm25.k1, config.bm25.b, config.bm25.epsilon)
        self._shards, self._corpus = shards, corpus
        self._words = TermOwner()
        self.ask(anchors)

    def ask(self, anchors: AnchorSet) -> None:
        """Other anchors: their terms, and those of their rewrites."""
        asked = [tokenize(anchor.text) for anchor in with_rewrites(anchors, vectors=False).anchors]
        self._asked = tuple(sorted({token for query in asked for token in query}))
        self._terms = tuple(sorted({token for query in asked[: len(anchors)] for token in query}))
        place = {term: at for at, term in enumerate(self._asked)}
        self._own = np.array([place[term] for term in self._terms], np.int64)
        self._totals = Totals(0, 0, self._asked, np.zeros(len(self._asked), np.int64), 0.0)

    def summed(self, sums: Sequence[StageSums]) -> Totals:
        """What BM25 rests on, of the terms of all questions; the owner of words takes the shards' steps."""
        self._words.take([of.words for of in sums])
        documents, length = sum(of.chunks for of in sums), sum(of.length for of in sums)
        frequency = np.add.reduce([of.frequency for of in sums])
        average = self.bm25.average_idf(documents, *self._words.frequencies())
        self._totals = Totals(documents, length, self._asked, frequency, average)
        return self._totals

    def statistics(self) -> LexicalStatistics:
        """What BM25 rests on now."""
        whole = self._totals
        own = Totals(whole.documents, whole.length, self._terms, whole.frequency[self._own], 0.0)
        return statistics(self.bm25, own, self._words.frequencies())

    def by_source(self) -> SourceStatistics:
        """The statistics told apart by source: the largest over all shards, and the others together."""
        chunks: Counter[str] = Counter()
        for counts in self._shards.sources(self._corpus.epoch):
            chunks.update(counts)
        sums = self._shards.by_source(self._corpus.epoch, kept_sources(chunks))
        names = tuple(sorted({name for of in sums for name in of.sources}))
        place = {name: at for at, name in enumerate(names)}
        documents, lengths = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
        frequency = np.zeros((len(names), len(self._terms)), np.int64)
        for of in sums:
            at = [place[name] for name in of.sources]
            documents[at] += of.documents
            lengths[at] += of.lengths
            frequency[at] += of.frequency
        return SourceStatistics(names, documents, lengths, self._terms, frequency, self._totals.average_idf)

    def occurrences(self, query: int, slots: NDArray[np.int64]) -> TermOccurrences:
        """How often some live chunks contain the terms of one query; each of them is in one shard."""
        keys = self._corpus.keys[slots]
        replies = self._shards.tokens(self._corpus.epoch, query, keys)
        terms, repeats = replies[0][1].terms, replies[0][1].repeats
        frequency, lengths = np.zeros((len(keys), len(terms))), np.zeros(len(keys))
        for places, of in replies:
            frequency[places], lengths[places] = of.frequency, of.lengths
        return TermOccurrences(terms, repeats, frequency, lengths)


class ShardedCopies:
    """Which live chunks say the same, in whatever shards they are; see `Duplicates`, whose methods these are.

    Whether two sets of shingles are near copies depends on the two alone: so a text has a copy if some shard has one.
    """

    def __init__(
        self, config: ShardConfig, shards: Shards, corpus: ShardedCorpus, statistics: ShardedStatistics
    ) -> None:
        self._shards, self._corpus, self._statistics = shards, corpus, statistics
        self._bands = NearCopies(config.bands, THRESHOLD)

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension: their owners count them."""
        return self._statistics.counts(dimension)

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a chunk."""
        return self._corpus.shingles(slot)

    def sets(self, slots: NDArray[np.int64]) -> Sets:
        """The shingles of some chunks, in order; empty for a slot below 0."""
        return self._corpus.sets(slots)

    def set_lists(self, slots: NDArray[np.int64]) -> SetLists:
        """See `Duplicates`."""
        return SetLists.of(slots, NO_CHUNK, lambda distinct: self.sets(np.array(distinct, np.int64)))

    def copied(self, slots: Sequence[int]) -> NDArray[np.bool_]:
        """Whether live chunks have copies, exact or near: in their own shard, or in another that holds the text."""
        own = np.array([self._corpus.shard(slot) for slot in slots], np.int64)
        keys = self._corpus.keys[np.array(slots, np.int64)].tolist()
        copied: NDArray[np.bool_] = np.logical_or.reduce(self._shards.copied(self._corpus.epoch, keys))
        left = np.flatnonzero(~copied)
        asked = self.asking([self.shingles(slots[at]) for at in left.tolist()])
        for number, held in enumerate(self._shards.holds(self._corpus.epoch, asked, np.arange(len(left)))):
            copied[left] |= held & (own[left] != number)
        return copied

    def holds(self, sets: Sequence[NDArray[np.uint32]]) -> NDArray[np.bool_]:
        """Whether some live chunk says each of these, exactly or nearly."""
        return self.has(self.asking(sets), np.arange(len(sets)))

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """Make sets ready for `has`."""
        return self._bands.asking(sets)

    def has(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """As `holds`, of some sets that were made ready."""
        held: NDArray[np.bool_] = np.logical_or.reduce(self._shards.holds(self._corpus.epoch, asked, places))
        return held

    def nearest(self, sets: Sequence[NDArray[np.uint32]]) -> list[NDArray[np.int64]]:
        """Of the live chunks that are most like each of these, exactly or nearly, the first by key; () for none."""
        keys = likest(self._shards.nearest(self._corpus.epoch, sets)) if sets else _NO_WORDS
        slots = self._corpus.slots(keys.tolist())
        return [slots[at : at + 1] if slots[at] >= 0 else slots[:0] for at in range(len(sets))]


def _named(error: ChunkInTwoShardsError, events: Sequence[Located]) -> ChunkInTwoShardsError:
    """The error with the chunk's id and the last event of it, as far as the step's events say them."""
    for located in reversed(events):
        event = located.event
        if isinstance(event, Upsert | Delete):
            chunk_id = event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id
            if chunk_key(chunk_id) == error.key:
                at = f"{located.position.source.name}@{located.position.offset}"
                found = f"chunk {chunk_id!r} at {at}: events of it stand in partitions of two shards"
                return ChunkInTwoShardsError(f"{found}; expected the chunk id as the record's key, or one process")
    return error


def _in_order(events: Sequence[Located], refused: Sequence[Refused]) -> tuple[Refused, ...]:
    """Refused events in the order in which they came."""
    place = {located.position: at for at, located in enumerate(events)} if refused else {}
    return tuple(sorted(refused, key=lambda one: place[one.located.position]))
