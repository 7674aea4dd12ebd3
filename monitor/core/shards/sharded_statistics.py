"""The statistics of a corpus in shards as an evaluation asks for them: worked out when somebody looks."""

from collections.abc import Mapping, Sequence

from monitor.core.index.duplicates.duplicates import Copies
from monitor.core.index.lexical.statistics import LexicalStatistics
from monitor.core.index.statistics.measured import Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.shards.copies import CopyCounts
from monitor.core.shards.populations import BaselinePart, joined, split
from monitor.core.shards.port import Shards
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.statistics import WholeStatistics

_NEVER = -1


class ShardedStatistics:
    """What `CorpusStatistics` is to one process, to the bit.

    Shards and owners talk to each other when somebody looks, not before: what batches did meanwhile is net by then.

    Args:
        dimensions: the configured ones.
        shards: the shards.
        corpus: the chunk table over them.
    """

    def __init__(self, dimensions: Sequence[str], shards: Shards, corpus: ShardedCorpus) -> None:
        self._shards, self._corpus = shards, corpus
        self._whole = WholeStatistics(dimensions, corpus.dimension, self.population, self._tell)
        self._copies = CopyCounts([])
        self._settled_at = _NEVER

    def at(
        self, lexical: LexicalStatistics | None, upserts: tuple[int, int], *, cap: int, brief: bool = False
    ) -> Measurable:
        """See `CorpusStatistics`."""
        self._settle()
        return self._whole.at(lexical, upserts, cap=cap, brief=brief)

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension; see `Duplicates`."""
        self._settle()
        return self._copies.counts(dimension)

    def rebase(self, profile: Profile | None, pinned: Profile | None = None) -> None:
        """See `CorpusStatistics`; each shard gets the baseline's chunks that are its own."""
        self._settle()
        self._whole.rebase(profile, pinned)

    def population(self) -> Population:
        """The chunks of all shards as they are now."""
        return joined(self._shards.population(self._corpus.epoch))[0]

    def described(self, slot: int) -> tuple[int, tuple[str, ...]]:
        """See `CorpusStatistics`."""
        return self._corpus.described(slot)

    def _settle(self) -> None:
        if self._settled_at == self._corpus.epoch:
            return
        now = self._corpus.newest_event_time
        sums = self._shards.settle(self._corpus.epoch, now)
        if sums.anew:
            self._whole.forget()
        self._whole.take(now, sums.statistics, sums.documents)
        self._copies = CopyCounts(sums.copies)
        self._settled_at = self._corpus.epoch

    def _tell(self, population: Population | None) -> None:
        parts: list[BaselinePart | None] = [None] * self._shards.count
        if population is not None:
            parts = [*split(population, self._corpus.homes(population.keys), self._shards.count)]
        self._shards.rebase(self._corpus.epoch, parts)
        self._settled_at = _NEVER
        self._settle()
