"""The program under test, dying where it is told to: `python -m tests.kill.child` breeds such processes.

Imports cost about two seconds, so one nursery process imports everything and forks a child for each life. A child is
a process of its own, with its own memory, files and threads, and it is killed by SIGKILL like any other.
The points are set in the child only, by wrapping functions of the program; the program knows nothing of them.
"""

import json
import os
import select
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.adapters import qdrant_embedded
from monitor.adapters.kafka import KafkaSource
from monitor.adapters.qdrant_embedded import EmbeddedIndex
from monitor.adapters.sqlite import SqliteStore
from monitor.app.embedding import Embedder
from monitor.app.loop import Monitor
from monitor.app.measuring import Measuring
from monitor.cli import main
from monitor.core.anchors import AnchorSet
from monitor.core.corpus import Corpus
from monitor.core.engine import Bm25, Depths, Engine
from monitor.core.events import Located, Partition, Position
from monitor.core.scoring import Distance, prepare
from monitor.ports import Commit
from tests.corpora import DIMENSION, Shape, anchors, events
from tests.kill.digest import digest, sections

LONGEST = 120.0
"""Seconds a life may take; a child that takes longer hangs, and that is a defect."""
HUNG = 1_000
"""Exit code of a child that hung."""


@dataclass(frozen=True, slots=True)
class Life:
    """What is asked of one child.

    Args:
        config: the configuration to run to the end.
        until_end: whether to stop when caught up.
        point: the named point to die at, "" for none.
        call: at which call of the point, 1 is the first.
        after: seconds after the birth at which to send `signal`, None for never.
        signal: the signal sent from outside.
        defect: a defect to plant, to see that it is found; "" for none.
    """

    config: str
    until_end: bool = True
    point: str = ""
    call: int = 1
    after: float | None = None
    signal: int = signal.SIGKILL
    defect: str = ""


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
    (KafkaSource, "commit", "before offsets", "offsets sent"),
    (EmbeddedIndex, "close", "closing", "index closed"),
)
"""Owner, function, the point before it and the point after it."""
STATEMENTS = {
    "CREATE TABLE counter": "creating",
    "INSERT OR REPLACE INTO counter": "chunks written",
    "INSERT OR REPLACE INTO position": "counters written",
    "INSERT INTO deploy": "before deploy row",
    "INSERT OR REPLACE INTO baseline": "before baseline row",
    "INSERT OR REPLACE INTO meta": "positions written",
    "COMMIT": "before COMMIT",
}
"""Beginning of an SQL statement, and the point just before it: inside the transaction."""
NAMED = (
    *(point for _, _, *around in AROUND for point in around if point),
    *STATEMENTS.values(),
    "holding", "before deploy commit", "deploy committed",
)  # fmt: skip


def install(points: Points, log: Path) -> None:
    """Set all points, and note the digest of the state at each barrier as it is committed."""
    for owner, name, before, after in AROUND:
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


def plant(defect: str) -> None:
    """Break the program as a careless engineer would, to see that the test finds it."""
    if not defect:
        return
    assert defect == "positions first"

    def around(commit: Callable[[SqliteStore, Commit], None]) -> Callable[..., None]:
        def torn(store: SqliteStore, turn: Commit) -> None:
            commit(store, Commit(turn.positions, newest_event_time=turn.newest_event_time))
            commit(store, turn)

        return torn

    exchange(SqliteStore, "commit", around)


class NoBands:
    """`monitor.core.duplicates.Bands` that finds no candidates."""

    width = 1

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        del shingles
        return np.arange(len(counts), dtype=np.uint32)[:, None]


def warm() -> None:
    """Load the compiled kernels once for all children: a second of each life. No threads may come of it."""
    shape = Shape()
    made = anchors(7, shape)
    vectors = np.stack([anchor.vector for anchor in made if anchor.vector is not None])
    asked = AnchorSet(made, prepare(vectors, Distance.COSINE), np.ones(len(made)), [() for _ in made])
    corpus = Corpus(DIMENSION)
    engine = Engine(asked, corpus, Depths(10, dense=True, lexical=True), Distance.COSINE, Bm25(), bands=NoBands())
    stream = [Located(Position("t", 0, at), event) for at, event in enumerate(events(7, shape))]
    for at in range(0, len(stream), 25):
        engine.apply(corpus.delta(corpus.apply(stream[at : at + 25]).changes))
        engine.lists()


def live(life: Life) -> int:
    """One life of the monitor; returns its exit code unless it is killed."""
    folder = Path(life.config).parent
    with (folder / "stderr.txt").open("ab") as said, Path(os.devnull).open("r+b") as nothing:
        for number, file in ((0, nothing), (1, nothing), (2, said)):
            os.dup2(file.fileno(), number)
    plant(life.defect)
    points = Points(life.point, life.call)
    install(points, folder / "barriers.jsonl")
    code = main(["run", "-c", life.config, *(["--until-end"] if life.until_end else [])])
    (folder / "calls.json").write_text(json.dumps(points.calls))
    return code


def breed(life: Life) -> int:
    """Fork a child for one life and wait for its end; its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = live(life)
        finally:
            sys.stderr.flush()
            os._exit(code)
    handle = os.pidfd_open(pid)
    try:
        if life.after is not None and not select.select([handle], [], [], life.after)[0]:
            os.kill(pid, life.signal)
        hung = not select.select([handle], [], [], LONGEST)[0]
        if hung:
            os.kill(pid, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return HUNG if hung else ended
    finally:
        os.close(handle)


def ordered(life: Life) -> str:
    """The order for a life, as the nursery reads it."""
    return json.dumps(asdict(life)) + "\n"


def nursery() -> None:
    """Breed a child for each order on stdin, one after the other; answers with their exit codes."""
    warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for order in sys.stdin:
        code = breed(Life(**json.loads(order)))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    nursery()
