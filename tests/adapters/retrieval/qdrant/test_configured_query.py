"""A query of production's own: sent as it is, by Qdrant's engine; its list stands as it was served."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge
from numpy.typing import NDArray

from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.server import ServerRetriever
from monitor.core.model.anchors import Anchor, AnchorSet, SparseVector
from monitor.core.model.events import Segment
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, Replay
from tests.qdrant_engine import EngineCollection
from tests.qdrant_stub import QdrantStub

D, N = 6, 80
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
DENSE_LEG = {"query": "$vector", "using": "dense", "limit": 20}
SPARSE_LEG = {"query": {"text": "$text", "model": "qdrant/bm25"}, "using": "bm25", "limit": 20}
RRF = {"prefetch": [DENSE_LEG, SPARSE_LEG], "query": {"fusion": "rrf"}}
BOOSTED = {
    "prefetch": {"prefetch": [DENSE_LEG, SPARSE_LEG], "query": {"fusion": "rrf"}, "limit": 20},
    "query": {"formula": {"sum": ["$score", {"mult": [0.3, {"key": "lang", "match": {"value": "de"}}]}]}},
}


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[QdrantStub]:
    rng = np.random.default_rng(1)
    engine = EngineCollection(tmp_path / "shard", Distance.COSINE, D, late=2)
    made = QdrantStub(Distance.COSINE, D, vector_name="dense", engine=engine)
    for at in range(N):
        vector, text = rng.standard_normal(D).astype(np.float32), " ".join(rng.choice(WORDS, 6))
        payload = {"chunk_id": f"c{at:02}", "lang": "de" if at % 3 else "en", "tenant": f"t{at % 2}"}
        engine.put(at, vector, text, payload, late_rows(at, 3))
        made.put(at, vector, payload)
    made.more = {"sparse_vectors": {"bm25": {"modifier": "idf"}}}
    yield made
    made.stop()
    engine.close()


def asked(
    stub: QdrantStub, query: Any, *, k: int = 5, filters: list[Segment] | None = None, of: AnchorSet | None = None
) -> Replay:
    settings = ServerSettings(
        stub.start(), stub.collection, D, Distance.COSINE, vector_name="dense", chunk_id_field="chunk_id",
        query=json.dumps(query),
    )  # fmt: skip
    retriever = ServerRetriever(settings)
    retriever.start()
    try:
        return retriever.replay(of or anchors(filters), np.arange(4), k=k, deadline=20.0)
    finally:
        retriever.close()


def anchors(filters: list[Segment] | None = None) -> AnchorSet:
    texts = ["alpha beta", "gamma", "delta alpha", "nothing of it"]
    made = [Anchor(f"a{at}", text, vector) for at, (text, vector) in enumerate(zip(texts, vectors(), strict=True))]
    return AnchorSet(made, vectors(), np.ones(4), filters or [()] * 4)


def vectors() -> NDArray[np.float32]:
    made = np.random.default_rng(5).standard_normal((4, D), np.float32)
    unit: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def late_rows(seed: int, count: int) -> NDArray[np.float32]:
    """Small whole numbers, so that sums of their products are exact in any order."""
    return np.random.default_rng(seed).integers(-9, 9, (count, 2)).astype(np.float32)


def shown(replay: Replay, row: int) -> list[str]:
    return [replay.names[key] for key in replay.lists.keys[row, : replay.lists.lengths[row]].tolist()]


def test_a_fusion_is_that_of_the_two_lists_as_the_engine_gives_them(stub: QdrantStub) -> None:
    found = asked(stub, RRF)
    assert stub.engine is not None
    for row, anchor in enumerate(anchors().anchors):
        assert anchor.vector is not None
        legs = [
            {"query": anchor.vector.tolist(), "using": "dense", "limit": 20},
            {"query": {"text": anchor.text, "model": "qdrant/bm25"}, "using": "bm25", "limit": 20},
        ]
        fused: dict[str, float] = {}
        for leg in legs:
            for rank, of in enumerate(stub.engine.query(leg)):
                name = of["payload"]["chunk_id"]
                fused[name] = fused.get(name, 0.0) + 1.0 / (2 + rank)  # the oracle: reciprocal ranks, Qdrant's k = 2
        cut = sorted(fused.values(), reverse=True)[4] - 1e-6
        assert set(shown(found, row)) <= {name for name, score in fused.items() if score >= cut}
        scores = found.lists.scores[row, : found.lists.lengths[row]]
        np.testing.assert_allclose(scores, [fused[name] for name in shown(found, row)], rtol=1e-6)


def test_it_is_sent_as_it_is_written_with_the_anchor_in_its_places(stub: QdrantStub) -> None:
    asked(stub, BOOSTED)
    (sent,) = [of.body["searches"] for of in stub.sent if of.path.endswith("/query/batch")]
    first = sent[0]
    ours = {key: first.pop(key) for key in ("limit", "with_payload", "with_vector")}
    assert ours == {"limit": 10, "with_payload": ["chunk_id"], "with_vector": False}
    text = json.dumps(BOOSTED).replace('"$vector"', json.dumps(vectors()[0].tolist())).replace("$text", "alpha beta")
    assert first == json.loads(text)
    assert not [of for of in stub.sent if of.path.endswith("/points")], "a fused score is not computed again"


def test_boosting_moves_lists_and_the_anchors_filter_goes_beside_the_querys_own(stub: QdrantStub) -> None:
    plain, boosted = asked(stub, RRF), asked(stub, BOOSTED)
    assert any(shown(plain, row) != shown(boosted, row) for row in range(4))
    payload = {f"c{at:02}": of for at, (_, of) in stub.points.items()}
    filtered = {**RRF, "filter": {"must": [{"key": "tenant", "match": {"value": "t1"}}]}}
    found = asked(stub, filtered, k=8, filters=[(("lang", "de"),)] * 4)
    names = {name for row in range(4) for name in shown(found, row)}
    assert {(payload[name]["lang"], payload[name]["tenant"]) for name in names} == {("de", "t1")}


def test_equal_fused_scores_are_ordered_by_id_whatever_the_engine_cuts(stub: QdrantStub) -> None:
    constant = {"prefetch": [{**DENSE_LEG, "limit": 50}], "query": {"formula": 1.0}}
    found = asked(stub, constant, k=3)
    for row in range(4):
        fifty = stub.engine.query({"query": vectors()[row].tolist(), "using": "dense", "limit": 50})  # type: ignore[union-attr]
        assert shown(found, row) == sorted(of["payload"]["chunk_id"] for of in fifty)[:3]


def test_a_plain_query_with_options_is_still_measured_by_its_vectors(stub: QdrantStub) -> None:
    found = asked(stub, {"query": "$vector", "using": "dense"})
    matrix = np.stack([vector for vector, _ in stub.points.values()]).astype(np.float64)
    for row in range(4):
        exact = matrix @ vectors()[row].astype(np.float64)
        assert shown(found, row) == [f"c{at:02}" for at in np.argsort(-exact)[:5]]
        np.testing.assert_allclose(found.lists.scores[row, :5], np.sort(exact)[::-1][:5], atol=1e-6)


def test_a_sparse_vector_of_an_anchors_own_is_put_in_its_place(stub: QdrantStub) -> None:
    """The oracle: what the server makes of the text by itself, given as a vector, finds the same."""
    given = {"prefetch": [DENSE_LEG, {**SPARSE_LEG, "query": "$vector:bm25"}], "query": {"fusion": "rrf"}}
    bm25 = edge.Bm25()
    made = [
        replace(of, query_vectors={"bm25": SparseVector(np.array(one.indices), np.array(one.values, np.float32))})
        for of in anchors().anchors
        for one in [bm25.embed_query(of.text)]
    ]
    whole = AnchorSet(made, vectors(), np.ones(4), [()] * 4)
    inferred, found = asked(stub, RRF), asked(stub, given, of=whole)
    for row in range(4):
        assert shown(found, row) == shown(inferred, row)
    np.testing.assert_array_equal(found.lists.scores, inferred.lists.scores)


def test_late_interaction_reranks_by_the_anchors_rows(stub: QdrantStub) -> None:
    """The oracle: each row of the query by its best match among the rows of the point, summed."""
    asking = [late_rows(1_000 + row, 2) for row in range(4)]
    made = [replace(of, query_vectors={"late": rows}) for of, rows in zip(anchors().anchors, asking, strict=True)]
    late = {"prefetch": [{**DENSE_LEG, "limit": N}], "query": "$vector:late", "using": "late"}
    found = asked(stub, late, of=AnchorSet(made, vectors(), np.ones(4), [()] * 4))
    for row, rows in enumerate(asking):
        scores = {f"c{at:02}": float((rows @ late_rows(at, 3).T).max(axis=1).sum()) for at in range(N)}
        assert shown(found, row) == sorted(scores, key=lambda name: (-scores[name], name))[:5]
        np.testing.assert_array_equal(found.lists.scores[row, :5], sorted(scores.values(), reverse=True)[:5])


WRONG = [
    ("[1]", "dense.query: list, expected a query of Qdrant's as JSON"),
    ("{", "dense.query: no JSON (Expecting property name"),
    ('{"query": [0.1]}', 'neither "$vector" nor "$text" in it'),
    ('{"query": "$vector", "limit": 3}', "dense.query: limit: set by the replay, expected in prefetch only"),
    ('{"query": "$vector", "usin": "x"}', "dense.query.usin = 'x': extra inputs are not permitted"),
    (
        '{"prefetch": [{"query": "$vector"}], "query": {"fusion": "rff"}}',
        "dense.query.query.fusion = 'rff': input should be 'rrf' or 'dbsf'",
    ),
    (
        '{"prefetch": [{"query": "$vector", "limi": 3}], "query": {"fusion": "rrf"}}',
        "dense.query.prefetch.0.limi = '3': extra inputs are not permitted",
    ),
]


@pytest.mark.parametrize(("query", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_what_is_no_query_is_said_in_one_line(query: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServerRetriever(ServerSettings("http://h:1", "c", D, Distance.COSINE, query=query))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
