"""Datatypes of stored vectors: float16 ranks as the engine does, what cannot be modelled is named and not asked."""

from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge
from numpy.typing import NDArray

from monitor.adapters.retrieval.answers import Hit, SearchAnswer, Stored, VectorQuery
from monitor.adapters.retrieval.replay import replay
from monitor.core.model.events import chunk_key
from monitor.core.model.scoring import Distance, prepare
from tests.adapters.qdrant_serving import FETCH, INFO, QUERY, D, answers, ask, served, thirty
from tests.contracts.retrievers import anchor_set
from tests.qdrant_stub import Json, QdrantStub

SIZE, CHUNKS, ANCHORS, K = 64, 1_500, 40, 10


class HalfEngine:
    """A `Reader` over the real engine in process with float16 vectors, asked exactly."""

    dimension, norm_bound, most_results = SIZE, 1.0 + 1e-6, 10_000
    compared_as = np.float16

    def __init__(self, folder: Any, distance: Distance, vectors: NDArray[np.float32]) -> None:
        self.distance = distance
        kind = {Distance.COSINE: "Cosine", Distance.DOT: "Dot", Distance.EUCLID: "Euclid"}[distance]
        half = edge.EdgeVectorParams(
            size=SIZE, distance=getattr(edge.Distance, kind), datatype=edge.VectorStorageDatatype.Float16
        )
        self.shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors=half))
        points = [edge.Point(at, vector.tolist(), {}) for at, vector in enumerate(vectors)]
        self.shard.update(edge.UpdateOperation.upsert_points(points))

    def ranked(self, vector: NDArray[np.float32], limit: int) -> list[Any]:
        exact = edge.SearchParams(exact=True)
        return self.shard.query(
            edge.QueryRequest(limit=limit, query=edge.Query.Nearest(vector.tolist()), params=exact)
        )

    def ask(self, questions: list[VectorQuery], limit: int, until: float) -> list[SearchAnswer]:
        del until
        sign = -1.0 if self.distance is Distance.EUCLID else 1.0
        return [
            SearchAnswer([Hit(p.id, sign * p.score, str(p.id), "") for p in self.ranked(one.vector, limit)])
            for one in questions
        ]

    def fetch(self, hits: list[Hit], until: float) -> Stored:
        del until
        points: list[Any] = [hit.point for hit in hits]
        return {one.id: np.array(one.vector, np.float32) for one in self.shard.retrieve(points, False, True)}  # type: ignore[misc]


@pytest.mark.parametrize("distance", list(Distance))
def test_float16_lists_are_those_of_the_real_engine(tmp_path: Any, distance: Distance) -> None:
    """A crowded space, where rounding decides: scored with the unrounded question, or from stored vectors that are
    normalised anew, a third of these lists come out in another order.
    """
    rng = np.random.default_rng(0)
    middle = rng.standard_normal((1, SIZE))
    crowd = (middle + 0.3 * rng.standard_normal((CHUNKS + ANCHORS, SIZE))).astype(np.float32)
    engine = HalfEngine(tmp_path / "shard", distance, prepare(crowd[:CHUNKS], distance))
    anchors = anchor_set(crowd[CHUNKS:], distance)
    made = replay(engine, anchors, np.arange(ANCHORS), k=K, until=float("inf"))  # type: ignore[arg-type]
    assert not made.failures
    sign, alike = -1.0 if distance is Distance.EUCLID else 1.0, 0
    for row in range(ANCHORS):
        found = engine.ranked(anchors.vectors[row], K)
        scores = np.array([sign * one.score for one in found])
        np.testing.assert_allclose(made.lists.scores[row], scores, rtol=3e-6)
        clear = np.diff(scores) < -1e-5 * np.abs(scores[:-1])  # float32 itself tells them apart
        if clear.all():
            alike += 1
            assert made.lists.keys[row].tolist() == [chunk_key(str(one.id)) for one in found]
    assert alike > ANCHORS // 2


def test_a_float16_collection_is_measured_from_its_own_vectors() -> None:
    rng = np.random.default_rng(2)
    stub = QdrantStub(Distance.COSINE, D, datatype="float16")
    for at, vector in enumerate(rng.standard_normal((30, D), np.float32)):
        stub.put(at, vector, {"chunk_id": f"c{at}"})
    held = {name["chunk_id"]: vector for vector, name in stub.points.values()}
    with served(stub) as retriever:
        retriever._known = lambda _: np.ones(D, np.float32)  # the monitor's own, unrounded: not to be scored
        made = ask(retriever)
        assert list(retriever.problems()) == []
    assert not made.failures
    for row in range(D):  # the anchors are unit vectors, so a score is a component
        best = sorted(held, key=lambda name: (-float(held[name][row]), name))[:3]
        assert made.lists.keys[row].tolist() == [chunk_key(name) for name in best]
        assert made.lists.scores[row].tolist() == [float(held[name][row]) for name in best]


def unheard_of(result: Json) -> None:
    result["config"]["params"]["vectors"]["datatype"] = "ternary"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"datatype": "uint8"}, "stores vectors as uint8, which cannot be modelled, expected float32 or float16"),
        ({"datatype": "turbo4"}, "stores vectors as turbo4, which cannot be modelled"),
        ({"params": {"multivector_config": {"comparator": "max_sim"}}}, "several vectors per point, which cannot be"),
        ({"misbehave": {INFO: answers(unheard_of)}}, "what it says of itself cannot be read"),
    ],
)
def test_what_cannot_be_modelled_is_a_problem_and_nothing_is_asked(fault: dict[str, Any], said: str) -> None:
    stub = thirty()
    for name, value in fault.items():
        setattr(stub, name, value)
    with served(stub) as retriever:
        (problem,) = retriever.problems()
        assert said in problem
        assert len(ask(retriever).failures) == D
        assert not [one for one in stub.sent if one.path.endswith((QUERY, FETCH)) and one.method == "POST"]


@pytest.mark.parametrize(
    "more",
    [
        {"sparse_vectors": {"words": {}}},
        {"shard_number": 4, "sharding_method": "custom"},
        {"on_disk_payload": True, "replication_factor": 2, "write_consistency_factor": 1},
    ],
)
def test_parameters_that_have_no_say_in_the_lists_are_no_problem(more: dict[str, Any]) -> None:
    stub = thirty()
    stub.more, stub.params = more, {"on_disk": True, "quantization_config": {"scalar": {"type": "int8"}}}
    with served(stub) as retriever:
        assert list(retriever.problems()) == []
        assert not ask(retriever).failures
