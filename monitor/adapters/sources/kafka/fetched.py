"""One fetch answer of one partition, read our way inside kafka-python's fetcher."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from monitor.adapters.sources.kafka.batches import CONTROL, TRANSACTIONAL, Item, RecordBatch, aborts, batches, unpack
from monitor.core.model.events import Partition, Position
from monitor.ports import Fault


class FetchedRecords:
    """The records of one fetch answer for one partition, as kafka-python's fetcher takes them.

    Never raises: `take` returns records and faults, and `next_fetch_offset` passes over what was compacted, aborted
    or a transaction's marker. kafka-python reads `topic_partition`, `next_fetch_offset`, `leader_epoch` and the truth
    value, and calls `take` and `drain`.
    """

    def __init__(self, fetch_offset: int, tp: Any, records: Any, **settings: Any) -> None:
        self.topic_partition = tp
        self.next_fetch_offset = fetch_offset
        self.leader_epoch = -1
        self._reached = fetch_offset
        self._where = Partition(tp.topic, tp.partition)
        self._limit: int = settings["limit"]
        self._on_drain: Callable[[Any], None] = settings["on_drain"]
        self._aborted = deque(sorted((t.first_offset, t.producer_id) for t in settings["aborted_transactions"] or ()))
        self._aborting: set[int] = set()
        self.bytes_read = records.size_in_bytes()
        if self.bytes_read and not records.has_next():
            settings["stuck"].append(self._skip("no complete batch in the answer"))  # kafka-python raises next
        self._items: Iterator[Item] | None = self._read(records._buffer)
        self._ahead: list[Item] = []

    def __bool__(self) -> bool:
        return self._items is not None

    def take(self, n: int | None = None) -> list[Item]:
        """The next items, at most `n`.

        Looks one item ahead, so that a used-up answer is known to be used up at once: the position passes the
        markers at its end, and nothing waits behind it in kafka-python's line.
        """
        if self._items is None:
            return []
        taken = [*self._ahead, *islice(self._items, None if n is None else n - len(self._ahead))]
        self._ahead = list(islice(self._items, 1))
        if taken:
            self.next_fetch_offset = taken[-1].position.offset + 1
        if not self._ahead:
            self.next_fetch_offset = max(self.next_fetch_offset, self._reached)
            self.drain()
        return taken

    def drain(self) -> None:
        """Drop what is left."""
        if self._items is not None:
            self._items, self._ahead = None, []
            self._on_drain(self)

    def _read(self, fetched: bytes) -> Iterator[Item]:
        try:
            for batch in batches(fetched):
                if batch is None:
                    yield self._skip("a batch length is impossible")
                    return
                yield from self._batch(batch)
                if not (batch.intact or batch.whole):
                    return  # where the bad batch ends is not known: ask again one offset further
        except Exception as error:  # the last net: an exception from here would make the next poll spin for ever
            yield self._skip(f"{type(error).__name__}: {error}")

    def _batch(self, batch: RecordBatch) -> Iterator[Item]:
        self.leader_epoch = batch.epoch if batch.intact else self.leader_epoch
        if batch.intact and (batch.last < self._reached or self._unwanted(batch)):
            self._reached = max(self._reached, batch.last + 1)
            return
        for item in unpack(batch, self._where, self._reached, self._limit):
            self._reached = item.position.offset + 1
            yield item
        if batch.intact:
            self._reached = batch.last + 1

    def _unwanted(self, batch: RecordBatch) -> bool:
        """Whether the batch is a marker, or part of a transaction that was aborted (read committed)."""
        while self._aborted and self._aborted[0][0] <= batch.last:
            self._aborting.add(self._aborted.popleft()[1])
        if batch.attributes & CONTROL:
            if aborts(batch):
                self._aborting.discard(batch.producer)
            return True
        return bool(batch.attributes & TRANSACTIONAL) and batch.producer in self._aborting

    def _skip(self, why: str) -> Fault:
        position = Position(*self._where, self._reached)
        self._reached += 1
        return Fault("unreadable", position, f"{self._where.name} offset {position.offset}: {why}")
