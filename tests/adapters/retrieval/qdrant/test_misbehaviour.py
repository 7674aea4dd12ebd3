"""A Qdrant server that misbehaves: a named failure in time each time, never an exception, never a number."""

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.adapters.qdrant_serving import FETCH, QUERY, D, answers, ask, hang, served, status, thirty
from tests.qdrant_stub import Handler, Json, Misbehaviour


def raw(body: bytes, headers: Mapping[str, str] | None = None) -> Misbehaviour:
    return lambda handler, _: handler.reply(200, body, headers)


def each_hit(change: Any) -> Misbehaviour:
    def every(result: Json) -> None:
        for answer in result:
            for hit in answer["points"]:
                change(hit)

    return answers(every)


def drip(handler: Handler, result: Json, *, headers: bool = False) -> None:
    """One byte at a time, each well within any timeout of a phase."""
    body = json.dumps({"result": result}).encode() + b" " * 2_000
    head = f"HTTP/1.1 200 OK\r\nX-Long: {'x' * 2_000}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for byte in head if headers else body:
        if not headers:
            handler.wfile.write(head)
            head = b""
        handler.wfile.write(bytes([byte]))
        if handler.stub.released.wait(0.05):
            return


def flood(handler: Handler, _: Json) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[")
    while not handler.stub.released.is_set():
        handler.wfile.write(b" " * 65536)


def cut_off(handler: Handler, _: Json) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"result": [')
    handler.close_connection = True


def no_http(handler: Handler, _: Json) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
    handler.close_connection = True


def crowd(result: Json) -> None:
    for answer in result:
        answer["points"] += [hit | {"id": hit["id"] + 100} for hit in answer["points"]]


MISBEHAVIOURS: dict[str, tuple[str, Misbehaviour, str]] = {
    "429": (QUERY, status(429), "rate_limited"),
    "429 with Retry-After": (QUERY, status(429, headers={"Retry-After": "3"}), "rate_limited"),
    "429 with a strange Retry-After": (QUERY, status(429, headers={"Retry-After": "soon"}), "rate_limited"),
    "500": (QUERY, status(500, "panic"), "server_error"),
    "503": (QUERY, status(503), "server_error"),
    "401": (QUERY, status(401, b"Invalid API key or JWT"), "refused"),
    "403, no access": (QUERY, status(403, "Forbidden: Global access is required"), "forbidden"),
    "403, locked": (QUERY, status(403, "Storage locked: Storage is currently disabled"), "forbidden"),
    "404": (QUERY, status(404, "Not found: Collection `chunks` doesn't exist!"), "collection_missing"),
    "400": (QUERY, status(400, "Wrong input: Not existing vector name error: text"), "rejected"),
    "400, wrong dimension": (
        QUERY,
        status(400, "Wrong input: Vector dimension error: expected dim: 3, got 4"),
        "rejected",
    ),
    "400, strict mode": (QUERY, status(400, 'Bad request: Limit exceeded 6 > 5 for "limit"'), "rejected"),
    "408": (QUERY, status(408, "Timeout: Operation 'Search' timed out after 2s"), "deadline"),
    "422": (
        QUERY,
        status(422, "Validation error in JSON body: [limit: value 0 invalid, must be 1 or larger]"),
        "invalid_request",
    ),
    "405 of a later version": (QUERY, status(405, "Standalone mode"), "rejected"),
    "507 of a later version": (QUERY, status(507, "Insufficient storage"), "server_error"),
    "redirect": (QUERY, status(307, headers={"Location": "http://127.0.0.1:1/"}), "bad_answer"),
    "reset": (QUERY, lambda handler, _: handler.reset(), "unreachable"),
    "closed without an answer": (QUERY, lambda handler, _: setattr(handler, "close_connection", True), "unreachable"),
    "cut off": (QUERY, cut_off, "bad_answer"),
    "not HTTP": (QUERY, no_http, "bad_answer"),
    "truncated JSON": (QUERY, raw(b'{"result": [{"points": [{"id": 1, "ver'), "bad_answer"),
    "empty body": (QUERY, raw(b""), "bad_answer"),
    "not text": (QUERY, raw(b'{"result": "\xff\xfe"}'), "bad_answer"),
    "deep JSON": (QUERY, raw(b"[" * 200_000), "bad_answer"),
    "a web page": (QUERY, raw(b"<html>login</html>", {"Content-Type": "text/html"}), "bad_answer"),
    "compressed": (QUERY, raw(b"\x1f\x8b", {"Content-Encoding": "gzip"}), "bad_answer"),
    "flood": (QUERY, flood, "too_large"),
    "no result": (QUERY, raw(b'{"status": "ok", "time": 0}'), "bad_answer"),
    "null result": (QUERY, raw(b'{"result": null, "status": "ok", "time": 0}'), "bad_answer"),
    "fewer answers than questions": (QUERY, answers(lambda result: result[1:]), "bad_answer"),
    "more answers than questions": (QUERY, answers(lambda result: result + result[:1]), "bad_answer"),
    "NaN score": (QUERY, each_hit(lambda hit: hit.update(score=float("nan"))), "not_finite"),
    "infinite score": (QUERY, each_hit(lambda hit: hit.update(score=float("inf"))), "not_finite"),
    "no score": (QUERY, each_hit(lambda hit: hit.pop("score")), "bad_answer"),
    "null score": (QUERY, each_hit(lambda hit: hit.update(score=None)), "bad_answer"),
    "no id": (QUERY, each_hit(lambda hit: hit.pop("id")), "bad_answer"),
    "the same point twice": (QUERY, each_hit(lambda hit: hit.update(id=1)), "bad_answer"),
    "too many results": (QUERY, answers(crowd), "too_many_results"),
    "no payload": (QUERY, each_hit(lambda hit: hit.pop("payload")), "no_chunk_id"),
    "no chunk id in any payload": (QUERY, each_hit(lambda hit: hit.update(payload={})), "no_chunk_id"),
    "a list as the chunk id": (QUERY, each_hit(lambda hit: hit.update(payload={"chunk_id": []})), "no_chunk_id"),
    "half a character as the chunk id": (
        QUERY,
        each_hit(lambda hit: hit.update(payload={"chunk_id": "\ud800"})),
        "no_chunk_id",
    ),
    "vectors too short": (
        FETCH,
        answers(lambda found: [r.update(vector=r["vector"][1:]) for r in found] and None),
        "dimension",
    ),
    "vectors with NaN": (
        FETCH,
        answers(lambda found: [r.update(vector=[float("nan")] * D) for r in found] and None),
        "not_finite",
    ),
    "vectors beyond float32": (
        FETCH,
        answers(lambda found: [r.update(vector=[1e300] * D) for r in found] and None),
        "not_finite",
    ),
    "vectors of text": (
        FETCH,
        answers(lambda found: [r.update(vector=["x"] * D) for r in found] and None),
        "bad_answer",
    ),
    "no vectors": (FETCH, answers(lambda found: [r.pop("vector") for r in found] and None), "bad_answer"),
    "several vectors per point": (
        FETCH,
        answers(lambda found: [r.update(vector=[r["vector"]]) for r in found] and None),
        "bad_answer",
    ),
    "500 for the vectors": (FETCH, status(500), "server_error"),
    "hang": (QUERY, hang, "deadline"),
    "hang at the vectors": (FETCH, hang, "deadline"),
    "dripping body": (QUERY, drip, "deadline"),
    "dripping head": (QUERY, lambda handler, result: drip(handler, result, headers=True), "deadline"),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_misbehaviour_becomes_a_named_failure_in_time(name: str) -> None:
    stub = thirty()
    path, misbehaviour, reason = MISBEHAVIOURS[name]
    stub.misbehave[path] = misbehaviour
    with served(stub, max_response_bytes=1_000_000) as retriever:
        begun = time.monotonic()
        made = ask(retriever, deadline=0.5 if reason == "deadline" else 20.0)
        took = time.monotonic() - begun
    assert dict(made.failures) == dict.fromkeys(range(D), reason)
    assert not made.lists.known.any()
    assert np.isnan(made.lists.scores).all()
    if reason == "deadline":
        assert took < 60.0, "0.5 s were given, the rest is for a busy machine; unbounded drips take 100 s"
