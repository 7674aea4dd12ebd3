"""The named points of the program, set by wrapping its functions; the program knows nothing of them."""

import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.adapters.retrieval.qdrant import embedded as qdrant_embedded
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.sources.kafka.dead_letters import KafkaDeadLetters
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.adapters.stores.sqlite.shard_store import ShardStore
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.adapters.stores.sqlite.stored_shards import StoredShards
from monitor.app.embedding import Embedder
from monitor.app.loop import Monitor
from monitor.app.measuring import Measuring
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Engine
from monitor.core.model.events import Partition
from monitor.core.records.committed import Commit
from tests.kill.digest import digest, sections


def exchange(owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put another function in the place of `owner.name`, made from it; in the child only."""
    setattr(owner, name, around(getattr(owner, name)))


class Points:
    """Counts the calls of the named points, and dies at one of them."""

    def __init__(self, point: str, call: int) -> None:
        self.calls: Counter[str] = Counter()
        self._point, self._call = point, call

    def hit(self, point: str) -> None:
        """The process came to this point."""
        self.calls[point] += 1
        if point == self._point and self.calls[point] == self._call:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, owner: Any, name: str, *, before: str = "", after: str = "") -> None:
        """Make a function or method of `owner` a point, before or after its call or both."""

        def around(original: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*args: Any, **options: Any) -> Any:
                if before:
                    self.hit(before)
                result = original(*args, **options)
                if after:
                    self.hit(after)
                return result

            return wrapped

        exchange(owner, name, around)


AROUND: tuple[tuple[Any, str, str, str], ...] = (
    (EmbeddedIndex, "start", "restored", "index opened"),
    (EmbeddedIndex, "reconcile", "before reconcile", "reconciled"),
    (KafkaSource, "start", "before source start", "source started"),
    (Monitor, "start", "", "started"),
    (KafkaSource, "poll", "", "polled"),
    (Embedder, "embed", "", "embedded"),
    (Corpus, "apply", "", "corpus applied"),
    (Engine, "apply", "", "engine applied"),
    (EmbeddedIndex, "apply", "before index", "index applied"),
    (qdrant_embedded, "write", "in index", ""),
    (Measuring, "replay", "before replay", "replayed"),
    (Measuring, "measure", "", "measured"),
    (SqliteStore, "commit", "before commit", "committed"),
    (Measuring, "publish", "", "published"),
    (SqliteStore, "image", "", "image sought"),
    (SqliteStore, "keep_image", "before image", "image kept"),
    (KafkaSource, "commit", "before offsets", "offsets sent"),
    (EmbeddedIndex, "close", "closing", "index closed"),
    (KafkaDeadLetters, "publish", "before letters", "letters sent"),
)
"""Owner, function, the point before it and the point after it."""
STATEMENTS = {
    "CREATE TABLE counter": "creating",
    "CREATE TRIGGER IF NOT EXISTS image_insert": "image written",
    "INSERT OR REPLACE INTO counter": "chunks written",
    "INSERT OR REPLACE INTO position": "counters written",
    "INSERT INTO deploy": "before deploy row",
    "INSERT OR REPLACE INTO baseline": "before baseline row",
    "INSERT OR REPLACE INTO meta": "positions written",
    "COMMIT": "before COMMIT",
}
"""Beginning of an SQL statement, and the point just before it: inside the transaction."""
IN_SHARDS: tuple[tuple[Any, str, str, str], ...] = (
    (StoredShards, "stage", "", "staged"),
    (StoredShards, "rank", "", "ranked"),
    (ShardStore, "commit", "before shard", "shard stored"),
    (ShardStore, "_put", "", "shard written"),
    (ShardStore, "_take_back", "", "shard taken back"),
)
"""The same, which only a corpus in shards comes to; the shards of a step commit one after the other."""
LETTERS = ("before letters", "letters sent")
"""Points that only a configured dead-letter topic has."""
NAMED = (
    *(point for _, _, *around in AROUND for point in around if point and point not in LETTERS),
    *STATEMENTS.values(),
    "holding", "before deploy commit", "deploy committed",
)  # fmt: skip


def install(points: Points, log: Path) -> None:
    """Set all points, and note the digest of the state at each barrier as it is committed."""
    for owner, name, before, after in (*AROUND, *IN_SHARDS):
        points.wrap(owner, name, before=before, after=after)
    _watch_statements(points)
    _watch_barriers(points, log)


def _watch_statements(points: Points) -> None:
    def around(connect: Callable[[SqliteStore], sqlite3.Connection]) -> Callable[..., Any]:
        def watched(store: SqliteStore) -> sqlite3.Connection:
            connection = connect(store)
            connection.set_trace_callback(lambda sql: _traced(points, sql.lstrip()))
            return connection

        return watched

    exchange(SqliteStore, "_connect", around)


def _traced(points: Points, sql: str) -> None:
    for beginning, point in STATEMENTS.items():
        if sql.startswith(beginning):
            points.hit(point)


def _watch_barriers(points: Points, log: Path) -> None:
    def noting(commit: Callable[[SqliteStore, Commit], None]) -> Callable[..., None]:
        def committed(store: SqliteStore, turn: Commit) -> None:
            if turn.deploy is None:
                commit(store, turn)
                return
            points.hit("before deploy commit")
            commit(store, turn)
            points.hit("deploy committed")
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({turn.deploy.deploy_id: sections(digest(store.path))}) + "\n")

        return committed

    def holding(pause: Callable[[KafkaSource, frozenset[Partition]], None]) -> Callable[..., None]:
        def paused(source: KafkaSource, partitions: frozenset[Partition]) -> None:
            pause(source, partitions)
            if partitions:
                points.hit("holding")

        return paused

    exchange(SqliteStore, "commit", noting)
    exchange(KafkaSource, "pause", holding)
