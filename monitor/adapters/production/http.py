"""Production's retriever over HTTP: every anchor is asked as a user would ask, within one deadline.

A replay measures, so nothing is retried and no redirect is followed: what goes wrong is a failure with a name.
Secrets are sent and never shown: not in a repr, not in what is said of a failure.
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.production.answer_paths import AnswerPaths, UnreadableAnswerError
from monitor.adapters.production.template import RequestTemplate
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.production import ProductionAnswer
from monitor.ports import ConfigurationError

T = TypeVar("T")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
LONGEST_WAIT = 300.0
"""The most seconds of a Retry-After that are believed."""
_STATUS: Mapping[int, FailureReason] = {
    401: FailureReason.REFUSED,
    403: FailureReason.FORBIDDEN,
    408: FailureReason.DEADLINE,
    422: FailureReason.INVALID,
    429: FailureReason.RATE_LIMITED,
    504: FailureReason.DEADLINE,
}


@dataclass(frozen=True, slots=True)
class ProductionSettings:
    """How production is asked.

    Args:
        url: where requests go.
        method: POST, whose body is JSON, or GET, whose query string has the template's top-level values.
        headers: sent as they are; they may be shown.
        secrets: the same, never shown.
        ca_file: PEM file with whom to trust, "" for what the system trusts.
        rate: requests a second, at most.
        concurrency: requests at a time, at most.
        timeout: seconds for one request.
        max_answer_bytes: the longest answer that is read.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    rate: float = 10.0
    concurrency: int = 4
    timeout: float = 10.0
    max_answer_bytes: int = 4 << 20

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        wrong = ""
        if parts.username is not None or parts.password is not None:
            wrong = "production.url holds credentials, expected them in production.token"
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            wrong = f"production.url {self.url!r}, expected http://HOST[:PORT]/PATH or https://..."
        for name, value in {**self.headers, **self.secrets}.items():
            if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
                wrong = f"production: header {name!r:.60}: expected a header's name, and printable ASCII as its value"
        if wrong:
            raise ConfigurationError(wrong)

    def scrubbed(self, text: str) -> str:
        """Foreign text in one short line, without secrets."""
        for secret in self.secrets.values():
            for part in {secret, *secret.split()} - {"Bearer"}:
                text = text.replace(part, "[secret]") if len(part) > 3 else text
        return _CONTROL.sub(" ", text).strip()[:200]


class FailedAnswerError(Exception):
    """A request that has no answer, and why."""

    def __init__(self, reason: str, detail: str, *, wait: float = 0.0) -> None:
        super().__init__(detail)
        self.reason, self.wait = reason, wait


class Exchange(Protocol):
    """How one question becomes requests, and their answers results; made anew for every replay."""

    def begin(self, wire: "ProductionWire") -> Coroutine[Any, Any, None]:
        """What has to be said before the first question; raises FailedAnswerError."""
        ...

    def ask(self, wire: "ProductionWire", values: Mapping[str, Any]) -> Coroutine[Any, Any, ProductionAnswer]:
        """One question; raises FailedAnswerError or UnreadableAnswerError."""
        ...


@dataclass(frozen=True, slots=True)
class PlainExchange:
    """One request per question: JSON in, JSON out."""

    template: RequestTemplate
    paths: AnswerPaths

    async def begin(self, wire: "ProductionWire") -> None:
        """Nothing."""

    async def ask(self, wire: "ProductionWire", values: Mapping[str, Any]) -> ProductionAnswer:
        """See `Exchange`."""
        answer = await wire.send(self.template.filled(values))
        return ProductionAnswer(self.paths.read(answer.content))


@dataclass(frozen=True, slots=True)
class ReceivedAnswer:
    """A successful answer's headers and bytes."""

    headers: httpx.Headers
    content: bytes


class ProductionWire:
    """Requests with the configured headers; answers of bounded size, or a FailedAnswerError."""

    def __init__(self, client: httpx.AsyncClient, settings: ProductionSettings) -> None:
        self._client, self._settings = client, settings

    async def send(self, body: Any, headers: Mapping[str, str] | None = None) -> ReceivedAnswer:
        """One request and its answer."""
        get = self._settings.method == "GET"
        request = self._client.build_request(
            self._settings.method,
            self._settings.url,
            params={key: _scalar(value) for key, value in body.items()} if get else None,
            content=None if get else msgspec.json.encode(body),
            headers=headers,
        )
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.RequestError as error:
            raise FailedAnswerError(FailureReason.UNREACHABLE, str(error) or type(error).__name__) from error
        try:
            return ReceivedAnswer(answer.headers, await self._content(answer))
        except httpx.RequestError as error:
            raise FailedAnswerError(FailureReason.UNREACHABLE, str(error) or type(error).__name__) from error
        finally:
            await answer.aclose()

    async def _content(self, answer: httpx.Response) -> bytes:
        status = answer.status_code
        if not 200 <= status < 300:
            raise FailedAnswerError(_reason(status), f"HTTP {status}", wait=_wait(answer.headers))
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            detail = "a compressed answer, expected none: its size in memory would be unbounded"
            raise FailedAnswerError(FailureReason.BAD_ANSWER, detail)
        content, limit = bytearray(), self._settings.max_answer_bytes
        async for part in answer.aiter_raw():
            content += part
            if len(content) > limit:
                raise FailedAnswerError(FailureReason.TOO_LARGE, f"an answer of more than {limit} bytes")
        return bytes(content)


class HttpProduction:
    """`ProductionRetriever` over HTTP; see ports for the contract.

    Args:
        settings: how it is asked.
        exchange: what is said.
    """

    def __init__(self, settings: ProductionSettings, exchange: Exchange) -> None:
        self._settings, self._exchange = settings, exchange
        self._verify = ssl.create_default_context(cafile=settings.ca_file or None)
        self._last_error = ""

    def __repr__(self) -> str:
        """Without secrets, and without the query string, where some put them."""
        return f"HttpProduction({self._settings.url.partition('?')[0]})"

    def last_error(self) -> str:
        """What the last failure of the last replay said, one line without secrets; "" where none failed."""
        return self._last_error

    def ask(
        self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float
    ) -> dict[int, ProductionAnswer]:
        """Ask for every anchor of `rows`; see ports."""
        until, self._last_error = time.monotonic() + deadline, ""
        return _finished(self._all(anchors, rows.tolist(), k, until))

    def close(self) -> None:
        """Nothing stays open between two replays."""

    async def _all(
        self, anchors: AnchorSet, rows: Sequence[int], k: int, until: float
    ) -> dict[int, ProductionAnswer]:
        pace = _Pace(self._settings.rate, until)
        gate = asyncio.Semaphore(self._settings.concurrency)
        async with self._client() as client:
            wire = ProductionWire(client, self._settings)
            began = await self._guarded(self._exchange.begin(wire), pace)
            if isinstance(began, ProductionAnswer):
                return dict.fromkeys(rows, began)

            async def one(row: int) -> ProductionAnswer:
                async with gate:
                    return await self._one(wire, pace, _values(anchors, row, k))

            return dict(zip(rows, await asyncio.gather(*(one(row) for row in rows)), strict=True))

    async def _one(self, wire: ProductionWire, pace: "_Pace", values: Mapping[str, Any]) -> ProductionAnswer:
        if not await pace.turn():
            return ProductionAnswer(reason=FailureReason.DEADLINE)
        began = time.monotonic()
        found = await self._guarded(self._exchange.ask(wire, values), pace)
        seconds = time.monotonic() - began
        return ProductionAnswer(found.results, found.reason, seconds)

    async def _guarded(self, asking: Coroutine[Any, Any, T], pace: "_Pace") -> T | ProductionAnswer:
        """What comes of it within its time, or the failure with its name."""
        try:
            return await asyncio.wait_for(asking, max(0.0, min(self._settings.timeout, pace.left())))
        except TimeoutError:
            return self._failed(FailureReason.DEADLINE, "no complete answer in time")
        except FailedAnswerError as error:
            pace.leave_alone(error.wait)
            return self._failed(error.reason, str(error))
        except UnreadableAnswerError as error:
            return self._failed(FailureReason.BAD_ANSWER, str(error))

    def _failed(self, reason: str, detail: str) -> ProductionAnswer:
        self._last_error = f"{reason}: {self._settings.scrubbed(detail)}"
        return ProductionAnswer(reason=reason)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **self._settings.headers,
            **self._settings.secrets,
            "Accept-Encoding": "identity",
        }
        async with httpx.AsyncClient(headers=headers, timeout=None, verify=self._verify) as client:  # noqa: S113 - total
            yield client


class _Pace:
    """When the next request may go: evenly, and not before the server wants it."""

    def __init__(self, rate: float, until: float) -> None:
        self._gap, self._until = 1.0 / rate, until
        self._next = time.monotonic()

    def left(self) -> float:
        """Seconds that are left."""
        return self._until - time.monotonic()

    def leave_alone(self, seconds: float) -> None:
        """Nothing goes for so long."""
        self._next = max(self._next, time.monotonic() + seconds)

    async def turn(self) -> bool:
        """Wait for a turn; False where it would come after the deadline."""
        now = time.monotonic()
        at = max(now, self._next)
        if at >= self._until:
            return False
        self._next = at + self._gap
        await asyncio.sleep(at - now)
        return True


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own; unlike asyncio.run this does not wait for a name resolution that hangs."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        try:
            for task in asyncio.all_tasks(loop):
                task.cancel()  # an interrupt from the keyboard leaves some
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def _values(anchors: AnchorSet, row: int, k: int) -> dict[str, Any]:
    anchor = anchors.anchors[row]
    segment = {f"segment.{name}": value for name, value in anchor.segment}
    return {"text": anchor.text, "k": k, "vector": anchors.vectors[row].tolist(), "id": anchor.id, **segment}


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _reason(status: int) -> FailureReason:
    if status >= 500:
        return _STATUS.get(status, FailureReason.SERVER_ERROR)
    return _STATUS.get(status, FailureReason.REJECTED)


def _wait(headers: httpx.Headers) -> float:
    given = headers.get("Retry-After", "").strip()
    return min(float(given[:9]), LONGEST_WAIT) if given.isascii() and given.isdigit() else 0.0
