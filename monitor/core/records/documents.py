"""Reports, verdicts and baselines as plain JSON documents with a schema version; NaN becomes null."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, get_args

from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Position
from monitor.core.model.fixes import FixAction, FixReason
from monitor.core.model.losses import Fate, Loss
from monitor.core.model.report import BaselineIdentity, CauseName, DriftReport, Leg, ShareKind
from monitor.core.records.advice import ADVISED, advice
from monitor.core.records.committed import DeployRecord
from monitor.core.records.history_document import history_schema

SCHEMA_VERSION = 1
Document = dict[str, Any]

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": "string"}


def report_document(report: DriftReport, verdict: Verdict) -> Document:
    """A report with its verdict; the same report gives the same document."""
    made = asdict(replace(report, measurements=()))
    made["measurements"] = [of._asdict() for of in report.measurements]
    made |= {"baseline": baseline_document(report.baseline), "problems": [of.text for of in report.problems]}
    made["losses"] = [loss_document(loss) for loss in report.losses]
    made["fix_list"] = report.fix_list.document()
    return finite_document({"schema_version": SCHEMA_VERSION, **made, "verdict": verdict_document(verdict)})


def verdict_document(verdict: Verdict) -> Document:
    """A verdict with its reasons and findings, worst first."""
    return finite_document(asdict(verdict))


def gate_document(deploy_id: str, report: DriftReport | None, verdict: Verdict) -> Document:
    """What the gate says of one deploy. `state` is `judged`, or `unseen` where no report is known.

    `judged_document` makes `unsettled` of it where the deploy is going to be judged again. Others put what they know
    in its place: `waiting` (for its markers, or the index), `forgotten` (judged, no longer kept), `forecast`, and in
    a gate's output file `refused` (exit code 2) and `unanswered` (4, or stopped before its end).
    """
    return finite_document(
        {
            "schema_version": SCHEMA_VERSION,
            "deploy": deploy_id,
            "state": "unseen" if report is None else "judged",
            "verdict": verdict.verdict,
            "reasons": list(verdict.reasons),
            "findings": [asdict(finding) for finding in verdict.findings],
            "baseline": None if report is None else baseline_document(report.baseline),
            "now": None if report is None else report.now,
            "positions": {} if report is None else dict(report.positions),
            "corpus": {} if report is None else dict(report.corpus),
            "blame": [] if report is None else [asdict(share) for share in report.blame],
            "losses": [] if report is None else [loss_document(loss) for loss in report.losses],
            "causes": [] if report is None else [asdict(cause) for cause in report.causes],
            "actions": [] if report is None or verdict.verdict == "pass" else _advised(report, verdict),
        }
    )


def _advised(report: DriftReport, verdict: Verdict) -> list[Document]:
    found = advice([one.cause for one in report.causes], report.losses, verdict.findings)
    return [asdict(one) for one in found]


def loss_document(loss: Loss) -> Document:
    """The answers that one leg's anchors lost, and the same in a line."""
    return {**asdict(loss), "said": loss.said}


def judged_document(record: DeployRecord, ledger: Sequence[Judged]) -> Document:
    """What the gate says of a kept deploy: `unsettled` while it waits for the index to be judged again.

    Args:
        record: the deploy.
        ledger: deploys judged by then; one behind which another was judged stays as it is.
    """
    made = gate_document(record.deploy_id, record.report, record.verdict)
    newest = not ledger or ledger[-1].deploy_id == record.deploy_id
    known = any(one.deploy_id == record.deploy_id for one in ledger)  # it may have been judged since
    passing = any(problem.kind.passes for problem in record.report.problems)
    if record.report.unsettled and passing and (newest or not known):
        made["state"] = "unsettled"
    return {**made, "judged_again": record.judged_again} if record.judged_again else made


def baseline_document(identity: BaselineIdentity | None) -> Document | None:
    """Which baseline a report compares with."""
    if identity is None:
        return None
    named = asdict(identity)
    return {name: named[name] for name in _baseline_schema()["required"]}


def snapshot_document(snapshot: Snapshot, *, in_force: bool = False) -> Document:
    """What identifies a baseline, without its lists; `in_force`: it is what reports compare with."""
    return finite_document(
        {
            "name": snapshot.name,
            "deploy": snapshot.deploy_id,
            "event_time": snapshot.event_time,
            "fingerprint": snapshot.fingerprint.digest(),
            "measured_with": snapshot.fingerprint.shown(),
            "anchors": len(snapshot.anchors),
            "legs": sorted(snapshot.lists),
            "corpus": dict(snapshot.corpus),
            "approval": None if snapshot.approval is None else asdict(snapshot.approval),
            "in_force": in_force,
        }
    )


def retried_document(taken: int, kept: Mapping[Position, str]) -> Document:
    """What another try of the quarantine came to: how many were taken, which stay and why."""
    stay = [{**position._asdict(), "reason": reason} for position, reason in kept.items()]
    return {"taken": taken, "kept": stay}


def _finding_schema() -> Document:
    return _object(
        rule=_TEXT, severity={"enum": ["critical", "warning"]}, metric=_TEXT, leg=_TEXT, k={"type": "integer"},
        stat=_TEXT, dimension=_TEXT, segment=_TEXT, verdict=_verdicts(), value=_NUMBER, limit=_NUMBER,
        n={"type": "integer"}, reason=_TEXT, lower=_NUMBER, upper=_NUMBER, anchors_needed={"type": "integer"},
        detectable=_NUMBER, severe=_NUMBER, documents=_list(_TEXT),
    )  # fmt: skip


def _baseline_schema() -> Document:
    return _object(
        name=_TEXT, captured_event_time={"type": "integer"}, deploy_id=_TEXT, approved_by=_TEXT, reason=_TEXT
    )


def _share_schema() -> Document:
    share = _object(
        leg=_TEXT, level={"enum": ["source", "path", "document", "deploy", "segment"]}, name=_TEXT, share=_NUMBER,
        slots=_NUMBER, anchors={"type": "integer"},
    )  # fmt: skip
    share["properties"]["kind"] = {"enum": [*ShareKind]}  # not required: a monitor of before this has none
    return share


def _cause_schema() -> Document:
    causes = {"enum": [*get_args(CauseName)]}
    return _object(cause=causes, slots=_NUMBER, anchors={"type": "integer"}, evidence=_list(_TEXT))


def loss_schema() -> Document:
    """Schema of `loss_document`."""
    count, known = {"type": "integer"}, {"type": ["integer", "null"]}
    query = _object(
        anchor=_TEXT, text=_TEXT, fate={"enum": [*get_args(Fate)]}, chunk_id=_TEXT, doc_id=_TEXT, instead=_TEXT
    )
    return _object(
        leg={"enum": ["dense", "lexical", "production"]}, k=count, share=_NUMBER, lost=count, anchors=count,
        gone=known, displaced=known, said=_TEXT, queries=_list(query),
        segments=_list(_object(dimension=_TEXT, segment=_TEXT, lost=count, anchors=count)),
        displaced_by=_list(_object(doc_id=_TEXT, anchors=count)),
    )  # fmt: skip


def gate_schema() -> Document:
    """JSON Schema (2020-12) of `gate_document`, with what is added to it.

    `actions` (of older monitors there are none), a `warning`, the time where a deploy was `judged_again`, `already`
    to a forecast, `compared` to two runs.
    """
    whole = _object(
        schema_version={"const": SCHEMA_VERSION}, deploy=_TEXT, verdict=_verdicts(),
        state={"enum": [
            "judged", "unseen", "waiting", "unsettled", "forgotten", "forecast", "refused", "unanswered",
        ]},
        reasons=_list(_TEXT), findings=_list(_finding_schema()),
        baseline={"anyOf": [_baseline_schema(), {"type": "null"}]}, now={"type": ["integer", "null"]},
        positions={"type": "object", "additionalProperties": {"type": "integer"}},
        corpus={"type": "object", "additionalProperties": _NUMBER}, blame=_list(_share_schema()),
        losses=_list(loss_schema()), causes=_list(_cause_schema()),
    )  # fmt: skip
    kinds = {"enum": [*ADVISED]}
    whole["properties"]["actions"] = _list(_object(action=kinds, title=_TEXT, items=_list(_TEXT)))
    whole["properties"]["warning"] = whole["properties"]["judged_again"] = _TEXT
    whole["properties"]["compared"] = _object(
        before=_TEXT, after=_TEXT, leg={"enum": ["dense", "lexical"]}, depths=_list({"type": "integer"}),
        queries={"type": "integer"}, only_before=_list(_TEXT), only_after=_list(_TEXT),
        measurements=_list(_object(
            metric=_TEXT, leg=_TEXT, k={"type": "integer"}, dimension=_TEXT, segment=_TEXT, stat=_TEXT, value=_NUMBER,
            lower=_NUMBER, upper=_NUMBER, baseline=_NUMBER, n={"type": "integer"}, expected={"type": "integer"},
            reason=_TEXT,
        )),
    )  # fmt: skip
    whole["properties"]["already"] = _object(
        verdict=_verdicts(), reasons=_list(_TEXT), findings=_list(_finding_schema()), outcome=_verdicts()
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "corpus-drift gate", **whole}


def report_schema() -> Document:
    """JSON Schema (2020-12) of `report_document`."""
    finding = _finding_schema()
    measurement = _object(
        metric=_TEXT, leg={"enum": [*get_args(Leg)]}, k={"type": "integer"}, dimension=_TEXT,
        segment=_TEXT, stat=_TEXT, value=_NUMBER, n={"type": "integer"}, expected={"type": "integer"},
        baseline=_NUMBER, reason=_TEXT, covered=_NUMBER,
    )  # fmt: skip
    size = _object(
        dimension=_TEXT, segment=_TEXT, baseline_anchors={"type": "integer"}, anchors={"type": "integer"},
        watched={"type": "boolean"},
    )  # fmt: skip
    baseline, share = _baseline_schema(), _share_schema()
    concern = _object(
        metric=_TEXT, leg=_TEXT, dimension=_TEXT, segment=_TEXT, documents=_list(_TEXT), count={"type": "integer"}
    )
    verdict = _object(verdict=_verdicts(), reasons=_list(_TEXT), findings=_list(finding))
    whole = _object(
        schema_version={"const": SCHEMA_VERSION}, deploy_id=_TEXT, now={"type": "integer"},
        positions={"type": "object", "additionalProperties": {"type": "integer"}}, fingerprint=_TEXT,
        baseline={"anyOf": [baseline, {"type": "null"}]}, measurements=_list(measurement), segments=_list(size),
        corpus={"type": "object", "additionalProperties": _NUMBER}, problems=_list(_TEXT),
        blame=_list(share),
        changed_anchors={"type": "integer"}, causes=_list(_cause_schema()), verdict=verdict,
        losses=_list(loss_schema()), concerns=_list(concern),
    )  # fmt: skip
    # not required: a monitor of before these has none
    whole["properties"] |= {"remarks": _list(_TEXT), "fix_list": fix_list_schema()}
    whole["properties"]["history"] = history_schema()  # of the command only
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "corpus-drift report", **whole}


def fix_list_schema() -> Document:
    """JSON Schema of a fix list."""
    fix = _object(
        action={"enum": [*get_args(FixAction)]}, chunk_id=_TEXT, doc_id=_TEXT, source=_TEXT,
        reason={"enum": [*FixReason]}, since={"type": ["integer", "null"]},
    )  # fmt: skip
    return _object(fixes=_list(fix), unnamed={"type": "integer"})


def _object(**properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _verdicts() -> Document:
    return {"enum": ["pass", "fail", "inconclusive", "unknown"]}


def finite_document(value: Document) -> Document:
    """The document with null for every number that is not finite."""
    return {key: _finite(item) for key, item in value.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
