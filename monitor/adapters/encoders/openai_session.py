"""HTTP posts that end in time, whatever phase they hang in, and that never read more than they must."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import httpx

from monitor.adapters.retry_after import retry_after

MOST_REFUSAL_BYTES = 4_096
"""Of an answer that is no success, this much is read for its reason."""


class NoAnswerError(Exception):
    """The network, the server or the time left did not allow an answer; trying again may help."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back. `retry_after` is in seconds, None where the server does not say."""

    status: int
    content: bytes
    retry_after: float | None


class HttpSession:
    """One kept-alive connection for the requests of one encoding, on an event loop of its own.

    The loop is what makes a total deadline simple: cancelling a task ends it in name resolution, connect, TLS,
    headers or body alike. httpx's own timeouts are per phase and never end an answer that drips.

    Args:
        url: the endpoint.
        headers: sent with every request; redirects are not followed, so they go nowhere else.
        most_bytes: a longer answer is cut off and counts as none.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, most_bytes: int) -> None:
        self._url, self._headers, self._most_bytes = url, headers, most_bytes

    def __enter__(self) -> "HttpSession":
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(headers=self._headers, timeout=None)  # noqa: S113 - the deadline is total
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()  # an interrupt from the keyboard leaves one
            self._loop.run_until_complete(self._client.aclose())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            # Unlike asyncio.run this does not wait for a name resolution that hangs in its thread.
            self._loop.close()

    @staticmethod
    def now() -> float:
        """The clock of `until`: monotonic seconds."""
        return time.monotonic()

    def post(self, body: bytes, until: float) -> HttpResponse:
        """Send one request and read its answer.

        Raises:
            NoAnswerError: none, none in time, or one that is too long.
        """
        task = self._loop.create_task(self._post(body))
        try:
            return self._loop.run_until_complete(asyncio.wait_for(task, max(0.0, until - self.now())))
        except TimeoutError as error:
            message = "no complete answer in time"
            raise NoAnswerError(message) from error
        except httpx.RequestError as error:
            message = f"{type(error).__name__}: {error}"
            raise NoAnswerError(message) from error

    async def _post(self, body: bytes) -> HttpResponse:
        async with self._client.stream("POST", self._url, content=body) as answer:
            limit = self._most_bytes if answer.status_code == httpx.codes.OK else MOST_REFUSAL_BYTES
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > limit:
                    break
        if answer.status_code == httpx.codes.OK and len(content) > limit:
            message = f"an answer of more than {limit} bytes"
            raise NoAnswerError(message)
        return HttpResponse(answer.status_code, bytes(content[:limit]), retry_after(answer.headers))
