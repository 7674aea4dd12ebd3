"""The endpoint encoder against a real HTTP server that misbehaves on demand."""

import logging
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

from monitor.adapters.encoders import openai as encoder_openai
from monitor.adapters.encoders import openai_session
from monitor.adapters.encoders.openai import OpenAIEncoder, OpenAISettings
from monitor.adapters.encoders.openai_vectors import MalformedEmbeddingsError, read_vectors
from monitor.ports import ConfigurationError, Encoder, UnreachableError
from tests.adapters.openai_serving import (
    Step,
    cut,
    drip,
    drip_head,
    flood,
    good,
    hang,
    raw,
    serving,
    spoiled,
    status,
    vector_of,
)

KEY = "sk-secret-0123456789"
TEXTS = ["alpha", "be", "naïve 入門"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def encoder(url: str, waits: list[float] | None = None, **settings: Any) -> OpenAIEncoder:
    """An encoder that notes its pauses instead of taking them."""
    given = {"model": "m", "embedding_version": "m:3", "dimension": 3, "timeout": 20.0, **settings}
    noted: list[float] = [] if waits is None else waits

    def wait(seconds: float) -> bool:
        noted.append(seconds)
        return False

    return OpenAIEncoder(OpenAISettings(url, **given), wait=wait)


def expected(texts: list[str]) -> np.ndarray[Any, Any]:
    return np.array([vector_of(text) for text in texts], np.float32)


@pytest.mark.parametrize("ask_base64", [False, True])
def test_vectors_come_back_in_the_order_of_the_texts(ask_base64: bool) -> None:
    with serving() as server:
        port: Encoder = encoder(server.url, api_key=KEY, batch=2, ask_base64=ask_base64)
        made = port.encode([*TEXTS, " \n", *TEXTS])
    np.testing.assert_array_equal(made, np.vstack([expected(TEXTS), np.zeros((1, 3)), expected(TEXTS)]))
    assert made.dtype == np.float32
    assert [body["input"] for body in server.bodies] == [TEXTS[:2], [TEXTS[2], TEXTS[0]], TEXTS[1:]]
    assert {body["path"] for body in server.bodies} == {"/v1/embeddings"}
    assert {body["encoding_format"] for body in server.bodies} == {"base64" if ask_base64 else "float"}
    assert "dimensions" not in server.bodies[0]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert port.embedding_version == "m:3"
    assert port.dimension == 3


def test_the_endpoint_itself_may_be_named_and_no_key_sends_none() -> None:
    with serving() as server:
        encoder(f"{server.url}/embeddings?api-version=1", ask_dimension=True).encode(["a"])
    assert server.bodies[0]["path"] == "/v1/embeddings?api-version=1"
    assert server.bodies[0]["dimensions"] == 3
    assert "authorization" not in server.headers[0]


def test_nothing_to_encode_asks_nobody() -> None:
    made = encoder("http://127.0.0.1:9").encode([])
    assert made.shape == (0, 3)
    assert not encoder("http://127.0.0.1:9").encode(["", " "]).any()


def test_long_texts_share_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_openai, "MOST_REQUEST_CHARACTERS", 10)
    with serving() as server:
        encoder(server.url).encode(["a" * 6, "b" * 4, "c", "d" * 30, "e"])
    assert [len(body["input"]) for body in server.bodies] == [2, 1, 1, 1]


@pytest.mark.parametrize("failing", [status(500), status(503), status(408), cut], ids=["500", "503", "408", "cut"])
def test_a_passing_failure_is_tried_again(failing: Step) -> None:
    waits: list[float] = []
    with serving(failing, failing, good) as server:
        made = encoder(server.url, waits).encode(TEXTS)
    np.testing.assert_array_equal(made, expected(TEXTS))
    assert len(server.bodies) == 3
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "0"}, 0.0),
        ({"Retry_After": "Wed, 19 Aug 2026 10:00:09 GMT", "Date": "Wed, 19 Aug 2026 10:00:00 GMT"}, 9.0),
        ({"Retry_After": "Wed, 19 Aug 2020 10:00:09 GMT", "Date": "Wed, 19 Aug 2026 10:00:00 GMT"}, 0.0),
        ({"Retry_After": "soon"}, 0.5),
        ({"Retry_After": "-1"}, 0.5),
        ({"Retry_After": "nan"}, 0.5),
        ({}, 0.5),
    ],
)
def test_the_server_may_say_when(headers: dict[str, str], pause: float) -> None:
    waits: list[float] = []

    def busy(handler: Any, _: dict[str, Any]) -> None:
        handler.send_response_only(429)
        handler.send_header("Content-Length", "0")
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    with serving(busy, good) as server:
        encoder(server.url, waits).encode(["a"])
    assert waits == [pause]


def test_a_pause_beyond_the_time_left_is_not_taken() -> None:
    waits: list[float] = []
    with serving(status(429, Retry_After="3600")) as server, pytest.raises(UnreachableError) as caught:
        encoder(server.url, waits).encode(["a"])
    assert str(caught.value) == (
        f"encoder {server.url}/embeddings: HTTP 429, retry after 3600 s; tried 1 times within 20 s"
    )
    assert waits == []


def test_tries_are_bounded() -> None:
    waits: list[float] = []
    with serving(status(500)) as server, pytest.raises(UnreachableError, match="HTTP 500; tried 3 times within 20 s"):
        encoder(server.url, waits, tries=3).encode(["a"])
    assert len(server.bodies) == 3
    assert waits == [0.5, 1.0]


def test_waiting_can_be_cut_short() -> None:
    stop = threading.Event()
    stop.set()
    with serving(status(500)) as server:
        settings = OpenAISettings(server.url, "m", "m:3", 3)
        with pytest.raises(UnreachableError, match="stopped while waiting after HTTP 500"):
            OpenAIEncoder(settings, wait=stop.wait).encode(["a"])
    assert len(server.bodies) == 1


@pytest.mark.parametrize("slow", [hang, drip, drip_head])
def test_no_phase_outlasts_the_total_deadline(slow: Step) -> None:
    with serving(slow) as server:
        started = time.monotonic()
        with pytest.raises(UnreachableError, match=r"no complete answer in time; tried 1 times within 0\.4 s"):
            encoder(server.url, timeout=0.4).encode(["a"])
        assert time.monotonic() - started < 30.0


def test_a_server_that_never_accepts_ends_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="no complete answer in time"):
            encoder(url, timeout=0.3).encode(["a"])
        assert time.monotonic() - started < 30.0


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    with pytest.raises(UnreachableError, match=r"ConnectError: .*; tried 2 times") as caught:
        encoder(url, tries=2).encode(["a"])
    assert "\n" not in str(caught.value)


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(flood) as server, pytest.raises(UnreachableError, match="an answer of more than 1054720 bytes"):
        encoder(server.url, tries=1).encode(["a"])


BAD: list[tuple[Step, type[Exception], str]] = [
    (spoiled(lambda items: items.pop()), UnreachableError, "indices of 2 vectors, expected each of 0 to 2 once"),
    (spoiled(lambda items: items.clear()), UnreachableError, "indices of 0 vectors"),
    (spoiled(lambda items: items.append(items[0])), UnreachableError, "indices of 4 vectors"),
    (spoiled(lambda items: items[0].update(index=1)), UnreachableError, "expected each of 0 to 2 once"),
    (spoiled(lambda items: items[0].update(index=-1)), UnreachableError, "expected each of 0 to 2 once"),
    (spoiled(lambda items: items[0].pop("index")), UnreachableError, "missing required field `index`"),
    (
        spoiled(lambda items: items[0]["embedding"].append(1.0)),
        ConfigurationError,
        "vectors of 4 numbers, expected corpus.dim",
    ),
    (spoiled(lambda items: items[0].update(embedding=[])), ConfigurationError, "vectors of 0 numbers"),
    (spoiled(lambda items: items[0].update(embedding=[1, 1e39, 1])), UnreachableError, "vector 2 is not finite"),
    (spoiled(lambda items: items[0].update(embedding=[1, float("nan"), 1])), UnreachableError, "JSON is malformed"),
    (
        spoiled(lambda items: items[0].update(embedding="AADAfwAAwH8AAMB/")),
        UnreachableError,
        "vector 2 is not finite",
    ),
    (spoiled(lambda items: items[0].update(embedding="AAAA")), UnreachableError, "base64 of 3 bytes is no float32"),
    (spoiled(lambda items: items[0].update(embedding="?")), UnreachableError, "neither numbers nor base64"),
    (spoiled(lambda items: items[0].update(embedding=None)), UnreachableError, "Expected `str | array`"),
    (raw(b""), UnreachableError, "Input data was truncated in 0 bytes"),
    (raw(b'{"data": [{"index": 0, "emb'), UnreachableError, "Input data was truncated"),
    (raw(b"<html>busy</html>"), UnreachableError, "JSON is malformed"),
    (raw(b'{"error": "x"}'), UnreachableError, "missing required field `data`"),
    (raw(b"\xff\xfe"), UnreachableError, "JSON is malformed"),
    (status(400, b'{"error":"input\ntoo long"}'), ConfigurationError, 'HTTP 400: {"error":"input too long"}'),
    (status(404, b""), ConfigurationError, "HTTP 404: no reason given"),
    (status(401, KEY.encode()), ConfigurationError, "HTTP 401: it refuses the API key"),
    (status(403), ConfigurationError, "HTTP 403: it refuses the API key"),
    (status(302, b"", Location="http://127.0.0.1:9/"), ConfigurationError, "HTTP 302: it redirects"),
]


@pytest.mark.parametrize(("step", "error", "said"), BAD, ids=[said[:40] for _, _, said in BAD])
def test_a_wrong_answer_is_one_named_line_and_not_asked_for_again(
    step: Step, error: type[Exception], said: str
) -> None:
    with serving(step) as server, pytest.raises(error) as caught:
        encoder(server.url, api_key=KEY).encode(TEXTS)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"encoder {server.url}/embeddings: ")
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.bodies) == 1


def test_the_key_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    steps = (status(500), status(400, f"your key {KEY} is odd".encode()))
    with serving(*steps) as server:
        made = encoder(server.url, api_key=KEY)
        with pytest.raises(ConfigurationError, match=r"your key \[key\] is odd") as caught:
            made.encode(["a"])
    shown = [repr(made), repr(OpenAISettings(server.url, "m", "v", 3, KEY)), str(caught.value), caplog.text]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert not [text for text in shown if KEY in text]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://host/v1"}, "encoder.url 'ftp://host/v1', expected http://HOST"),
        ({"url": "host:80/v1"}, "expected http://HOST"),
        ({"url": "http:///v1"}, "expected http://HOST"),
        ({"url": f"https://user:{KEY}@host/v1"}, "encoder.url holds credentials"),
        ({"api_key": f"{KEY}\n"}, "encoder.api_key holds blanks"),
        ({"api_key": f"{KEY}é"}, "printable ASCII"),
        ({"dimension": 0}, "corpus.dimension = 0, expected the length"),
        ({"model": ""}, "encoder.model and corpus.embedding_version"),
        ({"embedding_version": ""}, "encoder.model and corpus.embedding_version"),
        ({"timeout": float("nan")}, "expected numbers above 0"),
        ({"batch": 0}, "expected numbers above 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    given = {"url": "http://host/v1", "model": "m", "embedding_version": "v", "dimension": 3, **settings}
    with pytest.raises(ConfigurationError, match=said.replace("[", r"\[")) as caught:
        OpenAIEncoder(OpenAISettings(**given))
    assert KEY not in str(caught.value)


def test_a_lone_surrogate_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lone surrogate, expected Unicode text"):
        encoder("http://127.0.0.1:9").encode(["x \ud800"])


def test_a_refusal_is_read_only_so_far() -> None:
    with serving(status(400, b"x" * 100_000)) as server, pytest.raises(ConfigurationError) as caught:
        encoder(server.url).encode(["a"])
    assert len(str(caught.value)) < 300
    assert openai_session.MOST_REFUSAL_BYTES < 100_000


def test_the_reader_alone_refuses_deep_nesting() -> None:
    with pytest.raises(MalformedEmbeddingsError):
        read_vectors(b'{"data": ' + b"[" * 200_000, 1, 3)
