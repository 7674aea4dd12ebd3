"""Shards in this process with a file each: restored when they start, committed before the coordinator is."""

from collections.abc import Sequence
from pathlib import Path

from monitor.adapters.stores.sqlite.shard_store import ShardStore
from monitor.core.model.anchors import AnchorSet
from monitor.core.shards.local import LocalShards
from monitor.core.shards.messages import ShardPosition, StageSums
from monitor.core.shards.shard import ShardConfig

CHUNKS_AT_ONCE = 2_048
"""Texts in memory at once while a shard is restored."""


class StoredShards(LocalShards):
    """`LocalShards` whose chunks survive the process.

    Files stand beside the coordinator's state, `state.sqlite` with `state.shard-2-of-4.sqlite`; whoever holds the
    lock of that state owns them too. `commit` comes before the coordinator's commit, which is the publication: a kill
    in between leaves shards one commit ahead, and `start` takes that commit back.

    Args:
        config: of all shards.
        anchors: the anchors, with prepared vectors.
        state: the coordinator's file.
        stream: what is read, such as the topics.
        space: what the vectors are.
    """

    def __init__(self, config: ShardConfig, anchors: AnchorSet, state: Path, *, stream: str, space: str) -> None:
        super().__init__(config, anchors, stored=True)
        self._stores = [
            ShardStore(
                state.with_name(f"{state.stem}.shard-{number}-of-{config.shards}{state.suffix}"),
                number=number,
                shards=config.shards,
                stream=stream,
                space=space,
            )
            for number in range(config.shards)
        ]

    def start(self, published: int) -> tuple[ShardPosition, Sequence[StageSums]]:
        """Restore every shard as of the coordinator's last commit: `ShardedState.resume` goes on from there.

        Args:
            published: the epoch of that commit, 0 before the first.

        Raises:
            ConfigurationError: a file is another shard's, or does not stand there.
        """
        stood = [store.start(published) for store in self._stores]
        positions = {part: at for of in stood for part, at in of.positions.items()}
        newest, barrier = max(of.newest_event_time for of in stood), max(of.barrier_time for of in stood)
        at = ShardPosition(published, positions, newest, barrier)
        pairs = zip(self.shards, self._stores, strict=True)
        return at, [shard.load(at, store.chunks(CHUNKS_AT_ONCE)) for shard, store in pairs]

    def commit(self, epoch: int) -> None:
        """Store what every shard did; the coordinator's commit of this epoch follows."""
        for shard, store in zip(self.shards, self._stores, strict=True):
            store.commit(shard.commit(epoch))

    def close(self) -> None:
        """Close all files; safe to call twice."""
        for store in self._stores:
            store.close()
