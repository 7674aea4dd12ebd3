"""Qdrant's own engine behind the stub's REST: hybrid queries are computed by it, nothing is imitated.

`qdrant-edge-py` is that engine in process. What stands here only takes the JSON of a query apart: prefetches, fusion,
formulas of sums, products and conditions, sparse vectors, Qdrant's BM25 of a text (`qdrant/bm25`, which a server
infers by the same code) and filters by value. Anything else is a KeyError or an AssertionError.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from monitor.core.model.scoring import Distance

Json = Any
DENSE, SPARSE, LATE, TEXT = "dense", "bm25", "late", "text"
DISTANCES = {
    Distance.COSINE: edge.Distance.Cosine,
    Distance.DOT: edge.Distance.Dot,
    Distance.EUCLID: edge.Distance.Euclid,
}


class EngineCollection:
    """Points with a dense vector, Qdrant's BM25 of their text as sparse vector, and a payload.

    Args:
        folder: empty, for the shard.
        distance: of the dense vectors.
        dimension: of the dense vectors.
        idf: whether the sparse vectors have the modifier that BM25 needs.
        late: dimension of a multi-vector besides, compared by the best match of each row; 0 for none.
    """

    def __init__(self, folder: Path, distance: Distance, dimension: int, *, idf: bool = True, late: int = 0) -> None:
        modifier = edge.Modifier.Idf if idf else getattr(edge.Modifier, "None")
        folder.mkdir(parents=True, exist_ok=True)
        vectors = {DENSE: edge.EdgeVectorParams(size=dimension, distance=DISTANCES[distance])}
        if late:
            rows = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
            vectors[LATE] = edge.EdgeVectorParams(size=late, distance=edge.Distance.Dot, multivector_config=rows)
        self.shard = edge.EdgeShard.create(
            str(folder),
            edge.EdgeConfig(
                vectors=vectors,
                sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=modifier)},
            ),
        )
        scored = edge.TextIndexParams(scoring=edge.TextScoringParams())
        self.shard.update(edge.UpdateOperation.create_field_index(TEXT, scored))
        self._bm25 = edge.Bm25()

    def put(
        self,
        point: int,
        vector: NDArray[np.float32],
        text: str,
        payload: Mapping[str, Json],
        late: NDArray[np.float32] | None = None,
    ) -> None:
        vectors = {DENSE: vector.tolist(), SPARSE: self._bm25.embed_document(text)}
        if late is not None:
            vectors[LATE] = late.tolist()
        made = edge.Point(point, vectors, {**payload, TEXT: text})
        self.shard.update(edge.UpdateOperation.upsert_points([made]))

    def delete(self, point: int) -> None:
        self.shard.update(edge.UpdateOperation.delete_points([point]))

    def close(self) -> None:
        self.shard.close()

    def query(self, body: Json) -> list[Json]:
        """Id, score and payload of the results, best first."""
        request = edge.QueryRequest(
            body["limit"],
            query=self._query(body.get("query"), body.get("using")),
            prefetches=[self._prefetch(of) for of in _several(body.get("prefetch"))],
            filter=filter_of(body.get("filter")),
            score_threshold=body.get("score_threshold"),
            with_payload=True,
        )
        return [{"id": of.id, "score": of.score, "payload": of.payload} for of in self.shard.query(request)]

    def _prefetch(self, body: Json) -> edge.Prefetch:
        return edge.Prefetch(
            body.get("limit", 10),
            query=self._query(body.get("query"), body.get("using")),
            prefetches=[self._prefetch(of) for of in _several(body.get("prefetch"))],
            filter=filter_of(body.get("filter")),
            score_threshold=body.get("score_threshold"),
        )

    def _query(self, body: Json, using: str | None) -> Any:
        if isinstance(body, dict) and "fusion" in body:
            return {"rrf": edge.Fusion.Rrf(2), "dbsf": edge.Fusion.Dbsf()}[body["fusion"]]
        if isinstance(body, dict) and "rrf" in body:
            return edge.Fusion.Rrf(body["rrf"].get("k", 2), body["rrf"].get("weights"))
        if isinstance(body, dict) and "text" in body and "model" not in body:
            return edge.TextQuery(str(using), body["text"])
        if isinstance(body, dict) and "formula" in body:
            return edge.Formula(_expression(body["formula"]), body.get("defaults") or {})
        given = body.get("nearest", body) if isinstance(body, dict) else body
        return edge.Query.Nearest(self._vector(given), using=using)

    def _vector(self, given: Json) -> Any:
        if isinstance(given, dict) and "model" in given:
            assert given["model"].lower() == "qdrant/bm25", given
            return self._bm25.embed_query(given["text"])
        if isinstance(given, dict):
            return edge.SparseVector(given["indices"], given["values"])
        return given


def filter_of(body: Json) -> edge.Filter | None:
    """A filter by values: must, should and must_not, nested."""
    if body is None:
        return None
    must, should, must_not = (list(map(_condition, _several(body.get(of)))) for of in ("must", "should", "must_not"))
    return edge.Filter(must=must or None, should=should or None, must_not=must_not or None)


def _condition(body: Json) -> Any:
    if "key" not in body:
        return filter_of(body)
    match = body["match"]
    value = edge.MatchAny(match["any"]) if "any" in match else edge.MatchValue(match["value"])
    return edge.FieldCondition(body["key"], match=value)


def _expression(body: Json) -> Any:
    if isinstance(body, str):
        return edge.Expression.Variable(body)
    if isinstance(body, int | float):
        return edge.Expression.Constant(float(body))
    if "key" in body:
        return edge.Expression.Condition(_condition(body))
    ((name, parts),) = body.items()
    make = {"sum": edge.Expression.Sum, "mult": edge.Expression.Mult}[name]
    return make([_expression(of) for of in parts])


def _several(body: Json) -> list[Json]:
    return [] if body is None else body if isinstance(body, list) else [body]
