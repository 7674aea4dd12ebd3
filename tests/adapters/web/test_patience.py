"""Who does not finish asking is let go, so that the others are served; who takes long to be answered is not."""

import http.client
import socket
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest

from monitor.adapters.web import bodies as http_bodies
from monitor.adapters.web import patience as http_patience
from monitor.core.records.published import Published
from tests.adapters.serving import Served, Shown, served
from tests.adapters.views import health, view

MANY = 70
"""More than the connections that are served at once."""
HEAD = (
    b"POST /api/v1/deploys HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\ncontent-length: 50\r\n\r\n"
)


def shown() -> Published:
    return view(["s"], health=health(turned=time.time()))


def connected(at: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(at.url).port or 0), timeout=60)


def healthy_again(at: Served) -> bool:
    until, waiting = time.monotonic() + 60, threading.Event()
    while time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):  # on a busy machine this question too may come too late
            if at.ask("/healthz").status == 200:
                return True
        waiting.wait(0.05)
    return False


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost: loc",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nhost",  # a whole one, then half of one
        HEAD + b"{",
    ],
    ids=["nothing", "half a head", "one and a half", "half a body"],
)
def test_half_asked_requests_do_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(http_patience, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_bodies, "BODY_SECONDS", 0.3)
    with ExitStack() as stack:
        at = stack.enter_context(served(Shown(shown())))
        for _ in range(MANY):
            with suppress(ConnectionError):  # let go already: the first ones do not wait for the last
                stack.enter_context(connected(at)).sendall(said)
        assert healthy_again(at)


def test_an_answer_may_take_longer_than_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_patience, "HEAD_SECONDS", 1.0)
    over, due = threading.Event(), http_patience.PatientProtocol._due

    def noticed(self: http_patience.PatientProtocol) -> None:
        due(self)
        over.set()

    monkeypatch.setattr(http_patience.PatientProtocol, "_due", noticed)

    class Slow(Shown):
        def published(self) -> Published | None:
            assert over.wait(60.0)
            return super().published()

    with served(Slow(shown())) as at:
        assert at.ask("/api/v1/report").status == 200


def test_a_connection_is_kept_for_the_next_question() -> None:
    with served(Shown(shown())) as at, connected(at) as connection:
        for _ in range(3):
            connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok\n"):
                block = connection.recv(4_096)
                assert block
                answer += block
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_body_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_bodies, "BODY_SECONDS", 0.1)
    with served(Shown(shown())) as at, connected(at) as connection:
        connection.sendall(HEAD + b"{")
        assert b" 400 " in connection.recv(64)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost: loc", HEAD + b"{"], ids=["nothing", "head", "body"])
def test_a_crowd_that_only_waits_keeps_nobody_out_and_a_talking_client_keeps_its_place(said: bytes) -> None:
    """No time limit is at work here: there is room because the longest silent of the crowd are let go."""
    question = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with ExitStack() as stack:
        at = stack.enter_context(served(Shown(shown())))
        talking = stack.enter_context(connected(at))
        for number in range(300):
            stack.enter_context(connected(at)).sendall(said)
            if number % 20 == 0:
                assert asked(talking, question).startswith(b"HTTP/1.1 200")
        assert at.ask("/healthz").status == 200
        assert at.ask("/metrics").status == 200
        assert asked(talking, question).startswith(b"HTTP/1.1 200")


def asked(connection: socket.socket, question: bytes) -> bytes:
    connection.sendall(question)
    answer = b""
    while not answer.endswith(b"ok\n"):
        block = connection.recv(4_096)
        assert block, "closed"
        answer += block
    return answer


def test_probes_do_not_wait_for_a_report_that_is_being_worked_out() -> None:
    free = threading.Event()

    class Busy(Shown):
        def published(self) -> Published | None:
            assert free.wait(60.0)
            return super().published()

    with served(Busy(shown())) as at:
        try:
            assert at.ask("/healthz").status == 200
            assert at.ask("/readyz").status == 200
            assert at.ask("/api/v1/gate?deploy=d9").json()["state"] == "unseen"
        finally:
            free.set()
