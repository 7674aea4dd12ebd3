"""Whatever the bytes: an event, None, or MalformedEvent with a documented reason, and never anything else."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.adapters.codecs.forms import FORMS, FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.reasons import REASONS
from monitor.core.model.events import (
    TIMESTAMP_HEADER,
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Heartbeat,
    MalformedEvent,
    Upsert,
    Version,
)
from tests.adapters.codecs.forge import (
    CE,
    CLOUD,
    DELETE,
    DEPLOY,
    ENVELOPE,
    HEARTBEAT,
    LIMITS,
    OPTIONS,
    POINT,
    ROW,
    UPSERT,
    Headers,
    dumped,
    record,
)

ALL = FormOptions(
    embedding_version=OPTIONS.embedding_version,
    paths=OPTIONS.paths,
    plain_rows=True,
    collection=OPTIONS.collection,
    debezium_version=OPTIONS.debezium_version,
)
WRAPPED = {"schema": {}, "payload": {**UPSERT, "version": ["7", 8], "vector": "[0.5,-0.25,0.125,1]"}}
MONGO = {**ENVELOPE, "after": json.dumps({**ROW, "chunk_id": {"$oid": "a"}}), "before": None}
DECODERS = [decoder(form, ALL, limits) for form in FORMS for limits in (LIMITS, EventLimits(dimension=0))]
FRAME = b"\x00\x00\x00\x00\x0b"
VALID = [
    UPSERT,
    DELETE,
    DEPLOY,
    HEARTBEAT,
    CLOUD,
    ENVELOPE,
    {"schema": {}, "payload": ENVELOPE},
    POINT,
    ROW,
    WRAPPED,
    MONGO,
]

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.sampled_from([*UPSERT, *ENVELOPE, *POINT, *CLOUD]), st.text()), inner, max_size=6
        ),
    ),
    max_leaves=12,
)
HEADERS: st.SearchStrategy[Headers] = st.one_of(
    st.just(()),
    st.just(CE),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["content-type", "ce_specversion", "ce_type", "ce_time", "ce_id", "ce_source", TIMESTAMP_HEADER]
            ),
            st.one_of(
                st.sampled_from([b"1.0", b"application/cloudevents+json", b"x.upsert", b"12"]), st.binary(max_size=20)
            ),
        ),
        max_size=5,
    ).map(tuple),
)
KEYS = st.one_of(
    st.none(), st.binary(max_size=40), st.sampled_from([b"a", b'{"chunk_id": 1}', b'{"payload": {}}', b'"a"'])
)


def sound(event: CorpusEvent | None, limits: EventLimits) -> bool:
    """Whether the event keeps every promise of the contract."""
    if isinstance(event, Upsert):
        return sound_chunk(event.chunk, limits) and sound_version(event.version)
    if isinstance(event, Delete):
        return bool(event.chunk_id) and sound_version(event.version)
    if isinstance(event, Deploy):
        return bool(event.deploy_id) and all(0 <= offset < 2**63 for offset in event.upto.values())
    return event is None or isinstance(event, Heartbeat)


def sound_version(version: Version | None) -> bool:
    numbers = version if isinstance(version, tuple) else () if version is None else (version,)
    return version != () and all(type(number) is int and 0 <= number < 10**40 for number in numbers)


def sound_chunk(chunk: Chunk, limits: EventLimits) -> bool:
    vector = chunk.vector
    return (
        0 < len(chunk.chunk_id.encode()) <= limits.id_bytes
        and 0 < len(chunk.doc_id.encode()) <= limits.id_bytes
        and len(chunk.text.encode()) <= limits.text_bytes
        and type(chunk.ordinal) is int
        and limits.earliest <= chunk.event_time < limits.latest
        and list(chunk.segment) == sorted(chunk.segment)
        and (vector is None or (vector.shape == (limits.dimension,) and vector.dtype == np.float32))
        and (vector is None or bool(np.isfinite(vector).all()))
    )


def attempt(value: bytes | None, key: bytes | None, headers: Headers) -> None:
    for at, each in enumerate(DECODERS):
        reason = "sound"
        try:
            event = each.decode(record(value, key, headers))
        except MalformedEvent as error:
            reason = error.reason
            line = error.detail
        else:
            line = "-"
            assert sound(event, (LIMITS, EventLimits(dimension=0))[at % 2])
        assert reason in REASONS or reason == "sound"
        assert line.isascii()
        assert line.isprintable()


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.none(), st.binary(max_size=200)), KEYS, HEADERS)
@example(b"{" * 100_000, None, ())
@example(b'{"":' * 60 + b"[" * 10_000, None, ())
@example(b'"' + b"\\" * 10_001, None, ())
@example(b'{"op":"\\u', None, ())
def test_random_bytes(value: bytes | None, key: bytes | None, headers: Headers) -> None:
    attempt(value, key, headers)


@settings(max_examples=200, deadline=None)
@given(JSON, KEYS, HEADERS)
def test_random_json(value: object, key: bytes | None, headers: Headers) -> None:
    attempt(json.dumps(value).encode(), key, headers)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VALID), st.data(), HEADERS)
def test_mutated_events(base: dict[str, Any], data: st.DataObject, headers: Headers) -> None:
    value = bytearray(dumped(base))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value)))
        length = data.draw(st.sampled_from([0, 1, 1, 2, 8]))
        value[at : at + length] = data.draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"null", b"1e99", b"["]))
        )
    attempt(data.draw(st.sampled_from([b"", FRAME])) + bytes(value), b"k", headers)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VALID), st.data(), HEADERS)
def test_events_with_random_fields(base: dict[str, Any], data: st.DataObject, headers: Headers) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(base)), min_size=1, max_size=3))
    attempt(json.dumps({**base, **{name: data.draw(JSON) for name in names}}).encode(), b"k", headers)


@pytest.mark.parametrize("base", VALID)
def test_every_prefix_of_an_event_is_refused(base: dict[str, Any]) -> None:
    value = dumped(base)
    for end in range(len(value)):
        for each in DECODERS:
            with pytest.raises(MalformedEvent):
                each.decode(record(value[:end], b"k"))
