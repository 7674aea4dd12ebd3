"""What may be around a record of any form: Connect's wrapper and Confluent's prefix are opened, no more."""

import json
from typing import Any

import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.core.model.events import CorpusEvent, Delete, Deploy, MalformedEvent, Upsert
from tests.adapters.codecs.forge import (
    CE,
    CLOUD,
    DEPLOY,
    ENVELOPE,
    LIMITS,
    OPTIONS,
    POINT,
    ROW,
    TIME,
    UPSERT,
    changed,
    dumped,
    record,
    same,
)

FRAME = b"\x00\x00\x00\x00\x0b"
FORMS: list[tuple[str, dict[str, Any]]] = [
    ("native", UPSERT),
    ("native", DEPLOY),
    ("cloudevents", CLOUD),
    ("debezium", ENVELOPE),
    ("qdrant-sink", POINT),
    ("fields", {**ROW, "event_time": TIME}),
]
ROWS = FormOptions(paths=OPTIONS.paths, plain_rows=True, collection="docs", debezium_version="source.lsn")


def wrapped(value: object) -> bytes:
    return dumped({"schema": {"type": "struct", "fields": [{"field": "payload"}]}, "payload": value})


def refusal(form: str, value: bytes, options: FormOptions = OPTIONS) -> MalformedEvent:
    with pytest.raises(MalformedEvent) as raised:
        decoder(form, options, LIMITS).decode(record(value, b"k"))
    return raised.value


@pytest.mark.parametrize(("form", "value"), FORMS)
@pytest.mark.parametrize(
    "around", [wrapped, lambda value: FRAME + dumped(value), lambda value: FRAME + wrapped(value)]
)
def test_every_form_is_opened_alone_and_on_a_mixed_topic(form: str, value: dict[str, Any], around: Any) -> None:
    for name in (form, "auto"):
        decode = decoder(name, ROWS, LIMITS).decode
        expected = decode(record(dumped(value)))
        assert expected is not None
        assert same(decode(record(around(value))), expected), name


def test_the_wrapper_may_be_written_in_any_order_and_width() -> None:
    for value in ({"payload": UPSERT, "schema": None}, {"payload": UPSERT}):
        assert isinstance(
            decoder("native", OPTIONS, LIMITS).decode(record(json.dumps(value, indent=2).encode())), Upsert
        )


def test_a_wrapped_nothing_is_a_tombstone() -> None:
    for form in ("auto", "native", "fields", "cloudevents", "qdrant-sink"):
        event = decoder(form, ROWS, LIMITS).decode(record(wrapped(None), b"a#1"))
        assert event == Delete("a#1", None, None), form


def test_data_of_a_binary_cloudevent_may_be_framed() -> None:
    event = decoder("cloudevents", OPTIONS, LIMITS).decode(record(FRAME + dumped(UPSERT), b"k", CE))
    assert isinstance(event, Upsert)


def test_a_framed_key_names_its_chunk() -> None:
    assert decoder("fields", ROWS, LIMITS).decode(record(None, FRAME + b'{"chunk_id":7}')) == Delete("7", None, None)
    assert decoder("auto", ROWS, LIMITS).decode(record(None, FRAME + b'"a"')) == Delete("a", None, None)


def test_paths_of_a_configuration_may_lead_through_the_wrapper() -> None:
    paths = FieldPaths(chunk_id="payload.id", doc_id="payload.page", text="payload.body", event_time="payload.at")
    event = decoder("fields", FormOptions(paths=paths), EventLimits()).decode(
        record(wrapped({"id": 7, "page": "keys.md", "body": "rotate", "at": TIME}))
    )
    assert isinstance(event, Upsert)
    assert (event.chunk.chunk_id, event.chunk.doc_id, event.chunk.text) == ("7", "keys.md", "rotate")
    assert "payload" not in refusal("fields", wrapped({"id": 7}), options=FormOptions(paths=paths)).detail


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (FRAME + b"\x06a#1\x02a", "Avro or Protobuf behind Confluent's prefix (schema id 11), expected JSON"),
        (FRAME + b"[1]", "Avro or Protobuf behind Confluent's prefix (schema id 11), expected JSON"),
        (b"Obj\x01\x04\x14", "an Avro container file, expected JSON"),
        (b"\xc3\x01" + b"\x00" * 8, "Avro's single-object encoding, expected JSON"),
    ],
)
def test_what_is_not_json_is_refused_by_its_name(value: bytes, said: str) -> None:
    for form in ("auto", "native", "debezium"):
        error = refusal(form, value)
        assert (error.reason, error.detail) == ("unsupported_form", f"value: {said}")


def test_a_refusal_names_the_form_that_the_record_was_taken_for() -> None:
    cases = [
        ("native", changed(UPSERT, version=-1)),
        ("debezium", changed(ENVELOPE, after=None)),
        ("qdrant-sink", changed(POINT, id=None)),
        ("cloudevents", changed(CLOUD, id=None)),
        ("fields", changed(ROW, text=None)),
    ]
    for form, value in cases:
        for name in (form, "auto"):
            assert refusal(name, value, options=ROWS).detail.endswith(f" (read as {form})")
            assert refusal(name, wrapped(json.loads(value)), options=ROWS).detail.endswith(f" (read as {form})")


def test_what_lies_within_is_bounded_like_a_record() -> None:
    decode = decoder("native", OPTIONS, EventLimits(dimension=4, value_bytes=1_000)).decode
    with pytest.raises(MalformedEvent, match="oversize"):
        decode(record(wrapped({**UPSERT, "unknown": "x" * 1_000})))
    deep = json.loads('{"a":' * 70 + "1" + "}" * 70)
    assert refusal("native", dumped({"payload": deep})).reason == "too_deep"


def chunk_of(event: CorpusEvent | None) -> tuple[str, str, str]:
    assert isinstance(event, Upsert)
    return event.chunk.chunk_id, event.chunk.doc_id, event.chunk.text


def test_a_marker_of_connect_is_a_marker() -> None:
    event = decoder("auto", OPTIONS, LIMITS).decode(record(wrapped(DEPLOY)))
    assert isinstance(event, Deploy)
    assert chunk_of(decoder("auto", ROWS, LIMITS).decode(record(wrapped({**ROW, "event_time": TIME}))))[0] == "a"
