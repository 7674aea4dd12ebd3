"""What a collection says of its configuration: recorded to be compared, and looked at for what is known to hurt."""

from collections.abc import Iterator, Mapping
from typing import Any

from qdrant_client import models

from monitor.adapters.retrieval.qdrant import query_json
from monitor.core.model.index_config import IndexConfig

SECTIONS = ("params", "hnsw_config", "optimizer_config", "quantization_config", "strict_mode_config")
"""Of the configuration: what decides which points are found, when, and what is refused."""
NO_GRAPH_BY_DEFAULT = 20_000
"""Kilobytes of vectors that a segment holds before it gets a graph, where the collection does not say."""


def configuration(found: models.CollectionInfo) -> IndexConfig:
    """The parameters of the collection, and its payload indexes."""
    config = found.config.model_dump(mode="json", exclude_none=True)
    fields = {
        name: of.model_dump(mode="json", exclude_none=True) for name, of in sorted(found.payload_schema.items())
    }
    indexes = {name: {key: value for key, value in of.items() if key != "points"} for name, of in fields.items()}
    return IndexConfig.of({**{name: config[name] for name in SECTIONS if name in config}, "payload_index": indexes})


def hazards(
    found: models.CollectionInfo, vector: models.VectorParams, filtered: frozenset[str], query: Mapping[str, Any]
) -> Iterator[str]:
    """What is known to hurt, one line each.

    Args:
        found: what the server says.
        vector: the watched vector's parameters.
        filtered: payload fields that a replay filters by.
        query: production's own query, empty where there is none.
    """
    for name in sorted((filtered | set(_keys(query))) - set(found.payload_schema)):
        yield f"payload field {name!r} is filtered by and has no index: every such query looks at all points"
    yield from _without_idf(found, query)
    yield from _without_graph(found, vector)
    if query and query_json.fused(dict(query)) and query.get("score_threshold") is not None:
        yield (
            f"dense.query.score_threshold = {query['score_threshold']} cuts by a fused score, which says nothing of"
            " how near a result is"
        )


def _without_idf(found: models.CollectionInfo, query: Mapping[str, Any]) -> Iterator[str]:
    sparse = found.config.params.sparse_vectors or {}
    for name in sorted(set(_by_bm25(query))):
        params = sparse.get(name)
        if params is not None and params.modifier is not models.Modifier.IDF:
            yield f"sparse vector {name!r} is asked by BM25 and lacks the modifier idf: rare words count like others"


def _without_graph(found: models.CollectionInfo, vector: models.VectorParams) -> Iterator[str]:
    threshold = found.config.optimizer_config.indexing_threshold
    points, indexed = found.points_count or 0, found.indexed_vectors_count or 0
    if threshold == 0:
        yield "optimizer_config.indexing_threshold = 0: no vector ever gets a graph, and every query scans"
        return
    kilobytes = points * vector.size * 4 / 1024
    most = (threshold or NO_GRAPH_BY_DEFAULT) * max(1, found.segments_count or 1)
    if not indexed and kilobytes > most:
        yield (
            f"none of {points} vectors has a graph although they are more than indexing_threshold ="
            f" {threshold or NO_GRAPH_BY_DEFAULT} kB a segment: every query scans them"
        )


def _keys(part: Any) -> Iterator[str]:
    """Payload fields that conditions of a query name."""
    if isinstance(part, Mapping):
        if isinstance(part.get("key"), str) and ("match" in part or "range" in part):
            yield part["key"]
        for inner in part.values():
            yield from _keys(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _keys(inner)


def _by_bm25(part: Any) -> Iterator[str]:
    """Sparse vectors that a query asks by the server's own BM25 of a text."""
    if isinstance(part, Mapping):
        asked = part.get("query")
        asked = asked.get("nearest", asked) if isinstance(asked, Mapping) else asked
        model = asked.get("model") if isinstance(asked, Mapping) else None
        if isinstance(model, str) and model.lower() == "qdrant/bm25":
            yield str(part.get("using") or "")
        for inner in part.values():
            yield from _by_bm25(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _by_bm25(inner)
