"""The messages of shards that are not there, made from those of one that is: all shards as the coordinator sees them.

What each says has the true shape and the real one's statistics: as many chunks, tokens and occurrences; the words of
its own events, less those of as many earlier texts; lists whose scores are drawn from the tail of the real shard's
list for the same question (the best scores of many independent chunks are a Poisson process; the tail is taken as
exponential); chunks with rows, vectors and shingles of real ones. One entry in twenty has the very score of an entry
of the shard before it, as copies have, so that names are asked for.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.shards.ray.host import packed, unpacked
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.baseline import ListLeg
from monitor.core.index.lexical.sources import Totals
from monitor.core.index.lexical.vocabulary import word_hash
from monitor.core.model.changes import replaced
from monitor.core.model.events import Located, Upsert
from monitor.core.model.lists import RankedLists
from monitor.core.shards.messages import (
    ChunkFacts,
    Cuts,
    EpochSpan,
    SettledSums,
    ShardLists,
    StageSums,
    TermSteps,
    shard_of,
    spans,
)
from monitor.core.shards.owners import ContentOwner, settle
from monitor.core.shards.shard import Shard, ShardConfig, _entries
from monitor.core.shards.statistics import DocumentSums
from monitor.core.text.tokens import tokenize

SHIFT = 53
"""A generated key's bits above these are its shard's number."""
COPIED = 0.05
LEAST_SLOPE = 1e-3
"""Of the best score: texts of one length, as generated ones are, have lists of equal scores, and real ones seldom."""
NEW_WORDS = 0.5
"""Words an event that nobody said before."""
TEMPLATES = 64
T = TypeVar("T")
Part = Callable[[str], AbstractContextManager[None]]


class GeneratedLists:
    """The lists of all shards but the first, on one leg.

    Args:
        real: those of the real shard.
        shards: how many there are with it.
        generator: of all that is drawn.
    """

    def __init__(self, real: RankedLists, shards: int, generator: np.random.Generator) -> None:
        self._generator = generator
        rows, k = real.keys.shape
        self._first, self._before = real.scores[:, 0].copy(), real
        slope = (real.scores[:, 0] - real.scores[:, -1]) / np.log(k)
        self._slope = np.maximum(slope, LEAST_SLOPE * np.abs(self._first))
        arrivals = np.cumsum(generator.standard_exponential((shards - 1, rows, k)), axis=2)
        self.scores = self._first[:, None] - self._slope[:, None] * np.log(arrivals)
        own = np.arange(1, shards, dtype=np.int64)[:, None, None] << SHIFT
        self.keys: NDArray[np.int64] = own | generator.integers(1 << SHIFT, size=self.scores.shape)
        same = generator.random(self.scores.shape) < COPIED
        same[0] = False
        self.scores[same] = np.roll(self.scores, 1, axis=0)[same]
        self._sort(slice(None))

    def change(self, expected: float) -> list[tuple[int, int, int]]:
        """Some entries leave and others come; the shard, the old key and the new one of each."""
        made = []
        shards, rows, k = self.keys.shape
        for _ in range(int(self._generator.poisson(expected))):
            at = tuple(int(self._generator.integers(of)) for of in (shards, rows, k))
            old, fresh = int(self.keys[at]), (at[0] + 1) << SHIFT | int(self._generator.integers(1 << SHIFT))
            self.keys[at] = fresh
            self.scores[at] = self._first[at[1]] - self._slope[at[1]] * np.log(self._generator.random() * k)
            self._sort(slice(at[0], at[0] + 1))
            made.append((at[0] + 1, old, fresh))
        return made

    def follow(self, real: RankedLists) -> None:
        """Scores move as those of the real shard did: BM25 moves all with each change anywhere."""
        same = self._before.keys == real.keys
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.where(same, real.scores / self._before.scores, np.nan)
        known = same.any(axis=1)
        factor = np.ones(len(real.keys))
        factor[known] = np.nanmedian(moved[known], axis=1)
        self.scores *= factor[:, None]
        self._first, self._slope, self._before = self._first * factor, self._slope * factor, real

    def of(self, shard: int) -> RankedLists:
        """Those of one shard."""
        rows, k = self.keys.shape[1:]
        keys, scores = self.keys[shard - 1], self.scores[shard - 1]
        return RankedLists(keys, scores, np.full(rows, k), np.ones(rows, np.bool_))

    def _sort(self, some: slice) -> None:
        order = np.argsort(-self.scores[some], axis=2, kind="stable")
        self.scores[some] = np.take_along_axis(self.scores[some], order, axis=2)
        self.keys[some] = np.take_along_axis(self.keys[some], order, axis=2)


def _added(words: TermSteps, said: Mapping[int, int]) -> TermSteps:
    """Steps of words, some of which may come twice."""
    hashes, steps = np.array(list(said), np.uint64), np.array(list(said.values()), np.int64)
    return TermSteps(np.concatenate((words.hashes, hashes)), np.concatenate((words.steps, steps)))


class SimulatedShards:
    """N shards of which one is real; what the coordinator calls of `Shards`, with messages packed as on a cluster.

    Args:
        real: number 0, loaded.
        owner: of contents, for the real shard's alone: as large as each of N is with N shards.
        config: of all.
        part: says to which part computing belongs; a name in parentheses is none of the coordinator's.
        texts: what chunks said that get new content.
        owned: chunks whose keys are told at the start, of all shards.
        words: that few chunks contain, of all shards.
    """

    def __init__(
        self,
        real: Shard,
        owner: ContentOwner,
        config: ShardConfig,
        part: Part,
        texts: Sequence[str],
        *,
        owned: int,
        words: int,
    ) -> None:
        self.count, self.up, self.down = config.shards, 0, 0
        self._real, self._owner, self._part = real, owner, part
        self._owned, self._words = owned, words
        self._generator = np.random.default_rng(11)
        self._lists: dict[ListLeg, GeneratedLists] = {}
        self._hashes: dict[str, int] = {}
        self._texts = deque(texts)
        self._templates: ChunkFacts | None = None
        owner._sums = DocumentSums(owner.documents)
        real.journals.statistics.forget()

    def begin(self) -> list[StageSums]:
        """What all say once they are loaded."""
        vocabulary, corpus = self._real._vocabulary, self._real.corpus
        held = np.flatnonzero(vocabulary.document_frequency)
        own = TermSteps(vocabulary.hashes[held], vocabulary.document_frequency[held].astype(np.int64))
        live = corpus.keys[corpus.keys >= 0]
        first = replace(self._real._sums(), words=own, arrived=live)
        made = [first]
        each = min(len(live), self._owned // self.count)
        for shard in range(1, self.count):
            rare = self._fresh(self._words // self.count)
            words = TermSteps(
                np.concatenate((own.hashes, rare)), np.concatenate((own.steps, np.ones_like(rare, np.int64)))
            )
            if shard == 1:
                said = Counter(word for text in self._texts for word in self._spoken(text))
                words = _added(words, said)
            keys = shard << SHIFT | self._generator.integers(1 << SHIFT, size=each)
            chunks = first.chunks + len(self._texts) * (shard == 1)
            made.append(replace(first, shard=shard, chunks=chunks, words=words, arrived=np.unique(keys)))
        self.up += sum(16 * len(of.words.hashes) + 8 * len(of.arrived) + 8 * len(of.frequency) for of in made)
        return made

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> list[StageSums]:
        """See `Shards`."""
        with self._part("route and pack"):
            routed: list[list[Located]] = [[] for _ in range(self.count)]
            for located in events:
                routed[shard_of(located.position.source, self.count)].append(located)
            self.down += sum(len(packed(told)) for told in zip(spans(span, self.count), routed, strict=True))
        with self._part("(stage)"):
            own = self._real.stage(span, routed[0])
        with self._part("(others)"):
            expected = len(events) / max(1, own.chunks)
            left: list[list[int]] = [[] for _ in range(self.count)]
            for lists in self._lists.values():
                for shard, old, fresh in lists.change(expected * lists.keys[0].size):
                    left[shard] += [old, fresh]
            said = [own, *(self._staged(at, routed[at], left[at], own) for at in range(1, self.count))]
        return self._received(said)

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> list[ShardLists]:
        """See `Shards`."""
        with self._part("route and pack"):
            self.down += len(packed((span, totals, cuts))) * self.count
        with self._part("(rank)"):
            own = self._real.rank(span, totals, cuts)
        with self._part("(others)"):
            for leg, lists in self._real._lists().items():
                kept = RankedLists(lists.keys.copy(), lists.scores.copy(), lists.lengths, lists.known)
                if leg in self._lists:
                    self._lists[leg].follow(kept)
                else:
                    self._lists[leg] = GeneratedLists(kept, self.count, self._generator)
            said = [own, *(self._ranked_by(at, cuts) for at in range(1, self.count))]
        return self._received(said)

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> list[ShardLists]:
        """See `Shards`."""
        self.down += len(packed((epoch, rows))) * self.count
        with self._part("(others)"):
            said = [self._real.rest(epoch, rows)]
            for shard in range(1, self.count):
                legs = {leg: _entries(self._lists[leg].of(shard).take(some), None) for leg, some in rows.items()}
                said.append(ShardLists(shard, legs))
        return self._received(said)

    def look(self, epoch: int, keys: Sequence[int]) -> list[ChunkFacts]:
        """See `Shards`."""
        self.down += len(packed((epoch, keys))) * self.count
        with self._part("(others)"):
            own = self._real.look(epoch, keys)
            known = {row.key for row in own.rows}
            wanted: list[list[int]] = [[] for _ in range(self.count)]
            for key in keys:
                if key not in known:
                    wanted[key >> SHIFT].append(key)
            if self._templates is None:
                live = self._real.corpus.keys[: 4 * TEMPLATES].tolist()
                self._templates = self._real.look(epoch, [key for key in live if key >= 0][:TEMPLATES])
            said = [own, *(self._looked(at, wanted[at], self._templates) for at in range(1, self.count))]
        return self._received(said)

    def names(self, epoch: int, keys: Sequence[int]) -> list[dict[int, str]]:
        """See `Shards`."""
        self.down += len(packed((epoch, keys))) * self.count
        with self._part("(others)"):
            own = self._real.names(epoch, keys)
            said: list[dict[int, str]] = [own, *({} for _ in range(1, self.count))]
            for key in keys:
                if key not in own:
                    said[key >> SHIFT][key] = f"{key >> SHIFT}/{key:x}"
        return self._received(said)

    def settle(self, epoch: int, now: int) -> SettledSums:
        """See `Shards`; all owners and shards say what the real ones say."""
        with self._part("(settle)"):
            self._real.at(epoch)
            settle([self._real.journals], [self._owner])
            copies, documents = self._owner.sums()
            own = packed((self._real.journals.sums(now), (copies, self._real.journals.copy_sums()), documents))
        self.up += len(own) * self.count
        with self._part("unpack"):
            made = [unpacked(own) for _ in range(self.count)]
        return SettledSums(
            statistics={number: of[0] for number, of in enumerate(made)},
            documents=[of[2] for of in made],
            copies=[of[1][part] for part in (0, 1) for of in made],
        )

    def _received(self, said: Sequence[T]) -> list[T]:
        with self._part("(others)"):
            replies = [packed((of, 0.0)) for of in said]
        self.up += sum(map(len, replies))
        with self._part("unpack"):
            return [unpacked(reply)[0] for reply in replies]

    def _staged(self, shard: int, events: Sequence[Located], moved: Sequence[int], own: StageSums) -> StageSums:
        steps: Counter[int] = Counter()
        for located in events:
            assert isinstance(located.event, Upsert), "changes of chunks alone"
            text = located.event.chunk.text
            steps.update(self._spoken(text))
            self._texts.append(text)
            steps.subtract(self._spoken(self._texts.popleft()))
        rare = self._fresh(int(NEW_WORDS * len(events)))
        steps.update(rare.tolist())
        net = [(word, step) for word, step in steps.items() if step]
        keys = shard << SHIFT | self._generator.integers(1 << SHIFT, size=len(events))
        noted = np.concatenate((keys, np.array(moved, np.int64)))
        return replace(
            own,
            shard=shard,
            words=TermSteps(np.array([of for of, _ in net], np.uint64), np.array([of for _, of in net], np.int64)),
            outcomes={("upsert", "modified"): len(events)},
            upserts=(len(events), 0),
            noted=noted,
            arrived=noted[:0],
            said=keys,
            came=keys,
            gone=keys,
        )

    def _ranked_by(self, shard: int, cuts: Cuts) -> ShardLists:
        legs = {leg: _entries(lists.of(shard), cuts.get(leg)) for leg, lists in self._lists.items()}
        return ShardLists(shard, legs)

    def _looked(self, shard: int, keys: Sequence[int], like: ChunkFacts) -> ChunkFacts:
        at = [key % len(like.rows) for key in keys]
        starts, lengths = like.shingles.starts, like.shingles.lengths
        sets = [like.shingles.flat[starts[of] : starts[of] + lengths[of]] for of in at]
        rows = [
            replaced(like.rows[of], key=key, chunk_id=f"{shard}/{key:x}") for of, key in zip(at, keys, strict=True)
        ]
        values = [like.values[of] for of in at]
        return ChunkFacts(shard, rows, like.vectors[at], Sets.of(sets), like.digests[at], values)

    def _spoken(self, text: str) -> set[int]:
        made = set()
        for word in tokenize(text):
            if word not in self._hashes:
                self._hashes[word] = word_hash(word)
            made.add(self._hashes[word])
        return made

    def _fresh(self, count: int) -> NDArray[np.uint64]:
        return np.unique(self._generator.integers(1 << 63, size=count).astype(np.uint64))
