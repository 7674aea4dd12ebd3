"""The rules of a real server: who may read, what strict mode refuses, what it says of itself; each has a name."""

import logging
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from monitor.adapters.retrieval.qdrant.transport import LONGEST_WAIT
from monitor.adapters.retrieval.qdrant.versions import remark
from monitor.adapters.retry_after import retry_after
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, Unanswered
from tests.adapters.qdrant_serving import (
    COUNT,
    INFO,
    KEY,
    QUERY,
    SCROLL,
    D,
    answers,
    ask,
    hang,
    served,
    status,
    thirty,
)
from tests.qdrant_stub import QdrantStub

K = 3
"""Depth of the replays of `ask`."""


@pytest.fixture
def stub() -> QdrantStub:
    return thirty()


def requests(stub: QdrantStub, path: str) -> list[Any]:
    return [one.body for one in stub.sent if one.path.endswith(path) and one.method == "POST"]


# ------------------------------------------------------------------ at the start


def wrong_key(stub: QdrantStub) -> None:
    stub.api_key = "another key"


def key_for_another_collection(stub: QdrantStub) -> None:
    stub.api_key, stub.other_keys = "another key", {KEY}


def no_collection(stub: QdrantStub) -> None:
    stub.misbehave[INFO] = status(404, "Not found: Collection `chunks` doesn't exist!")


def sparse(stub: QdrantStub) -> None:
    stub.vector_name, stub.more = "dense", {"sparse_vectors": {"text": {}}}


@pytest.mark.parametrize(
    ("fault", "settings", "said"),
    [
        (wrong_key, {}, r"'chunks': dense.api_key is refused: HTTP 401: Invalid API key or JWT$"),
        (wrong_key, {"api_key": ""}, r"dense.api_key is refused: HTTP 401: Must provide an API key"),
        (
            key_for_another_collection,
            {},
            r"dense.api_key does not allow to read it: HTTP 403: Forbidden: Global",
        ),
        (
            no_collection,
            {},
            r"dense.collection is not there: HTTP 404: Not found: Collection",
        ),
        (
            lambda _: None,
            {"vector_name": "text"},
            r"no dense vector 'text': .*, expected its unnamed one",
        ),
        (
            sparse,
            {"vector_name": "text"},
            r"no dense vector 'text', which is sparse: .*, expected 'dense'",
        ),
        (lambda stub: stub.params.update(size=7), {}, r"has dimension 7, expected 4"),
        (lambda stub: stub.params.update(distance="Manhattan"), {}, r"has distance manhattan, expected cosine"),
    ],
)
def test_what_waiting_does_not_mend_is_an_error_at_the_start(
    stub: QdrantStub, fault: Any, settings: dict[str, Any], said: str
) -> None:
    fault(stub)
    with pytest.raises(ConfigurationError, match=said) as caught, served(stub, **settings):
        pass
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


def once(fault: Any, times: int) -> Any:
    """The fault so many times, then the answer."""
    left = [fault] * times
    return lambda handler, result: (left.pop() if left else answers(lambda _: None))(handler, result)


@pytest.mark.parametrize("fault", [hang, status(500), status(503), status(429), lambda handler, _: handler.reset()])
def test_no_answer_at_the_start_is_no_error_and_the_replays_go_on_when_it_comes(stub: QdrantStub, fault: Any) -> None:
    stub.misbehave[INFO] = once(fault, 2)
    with served(stub, timeout=2.0) as retriever:
        assert len(ask(retriever).failures) == D, "what the collection is has to be known first"
        assert not requests(stub, QUERY)
        assert not ask(retriever).failures


# ------------------------------------------------------------------ 429 and Retry-After


@pytest.mark.parametrize(("header", "asked"), [({"Retry-After": "100"}, 1), ({}, 2), ({"Retry-After": "soon"}, 2)])
def test_a_server_that_asks_to_be_left_alone_is(stub: QdrantStub, header: dict[str, str], asked: int) -> None:
    with served(stub, batch=D, concurrency=1) as retriever:
        stub.misbehave[QUERY] = status(429, "Rate limiting exceeded: Read rate limit exceeded", header)
        for _ in range(2):
            assert set(ask(retriever).failures.values()) == {"rate_limited"}
        assert len(requests(stub, QUERY)) == asked


def test_retry_after_in_all_its_forms() -> None:
    now = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
    read = {
        "3": 3.0,
        "0": 0.0,
        "-5": 0.0,
        "": 0.0,
        "soon": 0.0,
        "nan": 0.0,
        "99999999": LONGEST_WAIT,
        "Sun, 29 Nov 2026 08:00:30 GMT": 30.0,
        "Sun, 29 Nov 2026 07:00:00 GMT": 0.0,
        "Sun, 29 Nov 2026 08:00:30 -0000": 0.0,
    }
    assert retry_after({}, now=now) is None
    server = {"Date": "Sun, 29 Nov 2026 09:00:00 GMT", "Retry-After": "Sun, 29 Nov 2026 09:00:05 GMT"}
    assert retry_after(server, now=now) == 5.0, "by the server's own clock"
    assert {
        header: retry_after({"Retry-After": header}, most=LONGEST_WAIT, now=now) or 0.0 for header in read
    } == read


# ------------------------------------------------------------------ strict mode


@pytest.mark.parametrize("limit", [K, K + 1, 2 * K, 1_000])
def test_a_limit_below_2k_is_kept_to_and_said(stub: QdrantStub, limit: int) -> None:
    with served(stub, depth=K) as plain:
        expected = ask(plain).lists.keys
    again = QdrantStub(Distance.COSINE, D, points=stub.points, strict={"max_query_limit": limit})
    with served(again, depth=K) as retriever:
        made = ask(retriever)
        assert not made.failures
        np.testing.assert_array_equal(made.lists.keys, expected)
        assert max(one["limit"] for body in requests(again, QUERY) for one in body["searches"]) <= limit
        said = [one for one in retriever.remarks() if f"max_query_limit = {limit}, below 2k = 6" in one]
        assert len(said) == (limit < 2 * K)
        assert retriever.content_hashes(["c1", "c2", "c3", "c4", "c5"], deadline=5.0) == dict.fromkeys(
            ["c1", "c2", "c3", "c4", "c5"], ""
        ), "a scroll has a limit too"


@pytest.mark.parametrize(
    ("strict", "settings", "said"),
    [
        ({"max_query_limit": K - 1}, {}, "max_query_limit = 2, below the depth k = 3: no list can be had"),
        ({"search_allow_exact": False}, {"exact": True}, "search_allow_exact = false and dense.exact = true"),
        ({"search_max_hnsw_ef": 64}, {"hnsw_ef": 128}, "search_max_hnsw_ef = 64, dense.hnsw_ef = 128"),
    ],
)
def test_what_strict_mode_forbids_of_every_query_is_a_problem_and_nothing_is_asked(
    stub: QdrantStub, strict: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    stub.strict = strict
    with served(stub, depth=K, **settings) as retriever:
        (problem,) = retriever.problems()
        assert said in problem
        assert set(ask(retriever).failures.values()) == {"unusable_collection"}
        assert not requests(stub, QUERY)
        stub.strict = {}
        assert list(retriever.problems()) == []
        assert not ask(retriever).failures


def test_batches_and_conditions_are_as_large_as_strict_mode_allows(stub: QdrantStub) -> None:
    stub.strict, stub.indexed = {"search_max_batchsize": 1, "condition_max_size": 2}, {"chunk_id"}
    with served(stub, batch=16) as retriever:
        assert not ask(retriever).failures
        assert {len(body["searches"]) for body in requests(stub, QUERY)} == {1}
        assert len(retriever.vectors([f"c{at}" for at in range(5)], deadline=20.0)) == 5


def test_reads_that_strict_mode_refuses_have_the_name_of_a_refusal(
    stub: QdrantStub, caplog: pytest.LogCaptureFixture
) -> None:
    """The server can be reached: it is not said to be unreachable."""
    stub.strict = {"search_allow_exact": False, "unindexed_filtering_retrieve": False}
    with served(stub) as retriever:
        assert retriever.count() == Unanswered("rejected")
        assert retriever.content_hashes(["c1"], deadline=5.0) == Unanswered("rejected")
        assert not ask(retriever).failures, "queries without a filter are none of its business"
        assert any("points cannot be counted" in said for said in retriever.remarks())
        assert any("'chunk_id' has no index" in said for said in retriever.remarks())
    assert "Bad request: Exact search disabled!" in caplog.text
    stub = QdrantStub(Distance.COSINE, D, points=stub.points, strict=stub.strict | {"enabled": False})
    with served(stub) as retriever:
        assert list(retriever.remarks()) == []


# ------------------------------------------------------------------ what it says of itself


def test_hidden_points_are_known_and_warnings_repeated(stub: QdrantStub) -> None:
    stub.hidden, stub.warnings = {3, 4}, ["vector 'text' has no\nindex", "x" * 5_000]
    with served(stub) as retriever:
        assert retriever.hidden() == 2
        assert retriever.count() == 28
        said = list(retriever.remarks())
        assert "2 points are hidden from reads until they are optimised" in said
        assert "the server warns: vector 'text' has no index" in said
        assert max(map(len, said)) < 250
        stub.hidden = set()
        assert list(retriever.problems()) == []
        assert retriever.hidden() == 0
        stub.misbehave[INFO] = status(500)
        retriever.problems()
        assert retriever.hidden() == Unanswered("server_error"), "what was said before is not what is now"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.18.0", ""),
        ("1.15.1", ""),
        ("1.19.3-dev", ""),
        ("v1.18.2", ""),
        ("1.14.9", "the server is Qdrant 1.14.9, expected 1.15 to 1.19 (tried: 1.18.0)"),
        ("1.20.0", "the server is Qdrant 1.20.0, expected"),
        ("2.18.0", "the server is Qdrant 2.18.0, expected"),
        ("1.180", "the server is Qdrant 1.180, expected"),
        ("latest", "the server is Qdrant latest, expected"),
        ("", "the server does not say its version, expected"),
    ],
)
def test_versions(version: str, said: str) -> None:
    assert remark(version).startswith(said)
    assert bool(remark(version)) == bool(said)


def test_a_server_of_a_version_nobody_tried_is_said_once_and_measured(
    stub: QdrantStub, caplog: pytest.LogCaptureFixture
) -> None:
    stub.version = "1.99.0"
    with served(stub) as retriever:
        assert not ask(retriever).failures
        assert [said for said in retriever.remarks() if "1.99.0" in said]
    assert caplog.text.count("the server is Qdrant 1.99.0") == 1


def test_a_proxy_that_hides_the_version_is_no_error(stub: QdrantStub) -> None:
    stub.misbehave["/"] = status(404, b"nothing here")
    with served(stub) as retriever:
        assert not ask(retriever).failures
        (said,) = retriever.remarks()
        assert said.startswith("the server does not say its version")


@pytest.mark.parametrize("nameless", [1, 30])
def test_points_without_a_chunk_id_are_said_at_the_start(stub: QdrantStub, nameless: int) -> None:
    for point in range(nameless):
        stub.points[point] = (stub.points[point][0], {"id": "elsewhere"})
    with served(stub) as retriever:
        (said,) = retriever.remarks()
        assert said == (
            f"{nameless} of the first 30 points have no chunk id in payload field 'chunk_id' (dense.chunk_id_field)"
        )


# ------------------------------------------------------------------ the log


def test_a_failure_is_logged_once_until_it_is_over(stub: QdrantStub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="monitor")
    with served(stub) as retriever:
        stub.misbehave = {QUERY: status(500, "panic " * 1_000), COUNT: status(503), SCROLL: status(503)}
        for _ in range(3):
            ask(retriever)
            retriever.count()
            retriever.content_hashes(["c1"], deadline=5.0)
        assert [line.count("server_error") for line in caplog.messages].count(1) == 3, (
            "one line for each kind of read"
        )
        assert max(map(len, caplog.messages)) < 400
        stub.misbehave.clear()
        ask(retriever)
        assert sum("search: answered again" in line for line in caplog.messages) == 1
        stub.misbehave[QUERY] = status(500, "panic again")
        ask(retriever)
        assert "panic again" in caplog.text
