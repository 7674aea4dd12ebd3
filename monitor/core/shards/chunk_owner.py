"""Which shard has a chunk, kept at the coordinator: so that none is in two shards."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.index.kernels_keys import NONE
from monitor.core.shards.key_table import KeyTable
from monitor.core.shards.messages import ChunkInTwoShardsError

_FORGOTTEN = -1


class ChunkOwner:
    """The shard of every chunk, live or deleted: some 20 bytes a chunk.

    A stream whose records are not keyed by the chunk id can bring one chunk to two shards. One process would let the
    newer event win; two shards would count the chunk twice and know nothing of it.

    >>> owner = ChunkOwner()
    >>> owner.arrive(0, np.array([5]))
    >>> owner.homes(np.array([5, 6])).tolist()
    [0, -1]
    >>> owner.arrive(1, np.array([5]))
    Traceback (most recent call last):
    ...
    monitor.core.shards.messages.ChunkInTwoShardsError: chunk key 5: in shards 0 and 1; expected the chunk id as key
    """

    def __init__(self) -> None:
        self._table = KeyTable()
        self._shards: NDArray[np.int16] = np.zeros(0, np.int16)
        """By place; _FORGOTTEN for a chunk that nobody knows any more."""
        self._forgotten = 0

    def __len__(self) -> int:
        """Chunks that a shard knows."""
        return len(self._table) - self._forgotten

    def arrive(self, shard: int, keys: NDArray[np.int64]) -> None:
        """A shard knows chunks that it did not know.

        Raises:
            ChunkInTwoShardsError: another shard knows one of them.
        """
        if not len(keys):
            return
        places = self._table.places(keys)
        held = places[places != NONE]
        others = self._shards[held]
        if ((others != shard) & (others != _FORGOTTEN)).any():
            at = int(np.flatnonzero((others != shard) & (others != _FORGOTTEN))[0])
            key, other = int(self._table.keys[held[at]]), int(others[at])
            message = f"chunk key {key}: in shards {other} and {shard}; expected the chunk id as key"
            raise ChunkInTwoShardsError(message, key)
        back = np.unique(held[others == _FORGOTTEN])
        self._shards[back] = shard
        self._forgotten -= len(back)
        fresh = np.unique(keys[places == NONE])
        first = self._table.add(fresh)
        if len(self._table) > len(self._shards):
            self._shards = longer(self._shards, len(self._table) * 5 // 4)
        self._shards[first : len(self._table)] = shard

    def homes(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) int64, the shard that knows each chunk, live or deleted; -1 where none does."""
        places = self._table.places(keys)
        made = np.full(len(keys), -1, np.int64)
        made[places != NONE] = self._shards[places[places != NONE]]
        return made

    def forget(self, keys: NDArray[np.int64]) -> None:
        """Their delete marks are forgotten."""
        places = np.unique(self._table.places(keys))
        places = places[places != NONE]
        self._forgotten += int((self._shards[places] != _FORGOTTEN).sum())
        self._shards[places] = _FORGOTTEN
        if 2 * self._forgotten > len(self._table):
            kept = np.flatnonzero(self._shards[: len(self._table)] != _FORGOTTEN)
            keys, self._shards = self._table.keys[kept], self._shards[kept]
            self._table, self._forgotten = KeyTable(), 0
            self._table.add(keys)
