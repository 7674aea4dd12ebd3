"""The write side of production, over qdrant-client's own local mode: the collection equals the events."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from monitor.core.model.events import Chunk, Delete, Deploy, Heartbeat, Upsert, chunk_key, text_hash
from monitor.demo.qdrant_points import POINTS, QdrantPoints
from monitor.ports import ConfigurationError, UnreachableError
from tests.stack import free_ports


@pytest.fixture
def client() -> Iterator[QdrantClient]:
    made = QdrantClient(":memory:")
    yield made
    made.close()


def upsert(at: int, text: str) -> Upsert:
    vector = np.array([1.0, at], np.float32)
    return Upsert(Chunk(f"c{at}", "doc", at, text, vector, "e", (("source", "guide"),), 1_000, text_hash(text)))


def test_the_collection_equals_the_events(client: QdrantClient) -> None:
    points = QdrantPoints(client, "docs", 2)
    points.start()
    points.write([*(upsert(at, "before") for at in range(POINTS + 10)), Deploy("d", 1_000, {}), Heartbeat(1_000)])
    points.write(
        [upsert(3, "after"), Delete("c4", 2_000), upsert(5, "once"), Delete("c5", 2_000), upsert(5, "again")]
    )
    assert client.count("docs").count == POINTS + 9
    found = {
        one.id: one for one in client.retrieve("docs", [chunk_key(f"c{at}") for at in (3, 4, 5)], with_vectors=True)
    }
    assert found[chunk_key("c3")].payload == {"chunk_id": "c3", "content_hash": text_hash("after"), "source": "guide"}
    assert found[chunk_key("c5")].payload["content_hash"] == text_hash("again")  # type: ignore[index] # it has one
    assert chunk_key("c4") not in found
    np.testing.assert_allclose(np.array(found[chunk_key("c3")].vector), [0.316, 0.949], atol=1e-3)


def test_a_second_start_keeps_what_is_there(client: QdrantClient) -> None:
    for _ in range(2):
        points = QdrantPoints(client, "docs", 2)
        points.start()
        points.write([upsert(1, "text")])
    assert client.count("docs").count == 1


@pytest.mark.parametrize(
    "vectors",
    [
        models.VectorParams(size=3, distance=models.Distance.COSINE),
        models.VectorParams(size=2, distance=models.Distance.DOT),
        {"text": models.VectorParams(size=2, distance=models.Distance.COSINE)},
    ],
)
def test_a_collection_of_other_vectors_is_refused(client: QdrantClient, vectors: models.VectorParams) -> None:
    client.create_collection("docs", vectors_config=vectors)
    with pytest.raises(ConfigurationError, match="'docs' holds other vectors; expected one unnamed vector of 2"):
        QdrantPoints(client, "docs", 2).start()


def test_a_server_that_is_not_there_is_named() -> None:
    (port,) = free_ports(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = QdrantPoints.at(f"http://127.0.0.1:{port}", "docs", 2)
    with pytest.raises(UnreachableError, match="qdrant collection 'docs': looking for the collection: "):
        points.start()
    points.close()
