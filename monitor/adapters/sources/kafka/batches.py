"""Kafka's record batches (message format 2) to records, never raising: what cannot be read becomes a Fault.

Own code instead of kafka-python's, because there one bad record ends the whole fetch, poisons the good records
behind it in the same batch, and makes the next poll spin for ever; and because its unpacking has no size limit.
Every record states its length, so reading goes on behind a malformed one.

Format: Kafka protocol guide, "Record Batch".
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from crc32c import crc32c

from monitor.adapters.sources.kafka import kernels_records
from monitor.adapters.sources.kafka.inflate import InflateError, inflate
from monitor.core.model.events import TIMESTAMP_HEADER, Partition, Position, Record
from monitor.ports import Fault

HEADER = struct.Struct(">qiibIhiqqqhii")
FRAME = struct.Struct(">qi")
AFTER_LENGTH = 12
CRC_COVERS_FROM = 21
CODEC, APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20
KEPT_BYTES = 65536
MOST_OFFSETS = 1 << 20

Item = Record | Fault


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """One record batch: its header's fields and the bytes of the whole."""

    base: int
    epoch: int
    magic: int
    attributes: int
    last_delta: int
    first_timestamp: int
    max_timestamp: int
    producer: int
    count: int
    raw: memoryview
    intact: bool
    """Whether format and checksum are right."""

    @property
    def last(self) -> int:
        """Offset of the last record (it stays when compaction removes that record)."""
        return self.base + self.last_delta

    @property
    def whole(self) -> bool:
        """Whether the two places that say how many offsets the batch takes agree: then even a bad one is believed."""
        return 0 <= self.last_delta == self.count - 1


def batches(fetched: bytes | memoryview) -> Iterator[RecordBatch | None]:
    """The complete batches of one fetch answer; the partial one at its end is left out.

    Yields None, and ends, where a length is impossible: where the next batch begins is then unknown.
    """
    view = memoryview(fetched)
    at = 0
    while at + AFTER_LENGTH <= len(view):
        _, length = FRAME.unpack_from(view, at)
        end = at + AFTER_LENGTH + length
        if length < HEADER.size - AFTER_LENGTH:
            yield None
            return
        if end > len(view):
            return
        yield _batch(view[at:end])
        at = end


def _batch(raw: memoryview) -> RecordBatch:
    base, _, epoch, magic, crc, attributes, last_delta, first, latest, producer, _, _, count = HEADER.unpack_from(raw)
    intact = magic == 2 and last_delta >= 0 and crc32c(raw[CRC_COVERS_FROM:]) == crc
    return RecordBatch(base, epoch, magic, attributes, last_delta, first, latest, producer, count, raw, intact)


def aborts(batch: RecordBatch) -> bool:
    """Whether a control batch is an abort marker: the key of its record is (version, type), type 0 is abort."""
    record = bytes(batch.raw[HEADER.size :])
    try:
        at = 0
        for _ in range(5):  # length, attributes, time, offset, key length
            size, at = _varint(record, at)
        return size >= 4 and record[at + 2 : at + 4] == b"\x00\x00"
    except IndexError:
        return False


def unpack(batch: RecordBatch, where: Partition, begin: int, limit: int) -> list[Item]:
    """The records and faults of one batch from offset `begin` on, offsets strictly rising.

    Args:
        batch: the batch, of any content.
        where: its partition.
        begin: the first offset wanted.
        limit: bytes the batch may unpack to.

    Returns:
        A Record for each readable record and a Fault for each offset that cannot be read. What a Fault says depends
        on batch and offset alone, so a restart in the middle of a bad batch repeats nothing differently.
    """
    if not batch.intact:
        what = "fails its checksum" if batch.magic == 2 else f"has message format {batch.magic}, expected 2"
        lost = range(max(begin, batch.base), batch.last + 1) if batch.whole else range(begin, begin + 1)
        return _lost(batch, where, lost, what)
    try:
        body = inflate(batch.attributes & CODEC, bytes(batch.raw[HEADER.size :]), limit)
    except InflateError as error:
        return _lost(batch, where, range(max(begin, batch.base), batch.last + 1), str(error))
    return _records(batch, body, where, begin)


def _records(batch: RecordBatch, body: bytes, where: Partition, begin: int) -> list[Item]:
    fixed = batch.max_timestamp if batch.attributes & APPEND_TIME else None
    count = max(0, min(batch.count, len(body) // kernels_records.LEAST))
    found = np.empty((count, kernels_records.COLUMNS), np.int64)
    read = kernels_records.ordinary(np.frombuffer(body, np.uint8), count, batch.last_delta, found)
    items, at, due = _ordinary(batch, body, where, (begin, fixed), found[:read].tolist())
    for _ in range(read, batch.count):
        size, start = _length(body, at)
        if size < 0 or start + size > len(body):
            break
        at = start + size
        item = _record(batch, body, (start, at), where, (due, fixed))
        due = item.position.offset + 1
        if due > begin:
            items.append(item)
    else:
        if at == len(body):
            return items
    return items + _lost(batch, where, range(max(due, begin), batch.last + 1), "has an impossible record length")


def _ordinary(
    batch: RecordBatch, body: bytes, where: Partition, expected: tuple[int, int | None], found: list[list[int]]
) -> tuple[list[Item], int, int]:
    """The first records of a batch, where the next one stands, and the least offset that it can have."""
    begin, fixed = expected
    topic, partition = where
    items: list[Item] = []
    end, offset = 0, batch.base - 1
    for start, end, elapsed, delta, key, key_end, value, value_end, headers in found:
        offset = batch.base + delta
        if offset < begin:
            continue
        if headers:
            items.append(_record(batch, body, (start, end), where, (offset, fixed)))
            continue
        stamp = batch.first_timestamp + elapsed if fixed is None else fixed
        items.append(
            Record(
                Position(topic, partition, offset),
                None if key_end < 0 else body[key:key_end],
                None if value_end < 0 else body[value:value_end],
                () if stamp < 0 else ((TIMESTAMP_HEADER, b"%d" % (stamp * 1000)),),
            )
        )
    return items, end, offset + 1


def _length(body: bytes, at: int) -> tuple[int, int]:
    try:
        return _varint(body, at)
    except (IndexError, ValueError):
        return -1, at


def _record(
    batch: RecordBatch, body: bytes, span: tuple[int, int], where: Partition, expected: tuple[int, int | None]
) -> Item:
    start, end = span
    due, fixed = expected
    offset = due
    try:
        at = start + 1  # attributes: one unused byte
        elapsed, at = _varint(body, at)
        delta, at = _varint(body, at)
        if not due <= batch.base + delta <= batch.last:
            return _fault(where, due, f"offset delta {delta} is out of order", body[start:end])
        offset = batch.base + delta
        key, at = _blob(body, at, end)
        value, at = _blob(body, at, end)
        headers, at = _headers(body, at, end)
    except (IndexError, ValueError) as error:
        return _fault(where, offset, f"malformed record: {error}", body[start:end])
    if at != end:
        return _fault(where, offset, f"record of {end - start} bytes ends after {at - start}", body[start:end])
    stamp = batch.first_timestamp + elapsed if fixed is None else fixed
    return Record(Position(where.topic, where.partition, offset), key, value, _stamped(headers, stamp))


def _stamped(headers: tuple[tuple[str, bytes], ...], stamp: int) -> tuple[tuple[str, bytes], ...]:
    """Headers with ours last, and with no other of its name: a producer cannot forge the time."""
    if headers:
        headers = tuple(header for header in headers if header[0] != TIMESTAMP_HEADER)
    if stamp < 0:
        return headers
    return (*headers, (TIMESTAMP_HEADER, b"%d" % (stamp * 1000)))


def _headers(body: bytes, at: int, end: int) -> tuple[tuple[tuple[str, bytes], ...], int]:
    """Header names that are not UTF-8 keep their readable part; a null value is an empty one."""
    if not body[at]:
        return (), at + 1
    count, at = _varint(body, at)
    if not 0 <= count <= end - at:
        message = f"{count} headers"
        raise ValueError(message)
    found = []
    for _ in range(count):
        name, at = _blob(body, at, end)
        value, at = _blob(body, at, end)
        found.append(((name or b"").decode("utf-8", "replace"), value or b""))
    return tuple(found), at


def _blob(body: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    size, at = _varint(body, at)
    if size < 0:
        return None, at
    if at + size > end:
        message = f"a field of {size} bytes where {end - at} are left"
        raise ValueError(message)
    return body[at : at + size], at + size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """Zigzag varint (Protocol Buffers encoding) and the place behind it; IndexError at the end of the bytes."""
    byte = body[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = body[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + 1
        shift += 7
        if shift > 63:
            message = "a number of more than 10 bytes"
            raise ValueError(message)


def _lost(batch: RecordBatch, where: Partition, offsets: range, what: str) -> list[Item]:
    """A Fault per offset; one for all where the header claims more offsets than a batch can sensibly have."""
    detail = f"batch {batch.base} to {batch.last} {what}"
    shown = offsets if len(offsets) <= MOST_OFFSETS else offsets[:1]
    return [_fault(where, offset, detail, batch.raw if offset == batch.base else b"") for offset in shown]


def _fault(where: Partition, offset: int, detail: str, value: bytes | memoryview) -> Fault:
    text = f"{where.name} offset {offset}: {detail}"
    return Fault("unreadable", Position(where.topic, where.partition, offset), text, bytes(value[:KEPT_BYTES]))
