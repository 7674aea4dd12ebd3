"""One look through a collection: every point once, then the chunks that were not seen, once more by id."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.qdrant.raw import CollectionOutline, PointId, RawPoint, RawReader, chunk_named
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.sources.qdrant.comparison import PointComparison, PointRead
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import chunk_key

LIGHT = 10_000
"""Points of a page that holds ids alone."""
ASKED = 256
"""Chunks that one request looks for."""
FEW = 10
"""So many deletes are believed whatever their share of the chunks is."""
Task = Callable[[], Any]
"""A read, done on the reading thread."""


class LookRefusedError(Exception):
    """A look came to nothing, and why: nothing is concluded from it."""


@dataclass(frozen=True, slots=True)
class WantedPoints:
    """What is asked of a collection.

    Args:
        where: server and collection, for messages.
        page: points of a request.
        payload: fields, or all.
        vector: names, all or none.
        chunk_id_field: payload field of the chunk id; "" for the point id.
        max_deleted_ratio: of the known chunks that may be gone at once.
    """

    where: str
    page: int
    payload: Sequence[str] | bool
    vector: Sequence[str] | bool
    chunk_id_field: str
    max_deleted_ratio: float


class Look:
    """One look. `steps` yields reads and takes their results; what it finds is handed to the callbacks.

    Points that change while it is under way count as they were when they were read. A chunk that was not seen is
    looked for once more by its id, and only then is it gone; a look that does not come to its end concludes nothing.

    Args:
        reader: reads the collection.
        wanted: what is read.
        comparison: tells what is new.
        table: the known chunks.
        check: raises LookRefusedError where the collection is not what is expected.
    """

    def __init__(
        self,
        reader: RawReader,
        wanted: WantedPoints,
        comparison: PointComparison,
        table: Corpus,
        check: Callable[[CollectionOutline], None],
    ) -> None:
        self._reader, self._wanted, self._comparison, self._table = reader, wanted, comparison, table
        self._check = check
        self._seen: set[int] = set()
        self.points = self.repeated = 0

    def steps(
        self, cursor: PointId | None, took: Callable[[list[PointRead], PointId | None], None], now: Callable[[], int]
    ) -> Generator[Task, Any, list[str]]:
        """The whole look.

        Args:
            cursor: the point to go on with, of a look that was interrupted; None for the first.
            took: is given the points of a page that say something new or cannot be read, and the next cursor.
            now: microseconds since the epoch.

        Returns:
            Ids of chunks that are gone.

        Raises:
            LookRefusedError: nothing can be concluded.
        """
        outline: CollectionOutline = yield self._reader.outline
        self._check(outline)
        most = outline.most_results or LIGHT
        if cursor is not None:
            yield from self._recount(cursor, min(LIGHT, most))
        size, more = min(self._wanted.page, most), True
        while more:
            read = partial(self._reader.page, cursor, size, payload=self._wanted.payload, vector=self._wanted.vector)
            page = yield read
            if isinstance(page, FailedRead):
                size = self._smaller(page, size)
                continue
            cursor = page.next_page_offset
            more = cursor is not None
            took(self._fresh(page.points, now()), cursor)
        if not self.points:
            known = f"the {len(self._table)} known chunks stay" if len(self._table) else "nothing to compare with"
            message = f"{self._wanted.where}: holds no points: {known}; expected some"
            raise LookRefusedError(message)
        return (yield from self._gone())

    def _recount(self, cursor: PointId, limit: int) -> Generator[Task, Any, None]:
        """What was seen before the interruption, by ids alone; what is gone since is looked for at the end."""
        field, offset, more = self._wanted.chunk_id_field, None, True
        payload = [field] if field else False
        while more:
            page = yield partial(self._reader.page, offset, limit, payload=payload, vector=False)
            if isinstance(page, FailedRead):
                limit = self._smaller(page, limit)
                continue
            before = [point for point in page.points if in_order(point.id) < in_order(cursor)]
            self.points += len(before)
            self._seen.update(chunk_key(name) for point in before if (name := chunk_named(point, field)))
            offset = page.next_page_offset
            more = offset is not None and len(before) == len(page.points)

    def _fresh(self, points: Sequence[RawPoint], now: int) -> list[PointRead]:
        self.points += len(points)
        return [read for read in self._comparison.read(points, now) if self._first(read) and read.found != "same"]

    def _first(self, read: PointRead) -> bool:
        """Whether its chunk was not seen in this look: of two points for one chunk the first counts."""
        if read.key is None:
            return True
        if read.key in self._seen:
            self.repeated += 1
            return False
        self._seen.add(read.key)
        return True

    def _gone(self) -> Generator[Task, Any, list[str]]:
        known = len(self._table)
        unseen = [row.chunk_id for row in self._table.rows() if row.live and row.key not in self._seen]
        gone: list[str] = []
        for part in _parts(unseen, ASKED):
            there = yield partial(self._reader.present, part, self._wanted.chunk_id_field)
            if isinstance(there, FailedRead):
                message = f"{self._wanted.where}: {there.reason}: {there.detail}"
                raise LookRefusedError(message)
            gone += [name for name in part if name not in there]
        if len(gone) > max(FEW, self._wanted.max_deleted_ratio * known):
            found = f"{self._wanted.where}: {len(gone)} of {known} known chunks are gone"
            limit = f"source.qdrant.max_deleted_ratio = {self._wanted.max_deleted_ratio:g}"
            message = f"{found}: nothing is deleted; expected at most {limit}, set it to 1 if that is meant"
            raise LookRefusedError(message)
        return gone

    def _smaller(self, failure: FailedRead, size: int) -> int:
        if size > 1:
            return size // 2
        message = f"{self._wanted.where}: one point alone: {failure.reason}: {failure.detail}"
        raise LookRefusedError(message)


RETURNED = frozenset({FailureReason.TOO_LARGE, FailureReason.REJECTED, FailureReason.INVALID})
"""Failures that another question may mend: the look gets them; all others are tried again or end it."""


def in_order(point: PointId) -> tuple[bool, PointId]:
    """How a server orders points: numbers first, then UUIDs."""
    return isinstance(point, str), point


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(names), size):
        yield names[at : at + size]
