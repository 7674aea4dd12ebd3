"""Idle connections: ours expire first; where the server was first, one request is sent again, and only that one."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from monitor.adapters.retrieval.qdrant import transport
from tests.adapters.qdrant_serving import QUERY, D, ask, served, thirty
from tests.qdrant_stub import QdrantStub

BEFORE = 5.0
"""Qdrant's own keep-alive (`http_keep_alive_timeout_sec`, src/settings.rs)."""


class Relay:
    """TCP in front of the stub that can end connections: when they are idle, or when the next request arrives."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self.requests = 0
        self.last_words: Callable[[int, int], bytes | None] = lambda *_: None
        """What the n-th request (from 0) of a connection (from 0) is answered before it ends; None: in peace."""
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number, self.accepted = self.accepted, self.accepted + 1
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        """Whole requests in, whole answers out; each over a connection of its own to the stub."""
        try:
            with client, client.makefile("rb") as incoming:
                at = 0
                while head := _head(incoming):
                    body = incoming.read(_length(head))
                    self.requests += 1
                    words = self.last_words(number, at)
                    if words is not None:
                        client.sendall(words)
                        return
                    at += 1
                    client.sendall(self._answer(head, body))
        except OSError:
            return

    def _answer(self, head: bytes, body: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._to)) as stub, stub.makefile("rb") as answer:
            stub.sendall(head + body)
            found = _head(answer)
            return found + answer.read(_length(found))


def _head(incoming) -> bytes:  # type: ignore[no-untyped-def]  # a buffered reader of a socket has no public name
    lines = []
    while line := incoming.readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)


@contextmanager
def relayed() -> Iterator[tuple[Relay, QdrantStub, Callable[..., object]]]:
    """A relay, the stub behind it, and what makes a retriever's settings point at the relay."""
    stub = thirty()
    start = stub.start
    relays: list[Relay] = []

    def through() -> str:
        relay = Relay(int(start().rpartition(":")[2]))
        relays.append(relay)
        return f"http://127.0.0.1:{relay.port}"

    stub.start = through  # type: ignore[method-assign] # the retriever is to know the relay alone
    with served(stub, batch=D, concurrency=1) as retriever:
        try:
            yield relays[0], stub, lambda: ask(retriever)
        finally:
            relays[0].close()


def test_ours_expires_before_the_servers() -> None:
    assert transport.KEEP_ALIVE < BEFORE - 1.0, "with room for a slow network"


def test_connections_are_kept_while_they_live() -> None:
    with relayed() as (relay, _, replay):
        replay()
        replay()
        assert relay.accepted == 1


def test_an_idle_connection_that_turns_out_dead_costs_nothing() -> None:
    """The server ends it at the very moment that the next replay's first request arrives."""
    with relayed() as (relay, stub, replay):
        first = replay()
        served_on_first = relay.requests
        relay.last_words = lambda *place: b"" if place == (0, served_on_first) else None
        again = replay()
        assert not again.failures  # type: ignore[attr-defined] # a Replay
        np.testing.assert_array_equal(again.lists.keys, first.lists.keys)  # type: ignore[attr-defined]
        assert relay.accepted >= 2
        assert sum(one.path.endswith(QUERY) for one in stub.sent) == 2, "the lost request never reached the server"


def test_a_request_on_a_new_connection_is_never_sent_again() -> None:
    with relayed() as (relay, _, replay):
        relay.last_words = lambda *_: b""
        before = relay.requests
        assert set(replay().failures.values()) == {"unreachable"}  # type: ignore[attr-defined] # a Replay
        assert relay.requests == before + 2, "once over the idle connection, once over a new one"
        before = relay.requests
        assert set(replay().failures.values()) == {"unreachable"}  # type: ignore[attr-defined]
        assert relay.requests == before + 1, "nothing was idle"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Le", b"HT"])
def test_an_answer_that_began_is_never_asked_for_again(answer: bytes) -> None:
    with relayed() as (relay, _, replay):
        replay()
        before = relay.requests
        relay.last_words = lambda *_: answer
        made = replay()
        assert len(made.failures) == D  # type: ignore[attr-defined] # a Replay
        assert relay.requests == before + 1
