"""What a collection's configuration is known to hurt by, and what of it is recorded."""

import json
from typing import Any

import pytest

from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.server import ServerRetriever
from monitor.core.model.scoring import Distance
from tests.adapters.qdrant_serving import D, served, thirty
from tests.qdrant_stub import QdrantStub

BM25 = {"query": {"text": "$text", "model": "Qdrant/bm25"}, "using": "bm25", "limit": 20}
HYBRID = {"prefetch": [{"query": "$vector", "limit": 20}, BM25], "query": {"fusion": "rrf"}}
FILTERED = {**HYBRID, "filter": {"must": [{"should": [{"key": "tenant", "match": {"value": "t1"}}]}]}}


def remarks(stub: QdrantStub, **settings: Any) -> list[str]:
    with served(stub, **settings) as retriever:
        return list(retriever.remarks())


def test_a_collection_with_all_that_is_asked_of_it_has_none() -> None:
    stub = thirty()
    stub.indexed = {"meta.lang", "tenant"}
    stub.more = {"sparse_vectors": {"bm25": {"modifier": "idf"}}}
    asked = {"filter_by": ("lang",), "payload_prefix": "meta.", "query": json.dumps(FILTERED)}
    assert remarks(stub, **asked) == []


@pytest.mark.parametrize(
    ("changed", "settings", "said"),
    [
        (
            {},
            {"filter_by": ("lang",), "payload_prefix": "meta."},
            "payload field 'meta.lang' is filtered by and has no index: every such query looks at all points",
        ),
        ({}, {"query": json.dumps(FILTERED)}, "payload field 'tenant' is filtered by and has no index"),
        (
            {"more": {"sparse_vectors": {"bm25": {}}}},
            {"query": json.dumps(HYBRID)},
            "sparse vector 'bm25' is asked by BM25 and lacks the modifier idf",
        ),
        (
            {},
            {"query": json.dumps({**HYBRID, "score_threshold": 0.5})},
            "dense.query.score_threshold = 0.5 cuts by a fused score",
        ),
        (
            {"optimizer": {"indexing_threshold": 0}},
            {},
            "optimizer_config.indexing_threshold = 0: no vector ever gets",
        ),
        (
            {"optimizer": {"indexing_threshold": 1}, "copies": 40},
            {},
            "none of 1200 vectors has a graph although they are more than indexing_threshold = 1 kB a segment",
        ),
    ],
)
def test_what_hurts_is_said_in_a_line(changed: dict[str, Any], settings: dict[str, Any], said: str) -> None:
    stub = thirty()
    copies = changed.pop("copies", 1)
    for at, (vector, payload) in list(stub.points.items()):
        for copy in range(1, copies):
            stub.put(10_000 * copy + int(at), vector, payload)
    for name, value in changed.items():
        setattr(stub, name, value)
    (only,) = remarks(stub, **settings)
    assert only.startswith(said)


def test_a_threshold_on_a_plain_search_is_no_hazard() -> None:
    assert remarks(thirty(), query=json.dumps({"query": "$vector", "score_threshold": 0.5})) == []


def test_parameters_and_payload_indexes_are_recorded_and_counts_are_not() -> None:
    stub = thirty()
    stub.indexed = {"lang"}
    with served(stub) as retriever:
        before = retriever.configuration()
        assert before is not None
        recorded = dict(before.parameters)
        assert recorded["params.vectors.size"] == str(D)
        assert recorded["hnsw_config.m"] == "16"
        assert recorded["payload_index.lang.data_type"] == "keyword"
        assert not [name for name in recorded if "points" in name or "count" in name]
        stub.put(99, next(iter(stub.points.values()))[0], {"chunk_id": "c99"})
        retriever.problems()
        assert retriever.configuration() == before, "a collection that only grew is the same"
        stub.params = {"hnsw_config": {"m": 4}}
        stub.strict = {"max_query_limit": 100}
        retriever.problems()
        now = retriever.configuration()
        assert now is not None
        assert [of.field for of in now.differences(before)] == [
            "params.vectors.hnsw_config.m",
            "strict_mode_config.enabled",
            "strict_mode_config.max_query_limit",
        ]


def test_a_server_that_never_answered_has_none() -> None:
    assert ServerRetriever(ServerSettings("http://h:1", "c", D, Distance.COSINE)).configuration() is None
