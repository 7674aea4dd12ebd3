"""Topics of mixed forms, and what all forms share: tombstones and their keys."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.codecs.forms import FORMS, FormOptions, decoder
from monitor.adapters.codecs.paths import FieldPaths
from monitor.core.model.events import TIMESTAMP_HEADER, Delete, MalformedEvent, Upsert
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

AUTO = decoder("auto", OPTIONS, LIMITS)
MIXED = decoder("auto", FormOptions(paths=OPTIONS.paths, plain_rows=True, collection="docs"), LIMITS)
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


@pytest.mark.parametrize("headers", [(), CE, STRUCTURED])
def test_a_tombstone_is_a_delete_in_every_form(headers: Any) -> None:
    for form in FORMS:
        decode = decoder(form, OPTIONS, LIMITS).decode
        assert decode(record(None, b"a#1", headers)) == Delete("a#1", None, None)
        assert decode(record(None, b"a#1", (*headers, (TIMESTAMP_HEADER, b"5")))) == Delete("a#1", 5, None)
        assert decode(record(None, b"__deploy__/1", headers)) is None


@pytest.mark.parametrize(
    ("key", "chunk_id"),
    [
        (b'"a"', "a"),
        (b'{"chunk_id":"a"}', "a"),
        (b'{"chunk_id":7}', "7"),
        (b'{"schema":{"type":"struct"},"payload":{"chunk_id":"a"}}', "a"),
        (b'{"schema":{"type":"string"},"payload":"a"}', "a"),
        (b"7", "7"),
        (b"{curly", "{curly"),
        (b'"half', '"half'),
        (b"null", "null"),
    ],
)
def test_connect_keys_name_the_chunk(key: bytes, chunk_id: str) -> None:
    for form in ("auto", "debezium", "fields"):
        assert decoder(form, OPTIONS, LIMITS).decode(record(None, key)) == Delete(chunk_id, None, None)


def test_a_key_may_name_its_chunk_otherwise() -> None:
    options = FormOptions(paths=FieldPaths(chunk_id="meta.id", key="pk"))
    assert decoder("fields", options, LIMITS).decode(record(None, b'{"pk": "a", "id": "b"}')) == Delete(
        "a", None, None
    )
    options = FormOptions(paths=FieldPaths(chunk_id="payload"))
    assert decoder("fields", options, LIMITS).decode(record(None, b'{"payload": "a"}')) == Delete("a", None, None)


MARKED: list[tuple[str, dict[str, Any]]] = [
    ("native", UPSERT),
    ("native", DEPLOY),
    ("cloudevents", CLOUD),
    ("debezium", ENVELOPE),
    ("debezium", {"schema": None, "payload": ENVELOPE}),
    ("qdrant-sink", POINT),
    ("fields", {**ROW, "event_time": TIME}),
]


@pytest.mark.parametrize(("form", "value"), MARKED)
def test_a_mixed_topic_is_read_record_by_record(form: str, value: dict[str, Any]) -> None:
    options = FormOptions(paths=OPTIONS.paths, collection="docs")
    expected = decoder(form, options, LIMITS).decode(record(dumped(value)))
    assert expected is not None
    assert same(MIXED.decode(record(dumped(value))), expected)


def test_an_object_without_marks_is_malformed_unless_plain_rows_are_expected() -> None:
    with pytest.raises(MalformedEvent, match="missing_field: op: absent, and no other form is recognised"):
        AUTO.decode(record(dumped(ROW)))


def test_marks_inside_of_other_forms_do_not_confuse() -> None:
    event = AUTO.decode(record(changed(UPSERT, before=1, after={}, payload={"op": "c"}, status="BEGIN")))
    assert isinstance(event, Upsert)
    point = AUTO.decode(record(changed(POINT, op="c", payload={**POINT["payload"], "op": "d", "before": {}})))
    assert isinstance(point, Upsert)
    assert MIXED.decode(record(changed({**ROW, "event_time": TIME}, payload=5, status="draft"))) is not None


SPOILT = st.dictionaries(
    st.sampled_from([*UPSERT, "vector_b64", "extra"]),
    st.sampled_from([None, 1, -1, 1.5, "", "x", True, [], {}, [1.0], {"a": 1}, "AAAA", 10**30]),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(SPOILT, st.sampled_from(["upsert", "delete", "deploy", "heartbeat", "other", 5]))
def test_a_native_record_has_the_same_outcome_as_in_the_native_form(spoilt: dict[str, Any], op: object) -> None:
    given_record = record(changed({**UPSERT, **spoilt}, op=op))
    outcomes = []
    for each in (decoder("native", OPTIONS, LIMITS), AUTO):
        try:
            outcomes.append(repr(each.decode(given_record)))
        except MalformedEvent as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
