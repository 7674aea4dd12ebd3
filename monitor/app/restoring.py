"""What a loop had committed, taken up again: by one process, or by shards."""

from monitor.app.parts import MonitorComponents
from monitor.app.restore import restore, restore_shards
from monitor.core.index.engine import of_one_process
from monitor.core.records.committed import Resumed
from monitor.core.shards.sharded_state import ShardedState


def restored(parts: MonitorComponents) -> Resumed:
    """Open the store and rebuild what is maintained from it; see `restore` and `restore_shards`."""
    engine = parts.engine
    if parts.shards is not None and isinstance(engine, ShardedState):
        return restore_shards(parts.store, parts.corpus, engine, parts.shards, parts.restoring)
    return restore(parts.store, parts.corpus, of_one_process(engine), parts.index, parts.restoring)
