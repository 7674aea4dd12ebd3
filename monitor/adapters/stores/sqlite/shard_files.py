"""The files of all shards beside a coordinator's state: opened together, read as one table of chunks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from heapq import merge
from itertools import chain, count, islice
from pathlib import Path

from monitor.adapters.stores.sqlite.shard_store import ShardStore
from monitor.core.model.changes import replaced
from monitor.core.shards.messages import ShardPosition, StoredContent
from monitor.core.shards.shard import LoadedChunk

CHUNKS_AT_ONCE = 2_048
"""Texts in memory at once, of each shard."""


class ShardFiles:
    """One `ShardStore` a shard: `state.sqlite` has `state.shard-0-of-4.sqlite` and so on beside it.

    Args:
        state: the coordinator's file.
        shards: how many there are.
        stream: what is read.
        space: what the vectors are.
        read_only: read what was published, of shards that somebody else owns.
    """

    def __init__(
        self, state: Path, shards: int, *, stream: str = "", space: str = "", read_only: bool = False
    ) -> None:
        self.stores = [
            ShardStore(
                shard_file(state, number, shards),
                number=number,
                shards=shards,
                stream=stream,
                space=space,
                read_only=read_only,
            )
            for number in range(shards)
        ]

    def start(self, published: int, run: str = "") -> list[ShardPosition]:
        """Open all, each as of the coordinator's commit of that epoch; see `ShardStore.start`."""
        return [store.start(published, run) for store in self.stores]

    def contents(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        """What is committed of some chunks, live or deleted; unknown keys are left out."""
        return {key: found for store in self.stores for key, found in store.contents(keys).items()}

    def chunks(self, batch: int) -> Iterator[Sequence[LoadedChunk]]:
        """Every known chunk in key order over all shards, in batches; live ones have the slots 0, 1, ..."""
        slots = count()
        with ExitStack() as reading:  # where one file cannot be read, the others are let go before they are closed
            each = [reading.enter_context(closing(store.chunks(CHUNKS_AT_ONCE))) for store in self.stores]
            every = merge(*map(chain.from_iterable, each), key=lambda stored: stored[0].key)
            while part := list(islice(every, batch)):
                yield [
                    (replaced(row, slot=next(slots)) if row.live else row, text, vector) for row, text, vector in part
                ]

    def size(self) -> int:
        """Bytes on disk."""
        return sum(store.size() for store in self.stores)

    def close(self) -> None:
        """Close all; safe to call twice."""
        for store in self.stores:
            store.close()


def shard_file(state: Path, number: int, shards: int) -> Path:
    """Where a shard has its chunks.

    >>> shard_file(Path("corpus-drift.state"), 2, 4).name
    'corpus-drift.shard-2-of-4.state'
    """
    return state.with_name(f"{state.stem}.shard-{number}-of-{shards}{state.suffix}")
