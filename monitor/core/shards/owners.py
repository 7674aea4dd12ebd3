"""One epoch's talk between the shards of a corpus and the owners of what is not shard-local, in five rounds.

Every round is all to all: N outboxes of N messages (`routing.delivered`). In process that is a transposition; between
machines whoever carries the messages does the same.

| round | from | to | says |
|---|---|---|---|
| 1 | shard | owner | steps of texts, sets, documents |
| 2 | owner | owner; shard | bands of sets that came and left; which chunk follows which |
| 3 | owner; shard | owner; shard | which shingles are wanted; shingles of chunks that follow another shard's |
| 4 | owner | owner | those shingles |
| 5 | owner | owner | which sets have a near copy |
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.duplicates.duplicates import Bands, Duplicates
from monitor.core.index.duplicates.shingles import THRESHOLD
from monitor.core.index.statistics.counters import DELETED
from monitor.core.index.statistics.kept import StatisticsAccumulator
from monitor.core.shards.copies import CopyJournal, CopySteps, CopySums, chunks_by_segment
from monitor.core.shards.documents import (
    DocumentJournal,
    DocumentOwner,
    DocumentSteps,
    FollowingSets,
    NeighbourOrders,
    RowName,
    following_sets,
    take_overlaps,
)
from monitor.core.shards.near_copies import BandEntries, BandOwner, FetchedSets, MatchSteps, SetHashes, SetOwner
from monitor.core.shards.populations import BaselinePart
from monitor.core.shards.routing import delivered
from monitor.core.shards.statistics import DocumentSums, SegmentSteps, ShardSums, StatisticsJournal


@dataclass(frozen=True, slots=True, eq=False)
class EpochSteps:
    """What a shard sends an owner in round 1."""

    copies: CopySteps
    documents: DocumentSteps


class ShardJournals:
    """What one shard says to owners and coordinator about its copies, documents and statistics.

    Args:
        corpus: of the shard.
        duplicates, kept: of its engine, which was made with `whole=False`.

    Attributes:
        copies, documents, statistics: the journals.
    """

    def __init__(self, corpus: Corpus, duplicates: Duplicates, kept: StatisticsAccumulator) -> None:
        self._corpus, self._duplicates, self._kept = corpus, duplicates, kept
        self.copies, self.documents = CopyJournal(duplicates), DocumentJournal(corpus, kept)
        self.statistics = StatisticsJournal(kept)
        self._orders: list[NeighbourOrders] = []

    def leaving(self, delta: Delta) -> None:
        """The chunk table took in a batch, the engine did not yet."""
        self.copies.leaving(delta)
        self.documents.leaving(delta)

    def came(self, delta: Delta) -> None:
        """The engine took in the batch."""
        self.copies.came(delta)
        self.documents.came(delta)

    def rebase(self, part: BaselinePart | None) -> None:
        """Compare with these chunks of a baseline from here on; None: with none."""
        self._kept.rebase(None if part is None else part.population)
        parts: Counter[tuple[int, RowName]] = Counter()
        columns: Counter[tuple[RowName, int]] = Counter()
        if part is not None and part.lent.any():
            of = part.population
            cells, dimensions = of.cells[part.lent].tolist(), range(self._kept.columns.dimensions)
            for cell, document in zip(cells, of.documents[part.lent].tolist(), strict=True):
                for dimension in dimensions:
                    name = dimension, of.values[cell][dimension]
                    parts[int(of.hashes[document]), name] += 1
                    columns[name, DELETED] += 1
        self.documents.lend(parts)
        self.statistics.lend(columns)

    def everything(self) -> None:
        """Begin anew with all there is: owners and coordinator know nothing of this shard, or it was restored."""
        self.copies.everything(self._kept.columns.live())
        self.documents.everything()
        self.statistics.forget()

    def sent(self, owners: int) -> list[EpochSteps]:
        """Round 1: what each owner is told."""
        pairs = zip(self.copies.sent(owners), self.documents.sent(owners), strict=True)
        return [EpochSteps(*pair) for pair in pairs]

    def ordered(self, received: Sequence[NeighbourOrders]) -> list[FollowingSets]:
        """Round 3: what each shard is told of chunks here that follow its own."""
        self._orders = list(received)
        return following_sets(received, self._corpus, self._duplicates)

    def overlaps(self, received: Sequence[FollowingSets]) -> None:
        """After round 3: count what neighbours have in common."""
        take_overlaps(self._orders, received, self._corpus, self._duplicates, self._kept)
        self._orders = []

    def copy_sums(self) -> CopySums:
        """What this shard adds to the counts of copies."""
        return CopySums(chunks_by_segment(self._duplicates.codes), {}, {})

    def sums(self, now: int) -> ShardSums:
        """What moved in its statistics; see `StatisticsJournal.sums`."""
        return self.statistics.sums(now)


class ContentOwner:
    """Owns texts, sets of shingles, bands and documents, each by its hash.

    Args:
        bands: as every shard has them.
        threshold: the least Jaccard similarity of near copies.
    """

    def __init__(self, bands: Bands, *, threshold: float = THRESHOLD) -> None:
        self.sets, self.bands = SetOwner(bands), BandOwner(threshold)
        self.documents = DocumentOwner()
        self._sums = DocumentSums(self.documents)

    def take(self, received: Sequence[EpochSteps]) -> tuple[list[BandEntries], list[NeighbourOrders]]:
        """Round 2: what each owner is told of bands, and each shard of its documents."""
        bands = self.sets.take([one.copies for one in received], len(received))
        return bands, self.documents.take([one.documents for one in received])

    def sums(self) -> tuple[CopySums, SegmentSteps]:
        """What this owner adds to the counts of copies, and what moved in its counts of documents."""
        return self.sets.sums, self._sums.steps()


def settle(shards: Sequence[ShardJournals], owners: Sequence[ContentOwner]) -> None:
    """All five rounds in one process, with as many owners as shards."""
    count = len(owners)
    steps = delivered([shard.sent(count) for shard in shards])
    told = [owner.take(inbox) for owner, inbox in zip(owners, steps, strict=True)]
    orders = delivered([of for _, of in told])
    following = delivered([shard.ordered(inbox) for shard, inbox in zip(shards, orders, strict=True)])
    for shard, sets in zip(shards, following, strict=True):
        shard.overlaps(sets)
    entries = delivered([of for of, _ in told])
    wanted: list[list[SetHashes]] = delivered(
        [owner.bands.take(inbox, count) for owner, inbox in zip(owners, entries, strict=True)]
    )
    fetched: list[list[FetchedSets]] = delivered(
        [[owner.sets.fetched(one) for one in inbox] for owner, inbox in zip(owners, wanted, strict=True)]
    )
    matches: list[list[MatchSteps]] = delivered(
        [owner.bands.settle(inbox, count) for owner, inbox in zip(owners, fetched, strict=True)]
    )
    for owner, inbox in zip(owners, matches, strict=True):
        owner.sets.matched(inbox)


def message_bytes(message: object) -> int:
    """How many bytes the arrays of a message hold, for the account of what is exchanged; names are left out.

    >>> message_bytes(MatchSteps(np.zeros(2, np.uint64), np.zeros(2, np.int8)))
    18
    """
    if isinstance(message, np.ndarray):
        return message.nbytes
    fields = getattr(message, "__dataclass_fields__", {})
    return sum(message_bytes(getattr(message, name)) for name in fields)
