"""One batch of the target version: what its events make of rows and points, and what has moved at its end."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from monitor.core.migration.target_points import OBSERVED, TargetPoint, TargetRow
from monitor.core.model.changes import NO_SLOT, Change, ChunkRow, Refused, replaced
from monitor.core.model.events import Located, MalformedEvent

_NO_POINT = TargetPoint("", None, 0, OBSERVED)


class TargetMove(NamedTuple):
    """A chunk or its point that is not where it was, or not what it was."""

    key: int
    chunk_id: str
    was: int
    row: ChunkRow | None
    old: TargetPoint | None
    point: TargetPoint | None
    known: bool
    fresh: bool
    """Whether a state has to keep it anew."""

    @property
    def kept(self) -> bool:
        """Whether there is something to keep: a point, or when a live chunk had none."""
        live = self.row is not None and self.row.live
        return self.point is not None and (live or self.point.there)

    def described(self) -> ChunkRow:
        """The row that an index keeps of the point: what the chunk is, with the content that it was made from."""
        point, row = self.point, self.row
        if point is not None and row is not None and row.live:
            return row if row.content_hash == point.content_hash else replaced(row, content_hash=point.content_hash)
        return lone_row(TargetRow(self.key, self.chunk_id, point or _NO_POINT, self.known))


class TargetTurn:
    """One batch: rows and points as they stand at each event of it.

    Args:
        rows: chunks behind the batch, by key.
        points: points before the batch, by key and by the chunk before the batch.
        changes: what the batch changed of the corpus.
    """

    def __init__(
        self,
        rows: Callable[[int], ChunkRow | None],
        points: Callable[[int, ChunkRow | None], TargetPoint | None],
        changes: Sequence[Change],
    ) -> None:
        self.applied = {change.after.position: change for change in changes}
        self.now: dict[int, ChunkRow] = {}
        self.held: dict[int, TargetPoint | None] = {}
        self.names: dict[int, str] = {}
        self.refused: list[Refused] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._rows, self._points = rows, points
        self._before: dict[int, ChunkRow | None] = {}
        self._old: dict[int, TargetPoint | None] = {}
        for change in changes:
            self._before.setdefault(change.after.key, change.before)

    def touched(self) -> Iterable[int]:
        """Keys of chunks that changed, or whose point did."""
        return {**self._before, **self.held}

    def before(self, key: int) -> ChunkRow | None:
        """The chunk before the batch."""
        return self._before[key] if key in self._before else self._rows(key)

    def row(self, key: int) -> ChunkRow | None:
        """The chunk at this event of the batch."""
        return self.now.get(key) or self.before(key)

    def old(self, key: int) -> TargetPoint | None:
        """The point before the batch."""
        if key not in self._old:
            self._old[key] = self._points(key, self.before(key))
        return self._old[key]

    def point(self, key: int) -> TargetPoint | None:
        """The point at this event of the batch."""
        return self.held[key] if key in self.held else self.old(key)

    def put(self, key: int, chunk_id: str, point: TargetPoint) -> None:
        """The chunk's point is now this."""
        self.old(key)
        self.held[key], self.names[key] = point, chunk_id

    def drop(self, key: int, row: ChunkRow | None) -> None:
        """The chunk has no point any more, since what this row says of it."""
        if self.point(key) is not None:
            self.held[key] = None if row is None else TargetPoint("", None, row.event_time, row.position)

    def back(self, deleted: ChunkRow) -> None:
        """A chunk is back; what was written before its delete is gone with it."""
        if self.point(deleted.key) is None:
            self.held[deleted.key] = TargetPoint("", None, deleted.event_time, deleted.position)

    def count(self, kind: str, outcome: str) -> None:
        """One more of these."""
        self.outcomes[kind, outcome] += 1

    def refuse(self, located: Located, error: MalformedEvent) -> None:
        """An embed event that cannot be believed."""
        self.refused.append(Refused(located, error))
        self.count("embed", "refused")


def lone_row(row: TargetRow) -> ChunkRow:
    """The row of a point whose chunk is not live."""
    point = row.point
    return ChunkRow(
        row.key, row.chunk_id, row.chunk_id, 0, (), "", point.event_time, point.content_hash, None, point.position,
        NO_SLOT,
    )  # fmt: skip
