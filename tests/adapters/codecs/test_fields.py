"""Plain JSON with configured field paths, and what is refused as configuration."""

from typing import Any

import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.core.model.events import Delete, MalformedEvent, Record, Upsert
from monitor.ports import ConfigurationError
from tests.adapters.codecs.forge import (
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

FIELDS = decoder("fields", OPTIONS, LIMITS)
MIXED = decoder("auto", FormOptions(paths=OPTIONS.paths, plain_rows=True, collection="docs"), LIMITS)


def row(**fields: object) -> Record:
    return record(changed(ROW, event_time=TIME, **fields), b"k")


def test_fields_are_read_at_their_paths() -> None:
    paths = FieldPaths(
        chunk_id="meta.id",
        doc_id=r"meta.file\.name",
        text="body.text",
        position="body.n",
        version="v",
        vector="body.emb.dense",
        embedding_version="enc",
        content_hash="hash",
        event_time="at",
        event_time_unit="s",
        segments={"language": "meta.lang", "beta": "meta.beta", "tier": "meta.tier", "gone": "meta.nothing.there"},
    )
    value = {
        "meta": {"id": 12, "file.name": "f.md", "lang": "de", "beta": True, "tier": 3, "ignored": [{}]},
        "body": {"text": "hi", "n": 4, "emb": {"dense": VECTOR, "sparse": {"indices": [1]}}},
        "v": 9,
        "enc": "e",
        "hash": "h",
        "at": MICROS // 1_000_000,
    }
    event = decoder("fields", FormOptions(paths=paths), LIMITS).decode(record(dumped(value)))
    assert isinstance(event, Upsert)
    chunk = event.chunk
    assert (chunk.chunk_id, chunk.doc_id, chunk.text, chunk.ordinal, event.version) == ("12", "f.md", "hi", 4, 9)
    assert (chunk.embedding_version, chunk.content_hash, chunk.event_time) == ("e", "h", MICROS)
    assert chunk.segment == (("beta", "true"), ("language", "de"), ("tier", "3"))
    assert chunk.vector is not None
    assert chunk.vector.tolist() == VECTOR


@pytest.mark.parametrize(("unit", "number"), [("s", 1_787_134_320), ("ms", MICROS // 1_000), ("us", MICROS)])
def test_times_may_be_numbers_or_instants(unit: Any, number: int) -> None:
    decode = decoder("fields", FormOptions(paths=FieldPaths(event_time_unit=unit)), LIMITS).decode
    for time in (number, TIME, "2026-08-19T12:12:00+02:00"):
        event = decode(record(changed(ROW, event_time=time)))
        assert isinstance(event, Upsert)
        assert event.chunk.event_time == MICROS


@pytest.mark.parametrize("flag", [True, 1, "true", "1", "TRUE", "True"])
def test_a_flag_makes_a_row_a_delete(flag: object) -> None:
    assert FIELDS.decode(row(gone=flag, text=None, doc_id=None, vector=None)) == Delete("a", MICROS, None)


@pytest.mark.parametrize("flag", [False, 0, "false", "0", "", None])
def test_another_flag_does_not(flag: object) -> None:
    assert isinstance(FIELDS.decode(row(gone=flag)), Upsert)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"gone": "maybe"}, "wrong_type"),
        ({"gone": 2}, "wrong_type"),
        ({"gone": [True]}, "wrong_type"),
        ({"chunk_id": 2**64}, "out_of_range"),
        ({"chunk_id": 1.0}, "wrong_type"),
        ({"chunk_id": True}, "wrong_type"),
        ({"text": 5}, "wrong_type"),
        ({"text": "__debezium_unavailable_value"}, "unavailable_value"),
        ({"position": "3"}, "wrong_type"),
        ({"version": 2.0}, "wrong_type"),
        ({"language": 0.5}, "wrong_type"),
        ({"meta": "docs"}, "not_json"),
        ({"meta": ["docs"]}, "wrong_type"),
        ({"meta": '{"source": 0.5}'}, "wrong_type"),
        ({"meta": {"source": "a\nb"}}, "control_character"),
        ({"event_time": 1.5}, "wrong_type"),
        ({"event_time": True}, "wrong_type"),
        ({"event_time": 10**30}, "out_of_range"),
        ({"event_time": "today"}, "bad_time"),
        ({"vector": [1.0]}, "wrong_dimension"),
        ({"vector": ["1", "2", "3", "4"]}, "wrong_type"),
        ({"chunk_id": None}, "missing_field"),
    ],
)
def test_bad_rows(fields: dict[str, Any], reason: str) -> None:
    for each in (FIELDS, MIXED):
        with pytest.raises(MalformedEvent) as raised:
            each.decode(record(changed({**ROW, "event_time": TIME}, **fields)))
        assert raised.value.reason == reason, raised.value.detail


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: decoder("avro", OPTIONS, LIMITS), "source.format: 'avro', expected one of auto, native"),
        (lambda: FieldPaths(text=""), "field path ''"),
        (lambda: FieldPaths(text="a..b"), "field path 'a..b'"),
        (lambda: FieldPaths(segments={"x": ".a"}), "field path '.a'"),
        (lambda: FieldPaths(event_time_unit="min"), "event_time_unit: 'min', expected one of s, ms, us"),  # type: ignore[arg-type] # refused
        (lambda: decoder("fields", FormOptions(paths=FieldPaths(text="a", doc_id="a.b")), LIMITS), "field path 'a'"),
        (lambda: decoder("fields", FormOptions(paths=FieldPaths(vector="text")), LIMITS), "field path 'text'"),
        (lambda: EventLimits(dimension=-1), "limits.dimension: -1, expected at least 0"),
        (lambda: EventLimits(dimension=65_537), "dimension 65537 above 65536"),
        (lambda: EventLimits(value_bytes=0), "limits.value_bytes: 0, expected at least 1"),
        (lambda: EventLimits(earliest=5, latest=5), "earliest not before latest"),
    ],
)
def test_bad_configuration_is_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^[^\n]+$") as raised:
        make()
    assert message in str(raised.value)
