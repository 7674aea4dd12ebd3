"""Shards in this process, filled from files: each with its own file, committed before the coordinator is."""

from collections.abc import Sequence

from monitor.adapters.stores.sqlite.shard_files import CHUNKS_AT_ONCE, ShardFiles
from monitor.core.model.events import Located
from monitor.core.records.filled import FilePiece, FilledRows, ReadRows
from monitor.core.shards.filling import FilledSums, ShardFilling
from monitor.core.shards.messages import EpochSpan, shard_of
from monitor.kinds import FillingContext


class FilledShards:
    """Implements `CorpusFiller` over the files of `StoredShards`: those start from what this committed.

    Args:
        context: of all shards.
    """

    def __init__(self, context: FillingContext) -> None:
        self._reader, self._shards = context.reader, context.shards
        self._files = ShardFiles(context.state, context.shards, stream=context.stream, space=context.space)
        self._fillings = [
            ShardFilling(number, context.shards, context.dimension, context.tombstone_days, store.text)
            for number, store in enumerate(self._files.stores)
        ]

    def start(self, published: int, run: str) -> None:
        """See `CorpusFiller`."""
        stood = self._files.start(published, run)
        for filling, store, at in zip(self._fillings, self._files.stores, stood, strict=True):
            filling.load(at, store.chunks(CHUNKS_AT_ONCE))

    def expect(self, pieces: Sequence[FilePiece]) -> None:
        """See `CorpusFiller`: nobody else reads."""

    def fill(self, span: EpochSpan, pieces: Sequence[FilePiece]) -> FilledRows:
        """See `CorpusFiller`."""
        read = ReadRows.joined(map(self._reader.read, pieces))
        routed: list[list[Located]] = [[] for _ in self._fillings]
        for located in read.events:
            routed[shard_of(located.position.source, self._shards)].append(located)
        sums = [filling.take(span, events) for filling, events in zip(self._fillings, routed, strict=True)]
        return FilledRows(FilledSums.joined(sums), read.aside, read.doubts)

    def commit(self) -> None:
        """See `CorpusFiller`."""
        for filling, store in zip(self._fillings, self._files.stores, strict=True):
            store.commit(filling.commit())

    def close(self) -> None:
        """See `CorpusFiller`."""
        self._files.close()
