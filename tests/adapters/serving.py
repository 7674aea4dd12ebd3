"""Endpoints on a free port over a service of the test's making, and plain requests to them."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from monitor.adapters.web.server import HttpServer, HttpSettings
from monitor.core.erasure.model import ErasureRequest
from monitor.core.index.baseline import Approval, Snapshot
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Position
from monitor.core.records.committed import DeployRecord, Retried
from monitor.core.records.documents import gate_document
from monitor.core.records.history import AnchorPast, ChunkPast, History
from monitor.core.records.published import Published, Pulse
from monitor.ports import ConfigurationError, Service


@dataclass
class Shown:
    """`monitor.ports.Service` that shows what it was given, and does what it is told to fail with."""

    view: Published | None = None
    records: Mapping[str, DeployRecord] = field(default_factory=dict)
    captured: Sequence[Snapshot] = ()
    failure: Exception | None = None
    watched: Sequence[Anchor] = ()
    past: History = field(default_factory=History)
    lists: Mapping[str, AnchorPast] = field(default_factory=dict)
    texts: Mapping[str, ChunkPast] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def published(self) -> Published | None:
        return self.view

    def pulse(self) -> Pulse | None:
        return None if self.view is None else self.view.pulse

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        self._fail()
        return self.records.get(deploy_id)

    def judged_against(self, deploy_id: str, baseline: str) -> Mapping[str, Any]:
        self._fail()
        self.asked.append(("against", deploy_id, baseline))
        record = self.records[deploy_id]
        return gate_document(deploy_id, record.report, record.verdict)

    def baselines(self) -> Sequence[Snapshot]:
        self._fail()
        return self.captured

    def capture(self, name: str) -> Snapshot:
        self._fail()
        self.asked.append(("capture", name))
        return self._named(name)

    def approve(self, name: str, approval: Approval) -> Snapshot:
        self._fail()
        self.asked.append(("approve", name, approval))
        return self._named(name)

    def accept(self, name: str, approval: Approval) -> Snapshot:
        self._fail()
        self.asked.append(("accept", name, approval))
        return self._named(name)

    def _named(self, name: str) -> Snapshot:
        for snapshot in self.captured:
            if snapshot.name == name:
                return snapshot
        message = f"baseline {name!r}: not captured"
        raise ConfigurationError(message)

    def explain(self, deploy_id: str, segment: str, anchor: str) -> Mapping[str, Any]:
        self._fail()
        return {"deploy": deploy_id, "segment": segment, "anchor": anchor}

    def deploy_at_end(self, deploy_id: str) -> None:
        self._fail()
        self.asked.append(("deploy", deploy_id))

    def erased(self, request: ErasureRequest) -> Mapping[str, Any]:
        self._fail()
        self.asked.append(("erased", *request.ids))
        return {"schema": 1, "verdict": "unknown", "now": 0, "items": [], "limits": []}

    def retry(self) -> Retried:
        self._fail()
        self.asked.append(("retry",))
        return Retried(3, {Position("t", 0, 7): "not_json: no"})

    def anchors(self) -> Sequence[Anchor]:
        self._fail()
        return self.watched

    def history(self, deploys: int, hours: int) -> History:
        self._fail()
        of = self.past
        return History(of.deploys[-deploys:], of.hours[-hours:] if hours else (), of.approvals)

    def anchor_past(self, anchor: str) -> AnchorPast:
        self._fail()
        return self.lists.get(anchor, AnchorPast())

    def chunk_past(self, chunk_id: str) -> ChunkPast | None:
        self._fail()
        return self.texts.get(chunk_id)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Served:
    """A running server; every request is a connection of its own."""

    url: str
    context: ssl.SSLContext | None = None

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        where = urlsplit(self.url)
        assert where.hostname is not None
        connection = (
            http.client.HTTPConnection(where.hostname, where.port, timeout=60)
            if self.context is None
            else http.client.HTTPSConnection(where.hostname, where.port, timeout=60, context=self.context)
        )
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, document: object, **headers: str) -> Reply:
        given = {"content-type": "application/json", **headers}
        return self.ask(path, method="POST", body=json.dumps(document).encode(), headers=given)


@contextmanager
def served(service: Service, settings: HttpSettings | None = None) -> Iterator[Served]:
    """Listen on a free port until the block ends."""
    server = HttpServer(settings or HttpSettings(port=0), service)
    try:
        yield Served(server.start())
    finally:
        server.close()
