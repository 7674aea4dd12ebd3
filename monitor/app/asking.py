"""Asking about drift from another process: the running monitor answers, else the last committed state does."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

from monitor.app.answers import expected
from monitor.app.snapshot import Snapshots
from monitor.core.erasure.model import ErasureRequest
from monitor.core.evaluation import kept_evaluation
from monitor.core.index.baseline import Approval, Snapshot
from monitor.core.judging.budget import EXPECTED
from monitor.core.judging.integrity import METRICS
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.migration.document import migration_document
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.documents import (
    Document,
    gate_document,
    judged_document,
    report_document,
    snapshot_document,
)
from monitor.core.records.history_document import history_document
from monitor.core.records.published import Published
from monitor.core.reporting.drift import Drift
from monitor.ports import ConfigurationError, StateStore, UnreachableError

NO_BUDGET = (
    "the change that the deploy's marker expected is not judged against another baseline: all anchors have the usual "
    "limits; see the gate without --baseline"
)
NO_INTEGRITY = (
    "what is wrong with the corpus itself (policy.integrity) is not judged against another baseline; see the gate "
    "without --baseline"
)
NOT_LEFT = (
    "the monitor did not come to leave a report of now behind; expected corpus-drift run to have ended by itself"
)
ERASURE_SECONDS = 900.0
"""A whole corpus and a whole index are looked through."""
REPORT_DEPLOYS = 24
REPORT_HOURS = 24
"""Newest points that a report shows."""
BETWEEN_ASKS = 0.5
"""Seconds between two looks at a deploy that is not judged yet."""


class Client(Protocol):
    """A running monitor's endpoints."""

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer of an endpoint."""
        ...

    def text(self, path: str) -> str:
        """The answer of an endpoint that answers in plain text."""
        ...

    def post(self, path: str, body: dict[str, Any], *, timeout: float | None = None) -> Any:
        """The JSON answer to a request, within other seconds than the usual ones where they are given."""
        ...


class Running:
    """Answers of a running monitor."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def probe(self, path: str) -> str:
        """What /healthz or /readyz says; UnreachableError with its words where it says no."""
        return self._client.text(path).strip()

    def gate(self, deploy_id: str, baseline: str = "") -> Document:
        """What is known of a deploy now, against the configured baseline or another approved one."""
        query = {"deploy": deploy_id, "baseline": baseline} if baseline else {"deploy": deploy_id}
        made: Document = expected("gate", self._client.get("/api/v1/gate", **query))
        return made

    def report(self, deploy_id: str) -> Document:
        """The newest report, or a deploy's."""
        query = {"deploy": deploy_id} if deploy_id else {}
        made: Document = expected("report", self._client.get("/api/v1/report", **query))
        return made

    def history(self) -> Document | None:
        """What it keeps of the last deploys and hours; None of a monitor of before there was a history."""
        query = {"deploys": str(REPORT_DEPLOYS), "hours": str(REPORT_HOURS)}
        try:
            answer = self._client.get("/api/v1/history", **query)
        except ConfigurationError:
            return None
        made: Document = expected("history", answer)
        return made

    def explain(self, deploy_id: str, segment: str, anchor: str) -> Document:
        """The incident card of a deploy, or of the corpus now."""
        asked = {"deploy": deploy_id, "segment": segment, "anchor": anchor}
        query = {name: of for name, of in asked.items() if of}
        made: Document = expected("explain", self._client.get("/api/v1/explain", **query))
        return made

    def erased(self, request: ErasureRequest) -> Document:
        """Whether what was deleted can still be retrieved."""
        body = asdict(request)
        made: Document = expected("erased", self._client.post("/api/v1/erased", body, timeout=ERASURE_SECONDS))
        return made

    def migration(self) -> Document:
        """The encoder migration that is configured, judged."""
        made: Document = expected("migration", self._client.get("/api/v1/migration"))
        return made

    def traffic(self) -> Document:
        """The anchors beside the traffic."""
        made: Document = expected("traffic", self._client.get("/api/v1/traffic"))
        return made

    def baselines(self) -> list[Document]:
        """All captured baselines."""
        made: list[Document] = expected("baselines", self._client.get("/api/v1/baselines"))
        return made

    def capture(self, name: str) -> Document:
        """Capture the lists as they are now."""
        made: Document = expected("baseline", self._client.post("/api/v1/baselines/capture", {"name": name}))
        return made

    def approve(self, name: str, author: str, reason: str) -> Document:
        """Approve a captured baseline."""
        return self._responsible("approve", name, author, reason)

    def accept(self, name: str, author: str, reason: str) -> Document:
        """Capture the lists as they are now and approve them."""
        return self._responsible("accept", name, author, reason)

    def _responsible(self, what: str, name: str, author: str, reason: str) -> Document:
        body = {"name": name, "author": author, "reason": reason, "time": now_text()}
        made: Document = expected("baseline", self._client.post(f"/api/v1/baselines/{what}", body))
        return made

    def retry(self) -> Document:
        """Give everything in quarantine another try."""
        made: Document = expected("retried", self._client.post("/api/v1/quarantine/replay", {}))
        return made

    def deploy_at_end(self, deploy_id: str) -> None:
        """Close a deploy where the stream ends now."""
        self._client.post("/api/v1/deploys", {"deploy": deploy_id})


def document_of(published: Published | None, config: str) -> Document:
    """The migration of a view, as a document whose commands name the configuration file.

    Raises:
        ConfigurationError: no migration is configured.
    """
    if published is None or published.assessment is None:
        message = "no encoder migration is configured: expected a section [migration]"
        raise ConfigurationError(message)
    return migration_document(published.assessment, config)


def stored_gate(store: StateStore, deploy_id: str) -> Document:
    """What the committed state knows of a deploy."""
    record = store.deploy(deploy_id)
    if record is not None:
        return judged_document(record, store.ledger())
    old = next((judged.verdict for judged in store.ledger() if judged.deploy_id == deploy_id), None)
    said = f"judged {old}, but its report is no longer kept" if old else "never seen, and no monitor is running"
    made = gate_document(deploy_id, None, Verdict("unknown", (f"deploy {deploy_id!r}: {said}",), ()))
    return {**made, "state": "forgotten"} if old else made


def stored_report(store: StateStore, deploy_id: str) -> Document:
    """A deploy's report from the committed state; where none is named that of now, else the newest deploy's.

    A monitor leaves the report of now behind when it ends; one that was killed does not.

    Raises:
        ConfigurationError: no such report.
    """
    current = None if deploy_id else store.current()
    if current is not None:
        return report_document(*current)
    ledger = store.ledger()
    if not (ledger or deploy_id):
        message = f"no report kept: no deploy was judged, and {NOT_LEFT}"
        raise UnreachableError(message)
    wanted = deploy_id or ledger[-1].deploy_id
    record = store.deploy(wanted)
    if record is None:
        known = ", ".join(judged.deploy_id for judged in ledger[-5:]) or "none"
        message = f"deploy {wanted!r}: no report kept; the newest deploys are: {known}"
        raise ConfigurationError(message)
    return report_document(record.report, record.verdict)


def stored_history(store: StateStore) -> Document:
    """What the committed state keeps of the last deploys and hours."""
    return history_document(store.history(REPORT_DEPLOYS, REPORT_HOURS))


def stored_baselines(snapshots: Snapshots) -> list[Document]:
    """All baselines of the committed state, the one that reports compare with marked."""
    current = snapshots.current(snapshots.store.ledger())
    name = "" if current is None else current.name
    return [snapshot_document(snapshot, in_force=snapshot.name == name) for snapshot in snapshots.every()]


def judged_against(drift: Drift, rules: Sequence[Rule], store: StateStore, deploy_id: str, baseline: str) -> Document:
    """A deploy judged against another named baseline than the configured one.

    Raises:
        ConfigurationError: no such baseline, or nobody has approved it.
    """
    chosen = store.baseline(baseline)
    if chosen is None or chosen.approval is None:
        known = ", ".join(snapshot.name for snapshot in store.baselines() if snapshot.approval) or "none"
        message = f"baseline {baseline!r}: not captured and approved; approved ones are: {known}"
        raise ConfigurationError(message)
    record = store.deploy(deploy_id)
    if record is None:
        return stored_gate(store, deploy_id)
    report, verdict = judged_pair(drift, rules, chosen, record)
    made = gate_document(deploy_id, report, verdict)
    said = [NO_BUDGET] if any(found.dimension == EXPECTED for found in record.verdict.findings) else []
    whole = any(found.metric in METRICS for found in record.verdict.findings)
    said += [NO_INTEGRITY] if whole and not any(found.metric in METRICS for found in verdict.findings) else []
    return {**made, "warning": "; ".join(said)} if said else made


def judged_pair(
    drift: Drift, rules: Sequence[Rule], baseline: Snapshot, record: DeployRecord
) -> tuple[DriftReport, Verdict]:
    """A kept deploy judged against any snapshot, from what was stored with both; see `kept_evaluation`."""
    return kept_evaluation(drift, rules, baseline, record).judged()


def wait_for_gate(ask: Callable[[], Document], timeout: float) -> Document:
    """Ask until the deploy is judged or time is up; the last answer counts, with what was waited for said.

    A monitor that answered once may be away for a while after that: it is being restarted.

    Raises:
        UnreachableError: the first or the last time there was no answer.
    """
    until, answered = time.monotonic() + timeout, False
    while True:
        try:
            answer, answered = ask(), True
        except UnreachableError:
            if not answered or time.monotonic() >= until:
                raise
            threading.Event().wait(BETWEEN_ASKS)
            continue
        if answer["state"] not in ("unseen", "waiting", "unsettled"):
            return answer
        left = until - time.monotonic()
        if left <= 0:
            answer["reasons"] = [*answer["reasons"], f"not judged within {timeout:g} s"]
            return answer
        threading.Event().wait(min(BETWEEN_ASKS, left))


def approval(author: str, reason: str) -> Approval:
    """An approval with the time it is given at."""
    return Approval(author, reason, now_text())


def now_text() -> str:
    """The wall clock as RFC 3339, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
