"""The native form: what is read, and how."""

import base64
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.core.model.events import (
    TIMESTAMP_HEADER,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MalformedEvent,
    Partition,
    Upsert,
    text_hash,
)
from tests.adapters.codecs.forge import (
    B64,
    DELETE,
    DEPLOY,
    HEARTBEAT,
    LIMITS,
    MICROS,
    OPTIONS,
    UPSERT,
    VECTOR,
    changed,
    dumped,
    literal,
    packed,
    record,
    without,
)

NATIVE = decoder("native", OPTIONS, LIMITS)


def upsert(value: bytes, limits: EventLimits = LIMITS) -> Upsert:
    event = decoder("native", OPTIONS, limits).decode(record(value))
    assert isinstance(event, Upsert)
    return event


def test_upsert_is_read_whole() -> None:
    event = upsert(changed(UPSERT, embedding_version="other", content_hash="abc"))
    chunk = event.chunk
    assert (chunk.chunk_id, chunk.doc_id, chunk.ordinal, event.version) == (
        "guide/auth.md#tokens",
        "guide/auth.md",
        3,
        41,
    )
    assert (chunk.text, chunk.embedding_version, chunk.content_hash) == ("tokens expire", "other", "abc")
    assert chunk.segment == (("language", "en"), ("source", "docs"))
    assert chunk.event_time == MICROS
    assert chunk.vector is not None
    assert chunk.vector.dtype == np.float32
    assert not chunk.vector.flags.writeable
    assert chunk.vector.tolist() == VECTOR


def test_defaults() -> None:
    event = upsert(without(UPSERT, "position", "version", "vector", "segment"))
    assert event.version is None
    assert (event.chunk.ordinal, event.chunk.segment, event.chunk.vector) == (0, (), None)
    assert event.chunk.embedding_version == OPTIONS.embedding_version
    assert event.chunk.content_hash == text_hash("tokens expire")


@pytest.mark.parametrize("name", ["position", "version", "vector", "segment", "embedding_version", "content_hash"])
def test_null_is_absent(name: str) -> None:
    absent, null = upsert(without(UPSERT, name)), upsert(changed(UPSERT, **{name: None}))
    for field in ("ordinal", "segment", "embedding_version", "content_hash"):
        assert getattr(absent.chunk, field) == getattr(null.chunk, field)
    assert absent.version == null.version
    assert (absent.chunk.vector is None) == (null.chunk.vector is None)


@pytest.mark.parametrize(
    ("value", "event"),
    [
        (dumped(DELETE), Delete("guide/auth.md#tokens", MICROS, 42)),
        (without(DELETE, "version"), Delete("guide/auth.md#tokens", MICROS, None)),
        (dumped(HEARTBEAT), Heartbeat(MICROS)),
        (dumped(DEPLOY), Deploy("2026-08-19.1", MICROS, {}, ())),
        (
            changed(DEPLOY, expected={"source": "pricing"}),
            Deploy("2026-08-19.1", MICROS, {}, (("source", "pricing"),)),
        ),
        (
            changed(DEPLOY, upto={"t": {"0": 5, "11": 0}, "u": {"3": 2**63 - 1}}),
            Deploy(
                "2026-08-19.1", MICROS, {Partition("t", 0): 5, Partition("t", 11): 0, Partition("u", 3): 2**63 - 1}
            ),
        ),
        (literal(DELETE, "version", b"-0"), Delete("guide/auth.md#tokens", MICROS, 0)),
        (changed(DELETE, unknown={"a": [1, {"b": None}]}), Delete("guide/auth.md#tokens", MICROS, 42)),
        (dumped(DELETE)[:-1] + b', "version": 43}', Delete("guide/auth.md#tokens", MICROS, 43)),
        (b" \r\n\t" + dumped(HEARTBEAT) + b"\n", Heartbeat(MICROS)),
    ],
)
def test_other_operations(value: bytes, event: object) -> None:
    assert NATIVE.decode(record(value)) == event


@pytest.mark.parametrize(
    "name",
    ["ü" * 512, "a b", "名前", "😀", "می\u200cخواهم", "é", "e\u0301", "a/b?c#d&e=%20", "__deploy__", "1" * 1_024],
)
def test_ids_that_are_fine(name: str) -> None:
    assert upsert(changed(UPSERT, chunk_id=name)).chunk.chunk_id == name


@pytest.mark.parametrize(
    "text", ["", "\x00", "a\u202eb", "line\nline", "{[" * 500, '"\\' * 100, "x" * LIMITS.text_bytes]
)
def test_texts_may_hold_anything(text: str) -> None:
    assert upsert(changed(UPSERT, text=text)).chunk.text == text


def test_surrogate_pairs_are_characters() -> None:
    assert upsert(literal(UPSERT, "text", rb'"\ud83d\ude00 \\ud800"')).chunk.text == "😀 \\ud800"


def test_a_segment_without_a_value_is_not_set() -> None:
    assert upsert(changed(UPSERT, segment={"a": None, "b": "", "c": "x"})).chunk.segment == (("c", "x"),)


def test_equal_segments_are_one_object() -> None:
    first, second = (upsert(changed(UPSERT, chunk_id=name)) for name in "ab")
    assert first.chunk.segment == second.chunk.segment
    events = [NATIVE.decode(record(changed(UPSERT, chunk_id=name))) for name in "ab"]
    segments = [event.chunk.segment for event in events if isinstance(event, Upsert)]
    assert segments[0] is segments[1]


@pytest.mark.parametrize("vector", [VECTOR, [0, 0, 0, 0], [1, -2, 3e38, 1e-46], [0.1, 1 / 3, 2**24 + 1, 16777217.5]])
def test_numbers_and_base64_are_the_same_vector(vector: list[float]) -> None:
    numbers = upsert(changed(UPSERT, vector=vector)).chunk.vector
    base64 = upsert(changed(UPSERT, vector=None, vector_b64=packed(*vector))).chunk.vector
    assert numbers is not None
    assert base64 is not None
    assert numbers.tobytes() == base64.tobytes() == np.array(vector, np.float64).astype(np.float32).tobytes()


@pytest.mark.parametrize("exponent", range(126, 128))
def test_the_largest_floats_are_finite(exponent: int) -> None:
    largest = math.ldexp(2 - 2**-23, exponent)
    for fields in ({"vector": [largest] * 4}, {"vector": None, "vector_b64": packed(*[-largest] * 4)}):
        vector = upsert(changed(UPSERT, **fields)).chunk.vector
        assert vector is not None
        assert np.isfinite(vector).all()


@pytest.mark.parametrize("vector", [[1.0], "text", {"indices": [1]}, [[1.0]], 5, ["NaN"], None])
def test_without_a_dense_leg_vectors_are_ignored(vector: Any) -> None:
    event = upsert(changed(UPSERT, vector=vector, vector_b64="?"), EventLimits(dimension=0))
    assert event.chunk.vector is None


def test_base64_padding_follows_the_dimension() -> None:
    for dimension in (1, 2, 3):
        vector = upsert(
            changed(UPSERT, vector=None, vector_b64=packed(*[1.5] * dimension)), EventLimits(dimension)
        ).chunk.vector
        assert vector is not None
        assert vector.tolist() == [1.5] * dimension
    assert B64.endswith("==")


@pytest.mark.parametrize(
    ("headers", "time"),
    [
        (((TIMESTAMP_HEADER, b"1787134320000000"),), MICROS),
        (((TIMESTAMP_HEADER, b"5"), (TIMESTAMP_HEADER, b"1787134320000000")), MICROS),
        ((("x", b"y"), (TIMESTAMP_HEADER, b"0")), 0),
        (((TIMESTAMP_HEADER, b"1787134320000000"), ("x", b"y")), None),
        (((TIMESTAMP_HEADER, b"1787134320000000"), (TIMESTAMP_HEADER, b"-1")), None),
        (((TIMESTAMP_HEADER, b""),), None),
        (((TIMESTAMP_HEADER, b"+5"),), None),
        (((TIMESTAMP_HEADER, b"5.0"),), None),
        (((TIMESTAMP_HEADER, b"9" * 19),), None),
        (((TIMESTAMP_HEADER, b"9" * 9_000),), None),
        (((TIMESTAMP_HEADER, "٣".encode()),), None),
        ((("Corpus-Drift-Timestamp-Us", b"5"),), None),
        ((), None),
    ],
)
def test_the_last_header_is_the_event_time_of_last_resort(headers: Any, time: int | None) -> None:
    assert NATIVE.decode(record(None, b"a", headers)) == Delete("a", time, None)
    assert NATIVE.decode(record(dumped(HEARTBEAT), None, headers)) == Heartbeat(MICROS)
    bare = record(without(DELETE, "event_time"), None, headers)
    if time is None:
        with pytest.raises(MalformedEvent, match="missing_field: event_time"):
            NATIVE.decode(bare)
    else:
        assert NATIVE.decode(bare) == Delete("guide/auth.md#tokens", time, 42)


@pytest.mark.parametrize("key", [b"a", "ключ".encode(), b"{not json", b'{"chunk_id": 1}', b'"quoted"', b"k" * 1_024])
def test_a_tombstone_deletes_the_chunk_of_its_key(key: bytes) -> None:
    assert NATIVE.decode(record(None, key)) == Delete(key.decode(), None, None)


def test_the_tombstone_of_a_deploy_marker_is_nothing() -> None:
    assert NATIVE.decode(record(None, b"__deploy__/2026-08-19.1")) is None


def test_an_error_says_what_where_value_and_expectation() -> None:
    with pytest.raises(MalformedEvent) as raised:
        NATIVE.decode(record(changed(UPSERT, version=-1)))
    assert str(raised.value) == "out_of_range: version: -1, expected 0 to 2^63-1 (read as native)"
    with pytest.raises(MalformedEvent) as raised:
        NATIVE.decode(record(changed(UPSERT, segment={"language": 5})))
    assert raised.value.detail == "segment[...]: Expected `str | null`, got `int` (read as native)"


def test_a_decoder_without_a_default_takes_the_event_as_it_is() -> None:
    event = decoder("native", FormOptions(), LIMITS).decode(record(dumped(UPSERT)))
    assert isinstance(event, Upsert)
    assert event.chunk.embedding_version == ""


WATCHED = decoder("native", replace(OPTIONS, versions=("new",)), LIMITS)


def test_vectors_of_more_versions_stand_beside_the_own_one() -> None:
    vectors = {
        "new": {"vector": [1, 1e300]},
        "third": {"vector_b64": B64},
        OPTIONS.embedding_version: {"vector": VECTOR},
    }
    event = WATCHED.decode(record(changed(UPSERT, vector=None, vectors=vectors)))
    assert isinstance(event, Upsert)
    assert event.chunk.vector is not None
    assert event.chunk.vector.tolist() == VECTOR
    assert event.chunk.vectors is not None
    assert {name: made.tolist() for name, made in event.chunk.vectors.items()} == {"new": [1, math.inf], "third": []}
    with pytest.raises(MalformedEvent, match="twice"):
        WATCHED.decode(record(changed(UPSERT, vectors=vectors)))
    assert upsert(changed(UPSERT, vectors=vectors)).chunk.vectors is None, "nobody watches a migration here"


def test_events_of_a_migration_that_nobody_watches_are_not_ours() -> None:
    embed = {"op": "embed", "chunk_id": "a", "content_hash": "h", "embedding_version": "new", "vector_b64": B64}
    marker = {"op": "migration", "migration_id": "m", "phase": "cutover", "from": "old", "to": "new"}
    for event in (embed, marker):
        value = dumped({**event, "event_time": "2026-08-19T10:12:00Z"})
        assert NATIVE.decode(record(value)) is None
        assert WATCHED.decode(record(value)) is not None


@pytest.mark.parametrize("length", [0, 3, 17])
def test_bytes_that_are_no_whole_numbers_are_a_vector_of_none(length: int) -> None:
    encoded = base64.b64encode(bytes(length)).decode()
    embed = {"op": "embed", "chunk_id": "a", "content_hash": "h", "embedding_version": "new", "vector_b64": encoded}
    event = WATCHED.decode(record(dumped({**embed, "event_time": "2026-08-19T10:12:00Z"})))
    assert isinstance(event, Embed)
    assert event.vector.shape == (0,)
