"""Batches: what the loop takes next from its stream, up to a barrier that closes, waits for the index, or is lost."""

import threading

from monitor.app.intake import Intake, IntakeBatch
from monitor.app.parts import MonitorComponents
from monitor.core.model.barrier import Closed
from monitor.ports import Polled, ScanningSource, UnreachableError

APART = 0.02
"""Seconds between the beginnings of two turns at the least, unless the batch is full or somebody asks: each costs
milliseconds however little it takes in."""
STEP = 0.005
"""Seconds between two polls meanwhile: a source fetches on when it is polled."""
BARRIER_LOOK = 1.0
"""Seconds between two looks at an open barrier: each may ask the source for its end."""


class BatchReader:
    """Polls the source and takes batches; used by the loop's thread alone.

    Args:
        parts: of the loop.
        intake: where the loop stands in its stream.
        stopping: is set to end the loop, and ends a wait.
        asked: is set while somebody asks the loop for something, and ends the gathering of a batch.
    """

    def __init__(
        self, parts: MonitorComponents, intake: Intake, stopping: threading.Event, asked: threading.Event
    ) -> None:
        self._parts, self._intake, self._stopping, self._asked = parts, intake, stopping, asked
        self._exhausted = False
        self._next_look = self._next_turn = 0.0
        self.gathering = False
        """Whether records are at hand that no turn took in yet."""

    def next(self, wait: float) -> IntakeBatch:
        """The next batch, an empty one where nothing arrived.

        Args:
            wait: seconds to wait for records at most.
        """
        source, pace, readiness = self._parts.source, self._parts.pace, self._parts.readiness
        due = None if readiness is None else self._intake.due(source.partitions())
        if due is not None and due.deploy.step is None:
            held = self._held_back(due)
            if held:  # the partitions hold: there is nothing to poll for, and requests are answered
                self._stopping.wait(wait)
            return self._intake.take(0, source.partitions(), closing=not held)
        # Looked at before anything is taken: partitions that never fall silent must not keep a lost barrier open.
        lost = self._barrier_lost()
        if not lost and not self._intake.ready():
            polled = source.poll(pace.batch, wait)
            self._intake.feed(polled)
            if polled.records and not polled.exhausted:
                polled = self._gathered(polled, wait)
            self._exhausted = polled.exhausted
            self._intake.drained(source.positions())
        # Where a deploy has to be found in the index, it is applied and committed first, and closes in a later turn.
        closing = readiness is None or (due is not None and due.deploy.step is not None)
        batch = self._intake.take(0 if lost else pace.batch, source.partitions(), closing=closing)
        return self._intake.expire(source.partitions()) if lost and batch.closed is None else batch

    def ended(self) -> bool:
        """Whether a bounded source is exhausted, or an unbounded one caught up; never while a barrier is open."""
        if self._intake.barrier.waiting or self._intake.ready():
            return False
        ends = None if self._exhausted else self._parts.source.end()
        at = self._intake.positions
        return self._exhausted or (ends is not None and all(at.get(part, 0) >= end for part, end in ends.items()))

    def over(self) -> bool:
        """Whether the stream is at its end.

        Raises:
            UnreachableError: it will never be: the source's look came to nothing.
        """
        source = self._parts.source
        if isinstance(source, ScanningSource) and (why := source.refusal()):
            raise UnreachableError(why)
        return self.ended()

    def _gathered(self, polled: Polled, wait: float) -> Polled:
        """Wait for more of a batch that is not full, until it is time for its turn; what was polled last."""
        clock, room = self._parts.clocks.monotonic, self._parts.pace.batch - len(polled.records)
        left = min(wait, self._next_turn - clock())
        self.gathering = True
        try:
            while room > 0 and left > 0.0 and not polled.exhausted:
                asked = self._asked.wait(min(left, STEP))
                polled = self._parts.source.poll(room, 0.0)
                self._intake.feed(polled)
                room -= len(polled.records)
                left = 0.0 if asked else min(wait, self._next_turn - clock())
        finally:
            self.gathering = False
        self._next_turn = clock() + APART
        return polled

    def _held_back(self, due: Closed) -> bool:
        """Whether a barrier that could close waits: the index is not at rest, or does not hold the deploy yet."""
        readiness = self._parts.readiness
        return due.how == "complete" and readiness is not None and readiness.holds_back(due.deploy.deploy_id)

    def _barrier_lost(self) -> bool:
        """Whether the copies an open barrier misses will not come: too late, or the source is exhausted."""
        if not self._intake.barrier.waiting:
            return False
        if self._exhausted and not self._intake.ready():
            return True
        source, pace, now = self._parts.source, self._parts.pace, self._parts.clocks.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + min(BARRIER_LOOK, pace.barrier / 4)
        return self._intake.overdue(now, pace.barrier, source.partitions(), source.end())
