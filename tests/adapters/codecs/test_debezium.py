"""The Debezium envelope: rows written, deleted, truncated."""

from typing import Any

import pytest

from monitor.adapters.codecs import FieldPaths, FormOptions, decoder
from monitor.core.events import Delete, MalformedEvent, Upsert
from tests.adapters.codecs.forge import (
    ENVELOPE,
    LIMITS,
    MICROS,
    OPTIONS,
    ROW,
    TIME,
    VECTOR,
    changed,
    dumped,
    record,
)

PLAIN = FormOptions(paths=OPTIONS.paths)
CDC = decoder("debezium", OPTIONS, LIMITS)
SINK = decoder("qdrant-sink", OPTIONS, LIMITS)
UUID = "550e8400-e29b-41d4-a716-446655440000"
DELETED: dict[str, Any] = {**ENVELOPE, "op": "d", "before": {"chunk_id": "a"}, "after": None}


def wrapped(envelope: dict[str, Any]) -> bytes:
    return dumped({"schema": {"type": "struct", "fields": [{"field": "op"}]}, "payload": envelope})


@pytest.mark.parametrize("op", ["c", "u", "r"])
@pytest.mark.parametrize("wrap", [dumped, wrapped])
def test_a_written_row_is_an_upsert(op: str, wrap: Any) -> None:
    event = CDC.decode(record(wrap({**ENVELOPE, "op": op, "before": {"chunk_id": "a"}, "transaction": None})))
    assert isinstance(event, Upsert)
    chunk = event.chunk
    assert (chunk.chunk_id, chunk.doc_id, chunk.text, event.version) == ("a", "d", "tokens expire", 7)
    assert chunk.event_time == MICROS
    assert chunk.segment == (("language", "en"), ("source", "docs"))
    assert chunk.vector is not None
    assert chunk.vector.tolist() == VECTOR


@pytest.mark.parametrize("wrap", [dumped, wrapped])
def test_a_deleted_row_is_a_delete_and_its_tombstone_a_harmless_second_one(wrap: Any) -> None:
    assert CDC.decode(record(wrap(DELETED))) == Delete("a", MICROS, 7)
    assert CDC.decode(record(None, b'{"chunk_id": "a"}')) == Delete("a", None, None)


def test_a_tombstone_whose_key_is_not_the_chunk_says_nothing_new() -> None:
    assert CDC.decode(record(None, b'{"id": 5}')) is None
    assert CDC.decode(record(None, b'{"schema": {}, "payload": {"id": 5}}')) is None


@pytest.mark.parametrize(
    "value",
    [
        {"op": "m", "ts_ms": 1, "message": {"prefix": "x", "content": "AAAA"}},
        {"status": "BEGIN", "id": "571:53195829", "ts_ms": 1, "event_count": None},
        {"status": "END", "id": "571:53195829", "ts_ms": 1, "event_count": 2},
        {"schema": {}, "payload": {"status": "END", "id": "571", "ts_ms": 1}},
    ],
)
def test_messages_and_transaction_boundaries_are_not_ours(value: dict[str, Any]) -> None:
    assert CDC.decode(record(dumped(value))) is None
    assert decoder("auto", OPTIONS, LIMITS).decode(record(dumped(value))) is None


def test_versions_come_from_the_envelope_or_the_row() -> None:
    assert CDC.decode(record(changed(DELETED, source={"lsn": None}))) == Delete("a", MICROS, None)
    in_row = decoder("debezium", PLAIN, LIMITS)
    assert in_row.decode(record(changed(DELETED, before={"chunk_id": "a", "version": 3}))) == Delete("a", MICROS, 3)


def test_the_rows_own_time_goes_first() -> None:
    paths = FieldPaths(event_time="updated", event_time_unit="us")
    decode = decoder("debezium", FormOptions(paths=paths), LIMITS).decode
    assert decode(record(changed(DELETED, before={"chunk_id": "a", "updated": 5}))) == Delete("a", 5, None)
    assert decode(record(changed(DELETED, before={"chunk_id": "a", "updated": TIME}))) == Delete("a", MICROS, None)
    assert decode(record(dumped(DELETED))) == Delete("a", MICROS, None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"op": "x"}, "unknown_op"),
        ({"op": None}, "missing_field"),
        ({"op": 1}, "wrong_type"),
        ({"op": "t"}, "truncate_unsupported"),
        ({"after": None}, "missing_field"),
        ({"after": []}, "wrong_type"),
        ({"op": "u", "before": {"chunk_id": "b"}}, "identity_changed"),
        ({"op": "u", "before": {"chunk_id": 5}}, "identity_changed"),
        ({"ts_ms": "now"}, "wrong_type"),
        ({"ts_ms": None}, "missing_field"),
        ({"ts_ms": -1}, "out_of_range"),
        ({"source": {"lsn": -1}}, "out_of_range"),
        ({"source": {"lsn": True}}, "wrong_type"),
        ({"after": {**ROW, "vector": None, "text": None}}, "missing_field"),
    ],
)
@pytest.mark.parametrize("wrap", [dumped, wrapped])
def test_bad_envelopes(fields: dict[str, Any], reason: str, wrap: Any) -> None:
    with pytest.raises(MalformedEvent) as raised:
        CDC.decode(record(wrap({**ENVELOPE, **fields})))
    assert raised.value.reason == reason, raised.value.detail
