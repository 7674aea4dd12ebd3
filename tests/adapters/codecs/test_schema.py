"""The JSON Schema of the native form: correct, and of one mind with the decoder wherever a schema can be."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.adapters.codecs.forms import decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.schema import event_schema
from monitor.core.model.events import MalformedEvent
from tests.adapters.codecs.forge import B64, DELETE, DEPLOY, HEARTBEAT, LIMITS, OPTIONS, TIME, UPSERT, VECTOR, record
from tests.adapters.codecs.hostile import HOSTILE

SCHEMA = Draft202012Validator(event_schema(LIMITS))
DECODE = decoder("native", OPTIONS, LIMITS).decode
BEYOND_A_SCHEMA = {
    "chunk_id_too_long_in_bytes",
    "text_too_long_in_bytes",
    "version_float",
    "version_minus_zero_float",
    "version_exponent",
    "version_list_float",
    "vector_text_short",
    "vector_text_overflow",
    "upto_partition_huge",
    "time_no_such_day",
    "time_no_leap_year",
    "time_year_0000",
    "time_year_0001",
    "time_year_9999",
    "time_before_1970",
    "time_year_2100",
    "b64_nan",
    "b64_infinity",
    "low_surrogate",
    "high_surrogate",
    "two_high_surrogates",
    "surrogates_swapped",
    "surrogate_in_ignored_field",
    "surrogate_in_segment_name",
    "oversize_valid_json",
    "deep_ignored_field",
}
"""What a schema lets pass: lengths in bytes, calendars, integers as 1.0, and all that is decided before parsing."""


def refuse(constant: str) -> None:
    raise ValueError(constant)


def decodes(event: object) -> bool:
    try:
        DECODE(record(json.dumps(event).encode()))
    except MalformedEvent:
        return False
    return True


def test_it_is_a_schema() -> None:
    for limits in (None, EventLimits(dimension=0), EventLimits(dimension=384)):
        for stamped in (False, True):
            schema = event_schema(limits, stamped=stamped)
            Draft202012Validator.check_schema(schema)
            assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(
    "event",
    [
        UPSERT,
        DELETE,
        DEPLOY,
        HEARTBEAT,
        {**UPSERT, "vector": None, "vector_b64": B64},
        {**UPSERT, "vector": None, "position": None, "version": None, "segment": None, "content_hash": None},
        {**UPSERT, "segment": {"language": None, "source": ""}},
        {**UPSERT, "text": "", "unknown": {"a": [1, None]}},
        {**UPSERT, "vector": "[0.5, -0.25, 1.25e-1, 1]", "doc_id": None},
        {**UPSERT, "version": "000239"},
        {**UPSERT, "version": ["mysql-bin.000003", 4, 0]},
        {**DELETE, "version": "0000002b:00000d48:0003"},
        {**DEPLOY, "upto": {"t": {"0": 5}}, "expected": {"source": "pricing"}},
        {**HEARTBEAT, "event_time": "2026-08-19t10:12:00.123456789+23:59", "chunk_id": "", "version": -1},
    ],
)
def test_good_events_pass_both(event: dict[str, Any]) -> None:
    assert [error.message for error in SCHEMA.iter_errors(event)] == []
    assert decodes(event)


EMBED: dict[str, Any] = {
    "op": "embed",
    "chunk_id": "guide/auth.md#tokens",
    "content_hash": "abc",
    "embedding_version": "new",
    "vector": [0.5, 1],
    "event_time": TIME,
}
MARKER: dict[str, Any] = {
    "op": "migration", "migration_id": "m1", "phase": "begin", "from": "old", "to": "new", "event_time": TIME,
}  # fmt: skip
WATCHED = decoder("native", replace(OPTIONS, versions=("new",)), LIMITS).decode


@pytest.mark.parametrize(
    ("event", "good"),
    [
        (EMBED, True),
        ({**EMBED, "vector": None, "vector_b64": "AACAPw=="}, True),
        ({**EMBED, "vector_b64": "AACAPw=="}, False),
        ({**EMBED, "vector": None}, False),
        ({**EMBED, "content_hash": None}, False),
        ({**EMBED, "embedding_version": ""}, False),
        (MARKER, True),
        ({**MARKER, "upto": {"t": {"0": 5}}}, True),
        ({**MARKER, "phase": "started"}, False),
        ({**MARKER, "from": None}, False),
        ({**UPSERT, "vectors": {"new": {"vector_b64": "AACAPw=="}, "third": {"vector": [1]}}}, True),
        ({**UPSERT, "vectors": {"new": {}}}, False),
        ({**UPSERT, "vectors": {"new": {"vector_b64": "AACAP"}}}, False),
        ({**UPSERT, "vectors": {"new": {"vector": [1], "vector_b64": "AACAPw=="}}}, False),
        ({**UPSERT, "vectors": {f"v{at}": {"vector": [1]} for at in range(9)}}, False),
    ],
)
def test_events_of_migrations_pass_both_or_neither(event: dict[str, Any], *, good: bool) -> None:
    assert SCHEMA.is_valid(event) == good
    try:
        WATCHED(record(json.dumps(event).encode()))
    except MalformedEvent:
        assert not good
    else:
        # of a version that nobody watches nothing is looked at
        assert good or "new" not in event.get("vectors", {"new": 0})


JSON_CASES = [case for case in HOSTILE if case[2] is not None and not case[0].startswith(("ce_", "cdc_", "sink_"))]


@pytest.mark.parametrize(
    ("name", "value"), [(case[0], case[2]) for case in JSON_CASES], ids=[c[0] for c in JSON_CASES]
)
def test_hostile_inputs_fail_the_schema_where_it_can_tell(name: str, value: bytes) -> None:
    try:
        event = json.loads(value.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return  # no JSON: not a schema's business
    assert SCHEMA.is_valid(event) == (name in BEYOND_A_SCHEMA)


def test_a_time_stamp_of_the_record_makes_event_time_optional() -> None:
    bare = {name: value for name, value in DELETE.items() if name != "event_time"}
    assert not SCHEMA.is_valid(bare)
    assert Draft202012Validator(event_schema(LIMITS, stamped=True)).is_valid(bare)
    assert not Draft202012Validator(event_schema(LIMITS, stamped=True)).is_valid({**bare, "event_time": "soon"})


NAMES = st.sampled_from(["a", "", "x" * 65, "x" * 257, "x" * 1_025, "__deploy__/1", "a\nb", "a\n", "\u202e", "b c"])
ODD = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.just(0.5), NAMES, st.just([]), st.just({}))
PLAIN = st.dictionaries(NAMES, st.one_of(st.none(), NAMES, st.just(5)), max_size=4)
OFFSETS = st.dictionaries(st.sampled_from(["0", "17", "00", "x", "٣", "1\n"]), st.integers(-1, 2**63), max_size=3)
NUMBERS = st.sampled_from([0, 1.5, -2, 3.4e38, 3.41e38, -1e39, 10**30, "1", None, True])
BASE64 = st.sampled_from(
    [B64, B64[:-1], B64 + "=", "", "AAAA", B64[:-1] + "\n", "!" * 24, "=" * 24, "a", "aaa=", "a==="]
)
EVENTS = st.fixed_dictionaries(
    {"op": st.sampled_from(["upsert", "upsert", "upsert", "delete", "deploy", "heartbeat", "x", None])},
    optional={
        "chunk_id": st.one_of(st.just("c"), NAMES, ODD),
        "doc_id": st.one_of(st.just("d"), NAMES, ODD),
        "text": st.one_of(st.just("t"), ODD),
        "position": st.one_of(st.sampled_from([0, 7, 2**63 - 1, 2**63, -1]), ODD),
        "version": st.one_of(st.sampled_from([0, 7, 2**63 - 1, 2**63, -1]), ODD),
        "embedding_version": st.one_of(NAMES, ODD),
        "content_hash": st.one_of(NAMES, ODD),
        "segment": st.one_of(PLAIN, ODD),
        "vector": st.one_of(st.just(VECTOR), st.lists(NUMBERS, min_size=3, max_size=5), ODD),
        "vector_b64": st.one_of(BASE64, ODD),
        "event_time": st.one_of(st.sampled_from([TIME, "2026-08-19", TIME + "\n", "2026-13-01T00:00:00Z"]), ODD),
        "deploy_id": st.one_of(st.just("d"), NAMES, ODD),
        "upto": st.one_of(st.dictionaries(st.sampled_from(["t", "", "u\n"]), OFFSETS, max_size=2), ODD),
        "expected": st.one_of(PLAIN, ODD),
        "unknown": ODD,
    },
)
GOOD = st.sampled_from([UPSERT, DELETE, DEPLOY, HEARTBEAT])


@settings(max_examples=200, deadline=None)
@given(EVENTS)
def test_schema_and_decoder_agree(event: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(event) == decodes(event), [error.message for error in SCHEMA.iter_errors(event)]


@settings(max_examples=200, deadline=None)
@given(GOOD, EVENTS, st.sets(st.sampled_from(["op", *UPSERT, *DEPLOY, "upto", "expected", "vector_b64"]), max_size=2))
def test_they_agree_on_events_with_one_or_two_fields_spoilt(
    good: dict[str, Any], other: dict[str, Any], names: set[str]
) -> None:
    event = {**good, **{name: other[name] for name in names if name in other}}
    assert SCHEMA.is_valid(event) == decodes(event), [error.message for error in SCHEMA.iter_errors(event)]
