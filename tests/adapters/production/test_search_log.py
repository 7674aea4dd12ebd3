"""Logs of searches: the documented records, what is none, and any bytes at all."""

import contextlib
import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.production.answer_paths import AnswerPaths, UnreadableAnswerError
from monitor.adapters.production.presets import PRODUCTION_PRESETS
from monitor.adapters.production.search_log import read_otel, read_ubi
from monitor.core.model.production import ProductionAnswer

Said = list[tuple[str, list[tuple[str, float]]]]


def said(found: Iterable[tuple[str, ProductionAnswer]]) -> Said:
    return [(query, [(of.result_id, of.score) for of in answer.results]) for query, answer in found]


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


UBI = {
    "timestamp": "2026-01-01T00:00:00Z",
    "query_id": "q-1",
    "query_response_id": "r-1",
    "user_query": "rotate the key",
    "query_response_hit_ids": ["c1", "c2"],
}


def test_ubi() -> None:
    for record in (UBI, {"_index": "ubi_queries", "_source": UBI}):
        (found,) = said(read_ubi(encoded(record)))
        assert found[0] == "rotate the key"
        assert [name for name, _ in found[1]] == ["c1", "c2"]
    for nothing in (None, list[str]()):
        assert said(read_ubi(encoded({**UBI, "query_response_hit_ids": nothing}))) == [("rotate the key", [])]


def span(documents: Any, name: str = "retrieval", **more: Any) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": {"stringValue": name},
        "gen_ai.retrieval.query.text": {"stringValue": "rotate the key"},
        "gen_ai.retrieval.documents": documents,
        "gen_ai.request.top_k": {"intValue": "5"},
    }
    return {"name": name, "attributes": [{"key": key, "value": value} for key, value in attributes.items()], **more}


DOCUMENTS = [{"id": "c1", "score": 0.9}, {"id": "c2", "score": 0.5}]
STRUCTURED = {
    "arrayValue": {
        "values": [
            {
                "kvlistValue": {
                    "values": [
                        {"key": "id", "value": {"stringValue": of["id"]}},
                        {"key": "score", "value": {"doubleValue": of["score"]}},
                    ]
                }
            }
            for of in DOCUMENTS
        ]
    }
}


def otlp(*spans: dict[str, Any]) -> bytes:
    return encoded({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]})


@pytest.mark.parametrize("documents", [{"stringValue": json.dumps(DOCUMENTS)}, STRUCTURED])
def test_otel(documents: Any) -> None:
    other, failed = span(documents, "chat"), span(documents, status={"code": 2, "message": "down"})
    expected = [("rotate the key", [("c1", 0.9), ("c2", 0.5)])]
    assert said(read_otel(otlp(other, span(documents), failed))) == expected


def test_otel_as_plain_objects() -> None:
    attributes = {"gen_ai.retrieval.query.text": "rotate the key", "gen_ai.retrieval.documents": DOCUMENTS}
    found = said(read_otel(encoded({"name": "retrieval", "attributes": attributes})))
    assert found == [("rotate the key", [("c1", 0.9), ("c2", 0.5)])]
    unscored = {**attributes, "gen_ai.retrieval.documents": [{"id": 7}]}
    ((_, [(name, score)]),) = said(read_otel(encoded({"name": "retrieval", "attributes": unscored})))
    assert name == "7"
    assert math.isnan(score)
    assert said(read_otel(encoded({"name": "chat", "attributes": {}}))) == []


@pytest.mark.parametrize(
    ("read", "record"),
    [
        (read_ubi, b"{not json"),
        (read_ubi, encoded([1])),
        (read_ubi, encoded({"user_query": "a"})),
        (read_ubi, encoded({**UBI, "user_query": ""})),
        (read_ubi, encoded({**UBI, "query_response_hit_ids": [{"id": 1}]})),
        (read_otel, encoded({})),
        (read_otel, otlp()),
        (read_otel, otlp(span({"stringValue": "no json"}))),
        (read_otel, otlp(span({"intValue": 3}))),
        (read_otel, encoded({"name": "retrieval", "attributes": {"gen_ai.retrieval.documents": []}})),
    ],
)
def test_what_is_none_is_one_line(read: Callable[[bytes], Any], record: bytes) -> None:
    with pytest.raises(UnreadableAnswerError) as refused:
        list(read(record))
    assert "\n" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["records", "content", "metadata", "id", "score", "text", "data", "output", "result", "attributes",
                 "resourceSpans", "scopeSpans", "spans", "name", "user_query", "query_response_hit_ids", "key",
                 "value", "arrayValue", "values", "kvlistValue", "intValue", "structuredContent", "_source"]
            ),
            inner, max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_values | st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_and_nothing_else(value: Any) -> None:
    content = value if isinstance(value, bytes) else encoded(value)
    for read in (read_ubi, read_otel, *(of.paths.read for of in PRODUCTION_PRESETS.values())):
        with contextlib.suppress(UnreadableAnswerError):
            assert isinstance(list(read(content)), list)


def test_paths() -> None:
    answer = encoded({"a.b": {"c": [[{"n": '{"deep": [{"id": 7, "t": ["x", "y"]}]}'}]]}})
    paths = AnswerPaths(results=("nowhere", "a\\.b.c.0.0.n.deep"), result_id=("id",), text=("t",))
    (found,) = paths.read(answer)
    assert (found.result_id, found.text) == ("7", "x\ny")
