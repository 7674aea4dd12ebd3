"""A corpus that is whole, filled from files: the store of the state has its chunks."""

from collections.abc import Mapping, Sequence

from monitor.app.restore import CHUNKS_AT_ONCE
from monitor.core.model.events import Partition
from monitor.core.records.filled import FilePiece, FilledRows, ReadRows
from monitor.core.shards.filling import ShardFilling
from monitor.core.shards.messages import EpochSpan, ShardPosition
from monitor.ports import FileReader, StateStore


class WholeFilling:
    """Implements `CorpusFiller` where no shards are configured: what changed is committed with the state.

    Args:
        store: of the state, started by whoever has it.
        positions: where it left off.
        reader: of the files.
        dimension: d of the vectors, 0 when the dense leg is off.
        tombstone_days: how long, in event time, a delete mark outlives its chunk.
    """

    def __init__(
        self,
        store: StateStore,
        positions: Mapping[Partition, int],
        reader: FileReader,
        *,
        dimension: int,
        tombstone_days: float,
    ) -> None:
        self._store, self._positions, self._reader = store, positions, reader
        self._filling = ShardFilling(0, 1, dimension, tombstone_days, lambda key: store.texts([key])[key])

    def start(self, published: int, run: str) -> None:
        """See `CorpusFiller`: there are no other parts."""
        del run
        self._filling.load(ShardPosition(published, self._positions, 0, 0), self._store.chunks(CHUNKS_AT_ONCE))

    def expect(self, pieces: Sequence[FilePiece]) -> None:
        """See `CorpusFiller`: nobody else reads."""

    def fill(self, span: EpochSpan, pieces: Sequence[FilePiece]) -> FilledRows:
        """See `CorpusFiller`."""
        read = ReadRows.joined(map(self._reader.read, pieces))
        sums = self._filling.take(span, read.events)
        return FilledRows(sums, read.aside, read.doubts, tuple(self._filling.commit().changes))

    def commit(self) -> None:
        """See `CorpusFiller`: the state's own commit has it."""

    def close(self) -> None:
        """See `CorpusFiller`."""
