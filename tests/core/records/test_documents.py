"""Reports as JSON: the schema holds, nothing is NaN, and the same report gives the same bytes."""

import json
from dataclasses import fields, replace

import jsonschema
import pytest

from monitor.core.index.baseline import Approval
from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Finding, Rule, Verdict
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import BaselineIdentity, DriftReport, Measurement, SegmentSize, Share
from monitor.core.records.documents import (
    gate_document,
    report_document,
    report_schema,
    snapshot_document,
    verdict_document,
)
from tests.core.snapshots import anchor_set, plain, snapshot

NAN, INF = float("nan"), float("inf")
REPORT = DriftReport(
    deploy_id="d1",
    now=1_763_600_000_000_000,
    positions={"t/0": 4, "t/1": 9},
    fingerprint="0123456789abcdef",
    baseline=BaselineIdentity("main", 7, "d0", "ana"),
    measurements=(
        Measurement("swaps", "dense", 10, "all", "all", "mean", 0.5, 30, 30),
        Measurement("top1_score", "lexical", 0, "all", "all", "p05", NAN, 0, 30, 3.5, "not_replayed", 0.0),
        Measurement("duplicate_ratio", "corpus", 0, "source", "docs", "mean", 0.25, 8, 8),
        Measurement("disagreement_ratio", "both", 10, "all", "all", "mean", INF, 30, 30),
    ),
    segments=(SegmentSize("all", "all", 30, 30, watched=True), SegmentSize("language", "de", 3, 2, watched=False)),
    corpus={"chunks": 12.0, "documents": NAN},
    problems=(),
    blame=(Share("dense", "source", "docs", 0.75, 3.0, 2),),
    changed_anchors=1,
)
NONE = (Problem(ProblemKind.NO_BASELINE, "no approved baseline"),)
RULES = (
    Rule("swaps", "swaps", "dense", "mean", 10, max=1.0),
    Rule("low", "top1_score", "lexical", "p05", 0, min=0.1),
)
VERDICT = judge(RULES, REPORT)


def strict(document: object) -> str:
    """RFC 8259 JSON: NaN and infinity are refused."""
    return json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(
            REPORT,
            baseline=None,
            measurements=(),
            segments=(),
            blame=(),
            problems=(Problem(ProblemKind.NO_BASELINE, "none"),),
        ),
    ],
    ids=["full", "without a baseline"],
)
def test_a_report_holds_its_schema(report: DriftReport) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(strict(report_document(report, judge(RULES, report))))
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("schema_version",), 99),
        (("verdict", "verdict"), "maybe"),
        (("measurements", 0, "value"), "0.5"),
        (("measurements", 0, "leg"), "sparse"),
        (("segments", 0, "watched"), 1),
        (("positions", "t/0"), "4"),
        (("unheard_of",), 1),
    ],
)
def test_the_schema_refuses_what_is_no_report(place: tuple[str | int, ...], wrong: object) -> None:
    document = json.loads(strict(report_document(REPORT, VERDICT)))
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(report_schema()).validate(document)


def test_every_field_of_a_report_is_in_its_document() -> None:
    document = report_document(REPORT, VERDICT)
    assert set(document) == {of.name for of in fields(DriftReport)} | {"schema_version", "verdict"}
    assert set(document["measurements"][0]) == set(Measurement._fields)
    assert set(document["verdict"]["findings"][0]) == {of.name for of in fields(Finding)}


def test_what_is_no_number_is_null() -> None:
    document = report_document(REPORT, VERDICT)
    assert document["measurements"][1]["value"] is None
    assert document["measurements"][1]["baseline"] == 3.5
    assert document["measurements"][0]["baseline"] is None
    assert document["measurements"][3]["value"] is None
    assert document["corpus"] == {"chunks": 12.0, "documents": None}
    assert document["verdict"]["verdict"] == "unknown"


def test_the_same_report_gives_the_same_bytes() -> None:
    again = replace(REPORT, measurements=tuple(of._replace() for of in REPORT.measurements))
    assert strict(report_document(REPORT, VERDICT)) == strict(report_document(again, judge(RULES, again)))


def test_a_document_is_a_copy() -> None:
    document = report_document(REPORT, VERDICT)
    document["positions"]["t/0"] = 0
    assert REPORT.positions == {"t/0": 4, "t/1": 9}


def test_the_gate_says_what_was_judged_and_on_what() -> None:
    document = gate_document("d1", REPORT, VERDICT)
    assert (document["deploy"], document["state"], document["verdict"]) == ("d1", "judged", "unknown")
    assert document["findings"] == verdict_document(VERDICT)["findings"]
    assert REPORT.baseline is not None
    form = {"name": "main", "captured_event_time": 7, "deploy_id": "d0", "approved_by": "ana", "reason": ""}
    assert document["baseline"] == form
    strict(document)


def test_an_unseen_deploy_has_no_numbers() -> None:
    document = gate_document("d9", None, Verdict("unknown", ("deploy 'd9' was not seen",), ()))
    assert (document["state"], document["verdict"], document["reasons"]) == (
        "unseen",
        "unknown",
        ["deploy 'd9' was not seen"],
    )
    assert (document["baseline"], document["now"], document["positions"], document["findings"]) == (
        None,
        None,
        {},
        [],
    )
    strict(document)


def test_a_baseline_is_described_without_its_lists() -> None:
    made = snapshot(anchor_set([(), ()]), {"lexical": plain("ab", "c"), "dense": plain("a", "b")})
    document = snapshot_document(made)
    assert (document["name"], document["anchors"], document["legs"]) == ("main", 2, ["dense", "lexical"])
    assert document["approval"] is None
    assert document["measured_with"]["distance"] == "cosine"
    approved = snapshot_document(replace(made, approval=Approval("ana", "why", "2026-11-20T00:00:00Z")))
    assert approved["approval"] == {"author": "ana", "reason": "why", "time": "2026-11-20T00:00:00Z"}
    assert (document["in_force"], snapshot_document(made, in_force=True)["in_force"]) == (False, True)
    strict(approved)
