"""The port to all shards of a corpus: in this process, or elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.lexical.sources import StatisticsSums, TermOccurrences, Totals
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located
from monitor.core.shards.messages import ChunkFacts, Cuts, EpochSpan, LikestTexts, SettledSums, ShardLists, StageSums
from monitor.core.shards.populations import BaselinePart, PopulationPart


class Shards(Protocol):
    """All shards at once: each call goes to every shard and comes back with one answer a shard, by number.

    What a call means stands at `Shard`'s method of that name. A shard that does not answer raises: nobody goes on
    with the answers of some.
    """

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> Sequence[StageSums]:
        """Take a step's events in, each in the shard of its partition."""
        ...

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> Sequence[ShardLists]:
        """The best of each shard for every question."""
        ...

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> Sequence[ShardLists]:
        """The whole best of each shard for some questions."""
        ...

    def ask(self, epoch: int, anchors: AnchorSet) -> Sequence[StageSums]:
        """Watch other anchors from here on."""
        ...

    def barrier(self, epoch: int, newest_event_time: int) -> Sequence[Sequence[int]]:
        """Forget old delete marks; keys by shard."""
        ...

    def settle(self, epoch: int, now: int) -> SettledSums:
        """Have shards and owners talk to each other, see `owners`; `now` is the newest event time of all shards."""
        ...

    def rebase(self, epoch: int, parts: Sequence[BaselinePart | None]) -> None:
        """Compare each shard with its chunks of a baseline from here on."""
        ...

    def population(self, epoch: int) -> Sequence[PopulationPart]:
        """The chunks of each as they are now."""
        ...

    def look(self, epoch: int, keys: Sequence[int]) -> Sequence[ChunkFacts]:
        """What each knows of some chunks."""
        ...

    def holds(self, epoch: int, asked: AskedSets, places: NDArray[np.int64]) -> Sequence[NDArray[np.bool_]]:
        """Whether a live chunk of each says each of some texts."""
        ...

    def copied(self, epoch: int, key: int) -> Sequence[bool]:
        """Whether a chunk has a copy within its own shard; False from the others."""
        ...

    def nearest(self, epoch: int, sets: Sequence[NDArray[np.uint32]]) -> Sequence[LikestTexts]:
        """What of each is most like each of some texts."""
        ...

    def saying(self, epoch: int, hashes: Sequence[str]) -> Sequence[Mapping[str, int]]:
        """The least key among the live chunks of each content hash."""
        ...

    def tokens(
        self, epoch: int, question: int, keys: NDArray[np.int64]
    ) -> Sequence[tuple[NDArray[np.int64], TermOccurrences]]:
        """How often live chunks contain the terms of a question, from whoever has them."""
        ...

    def sources(self, epoch: int) -> Sequence[Mapping[str, int]]:
        """Live chunks by source."""
        ...

    def by_source(self, epoch: int, kept: frozenset[str]) -> Sequence[StatisticsSums]:
        """What BM25 rests on by source."""
        ...

    def changed(self, epoch: int, since: Mapping[str, int]) -> Sequence[ChangedChunks]:
        """Chunks that came, changed or went behind some positions."""
        ...
