"""The chunk table of a corpus in shards: what was looked up stands here, everything else is asked for."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.chunk_columns import ChunkColumns
from monitor.core.index.chunk_table import ChunkTable
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.index.index_sample import sampled
from monitor.core.model.changes import NO_SLOT, Applied, replaced
from monitor.core.model.events import Located
from monitor.core.model.lists import NO_CHUNK
from monitor.core.shards.chunk_owner import ChunkOwner
from monitor.core.shards.messages import ChunkFacts, ChunkInTwoShardsError, NotShardedError
from monitor.core.shards.port import Shards

_NO_SHINGLES = np.zeros(0, np.uint32)
_ROOM = 100_000
"""Chunks that stay here beside those in lists, until room is made."""


class ShardedCorpus(Corpus):
    """Reads like the whole `Corpus`; holds the chunks that stand in lists and those that somebody asked for.

    A chunk is fetched once, with its vector and its shingles, and stays until an event says something of it. Slots
    are of this table: a shard's own slots mean nothing here.

    Args:
        dimension: d of the vectors, 0 when the dense leg is off.
        shards: where the chunks are.
    """

    def __init__(self, dimension: int, shards: Shards) -> None:
        super().__init__(dimension)
        self.chunks = 0
        """Live chunks of all shards."""
        self._shards = shards
        self._rows: dict[int, ChunkRow] = {}
        self._absent: set[int] = set()
        self._named: dict[int, str] = {}
        """Ids of chunks whose scores equalled others', by key, which is a hash of the id: they stay right."""
        self._owner = ChunkOwner()
        self._shingles: list[NDArray[np.uint32]] = []
        self._described: list[tuple[int, tuple[str, ...]]] = []
        self._shard: list[int] = []

    def __len__(self) -> int:
        """Live chunks of all shards."""
        return self.chunks

    def row(self, key: int) -> ChunkRow | None:
        """What is known of a chunk, live or deleted."""
        found = self._rows.get(key)
        if found is None and key not in self._absent:
            self.fetch([key])
            found = self._rows.get(key)
        return found

    def fetch(self, keys: Iterable[int]) -> None:
        """Have some chunks at hand: one call for all that are not here yet."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._rows and key not in self._absent]
        wanted = [key for key in wanted if key != NO_CHUNK]
        if not wanted:
            return
        for facts in self._shards.look(self.epoch, wanted):
            self._take(facts)
        self._absent.update(key for key in wanted if key not in self._rows)

    def known(self, keys: Sequence[int]) -> list[ChunkRow]:
        """See `Corpus`: one call for all that are not here yet."""
        self.fetch(keys)
        return [row for key in keys if (row := self._rows.get(key)) is not None]

    def columns(self, keys: NDArray[np.int64]) -> ChunkColumns:
        """See `Corpus`: of a table of those that are asked for."""
        table, asked = ChunkTable(), np.unique(keys)
        table.add(self.known(asked.tolist()))
        return table.columns(keys)

    def sample(
        self, recent: NDArray[np.int64], *, salt: int, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See `Corpus`: the first of all shards' first."""
        parts = self._shards.sample(self.epoch, recent, salt, count)
        keys, live = (np.concatenate(of) for of in zip(*parts, strict=True))
        return sampled(keys, live[:0], salt=salt, count=count), np.sort(live)

    def behind(self, since: Mapping[str, int]) -> NDArray[np.int64]:
        """See `Corpus`: of all shards."""
        return np.concatenate(self._shards.behind(self.epoch, since))

    def slots(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """(n,) int64, where the vector of each chunk stands here; NO_SLOT for one that is not live."""
        self.fetch(keys)
        rows = map(self._rows.get, keys)
        return np.array([NO_SLOT if row is None else row.slot for row in rows], np.int64)

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a chunk that stands here."""
        return self._shingles[slot]

    def sets(self, slots: NDArray[np.int64]) -> Sets:
        """The shingles of some chunks that stand here; empty for a slot below 0."""
        none = np.zeros(0, np.uint32)
        return Sets.of([none if slot < 0 else self._shingles[slot] for slot in slots.tolist()])

    def described(self, slot: int) -> tuple[int, tuple[str, ...]]:
        """See `CorpusStatistics.described`."""
        return self._described[slot]

    def shard(self, slot: int) -> int:
        """The shard of a chunk that stands here."""
        return self._shard[slot]

    def arrive(self, shard: int, keys: NDArray[np.int64]) -> None:
        """A shard knows chunks that it did not know.

        Raises:
            ChunkInTwoShardsError: another shard knows one of them.
        """
        self._owner.arrive(shard, keys)

    def homes(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) int64, the shard that knows each chunk, live or deleted; -1 where none does."""
        return self._owner.homes(keys)

    def names_of(self, keys: Sequence[int]) -> list[str]:
        """Chunk ids: one call for all that are not known here, which fetches nothing else of the chunks."""
        known = {key: row.chunk_id for key in keys if (row := self._rows.get(key)) is not None}
        wanted = [key for key in keys if key not in known and key not in self._named]
        if len(self._named) + len(wanted) > _ROOM:
            known |= {key: self._named[key] for key in keys if key in self._named}
            self._named.clear()
        if wanted:
            for named in self._shards.names(self.epoch, wanted):
                self._named.update(named)
        return [known.get(key) or self._named.get(key, "") for key in keys]

    def forget(self, keys: Iterable[int]) -> None:
        """Something is known otherwise of these chunks: they are fetched anew when somebody asks."""
        for key in keys:
            self._absent.discard(key)
            row = self._rows.pop(key, None)
            if row is not None and row.live:
                self.keys[row.slot] = NO_CHUNK
                self._free.append(row.slot)

    def make_room(self, listed: NDArray[np.int64]) -> None:
        """Keep the chunks in lists alone, once too many others stand here."""
        if len(self._rows) + len(self._absent) > 2 * len(listed) + _ROOM:
            keep = set(listed.tolist())
            self.forget([key for key in (*self._rows, *self._absent) if key not in keep])

    def changed(self, since: Mapping[str, int]) -> ChangedChunks:
        """See `Corpus`: of all shards."""
        return ChangedChunks.joined(self._shards.changed(self.epoch, since))

    def saying(self, hashes: Iterable[str]) -> dict[str, int]:
        """See `Corpus`: the least of all shards."""
        asked = list(hashes)
        found: dict[str, int] = dict.fromkeys(asked, NO_CHUNK)
        for of in self._shards.saying(self.epoch, asked):
            for said, key in of.items():
                if key != NO_CHUNK:
                    found[said] = key if found[said] == NO_CHUNK else min(found[said], key)
        return found

    def prune(self) -> list[int]:
        """See `Corpus`: at the newest event time of all shards."""
        self.barrier_time = self.newest_event_time
        gone = [key for of in self._shards.barrier(self.epoch, self.newest_event_time) for key in of]
        self._owner.forget(np.array(gone, np.int64))
        self.forget(gone)
        return gone

    def rows(self) -> Iterable[ChunkRow]:
        """Nobody has them all.

        Raises:
            NotShardedError: always.
        """
        message = "a pass over all chunks: they are in shards, see docs/scale.md"
        raise NotShardedError(message)

    def apply(self, batch: Sequence[Located]) -> Applied:
        """Shards apply events, see `ShardedState.ingest`.

        Raises:
            NotShardedError: always.
        """
        del batch
        message = "events are applied where the chunks are: in shards"
        raise NotShardedError(message)

    def _take(self, facts: ChunkFacts) -> None:
        sets = facts.shingles
        for at, row in enumerate(facts.rows):
            known = self._rows.get(row.key)
            if known is not None:
                message = f"chunk {row.chunk_id!r}: known to two shards; expected the chunk id as the record's key"
                raise ChunkInTwoShardsError(message)
            self._rows[row.key] = row
            if row.live:
                slot = self._take_slot(row.key, row.chunk_id)
                self.vectors[slot] = facts.vectors[at]
                self._rows[row.key] = replaced(row, slot=slot)
                if slot == len(self._shingles):
                    self._shingles.append(_NO_SHINGLES)
                    self._described.append((0, ()))
                    self._shard.append(facts.shard)
                start = int(sets.starts[at])
                self._shingles[slot] = sets.flat[start : start + int(sets.lengths[at])]
                self._shard[slot] = facts.shard
                self._described[slot] = (int(facts.digests[at]), facts.values[at])
