"""A small corpus that is migrated: the events of `tests.corpora`, and what a second encoder made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import write as write_anchors
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    MigrationStep,
    Upsert,
)
from tests.corpora import MINUTE, VERSION, Shape, anchors, configuration, events, written

NEW = "enc2:words:mean:l2:5:cosine"
D_NEW = 5
MIGRATION = "m1"
SECOND = 1_000_000
_TURN = np.random.default_rng(11).standard_normal((8, D_NEW))
SECTION = f"""[migration]
id = "{MIGRATION}"
from = "{VERSION}"
to = "{NEW}"
settle_seconds = 0
[migration.contract]
dimension = {D_NEW}
normalisation = "none"
"""


def second(vector: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """The new encoder: it sees less than the old one."""
    assert vector is not None
    return (vector.astype(np.float64) @ _TURN).astype(np.float32)


def marker(step: MigrationStep, time: int, **other: str) -> MigrationMarker:
    return MigrationMarker(other.get("id", MIGRATION), step, other.get("old", VERSION), NEW, time, {})


def embed(chunk: Chunk, time: int) -> Embed:
    """A vector of a chunk's content, written then."""
    return Embed(chunk.chunk_id, chunk.content_hash, NEW, second(chunk.vector), time)


@dataclass
class Migrated:
    """A stream: the load, the begin of a migration, its backfill among updates, and the steps behind it."""

    made: list[CorpusEvent]
    live: dict[str, Chunk]

    @property
    def now(self) -> int:
        return max(
            event.chunk.event_time if isinstance(event, Upsert) else event.event_time or 0 for event in self.made
        )

    def tell(self, *more: CorpusEvent) -> None:
        self.made += more


def migrated(seed: int = 7, shape: Shape | None = None, *, until: str = "cutover") -> Migrated:
    """The whole of it without a fault. Chunks that change after the begin are written twice."""
    rng, made = np.random.default_rng(seed), Migrated([], {})
    waiting: list[Chunk] = []
    begun = False
    for event in events(seed, shape or Shape()):
        told = event
        if isinstance(event, Upsert):
            made.live[event.chunk.chunk_id] = event.chunk
            if begun:
                told = replace(event, chunk=replace(event.chunk, vectors={NEW: second(event.chunk.vector)}))
                waiting = [chunk for chunk in waiting if chunk.chunk_id != event.chunk.chunk_id]
        elif not isinstance(event, Deploy | Heartbeat | Embed | MigrationMarker):
            made.live.pop(event.chunk_id, None)
            waiting = [chunk for chunk in waiting if chunk.chunk_id != event.chunk_id]
        made.tell(told)
        if begun:
            for _ in range(min(len(waiting), int(rng.integers(3)))):
                made.tell(embed(waiting.pop(), made.now + SECOND))
        if isinstance(event, Deploy) and not begun:
            begun, waiting = True, list(made.live.values())
            made.tell(marker("begin", made.now + SECOND))
    made.tell(*(embed(chunk, made.now + SECOND + at) for at, chunk in enumerate(waiting)))
    steps: Sequence[MigrationStep] = ("backfilled", "cutover", "end")
    for step in steps[: 0 if until == "begin" else steps.index(until) + 1]:
        made.tell(marker(step, made.now + MINUTE))
    made.tell(Heartbeat(made.now + MINUTE))
    return made


def asked(seed: int, shape: Shape) -> Iterator[Anchor]:
    """The anchors with vectors of both versions."""
    for anchor in anchors(seed, shape):
        yield replace(anchor, vectors={NEW: second(anchor.vector)})


def write_migration(
    folder: Path, stream: Sequence[CorpusEvent], *, seed: int = 7, shape: Shape | None = None, extra: str = ""
) -> Path:
    """Events, anchors and configuration in an existing folder; returns the configuration's path."""
    shape = shape or Shape()
    (folder / "events.jsonl").write_bytes(written(stream))
    write_anchors(folder / "anchors.jsonl", asked(seed, shape))
    path = folder / "corpus-drift.toml"
    path.write_text(configuration(shape, SECTION + extra), encoding="utf-8")
    return path
