"""The server retriever: reads only, keeps its secret, ends on time, describes the collection."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.server import ServerRetriever
from monitor.adapters.retrieval.qdrant.transport import READS, WriteRefusedError
from monitor.core.model.events import chunk_key
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import ConfigurationError, Unanswered, UnreachableError
from tests.adapters.qdrant_serving import FETCH, INFO, KEY, QUERY, D, answers, ask, hang, served, status, thirty
from tests.contracts.retrievers import anchor_set
from tests.qdrant_stub import Json, QdrantStub

WRITES: tuple[Callable[[QdrantClient], object], ...] = (
    lambda c: c.delete("chunks", points_selector=[1]),
    lambda c: c.upsert("chunks", [models.PointStruct(id=1, vector=[0.0] * D)]),
    lambda c: c.delete_collection("chunks"),
    lambda c: c.create_payload_index("chunks", "x", models.PayloadSchemaType.KEYWORD),
    lambda c: c.update_collection("chunks", optimizers_config=models.OptimizersConfigDiff()),
    lambda c: c.get_collections(),
    lambda c: c.count("other"),
)


@pytest.fixture
def stub() -> QdrantStub:
    return thirty()


def test_the_same_server_behaving_is_measured(stub: QdrantStub) -> None:
    with served(stub) as retriever:
        made = ask(retriever)
    assert not made.failures
    assert made.lists.known.all()
    assert np.isfinite(made.seconds).all()


def test_one_bad_answer_fails_one_anchor(stub: QdrantStub) -> None:
    def second(result: Json) -> None:
        result[-1]["points"][0]["score"] = float("nan")

    stub.misbehave[QUERY] = answers(second)
    with served(stub, batch=4) as retriever:
        made = ask(retriever)
    assert dict(made.failures) == {3: "not_finite"}
    assert made.lists.known.tolist() == [True, True, True, False]


def test_nobody_listens() -> None:
    stub = QdrantStub(Distance.COSINE, D)
    url = stub.start()
    stub.stop()
    retriever = ServerRetriever(ServerSettings(url, "chunks", D, Distance.COSINE))
    retriever.start()
    assert set(ask(retriever).failures.values()) == {"unreachable"}
    assert retriever.count() == Unanswered("unreachable")
    with pytest.raises(UnreachableError, match=r"qdrant http://127.0.0.1:\d+ collection 'chunks': unreachable: "):
        retriever.describe()
    with pytest.raises(UnreachableError):
        retriever.vectors(["1"], deadline=1.0)
    retriever.close()


def test_a_request_that_hangs_ends_at_its_own_timeout_and_leaves_time_for_others(stub: QdrantStub) -> None:
    once = iter([hang])
    plain = answers(lambda _: None)
    stub.misbehave[QUERY] = lambda handler, result: next(once, plain)(handler, result)
    with served(stub, timeout=3.0, batch=1, concurrency=1) as retriever:
        made = ask(retriever, deadline=20.0)
    assert dict(made.failures) == {0: "deadline"}


def test_threads_do_not_grow_with_replays_that_hang(stub: QdrantStub) -> None:
    stub.misbehave[QUERY] = hang
    with served(stub, concurrency=2) as retriever:
        for _ in range(5):
            ask(retriever, deadline=0.05)
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("qdrant-read")]
    assert len(threads) == 2


def test_a_hopeless_server_is_not_asked_again_in_the_same_replay(stub: QdrantStub) -> None:
    stub.misbehave[QUERY] = status(429)
    with served(stub, batch=1, concurrency=1) as retriever:
        assert set(ask(retriever).failures.values()) == {"rate_limited"}
    assert sum(one.path.endswith(QUERY) for one in stub.sent) == 1, "one request, no retry"


def test_a_point_without_vector_by_now_keeps_the_score_it_was_served_with(stub: QdrantStub) -> None:
    stub.misbehave[FETCH] = answers(lambda found: found[1:])
    with served(stub) as retriever:
        made = ask(retriever)
    assert not made.failures
    assert (made.lists.lengths == 3).all()


def test_points_nobody_knows_are_served_results_all_the_same(stub: QdrantStub) -> None:
    def renamed(result: Json) -> None:
        for answer in result:
            for hit in answer["points"]:
                hit.update(id=hit["id"] + 1000, payload={"chunk_id": f"stranger {hit['id']}"})

    stub.misbehave[QUERY] = answers(renamed)
    with served(stub) as retriever:
        made = ask(retriever)
    assert not made.failures
    assert all(name.startswith("stranger") for name in made.names.values()), "the ghosts are for others to count"


@pytest.mark.parametrize(("apart", "ours_counts"), [(1e-7, True), (1e-5, False)])
def test_our_vector_is_scored_only_where_the_stored_one_is_the_same_but_for_rounding(
    stub: QdrantStub, apart: float, ours_counts: bool
) -> None:
    kept = {chunk_key(p["chunk_id"]): prepare(v[None, :], Distance.COSINE)[0] for v, p in stub.points.values()}
    ours = {key: (vector + np.float32(apart)).astype(np.float32) for key, vector in kept.items()}
    with served(stub) as retriever:
        retriever._known = ours.get
        made = ask(retriever)
    counted = ours if ours_counts else kept
    for row in range(D):
        for key, score in zip(made.lists.keys[row].tolist(), made.lists.scores[row].tolist(), strict=True):
            assert score == float(counted[key][row]), "the anchors are unit vectors, so a score is a component"


def test_one_chunk_under_two_points_counts_once_with_its_best_score() -> None:
    stub = QdrantStub(Distance.DOT, 2)
    for point, (x, name) in enumerate([(3.0, "a"), (2.0, "a"), (1.0, "b"), (0.5, "c"), (2.5, "a")]):
        stub.put(point, np.array([x, 0], np.float32), {"chunk_id": name})
    anchors = anchor_set(np.array([[1, 0]], np.float32), Distance.DOT)
    with served(stub) as retriever:
        made = retriever.replay(anchors, np.array([0]), k=2, deadline=5.0)
    assert made.lists.keys[0].tolist() == [chunk_key("a"), chunk_key("b")]
    assert made.lists.scores[0].tolist() == [3.0, 1.0]


def test_a_tie_wider_than_can_be_asked_still_fills_the_list() -> None:
    stub = QdrantStub(Distance.DOT, 2)
    for point in range(1100):
        stub.put(point, np.array([1, 0], np.float32), {"chunk_id": f"{point:04}"})
    anchors = anchor_set(np.array([[1, 0]], np.float32), Distance.DOT)
    with served(stub) as retriever:
        made = retriever.replay(anchors, np.array([0]), k=5, deadline=20.0)
    assert made.failures == {}
    assert made.lists.lengths.tolist() == [5]


def test_nothing_but_reads_is_ever_sent(stub: QdrantStub) -> None:
    with served(stub) as retriever:
        ask(retriever)
        retriever.count()
        retriever.describe()
        retriever.vectors(["c1"], deadline=5.0)
        client = retriever._connection._client
        assert isinstance(client, QdrantClient)
        before = len(stub.sent)
        for write in WRITES:
            with pytest.raises(Exception, match="is not a read of /collections/chunks") as caught:
                write(client)
            assert isinstance(getattr(caught.value, "source", None), WriteRefusedError)
    assert len(stub.sent) == before
    sent = {(one.method, one.path.removeprefix("/collections/chunks")) for one in stub.sent}
    assert sent <= READS | {("GET", "/")}
    assert all(one.headers["api-key"] == KEY for one in stub.sent)


def test_the_key_is_in_no_repr_no_error_and_no_log(stub: QdrantStub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="monitor")
    with served(stub) as retriever:
        stub.misbehave = {path: status(401, f"bad key {KEY}".encode()) for path in (QUERY, INFO)}
        ask(retriever)
        with pytest.raises(UnreachableError, match="refused") as caught:
            retriever.describe()
        shown = [repr(retriever._settings), str(caught.value), caplog.text]
    assert "bad key ***" in caplog.text
    assert not any(KEY in text for text in shown)


def test_describe(stub: QdrantStub) -> None:
    with served(stub) as retriever:
        found = retriever.describe()
        assert (found.distance, found.dimension, found.points, found.status) == ("cosine", D, 30, "green")
        assert (found.quantization, found.optimizer_status, found.datatype) == ("none", "ok", "float32")
        assert found.contradictions(retriever._settings) == []
        other = replace(retriever._settings, distance=Distance.DOT, dimension=7)
        assert found.contradictions(other) == [
            "collection 'chunks' has distance cosine, expected dot",
            "collection 'chunks' has dimension 4, expected 7",
        ]
    missing = QdrantStub(Distance.COSINE, D, vector_name="text")
    with (
        pytest.raises(ConfigurationError, match=r"has no dense vector 'image': dense.vector_name, expected 'text'"),
        served(missing, vector_name="image"),
    ):
        pass


def test_vectors_by_payload_and_by_point_id(stub: QdrantStub) -> None:
    with served(stub) as retriever:
        found = retriever.vectors(["c3", "nothing", "c7"], deadline=5.0)
        assert sorted(found) == ["c3", "c7"]
        np.testing.assert_array_equal(found["c3"], prepare(stub.points[3][0][None, :], Distance.COSINE)[0])
    again = QdrantStub(Distance.COSINE, D, points=stub.points)
    with served(again, chunk_id_field="") as retriever:
        assert sorted(retriever.vectors(["3", "no id at all", "99"], deadline=5.0)) == ["3"]
        made = ask(retriever)
        assert set(made.names.values()) <= {str(at) for at in range(30)}


def test_vectors_end_in_time(stub: QdrantStub) -> None:
    stub.misbehave["/points/scroll"] = hang
    with served(stub) as retriever, pytest.raises(UnreachableError, match="deadline"):
        retriever.vectors(["c1"], deadline=0.1)


@pytest.mark.parametrize(("name", "value", "expected"), [("number", "4", {"c4"}), ("even", "true", None)])
def test_filters_find_numbers_and_truth_values(
    stub: QdrantStub, name: str, value: str, expected: set[str] | None
) -> None:
    anchors = anchor_set(np.ones((1, D), np.float32), Distance.COSINE, [((name, value),)])
    with served(stub) as retriever:
        made = retriever.replay(anchors, np.array([0]), k=30, deadline=5.0)
    assert set(made.names.values()) == (expected or {f"c{at}" for at in range(0, 30, 2)})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"collection": " "}, "dense.collection = ' ', expected the name of a collection"),
        ({"collection": ".."}, "expected the name of a collection"),
        ({"url": "localhost:6333"}, "expected http://host:port or https://host:port"),
        ({"url": f"http://user:{KEY}@host"}, "dense.url holds credentials, expected none"),
        ({"timeout": 0.0}, "dense.timeout = 0.0, expected a number above 0"),
        ({"timeout": float("nan")}, "dense.timeout = nan, expected a number above 0"),
        ({"batch": 0}, "dense.batch = 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        replace(ServerSettings("http://h:1", "chunks", D, Distance.DOT), **changed)
    assert KEY not in str(caught.value)


def test_certificates_that_cannot_be_read(tmp_path: Any) -> None:
    settings = ServerSettings("https://h:1", "chunks", D, Distance.DOT, ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match=r"none.pem.*expected a file of certificates"):
        ServerRetriever(settings).start()


def test_environment_proxies_are_not_used(stub: QdrantStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert httpx.Client()._mounts, "the variable is read by a plain client"
    with served(stub) as retriever:
        assert not ask(retriever).failures


def test_an_optimiser_at_work_is_said(stub: QdrantStub) -> None:
    with served(stub) as retriever:
        assert list(retriever.busy()) == []
        stub.status = "yellow"
        (said,) = retriever.busy()
        assert said.startswith("the index is not at rest (status yellow)")
        stub.status, stub.hidden = "green", set(list(stub.points)[:3])
        (said,) = retriever.busy()
        assert "3 points are hidden from reads until they are optimised" in said


@pytest.mark.parametrize(
    ("url", "said"), [("http://127.0.0.1:9", True), ("HTTP://127.0.0.1:9", True), ("https://127.0.0.1:9", False)]
)
def test_a_key_that_goes_without_tls_is_said(url: str, said: bool, caplog: pytest.LogCaptureFixture) -> None:
    retriever = ServerRetriever(ServerSettings(url, "chunks", D, Distance.COSINE, api_key=KEY))
    try:
        with caplog.at_level(logging.WARNING):
            retriever.start()
    finally:
        retriever.close()
    assert ("without TLS" in caplog.text) is said
    assert KEY not in caplog.text


def test_grey_is_at_rest_and_said(stub: QdrantStub) -> None:
    """After a restart nothing optimises until an update triggers it: waiting would be for ever."""
    stub.status = "grey"
    with served(stub) as retriever:
        assert list(retriever.busy()) == []
        (said,) = retriever.remarks()
        assert said.startswith("the collection is grey")


def test_red_does_not_mend_itself(stub: QdrantStub) -> None:
    """So it is no index at work, for which somebody would wait."""
    with served(stub) as retriever:
        assert list(retriever.problems()) == []
        stub.status = "red"
        assert list(retriever.busy()) == []
        (said,) = retriever.problems()
        assert said.startswith("the index is broken (status red, optimiser ok), which does not mend itself")
