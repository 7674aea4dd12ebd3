"""The mends of kafka-python itself, on real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import IO

import pytest

from monitor.adapters.sources.kafka.client import open_consumer
from monitor.adapters.sources.kafka.settings import KafkaSettings
from monitor.ports import UnreachableError

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
REFUSAL = b"Authentication failed: no such user"


@pytest.fixture
def refusing_broker() -> Iterator[str]:
    """Address of a server that answers a password by a refusal and the end of the connection in one segment."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with closing(connection), connection.makefile("rb") as stream:
            while answer(connection, stream.read(4), stream):
                pass


def answer(connection: socket.socket, size: bytes, stream: IO[bytes]) -> bool:
    """Answer one request; False where the connection is to be closed."""
    if len(size) < 4:
        return False
    request = stream.read(int.from_bytes(size, "big"))
    api, version, correlation = (int.from_bytes(request[i:j], "big") for i, j in ((0, 2), (2, 4), (4, 8)))
    if api == API_VERSIONS:
        keys = [(API_VERSIONS, 0, 0), (SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 0), (3, 0, 1)]
        body = bytes(2) if version == 0 else (35).to_bytes(2, "big")
        body += len(keys).to_bytes(4, "big") + b"".join(number.to_bytes(2, "big") for key in keys for number in key)
    elif api == SASL_HANDSHAKE:
        body = bytes(2) + (1).to_bytes(4, "big") + (5).to_bytes(2, "big") + b"PLAIN"
    else:
        body = (58).to_bytes(2, "big") + len(REFUSAL).to_bytes(2, "big") + REFUSAL + bytes(4)
    message = correlation.to_bytes(4, "big") + body
    connection.sendall(len(message).to_bytes(4, "big") + message)
    return api != SASL_AUTHENTICATE


def test_the_refusal_of_a_broker_that_hangs_up_at_once_is_read(refusing_broker: str) -> None:
    settings = KafkaSettings(
        (refusing_broker,),
        ("topic",),
        security="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="monitor",
        sasl_password="not-the-secret",
        allow_sasl_without_tls=True,
        start_timeout=5.0,
    )
    with pytest.raises(UnreachableError, match="no such user") as caught:
        open_consumer(settings, [])
    assert "not-the-secret" not in str(caught.value)
