"""A source that delivers what a test wrote, poll by poll, over any number of partitions; the loop is real."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.adapters.native_form import native
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.core.model.events import CorpusEvent, Partition, Position, Record
from monitor.ports import Fault, Polled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.app.loop import Monitor

Item = Record | Fault
TOPIC = "events"
DEADLINE = 60.0


def records(made: Iterable[CorpusEvent | bytes], partition: int = 0, start: int = 0) -> list[Item]:
    """Events (or raw values) as records of one partition, offsets from `start`."""
    values = (item if isinstance(item, bytes) else native(item)[1] for item in made)
    return [Record(Position(TOPIC, partition, start + at), None, value) for at, value in enumerate(values)]


class ScriptedSource:
    """`monitor.ports.Source` over lists of items.

    Args:
        items: everything there is, in the order of delivery; offsets ascend within a partition.
        partitions: how many partitions the topic has.
        endless: called for one more item whenever the list is used up, for traffic that never ends.
    """

    def __init__(
        self, items: Sequence[Item], *, partitions: int = 1, endless: Callable[[int], Item] | None = None
    ) -> None:
        self._items = list(items)
        self._partitions = frozenset(Partition(TOPIC, number) for number in range(partitions))
        self._endless = endless
        self._paused: frozenset[Partition] = frozenset()
        self._queue: deque[Item] = deque()
        self._next = dict.fromkeys(self._partitions, 0)
        self._extra = 0

    def start(self, positions: Mapping[Partition, int]) -> None:
        self._next.update(positions)
        self._queue = deque(item for item in self._items if item.position.offset >= self._at(item))

    def _at(self, item: Item) -> int:
        return self._next.get(item.position.source, 0)

    def partitions(self) -> frozenset[Partition]:
        return self._partitions

    def poll(self, max_records: int, timeout: float) -> Polled:
        del timeout  # something is there, or nothing will ever be
        if not self._queue and self._endless is not None:
            self._queue.append(self._endless(self._extra))
            self._extra += 1
        taken: list[Item] = []
        for item in list(self._queue):
            if len(taken) < max_records and item.position.source not in self._paused:
                self._queue.remove(item)
                taken.append(item)
                self._next[item.position.source] = item.position.offset + isinstance(item, Record)
        found = [item for item in taken if isinstance(item, Record)]
        faults = [item for item in taken if isinstance(item, Fault)]
        return Polled(found, faults, exhausted=not self._queue and self._endless is None)

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._paused -= partitions

    def positions(self) -> Mapping[Partition, int]:
        return dict(self._next)

    def end(self) -> Mapping[Partition, int] | None:
        ends = dict.fromkeys(self._partitions, 0)
        for item in self._items:
            ends[item.position.source] = item.position.offset + 1
        return ends

    def last_error(self) -> str:
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Nobody looks."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def scripted(config: "Path", source: ScriptedSource) -> "Iterator[Monitor]":
    """A monitor over the configuration that reads from the script instead."""
    with open_monitor(load(config, {}), source=source) as monitor:
        yield monitor


def turn_until(monitor: "Monitor", done: Callable[[], bool]) -> None:
    """Turn until something holds; a deadline ends the test."""
    until = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < until, "the deadline is over and it still does not hold"
        monitor.turn(0.0)
