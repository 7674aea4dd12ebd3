"""Kafka as a source of records: assigned, positioned by us, never by the group.

What may go wrong and what becomes of it:
* a record or batch that cannot be read: Fault `unreadable` per offset, reading goes on behind it;
* retention was faster than we: Fault `gap`, reading goes on at the first offset there is;
* the topic was recreated or truncated below our position: Fault `recreated`, that partition is held for good;
* partitions were added: Fault `added_partition`, read from offset 0;
* all brokers down: `poll` returns nothing, `end` returns None, `last_error` says why where the client knows.

Limits: a raw fetch answer is at most `max_fetch_bytes` (or one larger batch), one batch unpacks to at most
`max_batch_bytes`. Each paused partition may keep one fetched, not yet unpacked answer. Not bounded here: a single
uncompressed batch as large as the broker's own `message.max.bytes` lets through (above 100 MB the client drops the
connection and the lag grows).
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from monitor.adapters.sources.kafka import client as kafka_client
from monitor.adapters.sources.kafka.commit import GroupOffsets
from monitor.adapters.sources.kafka.library import (
    IllegalStateError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    TopicPartition,
)
from monitor.adapters.sources.kafka.settings import KafkaSettings, problems
from monitor.adapters.sources.kafka.starting import (
    OffsetRange,
    added_fault,
    bounds,
    first_offsets,
    partitions_of,
    refuse_missing,
)
from monitor.core.model.events import Partition, Position, Record
from monitor.ports import ConfigurationError, Fault, Polled, UnreachableError

__all__ = ["KafkaSettings", "KafkaSource", "problems"]

RETRY_SECONDS = 0.1


class KafkaSource:
    """Records of some topics, each partition in offset order (`monitor.ports.Source`).

    Every record carries its Kafka time as its last header, `corpus-drift-timestamp-us`, decimal microseconds since
    the epoch (absent where the broker has none). Transactions are read committed: aborted records are not delivered
    and `end` is the last stable offset, so an open transaction does not look like lag.

    One thread calls it (kafka-python's consumer guards nothing); `close` may be called twice.
    """

    def __init__(self, settings: KafkaSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._consumer: Any = None
        self._offsets: GroupOffsets | None = None
        self._assigned: tuple[Partition, ...] = ()
        self._held: dict[Partition, int] = {}
        """Partitions that will not be read any more, with the position they stopped at."""
        self._reported: list[Fault] = []
        self._stuck: list[Fault] = []
        self._next_look = 0.0
        self._wait = threading.Event()
        self._last_error = ""

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Connect, find the partitions and go to the positions.

        A partition of a topic that has stored positions, itself without one, was added while we were away: where
        `start` is not `earliest` it is reported and read from the beginning, since `latest` would skip its records.

        Raises:
            ConfigurationError: the settings have problems (all of them in one line).
            UnreachableError: no broker, a missing topic, or no answer about offsets in time.
        """
        wrong = problems(self._settings)
        if wrong:
            raise ConfigurationError("; ".join(wrong))
        self._consumer = kafka_client.open_consumer(self._settings, self._stuck)
        try:
            self._begin(positions)
        except KafkaError as error:
            self.close()
            message = (
                f"kafka: {','.join(self._settings.bootstrap_servers)}: {error!r}; expected offsets of all topics"
            )
            raise UnreachableError(message) from error
        except (UnreachableError, ConfigurationError):
            self.close()
            raise

    def _begin(self, positions: Mapping[Partition, int]) -> None:
        settings = self._settings
        found = kafka_client.find_partitions(self._consumer, settings.all_topics, settings.start_timeout)
        refuse_missing(found, settings)
        self._assigned = partitions_of(found)
        here = bounds(self._consumer, self._assigned, settings.start_timeout)
        offsets, added = first_offsets(self._consumer, settings, here, positions)
        self._consumer.assign(kafka_client.topic_partitions(self._assigned))
        self._reported += [added_fault(partition) for partition in added]
        for partition, offset in offsets.items():
            self._go(partition, offset, here[partition])
        self._next_look = self._clock() + settings.partition_check_seconds
        if settings.group_id:
            self._offsets = GroupOffsets(settings, self._consumer.config["api_version"])

    def partitions(self) -> frozenset[Partition]:
        """All partitions assigned, held ones included."""
        return frozenset(self._assigned)

    def poll(self, max_records: int, timeout: float) -> Polled:
        """At most `max_records` records and faults; at once when something is there, else within `timeout`."""
        self._look_for_partitions()
        deadline = self._clock() + timeout
        while True:
            items = self._poll_once(max_records, max(0.0, deadline - self._clock()))
            faults, self._reported = self._reported, []
            if items or faults or self._clock() >= deadline:
                records = [item for item in items if isinstance(item, Record)]
                faults += [item for item in items if isinstance(item, Fault)]
                return Polled(records, faults)

    def _poll_once(self, max_records: int, left: float) -> list[Record | Fault]:
        kafka_client.release_parked(self._consumer)
        left = 0.0 if self._reported else left
        try:
            polled = self._consumer.poll(timeout_ms=left * 1000, max_records=max_records)
        except OffsetOutOfRangeError as error:
            self._settle({Partition(*tp) for tp in error.args[0]})
        except LogTruncationError as error:
            for tp in error.divergent_offsets:
                self._hold(Partition(*tp), self._offset(Partition(*tp)), "its log was truncated below the position")
        except IllegalStateError:
            raise
        except KafkaError as error:
            self._refused(error, left)
        else:
            self._last_error = "" if polled else self._last_error
            return list(chain.from_iterable(polled.values()))
        return []

    def _refused(self, error: KafkaError, left: float) -> None:
        """Skip what cannot be read; where the broker refused there is nothing to skip: the next poll tries again."""
        for fault in self._stuck:
            self._consumer.seek(TopicPartition(*fault.position.source), fault.position.offset + 1)
        if not self._stuck:
            self._last_error = _said(error)
            self._wait.wait(min(left, RETRY_SECONDS))
        self._reported += self._stuck
        self._stuck.clear()

    def _settle(self, partitions: Iterable[Partition]) -> None:
        """Find out why a position is out of range and go on from there; unanswered, the next poll asks again."""
        try:
            here = bounds(self._consumer, tuple(partitions), self._settings.answer_timeout)
        except KafkaError as error:
            self._last_error = _said(error)
            return
        for partition, bound in here.items():
            self._go(partition, self._offset(partition), bound)

    def _go(self, partition: Partition, offset: int, bound: OffsetRange) -> None:
        tp = TopicPartition(*partition)
        if offset > bound.end:
            self._hold(partition, offset, f"it ends at {bound.end}, below the position {offset}")
            return
        if offset < bound.begin:
            detail = f"{partition.name}: records {offset} to {bound.begin - 1} are gone"
            self._reported.append(Fault("gap", Position(*partition, bound.begin), detail))
        self._consumer.seek(tp, max(offset, bound.begin))

    def _hold(self, partition: Partition, offset: int, why: str) -> None:
        tp = TopicPartition(*partition)
        self._held[partition] = offset
        self._consumer.seek(tp, offset)
        self._consumer.pause(tp)
        detail = f"{partition.name}: {why}; expected the same topic"
        self._reported.append(Fault("recreated", Position(*partition, offset), detail))

    def _look_for_partitions(self) -> None:
        if self._clock() < self._next_look:
            return
        self._next_look = self._clock() + self._settings.partition_check_seconds
        known = partitions_of(kafka_client.known_partitions(self._consumer, self._settings.all_topics))
        added = [partition for partition in known if partition not in set(self._assigned)]
        if not added:
            return
        self._assigned = (*self._assigned, *added)
        self._consumer.assign(kafka_client.topic_partitions(self._assigned))  # keeps the positions of the others
        for partition in added:
            self._consumer.seek(TopicPartition(*partition), 0)
            self._reported.append(added_fault(partition))

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Deliver nothing from these until resumed; what was fetched already is kept."""
        self._consumer.pause(*kafka_client.topic_partitions(partitions & self.partitions()))

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Go on with these, behind the last record delivered; held partitions stay held."""
        wanted = (partitions & self.partitions()) - self._held.keys()
        self._consumer.resume(*kafka_client.topic_partitions(wanted))

    def end(self) -> Mapping[Partition, int] | None:
        """The broker's own answer, asked now, within `answer_timeout`; None where it does not answer."""
        try:
            tps = kafka_client.topic_partitions(self._assigned)
            ends = self._consumer.end_offsets(tps, timeout_ms=self._settings.answer_timeout * 1000)
        except (KafkaError, KeyError) as error:
            self._last_error = _said(error)
            return None
        self._last_error = ""
        return {Partition(*tp): offset for tp, offset in ends.items()}

    def positions(self) -> Mapping[Partition, int]:
        """Next offset to be delivered, per partition.

        It passes over offsets that never become records (transaction markers, aborted and compacted records), so
        a partition is caught up when its position is not below `end`; the last record's offset + 1 may stay below
        for ever. Store these, all of them, also for partitions that delivered nothing yet.
        """
        return {partition: self._offset(partition) for partition in self._assigned}

    def last_error(self) -> str:
        """What the brokers last refused or failed to answer, one line; empty when records came since."""
        return self._last_error

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Publish positions for lag tools; does not block, may fail silently."""
        if self._offsets is not None:
            self._offsets.publish(positions)

    def close(self) -> None:
        """Leave; bounded whatever the state of the brokers."""
        if self._offsets is not None:
            self._offsets.close()
            self._offsets = None
        if self._consumer is not None:
            kafka_client.close(self._consumer, self._settings.answer_timeout)
            self._consumer = None

    def _offset(self, partition: Partition) -> int:
        if partition in self._held:
            return self._held[partition]
        return kafka_client.position(self._consumer, TopicPartition(*partition))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
