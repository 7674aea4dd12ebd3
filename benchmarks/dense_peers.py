"""Public engines that replay all queries: what the maintained dense index is measured against."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Replay = Callable[[Vectors], object]


def faiss_flat(vectors: Vectors, k: int) -> Replay:
    """Faiss's exact inner-product index, one thread."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda queries: index.search(queries, k)


def qdrant_embedded(folder: Path, vectors: Vectors, k: int, *, exact: bool) -> Replay:
    """The real engine in process, queries in batches of 100; HNSW with its usual m = 16, ef_construct = 100."""
    import qdrant_edge as edge

    config = edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(size=vectors.shape[1], distance=edge.Distance.Dot),
        hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10),
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=0 if exact else 100),
    )
    folder.mkdir()
    shard = edge.EdgeShard.create(str(folder), config)
    for at in range(0, len(vectors), 1000):
        points = [edge.Point(at + place, row, {}) for place, row in enumerate(vectors[at : at + 1000].tolist())]
        shard.update(edge.UpdateOperation.upsert_points(points))
    shard.optimize()
    assert exact or shard.info().indexed_vectors_count > 0
    params = edge.SearchParams(exact=exact)

    def replay(queries: Vectors) -> object:
        for at in range(0, len(queries), 100):
            requests = [
                edge.QueryRequest(limit=k, query=edge.Query.Nearest(query), params=params)
                for query in queries[at : at + 100].tolist()
            ]
            shard.query_batch(edge.QueryBatchRequest(requests))
        return None

    return replay


def qdrant_local(vectors: Vectors, k: int) -> Replay:
    """The pure-Python mode of qdrant-client."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    client.create_collection(
        "c", vectors_config=models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT)
    )
    for at in range(0, len(vectors), 10_000):
        part = vectors[at : at + 10_000]
        ids: list[models.ExtendedPointId] = list(range(at, at + len(part)))
        client.upsert("c", models.Batch(ids=ids, vectors=part.tolist()))
    return lambda queries: [client.query_points("c", query=query.tolist(), limit=k) for query in queries]


def peers(names: Sequence[str], vectors: Vectors, k: int, folder: Path) -> dict[str, tuple[Replay, float]]:
    """Each peer's replay, and the share of the anchors it is asked for (its time is scaled up)."""
    made: dict[str, tuple[Replay, float]] = {}
    for name in names:
        if name == "faiss":
            made["faiss flat"] = (faiss_flat(vectors, k), 1.0)
        elif name == "exact":
            made["Qdrant embedded exact"] = (qdrant_embedded(folder / name, vectors, k, exact=True), 0.1)
        elif name == "hnsw":
            made["Qdrant embedded HNSW"] = (qdrant_embedded(folder / name, vectors, k, exact=False), 1.0)
        elif name == "local":
            made["qdrant-client local"] = (qdrant_local(vectors, k), 0.01)
    return made
