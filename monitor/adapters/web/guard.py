"""What every request passes first: the name it asks for, the token; and what every answer carries."""

import hmac
import ipaddress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.adapters.web.bodies import BadRequest, webhook, whole
from monitor.adapters.web.page.style import content_security_policy

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROBES = frozenset({"/healthz", "/readyz"})
WEBHOOKS = frozenset({"/gate/check", "/rollback/check"})
"""A controller that cannot send headers may post its token as `metadata.token`; these only read."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", content_security_policy().encode()),
)
"""On every answer, refusals included."""


class Guard:
    """Token (constant-time compare) for everything but the probes, and strict headers on every answer.

    A kubelet cannot send a secret, and /healthz and /readyz say nothing of the corpus.

    On a loopback address only a loopback name may be asked for: a web page that points its own name at 127.0.0.1
    (DNS rebinding) gets nothing.
    """

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app, self._token = app, token.encode()
        self._names = LOOPBACK | {host.lower()} if is_loopback(host) else frozenset[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; the answer gets its headers either way."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def hardened(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        headers = dict(scope["headers"])
        refusal, asked = self._misnamed(headers), receive
        if refusal is None and not self._trusted(scope["path"], headers.get(b"authorization", b"")):
            asked = await self._webhook(scope, headers, receive) or receive
            refusal = _unauthorised() if asked is receive else None
        await (refusal or self._app)(scope, asked, hardened)

    def _misnamed(self, headers: dict[bytes, bytes]) -> Response | None:
        name = host_name(headers.get(b"host", b"").decode("latin-1"))
        if self._names and name not in self._names:
            return problem(f"host {name[:80]!r}: expected one of {', '.join(sorted(self._names))}", 421)
        return None

    def _trusted(self, path: str, given: bytes) -> bool:
        return not self._token or path in PROBES or hmac.compare_digest(given, b"Bearer " + self._token)

    async def _webhook(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive | None:
        """The request again, where a webhook's body holds the token; None where it does not."""
        if scope["path"] not in WEBHOOKS or scope["method"] != "POST" or b"authorization" in headers:
            return None
        try:
            read = await whole(Request(scope, receive))
        except BadRequest:
            return None
        if not hmac.compare_digest(webhook(read).get("token", "").encode(), self._token):
            return None
        left = [{"type": "http.request", "body": read, "more_body": False}]

        async def again() -> Any:
            return left.pop() if left else await receive()

        return again


def _unauthorised() -> Response:
    answer = problem("authorization: expected a bearer token", 401)
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def host_name(header: str) -> str:
    """The name in a Host header, lower-case, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def problem(message: str, status: int) -> Response:
    """An error as JSON."""
    return JSONResponse({"error": message}, status)
