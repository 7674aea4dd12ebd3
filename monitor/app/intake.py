"""Intake: from polled records to a batch of events that may be applied, with the barrier of deploy markers kept."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter

from monitor.core.model.barrier import Barrier, Closed
from monitor.core.model.events import (
    MARKERS,
    Decoded,
    Delete,
    Deploy,
    Located,
    MalformedEvent,
    MigrationMarker,
    Partition,
    Position,
    Record,
    Upsert,
    located_at,
)
from monitor.core.records.committed import Quarantined
from monitor.ports import Decoder, Fault, Polled, RunDecoder

KEPT_BYTES = 256 << 10
"""Of a value set aside: enough to see what it was and, for most events, to try it again."""
CLOSED_KEPT = 10_000
"""Ids of closed deploys remembered, to know a repeated marker as one."""
GAP_FAULTS = frozenset({"gap", "recreated"})


_OF_CHUNKS = {Upsert, Delete}


@dataclass(frozen=True, slots=True)
class IntakeBatch:
    """What may be applied now.

    `events` in an order that respects each partition; `positions` are the next offsets once the batch is committed;
    `closed` is the barrier that ended with this batch; `counts` are (kind, outcome) of what no event came of.
    """

    events: tuple[Located, ...]
    records: Mapping[Position, Record]
    """The records the events came from, for those that are refused later."""
    quarantined: tuple[Quarantined, ...]
    positions: Mapping[Partition, int]
    closed: Closed | None
    counts: Mapping[tuple[str, str], int]
    faults: tuple[Fault, ...]


def _no_refusal(marker: MigrationMarker) -> MalformedEvent | None:
    del marker
    return None


class SourceRecords(Mapping[Position, Record]):
    """Records by position: few batches are asked for any, so the table is made when one is."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records, self._made = records, dict[Position, Record]()

    def __getitem__(self, position: Position) -> Record:
        if not self._made:
            self._made.update((record.position, record) for record in self._records)
        return self._made[position]

    def __iter__(self) -> Iterator[Position]:
        return (record.position for record in self._records)

    def __len__(self) -> int:
        return len(self._records)


class Intake:
    """Queues per partition, decoded as they are taken, held at deploy markers.

    A partition's committed position stays *at* a marker until its barrier closes: nothing of the barrier needs
    storing, a restart reads the markers again.

    Args:
        decoder: bytes to events.
        positions: next offset of each partition, as stored.
        closed_deploys: ids of deploys already judged; further copies of their markers are counted.
        control_topics: topics whose partitions carry markers only, so that no barrier waits for them.
        refusal: why a migration's marker cannot be followed now, None where it can.
    """

    def __init__(
        self,
        decoder: Decoder,
        positions: Mapping[Partition, int],
        closed_deploys: Iterable[str],
        *,
        control_topics: Sequence[str] = (),
        refusal: Callable[[MigrationMarker], MalformedEvent | None] = _no_refusal,
    ) -> None:
        self._decode: Callable[[Sequence[Record]], Sequence[Decoded]] = (
            decoder.decode_run if isinstance(decoder, RunDecoder) else lambda records: _decoded(decoder, records)
        )
        self._refusal = refusal
        self._positions = dict(positions)
        self._closed = dict.fromkeys(closed_deploys)
        self._control = frozenset(control_topics)
        self._queues: dict[Partition, deque[Record | Fault]] = {}
        self.barrier = Barrier()
        self._held_since: float | None = None
        self._must_reach: Mapping[Partition, int] = {}

    @property
    def positions(self) -> Mapping[Partition, int]:
        """Next offset of each partition after everything taken so far."""
        return dict(self._positions)

    def feed(self, polled: Polled) -> None:
        """Queue what a poll brought, in offset order; a fault stands before the record at which reading goes on."""
        items: list[Record | Fault] = [*polled.faults, *polled.records]
        items.sort(key=attrgetter("position"))
        if items and items[0].position[:2] == items[-1].position[:2]:
            self._queues.setdefault(items[0].position.source, deque()).extend(items)
            return
        for source, its in groupby(items, key=lambda item: item.position[:2]):
            self._queues.setdefault(Partition(*source), deque()).extend(its)

    def ready(self) -> bool:
        """Whether something queued can be taken without polling."""
        return any(queue and not self._holds(partition, queue[0]) for partition, queue in self._queues.items())

    def holding(self) -> frozenset[Partition]:
        """Partitions that stand at a marker and should be paused."""
        return self.barrier.holding(self._positions)

    def drained(self, reached: Mapping[Partition, int]) -> None:
        """Take over positions that lie beyond the last record where a log has holes (control records).

        A partition that stands at its marker still has it queued, so it never passes it here.
        """
        for partition, offset in reached.items():
            if not self._queues.get(partition):
                self._positions[partition] = max(offset, self._positions.get(partition, offset))

    def due(self, partitions: Iterable[Partition]) -> Closed | None:
        """The barrier that the next `take` would close if it took nothing; None where it would close none."""
        return self.barrier.due(self._positions, self._judged(partitions))

    def take(self, limit: int, partitions: Iterable[Partition], *, closing: bool = True) -> IntakeBatch:
        """Up to `limit` records, each partition up to its next open marker; closes at most one barrier.

        Args:
            limit: the most records.
            partitions: those that a barrier waits for.
            closing: False leaves a barrier open that could close; its partitions stay where they are.
        """
        taken = _Taken()
        for partition, queue in self._queues.items():
            while queue and taken.records < limit and not self._holds(partition, queue[0]):
                head = queue[0]
                if isinstance(head, Fault):
                    self._take_fault(partition, head, taken)
                    queue.popleft()
                else:
                    self._take_records(partition, queue, limit, taken)
            if queue and self._holds(partition, queue[0]):
                self._stand(partition)
        closed = self.barrier.close(self._positions, self._judged(partitions)) if closing else None
        return self._batch(taken, closed)

    def expire(self, partitions: Iterable[Partition]) -> IntakeBatch:
        """Close the oldest open barrier although copies are missing."""
        return self._batch(_Taken(), self.barrier.expire(self._positions, self._judged(partitions)))

    def overdue(
        self, now: float, timeout: float, partitions: Iterable[Partition], ends: Mapping[Partition, int] | None
    ) -> bool:
        """Whether an open barrier has waited too long.

        The wait counts from when the partitions still missing had delivered all that the log held when the barrier
        opened: a long backlog is not a lost marker.
        """
        if not self.barrier.waiting:
            self._held_since = None
            return False
        missing = self.barrier.missing(self._positions, self._judged(partitions))
        if self._held_since is None:
            self._held_since, self._must_reach = now, ends or {}
        moving = set(missing) - self.holding()  # one that holds for another deploy delivers nothing to wait for
        if any(self._positions.get(part, 0) < self._must_reach.get(part, 0) for part in moving):
            self._held_since = now
        return now - self._held_since > timeout

    def _judged(self, partitions: Iterable[Partition]) -> list[Partition]:
        return [partition for partition in partitions if partition.topic not in self._control]

    def _holds(self, partition: Partition, head: Record | Fault) -> bool:
        return self._beyond(partition, head, self.barrier.limit(partition))

    def _beyond(self, partition: Partition, head: Record | Fault, limit: int | None) -> bool:
        """Whether what stands next in a partition lies behind the limit at which it must hold."""
        if limit is None:
            return False
        if isinstance(head, Fault) and head.kind in GAP_FAULTS:
            # What is lost begins at our position: a loss before the barrier is known before it closes.
            return self._positions.get(partition, 0) >= limit
        return head.position.offset >= limit

    def _stand(self, partition: Partition) -> None:
        """What is next lies behind the limit, so all up to the limit is taken, whatever holes the log has there."""
        limit = self.barrier.limit(partition)
        if limit is not None:
            self._positions[partition] = max(limit, self._positions.get(partition, limit))

    def _take_records(
        self, partition: Partition, queue: "deque[Record | Fault]", limit: int, taken: "_Taken"
    ) -> None:
        """Take records up to the next fault, and to where the partition holds: at a marker, or behind one before."""
        bound, room = self.barrier.limit(partition), limit - taken.records
        records: list[Record] = []
        for item in islice(queue, room):
            if isinstance(item, Fault) or (bound is not None and item.position.offset >= bound):
                break
            records.append(item)
        decoded = self._decode(records)
        if {*map(type, decoded)} <= _OF_CHUNKS:
            taken.records += len(records)
            taken.events += map(located_at, zip([record.position for record in records], decoded, strict=True))  # type: ignore[arg-type]
            taken.sources += records
            for _ in records:
                queue.popleft()
            self._positions[partition] = records[-1].position.offset + 1
            return
        for record, event in zip(records, decoded, strict=False):  # what stands behind a marker was not decoded
            taken.records += 1
            if isinstance(event, MalformedEvent):
                taken.quarantined.append(set_aside(record, event))
                taken.counts["event", "malformed"] += 1
            elif event is None:
                taken.counts["event", "ignored"] += 1
            elif isinstance(event, MARKERS):
                if not self._marked(record, event, taken):
                    return
            else:
                taken.events.append(located_at((record.position, event)))
                taken.sources.append(record)
            queue.popleft()
            self._positions[partition] = record.position.offset + 1

    def _marked(self, item: Record, event: MigrationMarker | Deploy, taken: "_Taken") -> bool:
        """Take a marker; False where its partition now holds at it."""
        return (
            self._step(item, event, taken) if isinstance(event, MigrationMarker) else self._marker(item, event, taken)
        )

    def _step(self, item: Record, marker: MigrationMarker, taken: "_Taken") -> bool:
        barrier = marker.barrier
        error = None if barrier.deploy_id in self._closed else self._refusal(marker)
        if error is None:
            return self._marker(item, barrier, taken)
        taken.quarantined.append(set_aside(item, error))
        taken.counts["event", "malformed"] += 1
        return True

    def _marker(self, item: Record, deploy: Deploy, taken: "_Taken") -> bool:
        if deploy.deploy_id in self._closed:
            taken.counts["deploy", "duplicate"] += 1
            return True
        self.barrier.marker(item.position, deploy)
        self._positions[item.position.source] = item.position.offset
        # The marker's own time moves "now"; whether it is applied here or at the close makes no difference.
        taken.events.append(Located(item.position, deploy))
        return False

    def _take_fault(self, partition: Partition, fault: Fault, taken: "_Taken") -> None:
        taken.records += 1
        taken.faults.append(fault)
        taken.counts["stream", fault.kind] += 1
        self._positions[partition] = fault.position.offset
        if fault.kind == "unreadable":
            record = Record(fault.position, None, fault.value)
            taken.quarantined.append(set_aside(record, MalformedEvent("unreadable", fault.detail)))
            self._positions[partition] += 1  # of others reading goes on AT the offset: that record is still to come

    def _batch(self, taken: "_Taken", closed: Closed | None) -> IntakeBatch:
        if closed is not None:
            self._held_since = None
            self._closed[closed.deploy.deploy_id] = None
            if len(self._closed) > CLOSED_KEPT:
                del self._closed[next(iter(self._closed))]
            taken.counts["deploy", closed.how] += 1
            for partition, following in closed.release.items():
                queue = self._queues.get(partition)
                if queue and queue[0].position.offset == following - 1:
                    queue.popleft()
                self._positions[partition] = max(following, self._positions.get(partition, 0))
        return IntakeBatch(
            tuple(taken.events),
            SourceRecords(taken.sources),
            tuple(taken.quarantined),
            self.positions,
            closed,
            taken.counts,
            tuple(taken.faults),
        )


def _decoded(decoder: Decoder, records: Sequence[Record]) -> list[Decoded]:
    """What a decoder makes of each, up to the first marker."""
    found: list[Decoded] = []
    for record in records:
        try:
            found.append(decoder.decode(record))
        except MalformedEvent as error:
            found.append(error)
        if isinstance(found[-1], MARKERS):
            break
    return found


class _Taken:
    """What a take has gathered so far."""

    def __init__(self) -> None:
        self.events: list[Located] = []
        self.sources: list[Record] = []
        self.quarantined: list[Quarantined] = []
        self.faults: list[Fault] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.records = 0


def set_aside(record: Record, error: MalformedEvent) -> Quarantined:
    """A record as the quarantine keeps it: its value cut at KEPT_BYTES."""
    value = record.value
    return Quarantined(
        record.position,
        error.reason,
        error.detail,
        None if record.key is None else record.key[:1024],
        None if value is None else value[:KEPT_BYTES],
        0 if value is None else len(value),
    )
