"""Production over HTTP: every preset against a server that answers in its form, and everything that can go wrong."""

import json
import math
import threading
import time
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from monitor.adapters.production.answer_paths import AnswerPaths
from monitor.adapters.production.http import HttpProduction, PlainExchange, ProductionSettings
from monitor.adapters.production.mcp import McpExchange
from monitor.adapters.production.presets import PRODUCTION_PRESETS
from monitor.adapters.production.template import RequestTemplate
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.production import ProductionAnswer, ProductionResult
from monitor.ports import ConfigurationError
from tests.retriever import Answer, Asked, Reply, serving

TOKEN = "secret-token-4711"
PATHS = AnswerPaths(results=("hits",), result_id=("id",), text=("text",), score=("score",))


def anchors(count: int = 1) -> AnchorSet:
    asked = [Anchor(f"a{at}", f"question {at}", None, (("language", "de"),)) for at in range(count)]
    return AnchorSet(asked, np.full((count, 2), 0.5, np.float32), np.ones(count), [()] * count)


def asked(
    answer: Answer,
    *,
    count: int = 1,
    body: Any = None,
    deadline: float = 10.0,
    parameters: Mapping[str, str] | None = None,
    exchange: Any = None,
    **settings: Any,
) -> tuple[Mapping[int, ProductionAnswer], HttpProduction]:
    with serving(answer) as url:
        template = RequestTemplate(body or {"q": "{text}", "n": "{k}"}, parameters or {})
        made = HttpProduction(
            ProductionSettings(
                url + settings.pop("path", "/search"),
                secrets={"Authorization": f"Bearer {TOKEN}"},
                **{"rate": 1000.0, **settings},
            ),
            exchange or PlainExchange(template, PATHS),
        )
        return made.ask(anchors(count), np.arange(count), k=3, deadline=deadline), made


def hits(*names: str) -> Reply:
    return Reply({"hits": [{"id": name, "text": f"text of {name}", "score": 0.5} for name in names]})


def reasons(found: Mapping[int, ProductionAnswer]) -> list[str]:
    return [str(of.reason) for of in found.values()]


# ---------------------------------------------------------------- what is sent


def test_the_template_is_filled_and_nothing_in_a_question_changes_its_shape() -> None:
    seen: list[Asked] = []

    def answer(of: Asked) -> Reply:
        seen.append(of)
        return hits("c1")

    body = {
        "query": {
            "match": "{text}",
            "size": "{k}",
            "vector": "{vector}",
            "tags": ["{segment.language}", "{{as it is}}"],
        },
        "note": "{id} in {segment.none}{base}",
        "literal": 7,
    }
    found, _ = asked(answer, body=body, parameters={"base": "kb"}, headers={"X-Tenant": "acme"})
    assert seen[0].body == {
        "query": {"match": "question 0", "size": 3, "vector": [0.5, 0.5], "tags": ["de", "{as it is}"]},
        "note": "a0 in kb",
        "literal": 7,
    }
    assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen[0].headers["X-Tenant"] == "acme"
    assert found[0].results == [ProductionResult("c1", "", "text of c1", 0.5)]
    assert found[0].seconds > 0
    hostile = RequestTemplate({"q": "{text}", "in": "say {text}"}, {}).filled({"text": '"}, "size": 9, {k}'})
    assert hostile == {"q": '"}, "size": 9, {k}', "in": 'say "}, "size": 9, {k}'}


def test_get_puts_the_template_in_the_query_string() -> None:
    seen: list[Asked] = []

    def answer(of: Asked) -> Reply:
        seen.append(of)
        return hits("c1")

    found, _ = asked(answer, method="GET", path="/search?tenant=7")
    assert seen[0].method == "GET"
    assert "question" in seen[0].path
    assert "n=3" in seen[0].path
    assert not reasons(found)[0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"q": "{query}"}, "{query}"),
        ({"q": "v = {vector}"}, "expected it alone"),
        ({"q": ["{nothing}"]}, "expected one of text, k, vector, id, segment.NAME"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(body: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"production\.body") as found:
        RequestTemplate(body, {})
    assert said in str(found.value)


# ---------------------------------------------------------------- presets


def result(of: Mapping[int, ProductionAnswer]) -> tuple[str, str, str, float]:
    assert reasons(of) == [""]
    one = of[0].results[0]
    return one.result_id, one.document_id, one.text, one.score


def preset(name: str, body: Any, answer: Any, path: str) -> tuple[str, str, str, float]:
    """A server of this preset, which refuses any other request than the documented one."""
    of = PRODUCTION_PRESETS[name]

    def serve(got: Asked) -> Reply:
        assert got.path == path
        return Reply(answer) if got.body == body else Reply({"error": "another request"}, 400)

    exchange = PlainExchange(RequestTemplate(of.body, {"knowledge_id": "kb"}), of.paths)
    return result(asked(serve, exchange=exchange, path=path)[0])


def test_dify() -> None:
    body = {
        "knowledge_id": "kb",
        "query": "question 0",
        "retrieval_setting": {"top_k": 3, "score_threshold": 0.0},
    }
    record = {"content": "said", "score": 0.98, "title": "t", "metadata": {"path": "s3://x", "id": "c7"}}
    assert preset("dify", body, {"records": [record]}, "/retrieval") == ("c7", "s3://x", "said", 0.98)


def test_openai_vector_store_search() -> None:
    one = {
        "file_id": "file-1",
        "filename": "a.md",
        "score": 0.9,
        "attributes": {"chunk_id": "c7"},
        "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
    }
    answer = {"object": "vector_store.search_results.page", "search_query": ["q"], "data": [one], "has_more": False}
    path = "/v1/vector_stores/vs_1/search"
    body = {"query": "question 0", "max_num_results": 3}
    assert preset("openai", body, answer, path) == ("c7", "file-1", "one\ntwo", 0.9)
    bare = {**answer, "data": [{**one, "attributes": {}}]}
    assert preset("openai", body, bare, path)[0] == "", "told by what it says then"


def test_langserve() -> None:
    document = {
        "id": None,
        "metadata": {"source": "a.md", "chunk_id": "c7"},
        "page_content": "said",
        "type": "Document",
    }
    answer = {"output": [document], "metadata": {"run_id": "r", "feedback_tokens": []}}
    found = preset("langserve", {"input": "question 0"}, answer, "/retriever/invoke")
    assert found[:3] == ("c7", "a.md", "said")
    assert math.isnan(found[3])


def test_haystack() -> None:
    nested = {"id": "h1", "content": "said", "score": 0.4, "meta": {"chunk_id": "c7", "file_path": "a.md"}}
    flat = {"id": "c7", "content": "said", "score": 0.4, "file_path": "a.md"}
    for answer in ({"result": [nested]}, {"result": {"documents": [flat]}}, {"retriever": {"documents": [nested]}}):
        found = preset("haystack", {"query": "question 0"}, answer, "/pipeline/run")
        assert found == ("c7", "a.md", "said", 0.4)


class McpServer:
    """An MCP server of one tool: sessions, a protocol version, and answers as JSON or as an event stream."""

    def __init__(self, result: Any, *, stream: bool = False, session: str = "s-1") -> None:
        self.result, self.stream, self.session = result, stream, session
        self.methods: list[str] = []

    def __call__(self, got: Asked) -> Reply:
        message = got.body
        self.methods.append(message["method"])
        assert "text/event-stream" in got.headers["Accept"]
        if message["method"] == "initialize":
            about = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}}
            headers = {"Mcp-Session-Id": self.session} if self.session else {}
            return self._said(message["id"], {**about, "serverInfo": {"name": "x", "version": "1"}}, headers)
        if self.session and got.headers.get("Mcp-Session-Id") != self.session:
            return Reply({"jsonrpc": "2.0", "error": {"code": -32000, "message": "no session"}}, 400)
        assert got.headers["MCP-Protocol-Version"] == "2025-06-18"
        if message["method"] == "notifications/initialized":
            return Reply(b"", 202)
        assert message["params"] == {"name": "search", "arguments": {"query": "question 0"}}
        return self._said(message["id"], self.result, {})

    def _said(self, number: int, result: Any, headers: Mapping[str, str]) -> Reply:
        said = {"jsonrpc": "2.0", "id": number, "result": result}
        if isinstance(result, Exception):
            said = {"jsonrpc": "2.0", "id": number, "error": {"code": -32602, "message": str(result)}}
        if not self.stream:
            return Reply(said, headers=headers)
        other = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
        events = f": a comment\n\nevent: message\ndata: {other}\n\nid: 1\ndata: {json.dumps(said)}\n\n"
        return Reply(events.encode(), headers={"Content-Type": "text/event-stream", **headers})


def mcp() -> McpExchange:
    of = PRODUCTION_PRESETS["mcp"]
    return McpExchange("search", RequestTemplate(of.body, {}), of.paths)


ONE = {"id": "c7", "title": "t", "url": "a.md", "content": "said", "score": 0.3}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "result_of",
    [
        {"structuredContent": {"results": [ONE]}, "content": []},
        {"structuredContent": {"result": [ONE]}, "content": []},
        {"content": [{"type": "text", "text": json.dumps({"results": [ONE]})}]},
        {"content": [{"type": "text", "text": json.dumps([ONE])}]},
        {"content": [{"type": "text", "text": json.dumps(ONE)}]},
    ],
)
def test_mcp(result_of: Any, stream: bool) -> None:
    server = McpServer(result_of, stream=stream)
    found = result(asked(server, exchange=mcp(), path="/mcp")[0])
    assert found == ("c7", "a.md", "said", 0.3)
    assert server.methods == ["initialize", "notifications/initialized", "tools/call"]


def test_mcp_without_a_session_and_with_plain_text() -> None:
    server = McpServer({"content": [{"type": "text", "text": "said in plain words"}]}, session="")
    assert result(asked(server, exchange=mcp())[0])[2] == "said in plain words"


@pytest.mark.parametrize(
    ("result_of", "reason"),
    [
        ({"isError": True, "content": [{"type": "text", "text": "boom"}]}, "rejected"),
        (KeyError("unknown tool"), "rejected"),
        ({"nothing": 1}, "bad_answer"),
    ],
)
def test_mcp_that_fails(result_of: Any, reason: str) -> None:
    assert reasons(asked(McpServer(result_of), exchange=mcp())[0]) == [reason]


# ---------------------------------------------------------------- what goes wrong

NESTED = b'{"hits":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply({}, 401), "refused"),
        (Reply({}, 403), "forbidden"),
        (Reply({}, 404), "rejected"),
        (Reply({}, 422), "invalid_request"),
        (Reply({}, 429), "rate_limited"),
        (Reply({}, 500), "server_error"),
        (Reply({}, 504), "deadline"),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:9/elsewhere"}), "rejected"),
        (Reply(b"<html>"), "bad_answer"),
        (Reply(b'{"hits": NaN}'), "bad_answer"),
        (Reply({"records": []}), "bad_answer"),
        (Reply({"hits": [{"rank": 1}]}), "bad_answer"),
        (Reply({"hits": {"id": "c1"}}), "bad_answer"),
        (Reply(NESTED), "bad_answer"),
        (Reply(b"x" * 5_000), "too_large"),
        (Reply(zlib.compress(b"{}"), 200, {"Content-Encoding": "deflate"}), "bad_answer"),
    ],
)
def test_a_failure_has_a_name(reply: Reply, reason: str) -> None:
    found, made = asked(lambda _: reply, max_answer_bytes=4_096 if reason == "too_large" else 1 << 20)
    assert reasons(found) == [reason]
    assert made.last_error().startswith(f"{reason}: ")
    assert "\n" not in made.last_error()


def test_an_answer_of_nothing_is_an_answer() -> None:
    found, _ = asked(lambda _: hits())
    assert reasons(found) == [""]
    assert not found[0].results


def test_nobody_there() -> None:
    with serving(lambda _: hits()) as url:
        gone = url
    made = HttpProduction(ProductionSettings(gone), PlainExchange(RequestTemplate({"q": "{text}"}, {}), PATHS))
    assert reasons(made.ask(anchors(2), np.arange(2), k=3, deadline=5.0)) == ["unreachable"] * 2


def test_secrets_are_never_shown() -> None:
    found, made = asked(lambda of: Reply({"hits": [], "you sent": of.headers.get("Authorization")}, 500))
    assert reasons(found) == ["server_error"]
    echo, other = asked(lambda of: Reply({of.headers["Authorization"]: 1, TOKEN: 2}))
    assert reasons(echo) == ["bad_answer"]
    for said in (repr(made), repr(made._settings), made.last_error(), other.last_error(), str(found)):
        assert TOKEN not in said
    assert "[secret]" in other.last_error()
    for url in (f"http://user:{TOKEN}@host/", "ftp://host/", "http://"):
        with pytest.raises(ConfigurationError) as refused:
            ProductionSettings(url)
        assert TOKEN not in str(refused.value)
    with pytest.raises(ConfigurationError) as refused:
        ProductionSettings("http://host/", secrets={"Authorization": f"Bearer {TOKEN}\r\nX: y"})
    assert TOKEN not in str(refused.value)


def test_a_deadline_is_total_and_the_others_fail_with_it() -> None:
    holding = threading.Event()

    def slow(of: Asked) -> Reply:
        if of.body["q"] != "question 0":
            holding.wait(5.0)
        return hits("c1")

    began = time.monotonic()
    try:
        found, _ = asked(slow, count=6, deadline=1.0, concurrency=2, timeout=30.0)
    finally:
        holding.set()
    assert time.monotonic() - began < 5.0
    assert reasons(found)[0] == ""
    assert set(reasons(found)[1:]) == {"deadline"}


def test_an_answer_that_drips_ends_in_its_time() -> None:
    holding = threading.Event()

    def drip(_: Asked) -> Reply:
        holding.wait(3.0)
        return hits("c1")

    found, _ = asked(drip, timeout=0.3, deadline=30.0)
    holding.set()
    assert reasons(found) == ["deadline"]


def test_the_rate_is_kept() -> None:
    stamps: list[float] = []

    def answer(_: Asked) -> Reply:
        stamps.append(time.monotonic())
        return hits("c1")

    found, _ = asked(answer, count=40, rate=40.0, concurrency=8)
    assert reasons(found) == [""] * 40
    assert max(stamps) - min(stamps) >= 0.7, "39 gaps of 25 ms, less what the first connections took"


def test_a_server_that_asks_to_wait_is_left_alone() -> None:
    seen: list[Asked] = []

    def busy(of: Asked) -> Reply:
        seen.append(of)
        return Reply({}, 429, {"Retry-After": "60"})

    found, _ = asked(busy, count=20, concurrency=1, deadline=2.0)
    assert len(seen) == 1
    assert reasons(found) == ["rate_limited"] + ["deadline"] * 19
