"""Which shard has a chunk, kept by owners that share the chunks between them: so that none is in two shards."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.shards.messages import ChunkInTwoShardsError


class ChunkOwner:
    """The shards of the chunks whose key falls to this owner.

    A stream whose records are not keyed by the chunk id can bring one chunk to two shards. One process would let the
    newer event win; two shards would count the chunk twice and know nothing of it.

    >>> owner = ChunkOwner()
    >>> owner.arrive(0, np.array([5]))
    >>> owner.arrive(1, np.array([5]))
    Traceback (most recent call last):
    ...
    monitor.core.shards.messages.ChunkInTwoShardsError: chunk key 5: in shards 0 and 1; expected the chunk id as key
    """

    def __init__(self) -> None:
        self._shard: dict[int, int] = {}

    def arrive(self, shard: int, keys: NDArray[np.int64]) -> None:
        """A shard knows chunks that it did not know.

        Raises:
            ChunkInTwoShardsError: another shard knows one of them.
        """
        for key in keys.tolist():
            other = self._shard.setdefault(key, shard)
            if other != shard:
                message = f"chunk key {key}: in shards {other} and {shard}; expected the chunk id as key"
                raise ChunkInTwoShardsError(message, key)

    def shard(self, key: int) -> int:
        """The shard that knows a chunk; -1 where none does."""
        return self._shard.get(key, -1)

    def forget(self, keys: NDArray[np.int64]) -> None:
        """Their delete marks are forgotten."""
        for key in keys.tolist():
            self._shard.pop(key, None)
