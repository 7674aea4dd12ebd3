"""A corpus from which things were deleted: copies of some are left, of others not; as a file, and as a collection."""

from pathlib import Path

import numpy as np

from monitor.adapters.anchors_file import write as write_anchors
from monitor.core.model.events import Deploy
from tests import corpora

SHAPE = corpora.Shape(deploys=1)


def world() -> corpora.World:
    """doc0#0 is deleted and lives on as copy#0, and nearly as near#0; doc1 and doc2#0 are deleted for good."""
    made = corpora.World(np.random.default_rng(7), SHAPE)
    for at in range(SHAPE.chunks):
        made.upsert(f"doc{at // 4}#{at % 4}", made.text(at % corpora.TOPICS, words=40), corpora.SOURCES[at % 3])
    made.deploy(0)
    text = made.live["doc0#0"].text
    made.upsert("copy#0", text, "guide")
    made.upsert("near#0", f"{text} word01", "guide")
    for name in ("doc0#0", *(f"doc1#{at}" for at in range(4)), "doc2#0"):
        made.delete(name)
    made.deploy(1)
    return made


def texts() -> dict[str, str]:
    """What each chunk said last, by id."""
    return {event.chunk.chunk_id: event.chunk.text for event in world().made if hasattr(event, "chunk")}


def write_erasures(folder: Path, *, deploys: int = 2, engine: str = "", extra: str = "") -> Path:
    """Events, anchors and configuration; the path of the last.

    Args:
        folder: where they are written.
        deploys: how many of the two deploys.
        engine: keys of `[dense]` instead of the embedded index.
        extra: more sections.
    """
    made = world().made
    ends = [at for at, event in enumerate(made) if isinstance(event, Deploy)]
    (folder / "events.jsonl").write_bytes(corpora.written(made[: ends[deploys - 1] + 1]))
    write_anchors(folder / "anchors.jsonl", corpora.anchors(7, SHAPE))
    said = corpora.configuration(SHAPE, extra)
    path = folder / "corpus-drift.toml"
    path.write_text(said.replace('engine = "embedded"', engine) if engine else said, encoding="utf-8")
    return path
