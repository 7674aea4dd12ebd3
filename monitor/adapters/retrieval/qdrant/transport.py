"""HTTP to a Qdrant server that can only read, ends on time and swallows no flood.

The client's own timeout is per phase: an answer that drips took 15.6 s at `timeout=2`. Here every socket operation
is bounded by what is left until one moment, whichever phase it is in.

A server closes a connection that was idle for its keep-alive (Qdrant: 5 s by default). Ours expires earlier; where
the server was first all the same, the request that finds the connection dead is sent once more over a new one. No
measurement is retried by that: the server never began to answer.
"""

import math
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from monitor.adapters.retry_after import retry_after

READS = {
    ("GET", ""),
    ("GET", "/aliases"),
    ("POST", "/points"),
    ("POST", "/points/count"),
    ("POST", "/points/query/batch"),
    ("POST", "/points/scroll"),
}
"""What may be sent: method and path behind `/collections/NAME`. None of these changes anything."""
LONGEST_WAIT = 300.0
"""The most seconds of a Retry-After that are believed."""
KEEP_ALIVE = 2.0
"""Seconds that an idle connection is kept: well below the server's 5."""


class WriteRefusedError(Exception):
    """A request that is not one of READS was about to be sent."""


class TooLargeError(Exception):
    """An answer went beyond the limit."""


class ClosedError(Exception):
    """The connection ended before an answer began."""


class RateLimitedError(Exception):
    """The server said 429; `wait` is how many seconds it wants to be left alone, 0.0 where it does not say."""

    def __init__(self, wait: float) -> None:
        super().__init__("HTTP 429" + (f": the server asks to wait {wait:.0f} s" if wait else ""))
        self.wait = wait


class _Moment(threading.local):
    """What a thread's request is bounded by, and what became of it on the wire; each thread has its own."""

    until: float = math.inf
    connected: bool = False
    """Whether a new connection was opened for it."""
    received: bool = False
    """Whether any byte of an answer came."""


class EncodedError(Exception):
    """An answer came compressed although that was not asked for: its size in memory would be unbounded."""


class ReadOnlyTransport(httpx.BaseTransport):
    """See the module docstring.

    Args:
        root: path of the server itself, which may be read for its version.
        collection_path: path of the collection on the server, percent-encoded, without a slash at the end.
        verify: how TLS is checked.
        connections: the most connections at a time.
        max_bytes: the longest answer accepted.
    """

    def __init__(
        self, *, root: str, collection_path: str, verify: ssl.SSLContext, connections: int, max_bytes: int
    ) -> None:
        self._root, self._path = root, collection_path
        self._max_bytes = max_bytes
        self._moment = _Moment()
        self._pool = self._connections(verify, connections, kept=connections)
        self._once = self._connections(verify, connections, kept=0)

    def _connections(self, verify: ssl.SSLContext, most: int, *, kept: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=verify,
            max_connections=most,
            max_keepalive_connections=kept,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=_TimedBackend(self._moment),
        )

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """This thread's requests end at this moment of the monotonic clock."""
        self._moment.until = moment
        try:
            yield
        finally:
            self._moment.until = math.inf

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one of READS and hand the answer over; raises httpcore's exceptions and those above."""
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        version = (request.method, path) == ("GET", self._root)
        if not version and (
            not path.startswith(self._path) or (request.method, path.removeprefix(self._path)) not in READS
        ):
            message = f"{request.method} {path} is not a read of {self._path}"
            raise WriteRefusedError(message)
        request.headers["Accept-Encoding"] = "identity"
        answer = self._sent(request)
        headers = httpx.Headers(answer.headers)
        if answer.status == 429:
            answer.close()
            raise RateLimitedError(retry_after(headers, most=LONGEST_WAIT) or 0.0)
        if headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            message = f"Content-Encoding {headers['Content-Encoding']!r}, expected none"
            raise EncodedError(message)
        return httpx.Response(answer.status, headers=headers, stream=_Capped(answer, self._max_bytes))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        self._once.close()

    def _sent(self, request: httpx.Request) -> httpcore.Response:
        """The answer's head; over a second connection where the first was idle before and turned out dead."""
        try:
            return self._sent_by(self._pool, request)
        except ClosedError:
            if self._moment.connected:
                raise
        return self._sent_by(self._once, request)

    def _sent_by(self, pool: httpcore.ConnectionPool, request: httpx.Request) -> httpcore.Response:
        self._moment.connected = self._moment.received = False
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            return pool.handle_request(sent)
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError) as error:
            if self._moment.received:
                raise
            raise ClosedError(str(error) or type(error).__name__) from error


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


def _left(moment: _Moment, timeout: float | None, error: type[Exception]) -> float:
    """Seconds a socket operation may take: what is left, or the phase's own timeout where that is less."""
    left: float = moment.until - time.monotonic()
    if left <= 0:
        message = "the deadline passed"
        raise error(message)
    return left if timeout is None else min(left, timeout)


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self, moment: _Moment) -> None:
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
        self._moment.connected = True
        return _TimedStream(self._moment, self._plain.connect_tcp(host, port, left, local_address, socket_options))


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, moment: _Moment, plain: httpcore.NetworkStream) -> None:
        self._moment, self._plain = moment, plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        got = self._plain.read(max_bytes, _left(self._moment, timeout, httpcore.ReadTimeout))
        self._moment.received = self._moment.received or bool(got)
        return got

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
