"""What no event brings of a target version: read from its index point by point, or encoded here, a part in a turn."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.app.migration_plan import MigrationPlan, TargetAccess
from monitor.core.migration.target import MISSING, STALE, TargetVersion
from monitor.core.migration.target_points import FoundPoint
from monitor.core.model.events import chunk_key
from monitor.ports import CorpusDriftError, Encoder, IndexReader, StateStore, Unanswered

READ_AT_ONCE = 256
"""Chunks whose vectors are read, or texts encoded, in one turn of the loop."""
PAGE = 1_000
"""Points listed in one turn."""
PAUSE = 1.0
"""Seconds between two reads of what is still missing, and between two questions for points and aliases."""
READ_SECONDS = 10.0


@dataclass(slots=True)
class _Scan:
    """A list of all points that is under way: where it stands and what it saw."""

    began: int
    after: object = None
    seen: list[NDArray[np.int64]] = field(default_factory=list)


class TargetReading:
    """Reads what is missing or stale, lists all points now and then, and encodes what nobody else will.

    Args:
        plan: what is configured.
        target: what is known of the points.
        access: the index's reader, and the encoder.
        store: texts of chunks.
        clocks: the monotonic one paces.
        observe: takes points that were found, and ids of points that were not.
        say: takes a line about what could not be read.
    """

    def __init__(
        self,
        plan: MigrationPlan,
        target: TargetVersion,
        access: TargetAccess,
        store: StateStore,
        clocks: Clocks,
        *,
        observe: Callable[[Sequence[FoundPoint], Sequence[str]], None],
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._target, self._access, self._store, self._clocks = plan, target, access, store, clocks
        self._observe, self._say = observe, say
        self.scanned = access.owned is not None
        """Whether all points were listed once, or are the monitor's own."""
        self._scan: _Scan | None = None
        self._next_scan = self._next_read = -math.inf
        self._cursor = 0

    def hurry(self) -> None:
        """Read and list at the next occasion."""
        self._next_scan = self._next_read = -math.inf

    def work(self, *, running: bool) -> None:
        """Read or encode a bounded part of what no event brings.

        Nothing goes wrong here for good: what cannot be read now is said, and tried again.

        Args:
            running: whether the migration has begun and not ended.
        """
        now = self._clocks.monotonic()
        reader, encoder = self._access.reader, self._access.encoder
        if reader is not None:
            self._list_points(reader, now)
            if self._plan.read and now >= self._next_read:
                self._read(reader, [self._target.names[slot] for slot in self._lacking()])
                self._next_read = now + PAUSE
        if encoder is not None and self._plan.fill and running and now >= self._next_read:
            self._encode(encoder)

    def _lacking(self) -> list[int]:
        """Some slots that are missing or stale, in turns."""
        slots = np.flatnonzero((self._target.codes == MISSING) | (self._target.codes == STALE))
        at = int(np.searchsorted(slots, self._cursor))
        part: list[int] = slots[at : at + READ_AT_ONCE].tolist()
        self._cursor = part[-1] + 1 if part else 0
        return part

    def _read(self, reader: IndexReader, names: Sequence[str]) -> None:
        if not names:
            return
        found = reader.points(names, deadline=READ_SECONDS)
        if isinstance(found, Unanswered):
            self._say(f"the new index was not read: {found.reason}")
            return
        here = {point.chunk_id for point in found}
        gone = [name for name in names if name not in here and self._target.holds(name) is not None]
        self._observe([*self._usable(found)], gone)

    def _usable(self, found: Sequence[FoundPoint]) -> Iterator[FoundPoint]:
        for point in found:
            if point.vector.shape == (self._plan.new.dimension,) and np.isfinite(point.vector).all():
                yield point
            else:
                said = f"{len(point.vector)} numbers, expected {self._plan.new.dimension} that are finite"
                self._say(f"chunk_id {point.chunk_id!r}: a vector of {said}")

    def _list_points(self, reader: IndexReader, now: float) -> None:
        """List one page of the new index's points, and look at those that differ from what is known."""
        if self._scan is None:
            if now < self._next_scan:
                return
            self._scan = _Scan(self._target.corpus.newest_event_time)
        scan = self._scan
        page = reader.page(scan.after, PAGE)
        if isinstance(page, Unanswered):
            self._say(f"the points of the new index were not listed: {page.reason}")
            self._scan, self._next_scan = None, now + PAUSE
            return
        if page.nameless:
            self._say(f"{page.nameless} points of the new index bear no chunk id")
        scan.seen.append(np.array([chunk_key(name) for name in page.points], np.int64))
        held = {name: self._target.holds(name) for name in page.points}
        other = [name for name, said in page.points.items() if held[name] is None or said not in ("", held[name])]
        for at in range(0, len(other), READ_AT_ONCE):
            self._read(reader, other[at : at + READ_AT_ONCE])
        scan.after = page.following
        if page.following is None:
            self._end_scan(reader, scan, now)

    def _end_scan(self, reader: IndexReader, scan: _Scan, now: float) -> None:
        """Ask by id for points that should have been listed and were not."""
        seen = np.unique(np.concatenate(scan.seen))
        slots = np.flatnonzero((self._target.codes >= STALE) & (self._target.written <= scan.began))
        unseen = slots[~np.isin(self._target.keys[slots], seen)]
        names = [self._target.names[slot] for slot in unseen.tolist()]
        listed = set(seen.tolist())
        names += [row.chunk_id for key, row in self._target.beyond.items() if key not in listed]
        for at in range(0, len(names), READ_AT_ONCE):
            self._read(reader, names[at : at + READ_AT_ONCE])
        self._scan, self.scanned, self._next_scan = None, True, now + self._plan.scan_seconds

    def _encode(self, encoder: Encoder) -> None:
        slots = self._lacking()
        rows = [row for slot in slots if (row := self._target.corpus.row(int(self._target.keys[slot]))) is not None]
        said = self._store.said([row.key for row in rows])
        # what was not committed yet is encoded in a later turn
        ready = [row for row in rows if row.key in said and said[row.key].content_hash == row.content_hash]
        if not ready:
            return
        prefix = self._plan.new.document_prefix
        try:
            made = encoder.encode([prefix + said[row.key].text for row in ready])
        except CorpusDriftError as error:
            self._say(f"nothing was encoded: {error}")
            self._next_read = self._clocks.monotonic() + PAUSE
            return
        found = [FoundPoint(row.chunk_id, row.content_hash, vector) for row, vector in zip(ready, made, strict=True)]
        self._observe(found, ())
