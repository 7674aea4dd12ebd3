"""Reading of record batches: against kafka-python's own writer and reader, then against every kind of damage."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.sources.kafka import kernels_records
from monitor.adapters.sources.kafka.batches import (
    CRC_COVERS_FROM,
    HEADER,
    MOST_OFFSETS,
    Item,
    RecordBatch,
    batches,
    unpack,
)
from monitor.core.model.events import TIMESTAMP_HEADER, Partition, Record
from monitor.ports import Fault
from tests.kafka_mock import Row, record_batch, sealed, their_records

WHERE = Partition("corpus", 3)
LIMIT = 1 << 20

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**41),
        st.none() | st.binary(max_size=300),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


def written(rows: list[Row], *, codec: int = 0, base: int = 100) -> bytearray:
    return record_batch(rows, codec=codec, base=base)


def plain(n: int) -> list[Row]:
    return [(1000 + i, b"k%d" % i, b"value %d" % i, []) for i in range(n)]


def only(raw: bytes | bytearray) -> RecordBatch:
    (batch,) = batches(bytes(raw))
    assert batch is not None
    return batch


def read(raw: bytes | bytearray, begin: int = 0, limit: int = LIMIT) -> list[Item]:
    return unpack(only(raw), WHERE, begin, limit)


def offsets(items: list[Item], kind: type) -> list[int]:
    return [item.position.offset for item in items if isinstance(item, kind)]


@given(rows=ROWS, codec=st.integers(0, 4), base=st.integers(0, 2**62))
def test_reads_what_kafka_python_writes_and_as_it_reads(rows: list[Row], codec: int, base: int) -> None:
    raw = written(rows, codec=codec, base=base)
    items = read(raw)
    theirs = their_records(bytes(raw))
    assert len(items) == len(theirs) == len(rows)
    for item, their in zip(items, theirs, strict=True):
        assert isinstance(item, Record)
        assert (item.position.offset, item.key, item.value) == (their.offset, their.key, their.value)
        kept = [header for header in their.headers if header[0] != TIMESTAMP_HEADER]
        assert list(item.headers) == [*kept, (TIMESTAMP_HEADER, b"%d" % (their.timestamp * 1000))]


@given(rows=ROWS, codec=st.integers(0, 4), data=st.data())
def test_any_damage_gives_items_in_order_and_never_an_exception(
    rows: list[Row], codec: int, data: st.DataObject
) -> None:
    raw = written(rows, codec=codec)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        raw = sealed(raw)
    begin = data.draw(st.integers(95, 115))
    for batch in batches(bytes(raw)):
        if batch is None:
            continue
        found = [item.position.offset for item in unpack(batch, WHERE, begin, LIMIT)]
        assert found == sorted(set(found))
        assert not found or found[0] >= min(begin, batch.base)


@given(rows=ROWS, data=st.data())
def test_records_read_by_the_kernel_are_those_read_one_by_one(rows: list[Row], data: st.DataObject) -> None:
    """Whatever a producer damaged: the kernel ends before the first odd record, all behind it are read one by one."""
    raw = written(rows)
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(HEADER.size, len(raw) - 1))] = data.draw(st.integers(0, 255))
    struct.pack_into(">i", raw, 57, data.draw(st.just(len(rows)) | st.integers(-1, 2**31 - 1)))
    batch = only(sealed(raw))
    begin = data.draw(st.integers(95, 115))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels_records, "ordinary", lambda *_: 0)
        one_by_one = unpack(batch, WHERE, begin, LIMIT)
    assert unpack(batch, WHERE, begin, LIMIT) == one_by_one


@pytest.mark.parametrize("count", [10**9, 2**31 - 1])
def test_a_batch_that_claims_more_records_than_it_has_bytes_takes_no_memory_for_them(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, rooms = written(plain(3)), list[int]()
    ordinary = kernels_records.ordinary

    def watched(body: Any, most: int, last_delta: int, found: Any) -> int:
        rooms.append(found.nbytes)
        return ordinary(body, most, last_delta, found)

    monkeypatch.setattr(kernels_records, "ordinary", watched)
    struct.pack_into(">i", raw, 57, count)
    assert offsets(read(sealed(raw)), Record) == [100, 101, 102]
    assert rooms[0] < 11 * len(raw)  # nine numbers for each seven bytes


@given(rows=ROWS, codec=st.integers(0, 4), data=st.data())
def test_one_flipped_bit_under_the_checksum_is_always_seen(rows: list[Row], codec: int, data: st.DataObject) -> None:
    raw = written(rows, codec=codec)
    at = data.draw(st.integers(CRC_COVERS_FROM, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    items = read(raw)
    assert items
    assert offsets(items, Record) == []


@given(rows=ROWS, cut=st.integers(0, 80))
def test_a_partial_batch_at_the_end_is_left_for_the_next_fetch(rows: list[Row], cut: int) -> None:
    raw = bytes(written(rows))
    second = bytes(written(rows, base=500))
    found = list(batches(raw + second[: min(cut, len(second) - 1)]))
    assert len(found) == 1


@given(noise=st.binary(max_size=200))
def test_noise_is_framed_without_an_exception(noise: bytes) -> None:
    for batch in batches(noise):
        if batch is not None:
            unpack(batch, WHERE, 0, LIMIT)


def test_a_batch_that_fails_its_checksum_is_one_fault_per_offset_from_any_begin() -> None:
    raw = written(plain(5))
    raw[-1] ^= 1
    all_of_them = read(raw)
    assert offsets(all_of_them, Fault) == [100, 101, 102, 103, 104]
    assert read(raw, 103) == all_of_them[3:]
    assert isinstance(all_of_them[0], Fault)
    assert all_of_them[0].kind == "unreadable"
    assert all_of_them[0].value == bytes(raw)
    assert "corpus/3 offset 100: batch 100 to 104 fails its checksum" in all_of_them[0].detail


def test_a_bad_header_that_contradicts_itself_costs_one_offset_not_the_stream() -> None:
    raw = written(plain(5))
    struct.pack_into(">i", raw, 23, 1 << 30)  # last offset delta
    assert offsets(read(raw, 102), Fault) == [102]


def test_an_intact_batch_that_claims_too_much_is_one_fault() -> None:
    raw = written(plain(2), codec=1)
    struct.pack_into(">i", raw, 23, MOST_OFFSETS + 5)
    raw[HEADER.size :] = b"\xff" * 40
    assert offsets(read(sealed(raw)), Fault) == [100]


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_garbage_under_a_right_checksum_is_a_fault_per_offset(codec: int) -> None:
    raw = written([(1, b"k", b"abc" * 100, [])] * 4, codec=codec)
    raw[HEADER.size :] = b"\xff" * (len(raw) - HEADER.size)
    assert offsets(read(sealed(raw)), Fault) == [100, 101, 102, 103]


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_compression_bomb_is_a_fault_and_stays_small(codec: int) -> None:
    raw = written([(1, b"k", bytes(600_000), [])], codec=codec)
    assert len(raw) < 60_000
    items = read(raw, limit=500_000)
    assert offsets(items, Fault) == [100]
    assert isinstance(items[0], Fault)
    assert "unpacks to more than 500000 bytes" in items[0].detail
    assert offsets(read(raw, limit=700_000), Record) == [100]


def test_good_records_around_a_malformed_one_in_the_same_batch_are_delivered() -> None:
    raw = written(plain(3))
    second = raw.index(b"k1") - 1  # the key length of the second record
    raw[second] = 0x7E  # 63 bytes, more than the record has
    items = read(sealed(raw))
    assert offsets(items, Record) == [100, 102]
    assert offsets(items, Fault) == [101]


def test_a_record_length_that_is_impossible_loses_the_rest_of_the_batch_only() -> None:
    raw = written(plain(4))
    third = raw.index(b"k2") - 5  # length of the third record: before attributes, time, offset, key length
    raw[third] = 0x01
    items = read(sealed(raw))
    assert offsets(items, Record) == [100, 101]
    assert offsets(items, Fault) == [102, 103]


def test_header_names_that_are_not_utf8_do_not_cost_the_record() -> None:
    raw = written([(1, b"k", b"v", [("name", b"x")])])
    at = raw.index(b"name")
    raw[at] = 0xFF
    (item,) = read(sealed(raw))
    assert isinstance(item, Record)
    assert item.headers[0] == ("\ufffdame", b"x")


def test_the_broker_time_is_taken_where_the_topic_says_so() -> None:
    raw = written(plain(2))
    struct.pack_into(">h", raw, 21, 0x08)
    struct.pack_into(">q", raw, 35, 7)
    assert [item.headers for item in read(sealed(raw)) if isinstance(item, Record)] == [
        ((TIMESTAMP_HEADER, b"7000"),)
    ] * 2


def test_a_record_without_a_time_has_no_time_header() -> None:
    (item,) = read(written([(-1, b"k", b"v", [])]))
    assert isinstance(item, Record)
    assert item.headers == ()


def test_compacted_batches_keep_their_offsets() -> None:
    raw = written(plain(3))
    struct.pack_into(">i", raw, 23, 9)  # seven records fewer than offsets
    assert offsets(read(sealed(raw)), Record) == [100, 101, 102]


def test_old_message_formats_are_refused_by_name() -> None:
    raw = written(plain(2))
    raw[16] = 1
    items = read(raw)
    assert isinstance(items[0], Fault)
    assert "has message format 1, expected 2" in items[0].detail


def test_an_impossible_batch_length_ends_the_framing() -> None:
    raw = written(plain(1))
    struct.pack_into(">i", raw, 8, -5)
    assert list(batches(bytes(raw))) == [None]
