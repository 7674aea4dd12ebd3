"""An in-memory log and a decoder of plain words, both keeping the contracts of `monitor.ports`."""

from collections.abc import Mapping, Sequence

from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Heartbeat,
    MalformedEvent,
    Partition,
    Position,
    Record,
    Upsert,
)
from monitor.ports import Fault, Polled

Item = str | Fault | None
"""What stands at an offset: a record's words, a fault found there, or nothing (a hole in the log)."""


TORN = "torn"
"""A record that cannot be unpacked: an `unreadable` fault stands in its place."""


def partition(number: int, topic: str = "t") -> Partition:
    return Partition(topic, number)


class MemorySource:
    """A `Source` over lists: each index is an offset. Holes are skipped, faults are reported where they stand.

    A `gap` or `added_partition` fault stands at the offset where reading goes on, so it is given besides the log.
    """

    def __init__(self, log: Mapping[Partition, Sequence[Item]], extra: Sequence[Fault] = ()) -> None:
        self.log = {part: list(items) for part, items in log.items()}
        self._extra = list(extra)
        self._next: dict[Partition, int] = {}
        self._paused: frozenset[Partition] = frozenset()

    def start(self, positions: Mapping[Partition, int]) -> None:
        self._next = {part: positions.get(part, 0) for part in self.log}
        for fault in self._extra:
            if fault.kind == "gap" and self._next[fault.position.source] < fault.position.offset:
                self._next[fault.position.source] = fault.position.offset

    def partitions(self) -> frozenset[Partition]:
        return frozenset(self.log)

    def poll(self, max_records: int, timeout: float) -> Polled:  # noqa: ARG002 - the contract's; nothing is waited for
        records: list[Record] = []
        faults, self._extra = self._extra, []
        for part, items in self.log.items():
            while part not in self._paused and self._next[part] < len(items) and len(records) < max_records:
                at, item = self._next[part], items[self._next[part]]
                self._next[part] += 1
                if item == TORN:
                    faults.append(Fault("unreadable", Position(*part, at), "bad checksum", b"torn"))
                elif isinstance(item, Fault):
                    faults.append(item)
                elif item is not None:
                    records.append(Record(Position(*part, at), None, item.encode()))
            while self._next[part] < len(items) and items[self._next[part]] is None:
                self._next[part] += 1
        return Polled(records, faults, all(at >= len(self.log[part]) for part, at in self._next.items()))

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._paused -= partitions

    def positions(self) -> Mapping[Partition, int]:
        return dict(self._next)

    def end(self) -> Mapping[Partition, int] | None:
        return {part: len(items) for part, items in self.log.items()}

    def last_error(self) -> str:
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Nobody measures the lag of a list."""

    def close(self) -> None:
        self._next = {}


class WordDecoder:
    """`upsert ID [VERSION]`, `delete ID`, `beat TIME`, `deploy ID [TOPIC/N=OFFSET,...]`, `noise`; else malformed."""

    def decode(self, record: Record) -> CorpusEvent | None:
        op, *words = (record.value or b"").decode().split() or [""]
        time = record.position.offset
        if op == "upsert":
            version = int(words[1]) if len(words) > 1 else None
            return Upsert(Chunk(words[0], "doc", 0, op, None, "v", (), time, str(version)), version)
        if op == "delete":
            return Delete(words[0], time)
        if op == "beat":
            return Heartbeat(int(words[0]))
        if op == "deploy":
            return Deploy(words[0], time, _upto(words[1]) if len(words) > 1 else {})
        if op == "noise":
            return None
        reason, detail = "unknown_op", f"op {op!r}, expected upsert, delete, beat or deploy"
        raise MalformedEvent(reason, detail)


def _upto(words: str) -> dict[Partition, int]:
    pairs = [word.replace("/", "=").split("=") for word in words.split(",")]
    return {Partition(topic, int(number)): int(offset) for topic, number, offset in pairs}
