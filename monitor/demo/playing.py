"""The demo's producer: a corpus is loaded, then updated for ever, with an incident and its revert in every round."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from monitor.core.model.events import CorpusEvent

BATCH = 1_000
"""Most events written at once."""
BATCHES_A_SECOND = 5
"""How finely a pace is kept."""


class EventWriter(Protocol):
    """Where a producer of corpus events writes: an index, or the topic that announces what changed.

    `write` returns when all of it is acknowledged; otherwise UnreachableError, and any part of it may be there.
    """

    def write(self, events: Sequence[CorpusEvent]) -> None:
        """Write events in order."""
        ...

    def close(self) -> None:
        """Let go of the system."""
        ...


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast.

    Args:
        pace: events per second, 0 as fast as they are acknowledged. The initial load is never held back.
        rest: seconds between two deploys.
    """

    pace: float
    rest: float


@dataclass(frozen=True, slots=True)
class Deployed:
    """One update as events, its marker last."""

    deploy_id: str
    events: Iterable[CorpusEvent]


def play(
    story: Iterable[Deployed],
    writers: Sequence[EventWriter],
    tempo: Tempo,
    *,
    stopping: threading.Event,
    tell: Callable[[str], None],
) -> int:
    """Write every deploy to all writers in their order, until the story ends or somebody says stop.

    Args:
        story: the deploys.
        writers: the index before the topic that announces the change, as production does.
        tempo: how fast.
        stopping: ends the playing after the batch in hand.
        tell: gets a line for each deploy.

    Returns:
        Events written.

    Raises:
        UnreachableError: a writer could not write.
    """
    written = 0
    for number, deploy in enumerate(story):
        if number and stopping.wait(tempo.rest):
            break
        began = time.monotonic()
        count = _written(deploy.events, writers, tempo.pace if number else 0.0, stopping)
        written += count
        if stopping.is_set():
            break
        tell(f"deploy {deploy.deploy_id}: {count:,} events in {time.monotonic() - began:.1f} s")
    return written


def _written(
    events: Iterable[CorpusEvent], writers: Sequence[EventWriter], pace: float, stopping: threading.Event
) -> int:
    """Write one deploy; how many events that were."""
    count, began = 0, time.monotonic()
    size = min(BATCH, max(1, round(pace / BATCHES_A_SECOND))) if pace else BATCH
    for batch in _batches(events, size):
        for writer in writers:
            writer.write(batch)
        count += len(batch)
        due = began + count / pace if pace else began
        if stopping.wait(max(0.0, due - time.monotonic())):
            break
    return count


def _batches(events: Iterable[CorpusEvent], size: int) -> Iterator[list[CorpusEvent]]:
    waiting = iter(events)
    while batch := list(islice(waiting, size)):
        yield batch
