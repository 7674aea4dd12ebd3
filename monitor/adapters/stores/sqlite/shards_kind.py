"""`shards.engine = "local"`: shards in this process, each with a file beside the state."""

from pathlib import Path

from monitor.adapters.stores.sqlite.filled_shards import FilledShards
from monitor.adapters.stores.sqlite.shard_files import ShardFiles
from monitor.adapters.stores.sqlite.stored_shards import StoredShards
from monitor.core.shards.port import DurableShards, ShardReader
from monitor.kinds import FillingContext, Section, ShardsContext, ShardsKind
from monitor.ports import CorpusFiller


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


def _filler(section: LocalShardsSection, context: FillingContext) -> CorpusFiller:
    del section
    return FilledShards(context)


def _reader(section: LocalShardsSection, state: Path, shards: int) -> ShardReader:
    del section
    return ShardFiles(state, shards, read_only=True)


LOCAL = ShardsKind("local", LocalShardsSection, _build, _filler, _reader, flat=True)
