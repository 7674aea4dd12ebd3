"""The endpoints: Starlette on uvicorn in a thread of its own; they only read the last published view."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.adapters.prometheus.exporter import CONTENT_TYPE
from monitor.adapters.prometheus.scrapes import Scrapes
from monitor.adapters.web.bodies import (
    ApproveRequest,
    BadRequest,
    CaptureRequest,
    DeployRequest,
    ErasedRequest,
    RetryRequest,
    body,
    webhook,
    whole,
)
from monitor.adapters.web.guard import Guard, problem
from monitor.adapters.web.page.migration import NOW
from monitor.adapters.web.page.pages import Pages, asked_of
from monitor.adapters.web.page.render import CONFIG
from monitor.adapters.web.patience import CONNECTIONS_MOST, PatientProtocol
from monitor.core.erasure.model import ErasureRequest
from monitor.core.index.baseline import Approval, Snapshot
from monitor.core.judging.policy import Verdict
from monitor.core.migration.document import migration_document
from monitor.core.migration.verdict import MigrationAssessment
from monitor.core.records.documents import (
    gate_document,
    judged_document,
    report_document,
    retried_document,
    snapshot_document,
)
from monitor.core.records.history import DEPLOYS_KEPT, HOURS_KEPT
from monitor.core.records.history_document import history_document
from monitor.core.traffic.document import traffic_document
from monitor.ports import ConfigurationError, CorpusDriftError, Service, UnreachableError

TURN_LIMIT = 60.0
"""Seconds without a turn of the loop after which /healthz fails."""
TEXT_LIMIT = 8 << 20
"""Bytes of a request that holds a text: 1 MiB of it, however it is escaped."""
GATE_STATUS = {"pass": 200, "fail": 409, "inconclusive": 503, "unknown": 503}
ROLLBACK_STATUS = {"pass": 409, "fail": 200, "inconclusive": 503, "unknown": 503}
"""To whom success means: roll back. Whatever goes wrong is no success, so it rolls nothing back."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where to listen. `token` empty: no authorisation (loopback only, by default)."""

    host: str = "127.0.0.1"
    port: int = 9_464
    token: str = field(default="", repr=False)
    certificate_file: str = ""
    key_file: str = ""
    turn_limit: float = TURN_LIMIT
    """A turn may hold a whole replay, so this is more than the replay's deadline."""
    config: str = CONFIG
    """The configuration file that commands on the page name."""


class Endpoints:
    """The requests, each a few lines over the `Service`."""

    def __init__(self, service: Service, turn_limit: float = TURN_LIMIT, config: str = CONFIG) -> None:
        self._service, self._turn_limit, self._config = service, turn_limit, config
        self._scrapes, self._pages = Scrapes(service.published), Pages(service, turn_limit, config)

    def routes(self) -> list[Route]:
        """Every path of the interface."""
        return [
            Route("/", self.page),
            Route("/metrics", self.metrics),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/api/v1/report", self.report),
            Route("/api/v1/explain", self.explain),
            Route("/api/v1/history", self.history),
            Route("/api/v1/fixes", self.fixes),
            Route("/api/v1/gate", self.gate),
            Route("/api/v1/erased", self.erased, methods=["POST"]),
            Route("/api/v1/migration", self.migration),
            Route("/api/v1/traffic", self.traffic),
            Route("/gate/check", self.gate_check, methods=["GET", "POST"]),
            Route("/rollback/check", self.rollback_check, methods=["GET", "POST"]),
            Route("/api/v1/baselines", self.baselines),
            Route("/api/v1/baselines/capture", self.capture, methods=["POST"]),
            Route("/api/v1/baselines/approve", self.approve, methods=["POST"]),
            Route("/api/v1/baselines/accept", self.accept, methods=["POST"]),
            Route("/api/v1/deploys", self.deploy_at_end, methods=["POST"]),
            Route("/api/v1/quarantine/replay", self.retry, methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """The page for people: now, or a deploy, with a segment or an anchor in view."""
        return HTMLResponse(self._pages.page(asked_of(request.query_params), time.time()))

    def metrics(self, request: Request) -> Response:
        """Prometheus text."""
        del request
        return Response(self._scrapes.page(), headers={"content-type": CONTENT_TYPE})

    def healthz(self, request: Request) -> Response:
        """200 while the loop turns: a new start would not bring back a shard that is away, which the answer names."""
        del request
        pulse = self._service.pulse()
        quiet = time.time() - pulse.health.turned if pulse else 0.0
        if quiet > self._turn_limit:
            return PlainTextResponse(f"no turn for {quiet:.0f} s, expected at most {self._turn_limit:.0f}\n", 503)
        return PlainTextResponse(f"{(pulse and pulse.health.away) or 'ok'}\n")

    def readyz(self, request: Request) -> Response:
        """200 once the state is restored and the lag is known, while no shard is away."""
        del request
        pulse = self._service.pulse()
        if pulse is None:
            return PlainTextResponse("restoring the state\n", 503)
        if pulse.health.lag is None and not pulse.positions:
            return PlainTextResponse(
                f"lag is not known: {pulse.health.last_error or 'the source does not say'}\n", 503
            )
        if pulse.health.away:
            return PlainTextResponse(f"{pulse.health.away}\n", 503)
        return PlainTextResponse("ok\n")

    def report(self, request: Request) -> Response:
        """The newest report, or that of a deploy."""
        deploy_id = request.query_params.get("deploy", "")
        if deploy_id:
            record = self._service.deploy(deploy_id)
            if record is None:
                return problem(f"deploy {deploy_id!r}: not known, or its report is no longer kept", 404)
            return JSONResponse(report_document(record.report, record.verdict))
        view = self._service.published()
        if view is None:
            return problem("no report yet: the state is being restored", 503)
        return JSONResponse(report_document(view.report, view.verdict))

    def history(self, request: Request) -> Response:
        """The newest points of deploys and hours, at most as many as are kept."""
        try:
            deploys, hours = (int(request.query_params.get(name, "40")) for name in ("deploys", "hours"))
        except ValueError:
            return problem("parameters deploys, hours: expected whole numbers", 400)
        bounded = min(max(deploys, 0), DEPLOYS_KEPT), min(max(hours, 0), HOURS_KEPT)
        return JSONResponse(history_document(self._service.history(*bounded)))

    def explain(self, request: Request) -> Response:
        """The incident card: of a deploy, else of the corpus now; of one segment or anchor."""
        asked = [request.query_params.get(name, "") for name in ("deploy", "segment", "anchor")]
        try:
            return JSONResponse(self._service.explain(*asked))
        except ConfigurationError as error:
            return problem(str(error), 404)

    def fixes(self, request: Request) -> Response:
        """The fix list as JSON Lines: of a deploy, else of the corpus now."""
        try:
            card = self._service.explain(request.query_params.get("deploy", ""), "", "")
        except ConfigurationError as error:
            return problem(str(error), 404)
        lines = "".join(f"{json.dumps(fix, ensure_ascii=False)}\n" for fix in card["fix_list"]["fixes"])
        return Response(lines, media_type="application/jsonl")

    def gate(self, request: Request) -> Response:
        """200 with the verdict in the body, whatever it is."""
        return self._gate(request.query_params, None)

    async def gate_check(self, request: Request) -> Response:
        """200 pass, 409 fail, 503 otherwise, for tools that read the status only."""
        asked = await _asked(request)
        if asked.get("migration"):
            return await run_in_threadpool(self._migration_gate, asked["migration"])
        return await run_in_threadpool(self._gate, asked, GATE_STATUS)

    async def rollback_check(self, request: Request) -> Response:
        """200 fail, 409 pass, 503 otherwise, for tools that roll back on success."""
        return await run_in_threadpool(self._gate, await _asked(request), ROLLBACK_STATUS)

    def _gate(self, asked: Mapping[str, str], statuses: Mapping[str, int] | None) -> Response:
        deploy_id, baseline = asked.get("deploy", ""), asked.get("baseline", "")
        if not deploy_id:
            return problem("parameter deploy is missing: expected ?deploy=ID, or metadata.deploy in a webhook", 400)
        # The pulse first: what its ledger names was committed before, so its record is found unless it was dropped.
        pulse = self._service.pulse()
        record = self._service.deploy(deploy_id)
        if record is not None and baseline:
            try:
                made = dict(self._service.judged_against(deploy_id, baseline))
            except ConfigurationError as error:
                return problem(str(error), 404)
        elif record is not None:
            made = judged_document(record, () if pulse is None else pulse.ledger)
        else:
            state, said = "unseen", "never seen"
            if pulse is not None and deploy_id in pulse.health.waiting:
                awaited = pulse.health.awaited.get(deploy_id, "")
                state, said = "waiting", f"it waits: {awaited}" if awaited else "its markers have not all arrived"
            elif pulse is not None and any(judged.deploy_id == deploy_id for judged in pulse.ledger):
                state, said = "forgotten", "judged, but its report is no longer kept"
            made = gate_document(deploy_id, None, Verdict("unknown", (f"deploy {deploy_id!r}: {said}",), ()))
            made["state"] = state
        return JSONResponse(made, statuses[made["verdict"]] if statuses else 200)

    def migration(self, request: Request) -> Response:
        """The encoder migration that is configured, judged; 404 where there is none, or not the one asked for."""
        of = self._migration(request.query_params.get("migration", ""))
        return of if isinstance(of, Response) else JSONResponse(migration_document(of, self._config))

    def traffic(self, request: Request) -> Response:
        """The anchors beside the traffic; 404 where none is read."""
        del request
        view = self._service.published()
        if view is None:
            return problem("no report yet: the state is being restored", 503)
        if view.traffic is None:
            return problem("no traffic is read: see [traffic]", 404)
        return JSONResponse(traffic_document(view.traffic))

    def _migration(self, asked: str) -> MigrationAssessment | Response:
        view = self._service.published()
        if view is None:
            return problem("no report yet: the state is being restored", 503)
        if view.assessment is None:
            return problem("no encoder migration is configured, or nothing is known of it yet: see [migration]", 404)
        own = view.assessment.view.migration_id
        return view.assessment if asked in ("", NOW, own) else problem(f"migration {asked!r}: expected {own!r}", 404)

    def _migration_gate(self, asked: str) -> Response:
        """200 READY or COMPLETE, 409 NOT_READY or ROLL_BACK, 503 whatever is not decided."""
        of = self._migration(asked)
        if isinstance(of, Response):
            return of
        return JSONResponse(migration_document(of, self._config), GATE_STATUS[of.verdict.gate])

    def baselines(self, request: Request) -> Response:
        """All captured baselines."""
        del request
        view = self._service.published()
        name = view.report.baseline.name if view is not None and view.report.baseline is not None else ""
        return JSONResponse(
            [snapshot_document(snapshot, in_force=snapshot.name == name) for snapshot in self._service.baselines()]
        )

    async def capture(self, request: Request) -> Response:
        """Capture the current lists as a baseline."""
        asked = await body(request, CaptureRequest)
        return await _answer(lambda: snapshot_document(self._service.capture(asked.name)))

    async def approve(self, request: Request) -> Response:
        """Approve a captured baseline."""
        return await _responsible(request, self._service.approve)

    async def accept(self, request: Request) -> Response:
        """Capture the current lists and approve them in one step; an empty name is the configured one."""
        return await _responsible(request, self._service.accept)

    async def deploy_at_end(self, request: Request) -> Response:
        """Close a deploy where the stream ends now."""
        asked = await body(request, DeployRequest)

        def ask() -> dict[str, Any]:
            self._service.deploy_at_end(asked.deploy)
            return {"deploy": asked.deploy, "state": "waiting"}

        return await _answer(ask)

    async def erased(self, request: Request) -> Response:
        """Whether what was deleted can still be retrieved: 200 with the verdict in the body."""
        asked = await body(request, ErasedRequest, TEXT_LIMIT)
        wanted = ErasureRequest(asked.ids, asked.text, asked.accept_copies, asked.forget)
        return await _answer(lambda: dict(self._service.erased(wanted)))

    async def retry(self, request: Request) -> Response:
        """Give everything in quarantine another try."""
        await body(request, RetryRequest)

        def ask() -> dict[str, Any]:
            made = self._service.retry()
            return retried_document(made.taken, made.kept)

        return await _answer(ask)


async def _responsible(request: Request, put: Callable[[str, Approval], Snapshot]) -> Response:
    """A person puts a baseline in force."""
    asked = await body(request, ApproveRequest)
    approval = Approval(asked.author, asked.reason, asked.time)
    return await _answer(lambda: snapshot_document(put(asked.name, approval), in_force=True))


async def _asked(request: Request) -> Mapping[str, str]:
    """What a tool asks for in its URL, else in a webhook's metadata."""
    return {**webhook(await whole(request)), **request.query_params}


async def _answer(ask: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(ask))
    except ConfigurationError as error:
        return problem(str(error), 400)
    except UnreachableError as error:
        return problem(str(error), 503)


async def _bad_request(request: Request, error: Exception) -> Response:
    del request
    return problem(str(error), 400)


async def _failed(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, CorpusDriftError):
        return problem(str(error), 503)
    return problem(f"internal error: {type(error).__name__}", 500)


def application(service: Service, settings: HttpSettings | None = None) -> Starlette:
    """The endpoints as an ASGI application."""
    chosen = settings or HttpSettings()
    handlers: dict[Any, Any] = {BadRequest: _bad_request, CorpusDriftError: _failed, Exception: _failed}
    made = Starlette(
        routes=Endpoints(service, chosen.turn_limit, chosen.config).routes(),
        middleware=[Middleware(Guard, token=chosen.token, host=chosen.host)],
        exception_handlers=handlers,
    )
    made.router.redirect_slashes = False  # a path that is not one of ours leads nowhere
    return made


class HttpServer:
    """uvicorn in a daemon thread; `start` returns when it listens."""

    def __init__(self, settings: HttpSettings, service: Service) -> None:
        self._settings, self._service = settings, service
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, *, patience: float = 10.0) -> str:
        """Listen; returns the base URL.

        Raises:
            ConfigurationError: the address is taken or cannot be had, or certificate and key do not serve.
        """
        server = self._server = self._configured()
        listening = self._bound()
        port = listening.getsockname()[1]
        run = partial(server.run, sockets=[listening])
        self._thread = threading.Thread(target=run, name="http", daemon=True)
        self._thread.start()
        waiting, until = threading.Event(), time.monotonic() + patience
        while not server.started and self._thread.is_alive() and time.monotonic() < until:
            waiting.wait(0.01)
        if not server.started:
            message = f"http: no endpoints within {patience:g} s on {self._settings.host}:{port}"
            raise UnreachableError(message)
        scheme = "https" if self._settings.certificate_file else "http"
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"{scheme}://{host}:{port}"

    def _configured(self) -> uvicorn.Server:
        chosen = self._settings
        config = uvicorn.Config(
            application(self._service, chosen),
            http=PatientProtocol,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            limit_concurrency=CONNECTIONS_MOST,
            lifespan="off",
            ssl_certfile=chosen.certificate_file or None,
            ssl_keyfile=chosen.key_file or None,
        )
        try:
            config.load()
        except OSError as error:  # ssl.SSLError is one
            files = f"http.certificate_file = {chosen.certificate_file!r}, http.key_file = {chosen.key_file!r}"
            message = f"{files}: {error.strerror or error}; expected a PEM certificate chain and its key"
            raise ConfigurationError(message) from error
        return uvicorn.Server(config)

    def _bound(self) -> socket.socket:
        host, port = self._settings.host, self._settings.port
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
        except OSError as error:
            listening.close()
            message = (
                f"http.host, http.port = {host}:{port}: {error.strerror}; expected a free address of this machine"
            )
            raise ConfigurationError(message) from error
        return listening

    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice, or without a start."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10.0)
