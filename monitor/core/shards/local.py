"""Shards in this process: for tests, and for a machine that is large enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.lexical.sources import StatisticsSums, TermOccurrences, Totals
from monitor.core.index.maintained import ListWork
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located
from monitor.core.shards.messages import (
    ChunkFacts,
    Cuts,
    EpochSpan,
    LikestTexts,
    LiveSample,
    SettledSums,
    ShardLists,
    StageSums,
    shard_of,
)
from monitor.core.shards.owners import ContentOwner, settle
from monitor.core.shards.populations import BaselinePart, PopulationPart
from monitor.core.shards.shard import Shard, ShardConfig


@dataclass(slots=True)
class Spent:
    """Seconds that a shard took, and over how many steps."""

    stage: float = 0.0
    rank: float = 0.0
    steps: int = 0


class LocalShards:
    """N shards in this process, one after the other; implements `Shards`.

    Args:
        config: of all shards; `shards` is N.
        anchors: the anchors, with prepared vectors.
        stored: whether somebody asks each shard for commits.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        config: ShardConfig,
        anchors: AnchorSet,
        *,
        stored: bool = False,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.spent = [Spent() for _ in range(config.shards)]
        """By shard."""
        self._clock = clock
        self._owners = [ContentOwner(config.bands) for _ in range(config.shards)]
        self.shards = [Shard(number, config, anchors, stored=stored) for number in range(config.shards)]

    @property
    def count(self) -> int:
        """See `Shards`."""
        return len(self.shards)

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> list[StageSums]:
        """See `Shards`."""
        routed: list[list[Located]] = [[] for _ in self.shards]
        for located in events:
            routed[shard_of(located.position.source, len(self.shards))].append(located)
        made = []
        for shard, own, spent in zip(self.shards, routed, self.spent, strict=True):
            began = self._clock()
            made.append(shard.stage(span, own))
            spent.stage += self._clock() - began
            spent.steps += 1
        return made

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> list[ShardLists]:
        """See `Shards`."""
        made = []
        for shard, spent in zip(self.shards, self.spent, strict=True):
            began = self._clock()
            made.append(shard.rank(span, totals, cuts))
            spent.rank += self._clock() - began
        return made

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> list[ShardLists]:
        """See `Shards`."""
        return [shard.rest(epoch, rows) for shard in self.shards]

    def ask(self, epoch: int, anchors: AnchorSet) -> list[StageSums]:
        """See `Shards`."""
        return [shard.ask(epoch, anchors) for shard in self.shards]

    def barrier(self, epoch: int, newest_event_time: int) -> list[list[int]]:
        """See `Shards`."""
        return [shard.barrier(epoch, newest_event_time) for shard in self.shards]

    def settle(self, epoch: int, now: int) -> SettledSums:
        """See `Shards`; the owners stand beside the shards."""
        for shard in self.shards:
            shard.at(epoch)
        journals = [shard.journals for shard in self.shards]
        settle(journals, self._owners)
        owned = [owner.sums() for owner in self._owners]
        return SettledSums(
            statistics={number: journal.sums(now) for number, journal in enumerate(journals)},
            documents=[steps for _, steps in owned],
            copies=[*(copies for copies, _ in owned), *(journal.copy_sums() for journal in journals)],
        )

    def rebase(self, epoch: int, parts: Sequence[BaselinePart | None]) -> None:
        """See `Shards`."""
        for shard, part in zip(self.shards, parts, strict=True):
            shard.rebase(epoch, part)

    def population(self, epoch: int) -> list[PopulationPart]:
        """See `Shards`."""
        return [shard.population(epoch) for shard in self.shards]

    def look(self, epoch: int, keys: Sequence[int]) -> list[ChunkFacts]:
        """See `Shards`."""
        return [shard.look(epoch, keys) for shard in self.shards]

    def names(self, epoch: int, keys: Sequence[int]) -> list[dict[int, str]]:
        """See `Shards`."""
        return [shard.names(epoch, keys) for shard in self.shards]

    def holds(self, epoch: int, asked: AskedSets, places: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
        """See `Shards`."""
        return [shard.holds(epoch, asked, places) for shard in self.shards]

    def copied(self, epoch: int, keys: Sequence[int]) -> list[NDArray[np.bool_]]:
        """See `Shards`."""
        return [shard.copied(epoch, keys) for shard in self.shards]

    def nearest(self, epoch: int, sets: Sequence[NDArray[np.uint32]]) -> list[LikestTexts]:
        """See `Shards`."""
        return [shard.nearest(epoch, sets) for shard in self.shards]

    def saying(self, epoch: int, hashes: Sequence[str]) -> list[dict[str, int]]:
        """See `Shards`."""
        return [shard.saying(epoch, hashes) for shard in self.shards]

    def tokens(
        self, epoch: int, question: int, keys: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], TermOccurrences]]:
        """See `Shards`."""
        return [shard.tokens(epoch, question, keys) for shard in self.shards]

    def sources(self, epoch: int) -> list[Mapping[str, int]]:
        """See `Shards`."""
        return [shard.sources(epoch) for shard in self.shards]

    def by_source(self, epoch: int, kept: frozenset[str]) -> list[StatisticsSums]:
        """See `Shards`."""
        return [shard.by_source(epoch, kept) for shard in self.shards]

    def changed(self, epoch: int, since: Mapping[str, int]) -> list[ChangedChunks]:
        """See `Shards`."""
        return [shard.changed(epoch, since) for shard in self.shards]

    def behind(self, epoch: int, since: Mapping[str, int]) -> list[NDArray[np.int64]]:
        """See `Shards`."""
        return [shard.behind(epoch, since) for shard in self.shards]

    def sample(self, epoch: int, recent: NDArray[np.int64], salt: int, count: int) -> list[LiveSample]:
        """See `Shards`."""
        return [shard.sample(epoch, recent, salt, count) for shard in self.shards]

    def work(self, epoch: int) -> list[ListWork]:
        """See `Shards`."""
        return [shard.work(epoch) for shard in self.shards]

    def exact(self, epoch: int, rows: NDArray[np.int64]) -> list[ShardLists]:
        """See `Shards`."""
        return [shard.exact(epoch, rows) for shard in self.shards]
