"""Forms of traffic: the documented records, what is none, and any bytes at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.registry import REGISTERED
from monitor.core.traffic.model import RefusedQuery, UserQuery
from monitor.kinds import TrafficFieldsSection

NOON = 1_767_268_800_000_000
SECRET = "rotate the key of anna"


def read(form: str, record: Any, dimension: int = 0, **fields: Any) -> list[UserQuery | RefusedQuery]:
    kind = next(of for of in REGISTERED.traffic if of.name == form)
    raw = record if isinstance(record, bytes) else json.dumps(record).encode()
    return list(kind.reader(TrafficFieldsSection(**fields), dimension)(raw))


def one(form: str, record: Any, dimension: int = 0, **fields: Any) -> UserQuery:
    (found,) = read(form, record, dimension, **fields)
    assert isinstance(found, UserQuery), found
    return found


UBI = {
    "timestamp": "2026-01-01T12:00:00Z", "query_id": "q-1", "client_id": "c-9", "user_query": SECRET,
    "query_response_hit_ids": ["c1"], "query_attributes": {"language": "en", "clicks": 3},
}  # fmt: skip


def test_ubi() -> None:
    for record in (UBI, {"_index": "ubi_queries", "_source": UBI}):
        found = one(
            "ubi", record, value="query_attributes.clicks", segments={"language": "query_attributes.language"}
        )
        assert (found.text, found.client, found.time) == (SECRET, "c-9", NOON)
        assert (found.value, found.segment) == (3.0, (("language", "en"),))
    assert read("ubi", {"action_name": "click", "query_id": "q-1", "client_id": "c-9"}) == []


def test_otel() -> None:
    attributes = {
        "gen_ai.operation.name": {"stringValue": "retrieval"}, "gen_ai.retrieval.query.text": {"stringValue": SECRET},
        "user.id": {"stringValue": "u"},
    }  # fmt: skip
    span = {
        "name": "x", "startTimeUnixNano": f"{NOON}000",
        "attributes": [{"key": key, "value": of} for key, of in attributes.items()],
    }  # fmt: skip
    wrapped = {
        "resourceSpans": [{"scopeSpans": [{"spans": [span, {**span, "status": {"code": 2}}, {"name": "chat"}]}]}]
    }
    found = one("otel", wrapped)
    assert (found.text, found.client, found.time) == (SECRET, "u", NOON)


def test_openinference() -> None:
    attributes = {"openinference.span.kind": "RETRIEVER", "input.value": SECRET, "session.id": "s"}
    found = one("openinference", {"attributes": attributes, "start_time": "2026-01-01T12:00:00"})
    assert (found.text, found.client, found.time) == (SECRET, "s", NOON)
    assert read("openinference", {"attributes": {"openinference.span.kind": "LLM", "input.value": "x"}}) == []


def test_any_json_by_its_paths() -> None:
    record = {"q": {"s": SECRET}, "who": 7, "at": NOON // 1_000_000, "vec": [0.5, 1]}
    found = one("json", record, 2, query="q.s", client="who", time="at", time_unit="s", vector="vec")
    assert (found.text, found.client, found.time) == (SECRET, "7", NOON)
    assert found.vector is not None
    assert found.vector.tolist() == [0.5, 1.0]
    assert one("json", {"query": "a"}).time == 0
    assert one("json", {"query": "a", "vector": [1]}).vector is None, "no dense leg: vectors are ignored"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "no_text"), ({"query": " "}, "no_text"), ({"query": 5}, "no_text"),
        ({"query": "a\x00"}, "control_character"),
        ({"query": "a" * 70_000}, "too_long"), ({"query": "a", "client": "x" * 2_000}, "bad_client"),
        ({"query": "a", "time": "yesterday"}, "bad_time"), ({"query": "a", "time": 1e300}, "bad_time"),
        ({"query": "a", "time": True}, "bad_time"), ({"query": "a", "value": -1}, "bad_value"),
        ({"query": "a", "value": "much"}, "bad_value"), ({"query": "a", "vector": [1]}, "bad_vector"),
        ({"query": "a", "vector": [1, 1e999]}, "bad_json"), ({"query": "a", "vector": "!"}, "bad_vector"),
        ({"query": "a", "vector": [1e39, 1]}, "bad_vector"), ({"query": "a", "vector": [10**400, 1]}, "bad_vector"),
        (b'{"query": "\\ud800"}', "bad_json"), (b"[" * 9_999, "bad_json"), (b"", "bad_json"), (b"\xff", "bad_json"),
        ({"query": "a", "lang": "x" * 999}, "bad_segment"), ([], "bad_json"),
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused_without_its_words(record: Any, reason: str) -> None:
    try:
        (found,) = read("json", record, 2, segments={"language": "lang"})
    except RefusedQuery as wrong:
        found = wrong
    assert isinstance(found, RefusedQuery), found
    assert found.reason == reason


@pytest.mark.parametrize("kind", REGISTERED.traffic, ids=lambda kind: kind.name)
@given(
    raw=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [*UBI, "attributes", "resourceSpans", "query", "time", "input.value", "_source", "key"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(lambda of: json.dumps(of).encode()),
    )
)
def test_no_record_breaks_a_reader(kind: Any, raw: bytes) -> None:
    try:
        found = list(kind.reader(TrafficFieldsSection(segments={"x": "query"}), 2)(raw))
    except RefusedQuery:
        return
    assert all(isinstance(of, UserQuery | RefusedQuery) for of in found)
