"""The program under test, dying where it is told to: `python -m tests.kill.child` breeds such processes.

Imports cost about two seconds, so one nursery process imports everything and forks a child for each life. A child is
a process of its own, with its own memory, files and threads, and it is killed by SIGKILL like any other.
The points to die at are set in the child only; see `tests.kill.points`.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app import restore
from monitor.cli import main
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located, Position
from monitor.core.model.scoring import Distance, prepare
from monitor.core.records.committed import Commit
from tests.corpora import DIMENSION, Shape, anchors, events
from tests.kill.points import Points, exchange, install

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
    """`monitor.core.index.duplicates.duplicates.Bands` that finds no candidates."""

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
    engine = Engine(
        asked, corpus, Depths(10, dense=True, lexical=True), Distance.COSINE, Bm25Config(), bands=NoBands()
    )
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
    restore.WORTH_AN_IMAGE = 1
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
