"""A Qdrant collection as the stream: looked through again and again; what changed is delivered as events.

A look that found something ends with a deploy marker. It is read on a thread of its own, one page ahead, and compared
with the chunk table in the loop's thread, which alone changes that table.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.raw import CollectionOutline, PointId, RawReader
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.sources.qdrant.bookmark import Bookmark, Bookmarks, opened
from monitor.adapters.sources.qdrant.comparison import PointComparison, PointRead, dated
from monitor.adapters.sources.qdrant.expected import contradictions, payload_fields
from monitor.adapters.sources.qdrant.look import RETURNED, Look, LookRefusedError, Task, WantedPoints
from monitor.core.model.events import Partition, Position, Record
from monitor.kinds import PointsContext
from monitor.ports import ConfigurationError, Polled, UnreachableError

log = logging.getLogger(__name__)

HEARTBEAT = 60.0
"""Seconds without a change after which a look says that it goes on."""
PATIENCE, LONGEST = 1.0, 30.0
"""Seconds before a read that failed is tried again, doubled each time up to the second."""
CLOSE = 1.0
"""Seconds that closing waits for a read under way, which ends by its own deadline."""
TRIES = 5
"""Reads that fail in a row before a look counts as come to nothing; it is gone on with all the same."""
SET_ASIDE = 100_000
"""Points that could not be read are remembered, so that each is set aside once and not at every look."""
WRONG = {
    FailureReason.REFUSED: "its key is refused",
    FailureReason.FORBIDDEN: "its key does not allow to read it",
    FailureReason.COLLECTION_MISSING: "no such collection",
}
"""Failures that end a look: waiting does not mend them."""


@dataclass(frozen=True, slots=True)
class ScanPace:
    """How a collection is looked through.

    Args:
        page: points of a request.
        every: seconds from the end of a look to the next.
        max_deleted_ratio: the share of known chunks that one look may delete.
    """

    page: int
    every: float
    max_deleted_ratio: float


class QdrantSource:
    """`monitor.ports.ScanningSource` over one collection, never written.

    Args:
        settings: where it is.
        points: what they are compared with, and how they are read.
        pace: how it is looked through.
        topic: of the one partition.
        marked: whether a look that found something ends with a deploy marker.
        monotonic: seconds, for waits.
        wall: seconds since the epoch, for stamps.
    """

    def __init__(
        self,
        settings: ServerSettings,
        points: PointsContext,
        pace: ScanPace,
        *,
        topic: str,
        marked: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._points, self._pace = settings, points, pace
        self._monotonic, self._wall, self._marked = monotonic, wall, marked
        self.partition = Partition(topic, 0)
        self._reader = RawReader(settings)
        self._comparison = PointComparison(settings.collection, points.decoder, points.table, points.distance)
        self._thread: ThreadPoolExecutor | None = None
        self._closing = threading.Event()
        self._mark = Bookmark()
        self._bookmarks = Bookmarks(self.partition, self._mark)
        self._ready: deque[Record] = deque()
        self._next = self._committed = 0
        self._look: Look | None = None
        self._steps: Generator[Task, Any, list[str]] | None = None
        self._task: Task | None = None
        self._pending: Future[Any] | None = None
        self._due = self._not_before = self._last_record = 0.0
        self._failures = 0
        self._deploy_id = self._last_error = self._refusal = ""
        self._paused = self._whole = False
        self._aside: dict[int, None] = {}
        self.looks = 0
        """Looks that came to their end."""

    def reopen(self, bookmark: str) -> None:
        """Where the last look was interrupted; not believed where it is ahead of the positions."""
        self._mark = opened(bookmark)

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Ask the collection what it is; it is read in `poll`.

        Raises:
            ConfigurationError: the key is refused, or the collection is not there or not what is configured.
            UnreachableError: it does not answer.
        """
        self._next = self._committed = max(0, positions.get(self.partition, 0))
        if self._mark.offset > self._next:
            self._mark = Bookmark()
        self._mark = msgspec.structs.replace(self._mark, offset=self._next)
        self._bookmarks = Bookmarks(self.partition, self._mark)
        self._reader.start()
        try:
            self._meet()
        except (ConfigurationError, UnreachableError):
            self.close()
            raise
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qdrant-scan")
        self._due = self._last_record = self._monotonic()

    def _meet(self) -> None:
        found = self._reader.outline()
        if isinstance(found, FailedRead):
            message = f"{self._settings.where}: {WRONG.get(found.reason, found.reason)}: {found.detail}"
            raise ConfigurationError(message) if found.reason in WRONG else UnreachableError(message)
        try:
            self._check(found)
        except LookRefusedError as error:
            raise ConfigurationError(str(error)) from None

    def _check(self, found: CollectionOutline) -> None:
        wrong = contradictions(found, self._settings, self._points)
        if wrong:
            message = f"{self._settings.where}: {'; '.join(wrong)}"
            raise LookRefusedError(message)

    def partitions(self) -> frozenset[Partition]:
        """The one partition."""
        return frozenset({self.partition})

    def poll(self, max_records: int, timeout: float) -> Polled:
        """What the look found so far; a new look begins when it is time and all before it is committed."""
        if self._thread is None:
            message = f"{self._settings.where}: the source was not started"
            raise RuntimeError(message)
        if self._paused:
            self._closing.wait(timeout)
            return Polled()
        until = self._monotonic() + timeout
        while not self._ready and self._advance(until):
            pass
        count = min(max_records, len(self._ready))
        records = [self._ready.popleft() for _ in range(count)]
        self._next += count
        return Polled(records)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Delivers nothing until resumed."""
        self._paused = self._paused or self.partition in partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Delivers again."""
        self._paused = self._paused and self.partition not in partitions

    def positions(self) -> Mapping[Partition, int]:
        """The number of the event that is delivered next."""
        return {self.partition: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        """Known between two looks only: then everything that the last one found has its number."""
        if self._look is not None or not self._whole or self._deploy_id:
            return None
        return {self.partition: self._next + len(self._ready)}

    def last_error(self) -> str:
        """What the server last refused or failed to answer, or why a look came to nothing."""
        return self._last_error or self._refusal

    def refusal(self) -> str:
        """Why the last look came to nothing."""
        return self._refusal

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """What is committed is in the table: only then a new look compares with all that the last one found."""
        self._committed = max(self._committed, positions.get(self.partition, 0))

    def bookmark(self, positions: Mapping[Partition, int]) -> str:
        """Where the look is once everything before these positions is committed."""
        return self._bookmarks.at(positions)

    def deploy_next(self, deploy_id: str) -> bool:
        """Begin a new look, whose end is this deploy; a look under way saw some of it before, and is given up."""
        self._give_up()
        self._deploy_id, self._due = deploy_id, self._monotonic()
        self._put_mark(cursor=None, deploy=deploy_id)
        return True

    def stamped(self) -> tuple[str, bytes]:
        """The header that dates a record now."""
        return dated(self._microseconds())

    def close(self) -> None:
        """Ends the reading; waits a second for a read under way. A second call does nothing."""
        self._closing.set()
        thread, self._thread = self._thread, None
        if thread is None:
            self._reader.close()
            return
        if self._pending is not None:
            self._pending.cancel()
        closed = thread.submit(self._reader.close)  # behind the read: a connection that is in use is not left open
        thread.shutdown(wait=False)
        wait([closed], CLOSE)

    # ---------------------------------------------------------------- one look

    def _advance(self, until: float) -> bool:
        """One step of the look; False when there is none before `until`."""
        now = self._monotonic()
        if self._steps is None and not self._begin(now):
            settled = self._committed >= self._next
            return self._rest(min(until, self._due) if settled else until, until)
        if self._pending is None:
            if now < self._not_before:
                return self._rest(min(until, self._not_before), until)
            self._submit()
        pending = self._pending
        if pending is None or not wait([pending], max(0.0, until - now)).done:
            return False
        self._pending = None
        self._took(pending.result())
        return True

    def _rest(self, moment: float, until: float) -> bool:
        self._closing.wait(max(0.0, moment - self._monotonic()))
        return not self._closing.is_set() and self._monotonic() < until

    def _begin(self, now: float) -> bool:
        if now < self._due or self._committed < self._next:
            return False
        section = self._points.section
        wanted = WantedPoints(
            self._settings.where,
            self._pace.page,
            payload_fields(self._points.fields, section.chunk_id_field),
            _vectors(self._points),
            section.chunk_id_field,
            self._pace.max_deleted_ratio,
        )
        self._look = Look(self._reader, wanted, self._comparison, self._points.table, self._check)
        self._deploy_id = self._deploy_id or self._mark.deploy
        self._began = self._wall()
        self._steps = self._look.steps(self._mark.cursor, self._page, self._microseconds)
        self._task = next(self._steps)
        return True

    def _submit(self) -> None:
        if self._thread is not None and self._task is not None:
            self._pending = self._thread.submit(self._task)

    def _took(self, result: Any) -> None:
        """Go on with a read's result, or try it again later."""
        if isinstance(result, FailedRead) and result.reason not in RETURNED:
            self._failed(result)
            return
        self._failures, self._last_error = 0, ""
        if self._steps is None:
            return
        try:
            self._task = self._steps.send(result)
        except StopIteration as stop:
            self._finish(stop.value)
        except LookRefusedError as error:
            self._refuse(str(error))
        else:
            self._submit()  # one page ahead of what is delivered

    def _failed(self, failure: FailedRead) -> None:
        said = f"{self._settings.where}: {WRONG.get(failure.reason, failure.reason)}: {failure.detail}"
        if failure.reason in WRONG:
            self._refuse(said)
            return
        if said != self._last_error:
            log.warning("%s", said)
        self._last_error, self._failures = said, self._failures + 1
        self._refusal = said if self._failures >= TRIES else self._refusal
        self._not_before = self._monotonic() + min(LONGEST, PATIENCE * 2 ** (self._failures - 1))

    def _refuse(self, why: str) -> None:
        """The look came to nothing; the next one begins from the start."""
        if why != self._refusal:
            log.warning("%s", why)
        self._refusal = why
        self._give_up()
        self._put_mark(cursor=None)
        self._due = self._monotonic() + self._pace.every

    def _give_up(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._look = self._steps = self._task = self._pending = None
        self._failures = 0

    def _page(self, reads: list[PointRead], cursor: PointId | None) -> None:
        """What a page says that is new, as records; the mark stands behind them."""
        for read in reads:
            if read.found == "new":
                self._emit(read.value)
            elif self._once(read.value):
                self._emit(read.value, change=False)
        if not self._ready and self._monotonic() - self._last_record > HEARTBEAT:
            self._emit(b'{"op":"heartbeat"}', change=False)
        self._put_mark(cursor=cursor)

    def _once(self, value: bytes) -> bool:
        """Whether a point that cannot be read was not set aside before as it is now."""
        digest = hash(value)
        if digest in self._aside:
            return False
        if len(self._aside) >= SET_ASIDE:
            del self._aside[next(iter(self._aside))]
        self._aside[digest] = None
        return True

    def _finish(self, gone: list[str]) -> None:
        """The look is whole: what is gone is deleted, and where anything changed a deploy marker stands behind it."""
        look, self._refusal = self._look, ""
        for name in gone:
            self._emit(json.dumps({"op": "delete", "chunk_id": name}).encode())
        if look is not None and look.repeated:
            log.warning("%s: %d points say what another says: the first counts", self._settings.where, look.repeated)
        self._put_mark(cursor=None)
        self.looks += 1
        self._whole = True
        if self._marked and (self._mark.changed or self._deploy_id):
            self._emit(json.dumps({"op": "deploy", "deploy_id": self._deploy_id or self._stamp()}).encode())
        elif self._monotonic() - self._last_record > HEARTBEAT:
            self._emit(b'{"op":"heartbeat"}', change=False)
        self._deploy_id = ""
        self._give_up()
        self._put_mark(cursor=None, changed=False, deploy="")
        self._due = self._monotonic() + self._pace.every

    def _stamp(self) -> str:
        """Milliseconds tell two looks of one second apart: a repeated id would be no deploy."""
        return datetime.fromtimestamp(self._began, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _emit(self, value: bytes, *, change: bool = True) -> None:
        at = self._next + len(self._ready)
        self._ready.append(Record(Position(*self.partition, at), None, value, (self.stamped(),)))
        self._last_record = self._monotonic()
        if change and not self._mark.changed:
            self._mark = msgspec.structs.replace(self._mark, changed=True)

    def _put_mark(self, **changed: Any) -> None:
        at = self._next + len(self._ready)
        self._mark = msgspec.structs.replace(self._mark, offset=at, **changed)
        self._bookmarks.put(self._mark)

    def _microseconds(self) -> int:
        return int(self._wall() * 1_000_000)


def _vectors(points: PointsContext) -> list[str] | bool:
    """Which vectors are asked for: the named one, the only one, or none where the dense leg is off."""
    if not points.table.dimension:
        return False
    return [points.section.vector_name] if points.section.vector_name else True
