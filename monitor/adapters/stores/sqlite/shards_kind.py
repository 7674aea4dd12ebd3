"""`shards.engine = "local"`: shards in this process, each with a file beside the state."""

from pathlib import Path

from monitor.adapters.stores.sqlite.shard_files import ShardFiles
from monitor.adapters.stores.sqlite.stored_shards import StoredShards
from monitor.core.shards.port import DurableShards, ShardReader
from monitor.kinds import Section, ShardsContext, ShardsKind


class LocalShardsSection(Section):
    """Shards in this process: nothing to choose."""


def _build(section: LocalShardsSection, context: ShardsContext) -> DurableShards:
    del section
    return StoredShards(
        context.config,
        context.anchors,
        context.state,
        stream=context.stream,
        space=context.space,
        clock=context.clock,
    )


def _reader(section: LocalShardsSection, state: Path, shards: int) -> ShardReader:
    del section
    return ShardFiles(state, shards, read_only=True)


LOCAL = ShardsKind("local", LocalShardsSection, _build, _reader, flat=True)
