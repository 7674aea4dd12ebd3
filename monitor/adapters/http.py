"""The endpoints: Starlette on uvicorn in a thread of its own; they only read the last published view."""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.adapters.page import render_page
from monitor.adapters.prometheus import CONTENT_TYPE, MetricsPage
from monitor.core.baseline import Approval
from monitor.core.documents import gate_document, report_document, snapshot_document
from monitor.core.policy import Verdict
from monitor.ports import ConfigurationError, CorpusDriftError, Service, UnreachableError

TURN_LIMIT = 60.0
"""Seconds without a turn of the loop after which /healthz fails."""
BODY_LIMIT = 64 << 10
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GATE_STATUS = {"pass": 200, "fail": 409, "inconclusive": 503, "unknown": 503}


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where to listen. `token` empty: no authorisation (loopback only, by default)."""

    host: str = "127.0.0.1"
    port: int = 9_464
    token: str = field(default="", repr=False)
    certificate_file: str = ""
    key_file: str = ""


class Endpoints:
    """The requests, each a few lines over the `Service`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._metrics = MetricsPage()

    def routes(self) -> list[Route]:
        """Every path of the interface."""
        return [
            Route("/", self.page),
            Route("/metrics", self.metrics),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/api/v1/report", self.report),
            Route("/api/v1/gate", self.gate),
            Route("/gate/check", self.gate_check, methods=["GET", "POST"]),
            Route("/api/v1/baselines", self.baselines),
            Route("/api/v1/baselines/capture", self.capture, methods=["POST"]),
            Route("/api/v1/baselines/approve", self.approve, methods=["POST"]),
            Route("/api/v1/deploys", self.deploy_at_end, methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """The page for people."""
        del request
        return HTMLResponse(render_page(self._service.published()))

    def metrics(self, request: Request) -> Response:
        """Prometheus text."""
        del request
        return Response(self._metrics.render(self._service.published()), headers={"content-type": CONTENT_TYPE})

    def healthz(self, request: Request) -> Response:
        """200 while the loop turns."""
        del request
        view = self._service.published()
        quiet = time.time() - view.health.turned if view else 0.0
        if view is not None and quiet > TURN_LIMIT:
            return PlainTextResponse(f"no turn for {quiet:.0f} s, expected at most {TURN_LIMIT:.0f}\n", 503)
        return PlainTextResponse("ok\n")

    def readyz(self, request: Request) -> Response:
        """200 once the state is restored and the lag is known."""
        del request
        view = self._service.published()
        if view is None:
            return PlainTextResponse("restoring the state\n", 503)
        if view.health.lag is None and not view.report.positions:
            return PlainTextResponse("lag is not known\n", 503)
        return PlainTextResponse("ok\n")

    def report(self, request: Request) -> Response:
        """The newest report, or that of a deploy."""
        deploy_id = request.query_params.get("deploy", "")
        if deploy_id:
            record = self._service.deploy(deploy_id)
            if record is None:
                return _problem(f"deploy {deploy_id!r}: not known, or its report is no longer kept", 404)
            return JSONResponse(report_document(record.report, record.verdict))
        view = self._service.published()
        if view is None:
            return _problem("no report yet: the state is being restored", 503)
        return JSONResponse(report_document(view.report, view.verdict))

    def gate(self, request: Request) -> Response:
        """200 with the verdict in the body, whatever it is."""
        return self._gate(request, status=False)

    def gate_check(self, request: Request) -> Response:
        """200 pass, 409 fail, 503 otherwise, for tools that read the status only."""
        return self._gate(request, status=True)

    def _gate(self, request: Request, *, status: bool) -> Response:
        deploy_id = request.query_params.get("deploy", "")
        if not deploy_id:
            return _problem("parameter deploy is missing: expected ?deploy=ID", 400)
        record = self._service.deploy(deploy_id)
        if record is not None:
            made = gate_document(deploy_id, record.report, record.verdict)
        else:
            view = self._service.published()
            waiting = view is not None and deploy_id in view.health.waiting
            reason = f"deploy {deploy_id!r}: " + ("its markers have not all arrived" if waiting else "never seen")
            made = gate_document(deploy_id, None, Verdict("unknown", (reason,), ()))
            made["state"] = "waiting" if waiting else "unseen"
        return JSONResponse(made, GATE_STATUS[made["verdict"]] if status else 200)

    def baselines(self, request: Request) -> Response:
        """All captured baselines."""
        del request
        return JSONResponse([snapshot_document(snapshot) for snapshot in self._service.baselines()])

    async def capture(self, request: Request) -> Response:
        """Capture the current lists as a baseline."""
        body = await _body(request, _Capture)
        return await _answer(lambda: snapshot_document(self._service.capture(body.name)))

    async def approve(self, request: Request) -> Response:
        """Approve a captured baseline."""
        body = await _body(request, _Approve)
        approval = Approval(body.author, body.reason, body.time)
        return await _answer(lambda: snapshot_document(self._service.approve(body.name, approval)))

    async def deploy_at_end(self, request: Request) -> Response:
        """Close a deploy where the stream ends now."""
        body = await _body(request, _Deploy)

        def ask() -> dict[str, Any]:
            self._service.deploy_at_end(body.deploy)
            return {"deploy": body.deploy, "state": "waiting"}

        return await _answer(ask)


class _Capture(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class _Approve(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    author: str
    reason: str
    time: str


class _Deploy(msgspec.Struct, forbid_unknown_fields=True):
    deploy: str


class _BadRequest(Exception):  # noqa: N818 - becomes a 400 answer
    pass


async def _body(request: Request, kind: type[Any]) -> Any:
    # A browser cannot send this content type across origins without asking first.
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        message = "content-type: expected application/json"
        raise _BadRequest(message)
    read = bytearray()
    async for block in request.stream():
        read += block
        if len(read) > BODY_LIMIT:
            message = f"body: more than {BODY_LIMIT} bytes"
            raise _BadRequest(message)
    try:
        return msgspec.json.decode(bytes(read), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"body: {error}"
        raise _BadRequest(message) from error


async def _answer(ask: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(ask))
    except ConfigurationError as error:
        return _problem(str(error), 400)
    except UnreachableError as error:
        return _problem(str(error), 503)


def _problem(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


async def _bad_request(request: Request, error: Exception) -> Response:
    del request
    return _problem(str(error), 400)


async def _failed(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, CorpusDriftError):
        return _problem(str(error), 503)
    return _problem(f"internal error: {type(error).__name__}", 500)


class _Guard:
    """Token (constant-time compare) for everything but /healthz, and strict headers on every answer.

    On a loopback address only a loopback name may be asked for: a web page that points its own name at 127.0.0.1
    (DNS rebinding) gets nothing.
    """

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app, self._token = app, token.encode()
        self._names = LOOPBACK if host in LOOPBACK else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        name = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].strip("[]")
        if self._names and name not in self._names:
            answer = _problem(f"host {name[:80]!r}: expected one of {', '.join(sorted(self._names))}", 421)
            await answer(scope, receive, send)
            return
        given = headers.get(b"authorization", b"")
        if self._token and scope["path"] != "/healthz" and not hmac.compare_digest(given, b"Bearer " + self._token):
            answer = _problem("authorization: expected a bearer token", 401)
            await answer(scope, receive, send)
            return

        async def hardened(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, hardened)


_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    ),
)


def application(service: Service, token: str = "", host: str = "127.0.0.1") -> Starlette:
    """The endpoints as an ASGI application."""
    handlers: dict[Any, Any] = {_BadRequest: _bad_request, CorpusDriftError: _failed, Exception: _failed}
    return Starlette(
        routes=Endpoints(service).routes(),
        middleware=[Middleware(_Guard, token=token, host=host)],
        exception_handlers=handlers,
    )


class HttpServer:
    """uvicorn in a daemon thread; `start` returns when it listens."""

    def __init__(self, settings: HttpSettings, service: Service) -> None:
        self._settings = settings
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(service, settings.token, settings.host),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=5,
                limit_concurrency=64,
                lifespan="off",
                ssl_certfile=settings.certificate_file or None,
                ssl_keyfile=settings.key_file or None,
            )
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._failed: BaseException | None = None

    def start(self, *, patience: float = 10.0) -> str:
        """Listen; returns the base URL.

        Raises:
            ConfigurationError: the address is taken or cannot be had.
        """
        self._thread.start()
        waiting, until = threading.Event(), time.monotonic() + patience
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            waiting.wait(0.01)
        if not self._server.started:
            where = f"{self._settings.host}:{self._settings.port}"
            message = f"http.host, http.port = {where}: cannot listen there; expected a free address"
            raise ConfigurationError(message)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        scheme = "https" if self._settings.certificate_file else "http"
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"{scheme}://{host}:{port}"

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit as stop:  # uvicorn exits where it cannot bind; `start` says so in its own words
            self._failed = stop
