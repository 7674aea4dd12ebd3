"""HTTP to a Qdrant server that can only read, ends on time and swallows no flood.

The client's own timeout is per phase: an answer that drips took 15.6 s at `timeout=2`. Here every socket operation
is bounded by what is left until one moment, whichever phase it is in.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

READS = {
    ("GET", ""),
    ("POST", "/points"),
    ("POST", "/points/count"),
    ("POST", "/points/query/batch"),
    ("POST", "/points/scroll"),
}
"""What may be sent: method and path behind `/collections/NAME`. None of these changes anything."""


class WriteRefusedError(Exception):
    """A request that is not one of READS was about to be sent."""


class TooLargeError(Exception):
    """An answer went beyond the limit."""


class EncodedError(Exception):
    """An answer came compressed although that was not asked for: its size in memory would be unbounded."""


class ReadOnlyTransport(httpx.BaseTransport):
    """See the module docstring.

    Args:
        collection_path: path of the collection on the server, percent-encoded, without a slash at the end.
        verify: how TLS is checked.
        connections: the most connections at a time.
        max_bytes: the longest answer accepted.
    """

    def __init__(self, *, collection_path: str, verify: ssl.SSLContext, connections: int, max_bytes: int) -> None:
        self._path = collection_path
        self._max_bytes = max_bytes
        self._moment = threading.local()
        self._pool = httpcore.ConnectionPool(
            ssl_context=verify,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_TimedBackend(self._moment),
        )

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """This thread's requests end at this moment of the monotonic clock."""
        self._moment.until = moment
        try:
            yield
        finally:
            del self._moment.until

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one of READS and hand the answer over; raises httpcore's exceptions and those above."""
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        if not path.startswith(self._path) or (request.method, path.removeprefix(self._path)) not in READS:
            message = f"{request.method} {path} is not a read of {self._path}"
            raise WriteRefusedError(message)
        request.headers["Accept-Encoding"] = "identity"
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        headers = httpx.Headers(answer.headers)
        if headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            message = f"Content-Encoding {headers['Content-Encoding']!r}, expected none"
            raise EncodedError(message)
        return httpx.Response(answer.status, headers=headers, stream=_Capped(answer, self._max_bytes))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Capped(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, limit: int) -> None:
        self._answer, self._limit = answer, limit

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._answer.iter_stream():
            size += len(part)
            if size > self._limit:
                message = f"answer longer than {self._limit} bytes"
                raise TooLargeError(message)
            yield part

    def close(self) -> None:
        self._answer.close()


def _left(moment: threading.local, timeout: float | None, error: type[Exception]) -> float:
    """Seconds a socket operation may take: what is left, or the phase's own timeout where that is less."""
    left: float = moment.until - time.monotonic()
    if left <= 0:
        message = "the deadline passed"
        raise error(message)
    return left if timeout is None else min(left, timeout)


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self, moment: threading.local) -> None:
        self._moment, self._plain = moment, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._moment, timeout, httpcore.ReadTimeout)
        return _TimedStream(self._moment, self._plain.connect_tcp(host, port, left, local_address, socket_options))


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, moment: threading.local, plain: httpcore.NetworkStream) -> None:
        self._moment, self._plain = moment, plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, _left(self._moment, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, _left(self._moment, timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._moment, timeout, httpcore.ReadTimeout)
        return _TimedStream(self._moment, self._plain.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._plain.close()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)
