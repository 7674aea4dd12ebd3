"""The program on a stage: the real loop with its real parts, fed from memory, with or without the real index."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.parts import LoopTiming
from monitor.app.replay import Served
from monitor.app.wiring import open_monitor
from monitor.core.index.engine import Engine, at_once, of_one_process
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Partition, Position, Record
from monitor.ports import Polled, Replay, Source, Unanswered

WHERE = Partition("bench", 0)
FILE_SOURCE = '[source.file]\npath = "unused.jsonl"'
WHOLE = 1 << 20
"""A pace at which no batch is a backlog: what a turn took in is measured when somebody looks."""


@dataclass
class Feed:
    """A `Source` of one partition that delivers what was put into it, a whole batch per poll."""

    waiting: list[Record] = field(default_factory=list)
    _at: int = 0
    _next: int = 0

    def put(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Append records."""
        self.waiting += [Record(Position(*WHERE, self._at + n), *record) for n, record in enumerate(records)]
        self._at += len(records)

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Go on where the state left off."""
        self._at = self._next = positions.get(WHERE, 0)

    def partitions(self) -> frozenset[Partition]:
        """The one there is."""
        return frozenset((WHERE,))

    def poll(self, max_records: int, timeout: float) -> Polled:
        """All that waits."""
        del timeout
        taken, self.waiting = self.waiting[:max_records], self.waiting[max_records:]
        self._next += len(taken)
        return Polled(taken)

    def positions(self) -> Mapping[Partition, int]:
        """Next offset to be delivered."""
        return {WHERE: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        """Next offset to be written."""
        return {WHERE: self._at}

    def last_error(self) -> str:
        """Never any."""
        return ""

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Nothing comes that is not asked for."""

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Nothing was held back."""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Nobody looks."""

    def close(self) -> None:
        """Nothing is open."""


class Maintained:
    """A `Retriever` whose index serves exactly what the engine maintains: replays cost nothing, and none is wrong."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self) -> None:
        """Nothing to open."""

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """The maintained lists of these anchors."""
        del anchors, deadline
        exact = self._engine.lists()["exact"]
        return Replay(rows, exact.at(k).take(rows), seconds=np.zeros(len(rows)))

    def busy(self) -> Sequence[str]:
        """Never."""
        return ()

    def problems(self) -> Sequence[str]:
        """None."""
        return ()

    def remarks(self) -> Sequence[str]:
        """None."""
        return ()

    def configuration(self) -> None:
        """Nothing that others could set."""

    def hidden(self) -> int | Unanswered:
        """None are."""
        return 0

    def count(self) -> int | Unanswered:
        """It cannot be counted."""
        return Unanswered("unreachable")

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """It does not say."""
        del chunk_ids, deadline
        return Unanswered("unreachable")

    def close(self) -> None:
        """Nothing is open."""


EVERY_BATCH = LoopTiming(batch=WHOLE, full_replay=1e9)


class Relay:
    """A `Source` that hands on to another one, which may be exchanged while the program runs."""

    def __init__(self, first: Source) -> None:
        self._now = first
        self._take()

    def to(self, other: Source) -> None:
        """Go on with another source, from its beginning."""
        other.start({})
        self._now = other
        self._take()

    def _take(self) -> None:
        now = self._now
        self.start, self.partitions, self.poll = now.start, now.partitions, now.poll
        self.pause, self.resume, self.positions = now.pause, now.resume, now.positions
        self.end, self.last_error, self.commit, self.close = now.end, now.last_error, now.commit, now.close


@contextmanager
def staged(config: Path, source: Source, pace: LoopTiming = EVERY_BATCH, *, alone: bool = True) -> Iterator[Monitor]:
    """The configured monitor over a new state, started; the maintained lists stand for the served ones.

    Args:
        config: the configuration's path.
        source: instead of the configured one.
        pace: no batch is a backlog, unless told otherwise.
        alone: whether all is done in the loop's thread, as where there is one core.
    """
    with open_monitor(load(config, {}), source=Feed()) as made:
        assert not len(made.parts.corpus), "the stage is for a new state"
        engine = of_one_process(made.parts.engine)
        engine.beside = at_once if alone else engine.beside
        kept = Maintained(engine)
        served = Served(kept, engine.anchors, k=engine.lists()["exact"].depth, deadline=1.0)
        made.parts.store.close()  # started again with the monitor below
        monitor = Monitor(
            replace(made.parts, source=source, index=None, retriever=kept, served=served, pace=pace, audit=None)
        )
        try:
            monitor.start()
            yield monitor
        finally:
            source.close()


def fill(monitor: Monitor, feed: Feed, batches: Iterator[Sequence[tuple[bytes, bytes]]]) -> None:
    """Turn the loop over these records, a turn for each batch and then until nothing is left."""
    for records in batches:
        feed.put(records)
        while monitor.turn(0.0):
            pass
