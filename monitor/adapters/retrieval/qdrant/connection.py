"""A connection to a Qdrant server: reads on a fixed number of threads, all over by one moment.

Every socket operation of a read is bounded by the deadline. What a thread does beyond (a name server that hangs) is
left behind, and the next read finds that thread taken, not one more thread.
"""

import logging
import math
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException

from monitor.adapters.retrieval.failed_reads import FailedRead, FailureLog, ReadOutlook
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.failures import failed
from monitor.adapters.retrieval.qdrant.transport import RateLimitedError, ReadOnlyTransport
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.ports import ConfigurationError, CorpusDriftError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Connection:
    """The client, its read-only transport and its threads. Opens nothing until the first read."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._transport: ReadOnlyTransport | None = None
        self._client: QdrantClient | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._not_before = -math.inf
        self._log = FailureLog(settings.where)

    def start(self) -> None:
        """Make the client. Sends nothing.

        Raises:
            ConfigurationError: the file of certificates cannot be read.
        """
        if self._client is not None:
            return
        settings = self._settings
        if settings.api_key and urlsplit(settings.url).scheme == "http":
            log.warning("qdrant %s: the API key is sent without TLS", settings.url)
        self._transport = ReadOnlyTransport(
            root=settings.root,
            collection_path=settings.path,
            verify=tls(settings),
            connections=settings.concurrency,
            max_bytes=settings.max_response_bytes,
        )
        self._client = QdrantClient(
            url=settings.url,
            headers={"api-key": settings.api_key} if settings.api_key else {},  # as api_key= it warns on http
            timeout=int(np.ceil(settings.timeout)),
            cloud_inference=True,  # a text in a query goes to the server as it is: nothing is embedded here
            check_compatibility=False,  # it would start a thread of its own; see `versions`
            transport=self._transport,
            trust_env=False,
        )
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="qdrant-read")

    def close(self) -> None:
        """Close the connections; waits for no read. A second call does nothing."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()
        self._client = self._threads = self._transport = None

    def read(self, what: str, tasks: Sequence[Callable[[QdrantClient], T]], until: float) -> list[T | FailedRead]:
        """Do all reads, several at a time, none retried; returns by `until` whatever happens.

        A reason that concerns the server (HOPELESS), or STRIKES reads that ran out of time, fail the reads not begun;
        a server that asked to be left alone for a while is. What goes wrong is logged once, not at each call.

        Args:
            what: is read, for the log.
            tasks: the reads.
            until: the deadline on the monotonic clock.
        """
        if self._threads is None:
            message = "qdrant: not started, expected start() before any read"
            raise CorpusDriftError(message)
        outlook = ReadOutlook(until)
        futures = [self._threads.submit(self._read, task, outlook) for task in tasks]
        wait(futures, timeout=max(0.0, until - time.monotonic()))
        results = [_result(future) for future in futures]
        self._log.say(what, results)
        return results

    def _read(self, task: Callable[[QdrantClient], T], outlook: ReadOutlook) -> T | FailedRead:
        verdict, client, transport = outlook.verdict(), self._client, self._transport
        if verdict is not None:
            return verdict
        if client is None or transport is None:
            return FailedRead(FailureReason.UNREACHABLE, "closed")
        if (left := self._not_before - time.monotonic()) > 0:
            return FailedRead(FailureReason.RATE_LIMITED, f"not sent: the server asked to wait, {left:.0f} s more")
        try:
            with transport.until(min(outlook.until, time.monotonic() + self._settings.timeout)):
                return task(client)
        except Exception as error:  # a hostile answer can raise anything in the client; it gets a name
            self._heed(error)
            one = failed(error, self._settings.api_key)
            outlook.note(one)
            return one

    def _heed(self, error: Exception) -> None:
        source = error.source if isinstance(error, ResponseHandlingException) else error
        if isinstance(source, RateLimitedError):
            self._not_before = time.monotonic() + source.wait


def _result(future: "Future[T | FailedRead]") -> T | FailedRead:
    if future.done() and not future.cancelled():
        return future.result()
    future.cancel()
    return FailedRead(FailureReason.DEADLINE, "no answer before the deadline")


def tls(settings: ServerSettings) -> ssl.SSLContext:
    """How TLS is checked.

    Raises:
        ConfigurationError: the file of certificates cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        named = f"{settings.section}.ca_file = {settings.ca_file!r}"
        message = f"{named}: {error.strerror or error}, expected a file of certificates (PEM)"
        raise ConfigurationError(message) from error
