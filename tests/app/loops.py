"""Running the loop turn by turn over a small corpus on disk, and the canonical digest of what it left behind."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.adapters.stores.sqlite.snapshots import pack_deploy, pack_snapshot
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.index.corpus import ChunkRow
from monitor.core.model.events import Partition
from monitor.core.records.committed import Quarantined

MOST_TURNS = 5_000


@dataclass(frozen=True)
class Left:
    """Everything that must not depend on how the stream was cut into batches or how often the program died."""

    deploys: Mapping[str, bytes | None]
    baselines: tuple[bytes, ...]
    chunks: tuple[tuple[ChunkRow, str, bytes | None], ...]
    positions: Mapping[Partition, int]
    counters: Mapping[tuple[str, ...], int]
    quarantine: tuple[Quarantined, ...]


def left(state: Path) -> Left:
    """The committed state, canonically."""
    store = SqliteStore(state, read_only=True)
    resumed = store.start()
    try:
        deploys = {}
        for judged in resumed.ledger:
            record = store.deploy(judged.deploy_id)
            deploys[judged.deploy_id] = None if record is None else pack_deploy(record)
        chunks = tuple(
            (row, text, None if vector is None else vector.tobytes())
            for batch in store.chunks(1_000)
            for row, text, vector in batch
        )
        aside = sorted(store.quarantine(10_000), key=lambda item: item.position)
        baselines = tuple(pack_snapshot(snapshot) for snapshot in store.baselines())
        return Left(deploys, baselines, chunks, resumed.positions, resumed.counters, tuple(aside))
    finally:
        store.close()


@contextmanager
def opened(config: Path) -> Iterator[Monitor]:
    """A monitor over the configuration, as `run` opens it."""
    with open_monitor(load(config, {})) as monitor:
        yield monitor


def to_end(monitor: Monitor, turns: int = MOST_TURNS) -> bool:
    """Turn at most so many times; True when the stream is at its end."""
    return any(not monitor.turn(0.0) and monitor.ended() for _ in range(turns))


def run_whole(config: Path) -> Left:
    """From the start to the end in one go."""
    with opened(config) as monitor:
        assert to_end(monitor)
    return left(config.parent / "state.db")
