"""One shard: some partitions of the stream, their chunks, and the best of them for every question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.content_sketch import ContentSketch, sketches_of_deleted
from monitor.core.index.duplicates.near import AskedSets, Bands
from monitor.core.index.duplicates.shingles import jaccard
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.index.lexical.sources import StatisticsSums, TermOccurrences, Totals, chunks_by_source
from monitor.core.index.maintained import ListWork
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import Applied, Change, ChunkRow, Delta, noted_keys, repeated_upserts
from monitor.core.model.events import Located, Partition
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.scoring import Distance
from monitor.core.shards.counting_vocabulary import CountingVocabulary
from monitor.core.shards.messages import (
    ChunkFacts,
    Cuts,
    EpochSpan,
    LegEntries,
    LikestTexts,
    LiveSample,
    NotShardedError,
    Positions,
    ShardCommit,
    ShardLists,
    ShardOutOfStepError,
    ShardPosition,
    StageSums,
    of_shard,
    shard_of,
)
from monitor.core.shards.owners import ShardJournals
from monitor.core.shards.populations import BaselinePart, PopulationPart

LoadedChunk = tuple[ChunkRow, str, NDArray[np.float32] | None]
"""What a shard kept of a chunk: its row, its text, "" for a delete mark, and its vector, None without a dense leg."""
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """What every shard of a corpus is built from, the same for all.

    Args:
        shards: how many there are.
        dimension: d of the vectors, 0 when the dense leg is off.
        depths: k and the legs that are on.
        distance: of the dense leg.
        bm25: of the lexical leg.
        bands: finds candidates for near copies.
        dimensions: by which statistics of the corpus are told apart.
        tombstone_days: how long, in event time, a delete mark outlives its chunk.
    """

    shards: int
    dimension: int
    depths: Depths
    distance: Distance
    bm25: Bm25Config
    bands: Bands
    dimensions: tuple[str, ...] = ()
    tombstone_days: float = 30.0


@dataclass(slots=True)
class _State:
    """Where a shard stands: the epoch it staged last, up to where, and whether it has ranked it."""

    epoch: int = 0
    positions: dict[Partition, int] = field(default_factory=dict)
    ranked: bool = True


class Shard:
    """The chunks of some partitions, with lists, copies and statistics of its own; it knows of no other shard.

    A step is two calls, `stage` and `rank`, because a change anywhere moves the weights everywhere: `stage` says what
    this shard adds to the sums, `rank` is told the sums. A call that does not follow the shard's state is refused: a
    shard that was born anew, or one that took a step twice, would give wrong lists without an error.

    Args:
        number: its own, from 0.
        config: of all shards.
        anchors: the anchors, with prepared vectors.
        stored: whether somebody asks for commits; else what changed is not kept.
    """

    def __init__(self, number: int, config: ShardConfig, anchors: AnchorSet, *, stored: bool = False) -> None:
        self.number, self._config, self._stored = number, config, stored
        self._changes: list[Change] = []
        self._forgotten: list[int] = []
        self.corpus = Corpus(config.dimension, tombstone_days=config.tombstone_days)
        self._vocabulary = CountingVocabulary()
        self.engine = Engine(
            anchors,
            self.corpus,
            config.depths,
            config.distance,
            config.bm25,
            bands=config.bands,
            dimensions=config.dimensions,
            whole=False,
            vocabulary=self._vocabulary,
        )
        self.journals = ShardJournals(self.corpus, self.engine.duplicates, self.engine.statistics.kept)
        self._state = _State()

    @property
    def epoch(self) -> int:
        """The last one that it staged."""
        return self._state.epoch

    @property
    def positions(self) -> Positions:
        """Next offset by partition of its own."""
        return self._state.positions

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> StageSums:
        """Take the step's events of its partitions in; its lists wait for `rank`.

        Args:
            span: the step: one epoch on, from where this shard stands.
            events: in order; one from before the step was delivered again.

        Raises:
            ShardOutOfStepError: the step does not follow, or an event does not belong to it.
        """
        state, own = self._state, self._own(span.before)
        if not state.ranked or span.epoch != state.epoch + 1 or own != state.positions:
            ranked = "" if state.ranked else ", not ranked"
            self._refuse(f"stage {_said(span.epoch, own)}: stands at {self._stand()}{ranked}")
        self._belong(events, span.upto)
        applied = self.corpus.apply(events)
        sketches = sketches_of_deleted(applied.changes, self.engine.duplicates.shingles)
        delta = self.corpus.delta(applied.changes)
        self.journals.leaving(delta)
        self.engine.stage(delta)
        self.journals.came(delta)
        self._state = _State(span.epoch, self._own(span.upto), ranked=False)
        if self._stored:
            self._changes += applied.changes
        said = {change.after.key for change in applied.changes if change.after.live}
        return replace(
            self._sums(applied, noted_keys(applied.changes, delta), sketches),
            said=np.array(sorted(said), np.int64),
            came=self.corpus.keys[delta.added],
            gone=delta.removed_keys,
        )

    def load(self, at: ShardPosition, parts: Iterable[Sequence[LoadedChunk]]) -> StageSums:
        """Take in what the shard had when it stopped, into an empty one; `rank` ends it as it ends a step.

        Args:
            at: where it stood.
            parts: all known chunks with their texts and vectors, delete marks included, part by part.

        Raises:
            ShardOutOfStepError: the shard is not empty.
        """
        if self._state.epoch or self._state.positions:
            self._refuse(f"load epoch {at.epoch}: stands at {self._stand()}")
        self.engine.load(self._deltas(parts), rank=False)
        self.journals.everything()
        self.corpus.newest_event_time = max(self.corpus.newest_event_time, at.newest_event_time)
        self.corpus.barrier_time = at.barrier_time
        self._state = _State(at.epoch, self._own(at.positions), ranked=False)
        return self._sums(arrived=np.array([row.key for row in self.corpus.rows()], np.int64))

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> ShardLists:
        """The best of its chunks for every question, under what BM25 rests on in all shards.

        Args:
            span: the step that was staged.
            totals: of the terms of all questions; None without a lexical leg.
            cuts: what scores below is withheld, see `rest`.

        Raises:
            ShardOutOfStepError: that step was not staged, or is ranked already.
        """
        state = self._state
        if state.ranked or span.epoch != state.epoch or self._own(span.upto) != state.positions:
            self._refuse(f"rank {_said(span.epoch, self._own(span.upto))}: stands at {self._stand()}")
        if (self.engine.lexical is None) != (totals is None):
            self._refuse(f"rank epoch {span.epoch}: expected sums of terms if, and only if, there is a lexical leg")
        if self.engine.lexical is not None:
            self.engine.lexical.rank(totals)
        state.ranked = True
        return ShardLists(self.number, {leg: _entries(of, cuts.get(leg)) for leg, of in self._lists().items()})

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> ShardLists:
        """The whole best k for some questions (rows by leg): what `rank` withheld counts after all."""
        self.at(epoch)
        lists = self._lists()
        return ShardLists(self.number, {leg: _entries(lists[leg].take(some), None) for leg, some in rows.items()})

    def ask(self, epoch: int, anchors: AnchorSet) -> StageSums:
        """Watch other anchors from here on: a step without events, which `rank` ends."""
        state = self._state
        if not state.ranked or epoch != state.epoch + 1:
            self._refuse(f"ask at epoch {epoch}: stands at {self._stand()}")
        self.engine.ask(anchors)
        self._state = _State(epoch, state.positions, ranked=False)
        return self._sums()

    def barrier(self, epoch: int, newest_event_time: int) -> list[int]:
        """A barrier, at the newest event time of all shards: forgets old delete marks and returns their keys."""
        self.at(epoch)
        self.corpus.newest_event_time = max(self.corpus.newest_event_time, newest_event_time)
        gone = self.corpus.prune()
        if self._stored:
            self._forgotten += gone
        return gone

    def commit(self, epoch: int) -> ShardCommit:
        """What it did since this was called last, to be stored; at any time between two steps."""
        self.at(epoch)
        at = ShardPosition(epoch, self._state.positions, self.corpus.newest_event_time, self.corpus.barrier_time)
        made = ShardCommit(at, tuple(self._changes), tuple(self._forgotten))
        self._changes, self._forgotten = [], []
        return made

    def rebase(self, epoch: int, part: BaselinePart | None) -> None:
        """Compare with these chunks of a baseline from here on."""
        self.at(epoch)
        self.journals.rebase(part)

    def population(self, epoch: int) -> PopulationPart:
        """Its chunks as they are now, for a later comparison."""
        self.at(epoch)
        return PopulationPart.of(self.engine.statistics.kept)

    def look(self, epoch: int, keys: Sequence[int]) -> ChunkFacts:
        """What it knows of some chunks; says nothing of those that it does not know."""
        self.at(epoch)
        rows = [row for key in keys if (row := self.corpus.row(key)) is not None]
        slots = np.array([row.slot for row in rows if row.live], np.int64)
        live = np.array([row.live for row in rows], np.bool_)
        vectors = np.zeros((len(rows), self.corpus.dimension), np.float32)
        vectors[live] = self.corpus.vectors[slots]
        described = [self.engine.statistics.described(row.slot) if row.live else (0, ()) for row in rows]
        sets = self.engine.duplicates.sets(np.array([row.slot for row in rows], np.int64))
        digests = np.array([digest for digest, _ in described], np.uint64)
        return ChunkFacts(self.number, rows, vectors, sets, digests, [values for _, values in described])

    def names(self, epoch: int, keys: Sequence[int]) -> dict[int, str]:
        """Chunk ids by key, of those of some chunks that it knows."""
        self.at(epoch)
        return {row.key: row.chunk_id for row in self.corpus.known(keys)}

    def holds(self, epoch: int, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a live chunk of it says each of some texts, see `Duplicates.has`."""
        self.at(epoch)
        return self.engine.duplicates.has(asked, places)

    def copied(self, epoch: int, keys: Sequence[int]) -> NDArray[np.bool_]:
        """Whether other live chunks of this shard say what some live chunks of it say, exactly or nearly."""
        self.at(epoch)
        slots = self.corpus.slots(keys)
        made = np.zeros(len(slots), np.bool_)
        made[slots >= 0] = self.engine.duplicates.copied(slots[slots >= 0].tolist())
        return made

    def nearest(self, epoch: int, sets: Sequence[NDArray[np.uint32]]) -> LikestTexts:
        """What of it is most like each of some texts, given by their shingles."""
        self.at(epoch)
        alike, keys = np.zeros(len(sets)), np.full(len(sets), NO_CHUNK, np.int64)
        likest: list[NDArray[np.uint32]] = []
        for at, slots in enumerate(self.engine.duplicates.nearest(sets)):
            likest.append(self.engine.duplicates.shingles(int(slots[0])) if len(slots) else np.zeros(0, np.uint32))
            if len(slots):
                alike[at], keys[at] = jaccard(sets[at], likest[at]), self.corpus.keys[slots].min()
        return LikestTexts(alike, likest, keys)

    def saying(self, epoch: int, hashes: Sequence[str]) -> dict[str, int]:
        """The least key among its live chunks of each content hash."""
        self.at(epoch)
        return self.corpus.saying(hashes)

    def tokens(self, epoch: int, question: int, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], TermOccurrences]:
        """How often its live chunks among some contain the terms of one question; the places of those, and that."""
        self.at(epoch)
        if self.engine.lexical is None:
            message = f"shard {self.number}: asked for terms without a lexical leg"
            raise NotShardedError(message)
        slots = self.corpus.slots(keys.tolist())
        here = np.flatnonzero(slots >= 0)
        return here, self.engine.lexical.occurrences(question, slots[here])

    def sources(self, epoch: int) -> dict[str, int]:
        """Live chunks by source."""
        self.at(epoch)
        return {source: chunks for source, chunks in chunks_by_source(self.engine.duplicates.codes).items() if chunks}

    def by_source(self, epoch: int, kept: frozenset[str]) -> StatisticsSums:
        """What BM25 rests on by source, of these sources and of all others together."""
        self.at(epoch)
        if self.engine.lexical is None:
            message = f"shard {self.number}: asked for terms without a lexical leg"
            raise NotShardedError(message)
        return self.engine.lexical.sums_by_source(self.engine.duplicates.codes, kept)

    def changed(self, epoch: int, since: Mapping[str, int]) -> ChangedChunks:
        """Its chunks that came, changed or went behind positions (next offset by `topic/partition`)."""
        self.at(epoch)
        return self.corpus.changed(since)

    def behind(self, epoch: int, since: Mapping[str, int]) -> NDArray[np.int64]:
        """Keys of its chunks that came, changed or went behind positions, delete marks included."""
        self.at(epoch)
        return self.corpus.behind(since)

    def sample(self, epoch: int, recent: NDArray[np.int64], salt: int, count: int) -> LiveSample:
        """Some of its live chunks, none of the recent ones; see `Corpus.sample`."""
        self.at(epoch)
        return LiveSample(*self.corpus.sample(recent, salt=salt, count=count))

    def work(self, epoch: int) -> ListWork:
        """What keeping its lists exact took."""
        self.at(epoch)
        return self.engine.work()

    def exact(self, epoch: int, rows: NDArray[np.int64]) -> ShardLists:
        """The dense lists of some anchors once more, by a pass over its live vectors."""
        self.at(epoch)
        return ShardLists(self.number, {"exact": _entries(self.engine.exact(rows), None)})

    def _deltas(self, parts: Iterable[Sequence[LoadedChunk]]) -> Iterator[Delta]:
        for stored in parts:
            first = len(self.corpus.names)
            rows = self.corpus.restore([row for row, _, _ in stored], [vector for _, _, vector in stored])
            live, end = [row for row in rows if row.live], len(self.corpus.names)
            texts = [text for row, text, _ in stored if row.live]
            yield Delta(_NONE, np.arange(first, end), live, texts, self.corpus.vectors[first:end], _NONE)

    def _lists(self) -> dict[ListLeg, RankedLists]:
        made: dict[ListLeg, RankedLists] = {}
        if self.engine.dense is not None:
            made["exact"] = self.engine.dense.lists()
        if self.engine.lexical is not None:
            made["lexical"] = self.engine.lexical.lists()
        return made

    def _sums(
        self,
        applied: Applied | None = None,
        noted: NDArray[np.int64] = _NONE,
        sketches: Mapping[int, ContentSketch] | None = None,
        arrived: NDArray[np.int64] | None = None,
    ) -> StageSums:
        lexical = self.engine.lexical
        own = Totals(len(self.corpus), 0, (), _NONE, 0.0) if lexical is None else lexical.own()
        changes = () if applied is None else applied.changes
        return StageSums(
            shard=self.number,
            chunks=own.documents,
            length=own.length,
            frequency=own.frequency,
            words=self._vocabulary.steps(),
            newest_event_time=self.corpus.newest_event_time,
            outcomes={} if applied is None else applied.outcomes,
            upserts=repeated_upserts(changes),
            refused=() if applied is None else applied.refused,
            noted=noted,
            arrived=np.array([of.after.key for of in changes if of.stood is None], np.int64)
            if arrived is None
            else arrived,
            sketches=sketches or {},
        )

    def _belong(self, events: Sequence[Located], upto: Positions) -> None:
        for located in events:
            position = located.position
            if shard_of(position.source, self._config.shards) != self.number:
                self._refuse(f"event at {position}: of shard {shard_of(position.source, self._config.shards)}")
            if position.offset >= upto.get(position.source, 0):
                self._refuse(f"event at {position}: the step ends at {upto.get(position.source, 0)}")

    def _own(self, positions: Positions) -> dict[Partition, int]:
        return of_shard(positions, self.number, self._config.shards)

    def at(self, epoch: int) -> None:
        """Refuse a question of another epoch than the one that was ranked last.

        Raises:
            ShardOutOfStepError: so it is.
        """
        if epoch != self._state.epoch or not self._state.ranked:
            self._refuse(f"asked at epoch {epoch}: stands at {self._stand()}")

    def _stand(self) -> str:
        return _said(self._state.epoch, self._state.positions)

    def _refuse(self, what: str) -> NoReturn:
        message = f"shard {self.number} of {self._config.shards}: {what}"
        raise ShardOutOfStepError(message)


def _said(epoch: int, positions: Positions) -> str:
    places = ", ".join(f"{part.topic}/{part.partition}:{at}" for part, at in sorted(positions.items()))
    return f"epoch {epoch} ({places or 'no partition'})"


def _entries(lists: RankedLists, cut: NDArray[np.float64] | None) -> LegEntries:
    """What of some lists is sent: all, or what scores at least the cut."""
    there = lists.keys != NO_CHUNK
    sent = there if cut is None else there & (lists.scores >= cut[:, None])
    withheld: NDArray[np.bool_] = (there & ~sent).any(axis=1)
    return LegEntries(sent.sum(axis=1), lists.keys[sent], lists.scores[sent], withheld)
