"""The Debezium envelope: rows written, deleted, truncated."""

import json
from typing import Any

import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.core.model.events import Delete, MalformedEvent, Upsert
from monitor.ports import ConfigurationError
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


MYSQL = FormOptions(debezium_version=["source.file", "source.pos", "source.row"])


def versions(options: FormOptions, *sources: dict[str, Any]) -> list[Any]:
    decode = decoder("debezium", options, LIMITS).decode
    made = [decode(record(changed(ENVELOPE, op="c", source=source))) for source in sources]
    return [event.version for event in made if isinstance(event, Upsert)]


def test_mysql_positions_begin_anew_with_each_file_and_the_order_does_not() -> None:
    made = versions(
        MYSQL,
        {"file": "mysql-bin.000003", "pos": 4, "row": None},
        {"file": "mysql-bin.000003", "pos": 900, "row": 0},
        {"file": "mysql-bin.000003", "pos": 900, "row": 1},
        {"file": "mysql-bin.000004", "pos": 4, "row": 0},
        {"file": "mysql-bin.1000000", "pos": 4, "row": 0},
    )
    assert made == sorted(made)
    assert made[3] == (4, 4, 0)
    with pytest.raises(ConfigurationError, match=r"source.pos.*begins anew with each binlog file; expected"):
        decoder("debezium", FormOptions(debezium_version="source.pos"), LIMITS)


def test_orders_that_are_text_order_as_numbers() -> None:
    oracle = FormOptions(debezium_version="source.scn")
    assert versions(oracle, {"scn": "99"}, {"scn": "100"}, {"scn": "18446744073709551617"}) == [99, 100, 2**64 + 1]
    lsn = ["0000002b:00000d48:0003", "0000002b:00000d48:0010", "0000002b:00000d49:0001", "0000002c:00000001:0001"]
    server = FormOptions(debezium_version=["source.commit_lsn", "source.change_lsn", "source.event_serial_no"])
    made = versions(server, *({"commit_lsn": one, "change_lsn": lsn[0], "event_serial_no": 1} for one in lsn))
    assert made == sorted(made)
    assert len(set(made)) == len(lsn)
    snapshot, change = versions(server, {"commit_lsn": lsn[0]}, {"commit_lsn": lsn[0], "change_lsn": lsn[0]})
    assert snapshot < change
    postgres = FormOptions(debezium_version="source.lsn")
    made = versions(postgres, {"lsn": "0/16B3748"}, {"lsn": "0/FFFFFFFF"}, {"lsn": "1/0"}, {"lsn": "A/16B3748"})
    assert made == sorted(made)
    assert versions(postgres, {"lsn": "1/0"}, {"lsn": 2**32}) == [2**32, 2**32]


def test_a_version_that_nothing_states_is_none() -> None:
    assert versions(MYSQL, {}, {"file": None, "pos": None}) == [None, None]


MONGO_ROW = {
    "_id": {"$oid": "64b7f2c19d3e5a0012ab34cd"},
    "page": "keys.md",
    "body": "rotate the signing key",
    "n": {"$numberLong": "3"},
    "at": {"$date": MICROS // 1000},
}
MONGO_PATHS = FieldPaths(chunk_id="_id", doc_id="page", text="body", position="n", event_time="at")
MONGO = decoder(
    "debezium", FormOptions(paths=MONGO_PATHS, debezium_version=["source.ts_ms", "source.ord"]), EventLimits()
)


def mongo(op: str, row: object, ord_: int = 1) -> bytes:
    source = {"connector": "mongodb", "ts_ms": 1_767_571_200_000, "ord": ord_}
    after = None if row is None else json.dumps(row)
    return dumped({"before": None, "after": after, "op": op, "ts_ms": MICROS // 1000, "source": source})


def test_mongodb_writes_its_rows_as_text() -> None:
    event = MONGO.decode(record(mongo("c", MONGO_ROW)))
    assert isinstance(event, Upsert)
    chunk = event.chunk
    assert (chunk.chunk_id, chunk.doc_id, chunk.text) == ("64b7f2c19d3e5a0012ab34cd", "keys.md", MONGO_ROW["body"])
    assert (chunk.ordinal, chunk.event_time, event.version) == (3, MICROS, (1_767_571_200_000, 1))


@pytest.mark.parametrize(
    ("written", "chunk_id"),
    [
        ({"$oid": "64b7"}, "64b7"),
        ("a#1", "a#1"),
        (7, "7"),
        ({"$numberLong": "7"}, "7"),
        ({"$uuid": "550e8400-e29b-41d4-a716-446655440000"}, "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_a_document_is_called_the_same_in_rows_and_in_keys(written: object, chunk_id: str) -> None:
    event = MONGO.decode(record(mongo("c", {**MONGO_ROW, "_id": written})))
    assert isinstance(event, Upsert)
    assert event.chunk.chunk_id == chunk_id
    for key in (dumped({"id": json.dumps(written)}), dumped({"schema": {}, "payload": {"id": json.dumps(written)}})):
        assert MONGO.decode(record(mongo("d", None, 2), key)) == Delete(chunk_id, MICROS, (1_767_571_200_000, 2))
        assert MONGO.decode(record(None, key)) == Delete(chunk_id, None, None)


def test_a_delete_that_names_nothing_says_what_is_missing() -> None:
    with pytest.raises(MalformedEvent, match="before: absent or null, expected the row for op d or a key that names"):
        MONGO.decode(record(mongo("d", None)))


@pytest.mark.parametrize("vector", ["[0.5,-0.25,0.125,1]", "{0.5,-0.25,0.125,1}", " [0.5, -2.5e-1, 0.125, 1.0] "])
def test_vectors_may_be_text(vector: str) -> None:
    event = CDC.decode(record(changed(ENVELOPE, after={**ROW, "vector": vector})))
    assert isinstance(event, Upsert)
    assert event.chunk.vector is not None
    assert event.chunk.vector.tolist() == VECTOR


def test_a_column_of_json_is_read_through_its_text() -> None:
    event = CDC.decode(record(changed(ENVELOPE, after={**ROW, "meta": json.dumps({"source": "wiki"})})))
    assert isinstance(event, Upsert)
    assert dict(event.chunk.segment)["source"] == "wiki"


def test_of_a_deleted_row_only_what_names_it_is_read() -> None:
    row = {"chunk_id": "a", "meta": "__debezium_unavailable_value", "text": None}
    assert CDC.decode(record(changed(ENVELOPE, op="d", after=None, before=row))) == Delete("a", MICROS, 7)
