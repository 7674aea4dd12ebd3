"""Shards in this process with a file each: restored when they start, committed before the coordinator is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.adapters.stores.sqlite.shard_files import CHUNKS_AT_ONCE, ShardFiles
from monitor.core.model.anchors import AnchorSet
from monitor.core.shards.local import LocalShards
from monitor.core.shards.messages import ShardPosition, ShardStatus, StageSums, StoredContent
from monitor.core.shards.shard import LoadedChunk, ShardConfig


class StoredShards(LocalShards):
    """`LocalShards` whose chunks survive the process; implements `DurableShards`.

    Files stand beside the coordinator's state, `state.sqlite` with `state.shard-2-of-4.sqlite`; whoever holds the
    lock of that state owns them too. `commit` comes before the coordinator's commit, which is the publication: a kill
    in between leaves shards one commit ahead, and `start` takes that commit back.

    Args:
        config: of all shards.
        anchors: the anchors, with prepared vectors.
        state: the coordinator's file.
        stream: what is read, such as the topics.
        space: what the vectors are.
        clock: monotonic seconds, for what `status` says.
    """

    def __init__(
        self,
        config: ShardConfig,
        anchors: AnchorSet,
        state: Path,
        *,
        stream: str,
        space: str,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(config, anchors, stored=True, clock=clock)
        self._files = ShardFiles(state, config.shards, stream=stream, space=space)

    def start(self, published: int, run: str = "") -> tuple[ShardPosition, Sequence[StageSums]]:
        """Restore every shard as of the coordinator's last commit: `ShardedState.resume` goes on from there.

        Args:
            published: the epoch of that commit, 0 before the first.
            run: mark of the coordinator's state.

        Raises:
            ConfigurationError: a file is another shard's, or does not stand there.
        """
        stood = self._files.start(published, run)
        positions = {part: at for of in stood for part, at in of.positions.items()}
        newest, barrier = max(of.newest_event_time for of in stood), max(of.barrier_time for of in stood)
        at = ShardPosition(published, positions, newest, barrier)
        pairs = zip(self.shards, self._files.stores, strict=True)
        return at, [shard.load(at, store.chunks(CHUNKS_AT_ONCE)) for shard, store in pairs]

    def insist(self, waiting: Callable[[Callable[[], Any]], Any]) -> None:
        """See `DurableShards`: none of them is ever away."""

    def commit(self, epoch: int) -> None:
        """Store what every shard did; the coordinator's commit of this epoch follows."""
        for shard, store in zip(self.shards, self._files.stores, strict=True):
            store.commit(shard.commit(epoch))

    def contents(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        """See `DurableShards`."""
        return self._files.contents(keys)

    def chunks(self, batch: int) -> Iterator[Sequence[LoadedChunk]]:
        """See `DurableShards`."""
        return self._files.chunks(batch)

    def size(self) -> int:
        """See `DurableShards`."""
        return self._files.size()

    def status(self) -> list[ShardStatus]:
        """See `DurableShards`: none of them is ever away."""
        return [
            ShardStatus(
                shard.number,
                shard.epoch,
                shard.positions,
                len(shard.corpus),
                stage_seconds=spent.stage,
                rank_seconds=spent.rank,
                steps=spent.steps,
            )
            for shard, spent in zip(self.shards, self.spent, strict=True)
        ]

    def close(self) -> None:
        """Close all files; safe to call twice."""
        self._files.close()
