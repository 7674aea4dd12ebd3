"""Hours of a monitor with a clock of the test: events come when the test says, and time passes when it says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from monitor.app.configuration import load
from monitor.app.health import Clocks
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.alarms.state import AlarmState
from monitor.core.model.events import CorpusEvent
from tests.app.scripted import Item, ScriptedSource, records
from tests.corpora import SOURCES, Shape, World, write_case

MONDAY = 1_780_272_000
"""Seconds since the epoch: Monday 2026-06-01, 00:00 UTC."""
HOUR = 3_600
SHAPE = Shape(chunks=90, deploys=1, anchors=30, dense=False)


class Ticking:
    """Both clocks, moved by hand."""

    def __init__(self, now: float = MONDAY) -> None:
        self.now = now

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: self.now)


class Fed(ScriptedSource):
    """A source that has what was given to it so far."""

    def __init__(self) -> None:
        super().__init__([])

    def give(self, made: Iterable[CorpusEvent]) -> None:
        fresh: Sequence[Item] = records(made, start=len(self._items))
        self._items += fresh
        self._queue.extend(fresh)


class Hours:
    """A corpus that is edited hour by hour, and the monitor over it.

    Args:
        folder: an empty one.
        extra: more of the configuration.
        shape: of the corpus.
    """

    def __init__(self, folder: Path, *, extra: str = "", shape: Shape = SHAPE) -> None:
        self.config = write_case(folder, shape=shape, extra=extra)
        self.time, self.source, self.deploys = Ticking(), Fed(), 0
        self.world = World(np.random.default_rng(5), shape)
        self.generator = np.random.default_rng(6)
        for at in range(shape.chunks):
            self.world.upsert(f"doc{at // 4}#{at % 4}", self.world.text(at % 6), SOURCES[at % len(SOURCES)])
        self.source.give(self.world.made)

    @contextmanager
    def opened(self) -> Iterator[Monitor]:
        with open_monitor(load(self.config, {}), source=self.source, clocks=self.time.clocks) as monitor:
            yield monitor

    def deploy(self, monitor: Monitor) -> None:
        self._add(lambda: self.world.deploy(self.deploys))
        self.deploys += 1
        self.rest(monitor)

    def begin(self, monitor: Monitor) -> None:
        """A deploy, which is the first baseline, and the hours until it is known where the lists stand."""
        self.deploy(monitor)
        self.pass_hour(monitor)
        assert self.pass_hour(monitor).number is not None

    def edit(self, count: int, source: str = "") -> None:
        """Give so many chunks, of one source or any, another text."""
        ids = [name for name, chunk in self.world.live.items() if not source or ("source", source) in chunk.segment]

        def rewrite() -> None:
            for name in self.generator.choice(sorted(ids), min(count, len(ids)), replace=False).tolist():
                of = dict(self.world.live[name].segment)["source"]
                self.world.upsert(name, self.world.text(int(self.generator.integers(6))), of)

        self._add(rewrite)

    def again(self, count: int) -> None:
        """Say so many chunks once more, as they are."""
        chosen = self.generator.choice(sorted(self.world.live), count, replace=False).tolist()

        def repeat() -> None:
            for name in chosen:
                self.world.again(name)

        self._add(repeat)

    def _add(self, make: Callable[[], None]) -> None:
        before = len(self.world.made)
        make()
        self.source.give(self.world.made[before:])

    def rest(self, monitor: Monitor) -> None:
        """Turn until there is nothing to do."""
        for _ in range(1_000):
            if not monitor.turn(0.0):
                return
        message = "the loop does not come to rest"
        raise AssertionError(message)

    def pass_hour(self, monitor: Monitor) -> AlarmState:
        """The clock goes on to the next full hour and a minute, and the loop comes to rest."""
        self.time.now = (self.time.now // HOUR + 1) * HOUR + 60
        self.rest(monitor)
        alarms = monitor.parts.alarms
        assert alarms is not None
        return alarms.state
