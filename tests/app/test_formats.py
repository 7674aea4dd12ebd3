"""The gate's answer in four forms: the same verdict in each, whatever the ids hold."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any, get_args

import pytest

from monitor.app.formats import Format, render_gate
from monitor.app.markdown import LIMIT
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.model.losses import Loss, LostAnswer, LostIn
from monitor.core.model.report import CauseClass, Share, ShareKind, VerdictName
from monitor.core.records.documents import gate_document
from tests.adapters.views import HOSTILE, finding, view

FORMS = get_args(Format)


def document(verdict: VerdictName = "fail", segments: tuple[str, ...] = ("s",), **more: Any) -> dict[str, Any]:
    """A judged deploy with a critical finding per segment, a warning and a pass."""
    report = replace(view(segments).report, blame=(Share("dense", "source", segments[0], 0.625, 5.0, 3),))
    findings: tuple[Finding, ...] = tuple(finding(name, f"too far: {name}") for name in segments)
    findings += (replace(findings[0], rule="w1", severity="warning", leg="lexical", reason="a little far"),)
    findings += (replace(findings[0], rule="p1", verdict="pass", leg="lexical", reason="near", value=float("nan")),)
    reasons = tuple(found.reason for found in findings[: len(segments)])
    return {**gate_document("d1", report, Verdict(verdict, reasons, findings)), **more}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "unknown"])
def test_every_form_says_verdict_deploy_and_reasons(form: Format, verdict: VerdictName) -> None:
    made = render_gate(document(verdict), form)
    assert made.endswith("\n")
    assert not made.endswith("\n\n")
    assert "d1" in made
    assert "too far: s" in made
    if form != "junit" or verdict != "pass":
        assert verdict in made.lower()


@pytest.mark.parametrize("form", FORMS)
def test_a_deploy_never_seen_has_every_form_too(form: Format) -> None:
    made = render_gate(gate_document("d9", None, Verdict("unknown", ("deploy 'd9': never seen",), ())), form)
    assert "never seen" in made


@pytest.mark.parametrize("form", FORMS)
def test_a_warning_is_said_in_every_form(form: Format) -> None:
    assert "taken as pass" in render_gate(document("unknown", warning="verdict unknown taken as pass"), form)


def test_json_is_the_document() -> None:
    made = render_gate(document("fail", ("漢字",)), "json")
    assert json.loads(made) == document("fail", ("漢字",))
    assert "漢字" in made
    assert "NaN" not in made


def test_text_names_the_warnings_who_is_to_blame_and_how_many_more_there_are() -> None:
    lines = render_gate(document("fail", tuple(f"s{n}" for n in range(50))), "text").splitlines()
    assert lines[0] == "FAIL  deploy d1"
    assert lines[1] == "compared with baseline main (approved by s0)"
    assert [line for line in lines if line.startswith("  - ")] == [f"  - too far: s{n}" for n in range(40)]
    assert "  ... and 10 more; --format json shows all" in lines
    assert "  (warning) a little far" in lines
    assert any(line.startswith("blame, dense: ") and "62%" in line for line in lines)


def test_text_tells_of_an_erosion_in_doubt_and_counts_small_segments() -> None:
    small = replace(finding("s", "too few"), verdict="inconclusive", severity="warning")
    eroded = replace(small, metric="pinned_kept_answers_ratio", segment="all", reason="no more doubt than before")
    calm = replace(small, rule="p1", verdict="pass", severity="critical", leg="lexical")
    report = view(("s",)).report
    said = render_gate(gate_document("d1", report, Verdict("pass", (), (calm, small, eroded))), "text")
    assert "  (warning) no more doubt than before" in said
    assert "too few" not in said
    assert "1 critical rules judged, 1 warnings, 1 undecided on their own" in said


@pytest.mark.parametrize(
    ("verdict", "tag"), [("pass", None), ("fail", "failure"), ("unknown", "error"), ("inconclusive", "error")]
)
def test_junit_has_a_case_for_the_verdict_and_one_per_finding(verdict: VerdictName, tag: str | None) -> None:
    suite = ET.fromstring(render_gate(document(verdict), "junit"))  # noqa: S314 - our own output
    overall, critical, warning, passed = suite.findall("testcase")
    assert [child.tag for child in overall] == ([] if tag is None else [tag])
    assert ([one.tag for one in critical], [one.tag for one in warning], list(passed)) == (
        ["failure"],
        ["skipped"],
        [],
    )
    counted = {name: int(suite.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")}
    found = {name: len(suite.findall(f"testcase/{kind}")) for name, kind in KINDS.items()}
    assert counted == {"tests": 4, **found}


KINDS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@pytest.mark.parametrize("name", [*HOSTILE, "\x00\x1b[2J]]>", "a|b`c", "\ud800"])
def test_hostile_names_break_no_form(name: str) -> None:
    hostile = {**document("fail", (name,)), "deploy": name}
    ET.fromstring(render_gate(hostile, "junit"))  # noqa: S314 - our own output
    rows = [
        line for line in render_gate(hostile, "markdown").splitlines() if line.startswith("| ") and "FAIL" in line
    ]
    assert len(rows) == 2
    assert {row.replace("\\|", "").count("|") for row in rows} == {10}  # the cells of the heading, no more
    assert "<script>" not in render_gate(hostile, "markdown")
    assert json.loads(render_gate(hostile, "json"))["deploy"] == name


def test_markdown_shows_what_did_not_pass_and_stays_below_what_pipelines_drop() -> None:
    made = render_gate(document(), "markdown")
    assert "| FAIL | critical | r1 | dense source=s | 3.000 |  | 2.0 | 8 |  |" in made
    assert "p1" not in made
    huge = render_gate(document("fail", tuple(f"{n}" + "ü" * 2_000 for n in range(60))), "markdown")
    assert len(huge.encode()) <= LIMIT
    assert huge.endswith("... cut; see `--format json`\n")
    assert huge.startswith("## Corpus drift gate: FAIL\n")


def test_markdown_of_a_pass_shows_what_was_judged() -> None:
    passed = document("pass")
    passed["findings"] = [found for found in passed["findings"] if found["verdict"] == "pass"]
    assert "| PASS | critical | p1 | lexical source=s | unknown |  | 2.0 | 8 |  |" in render_gate(passed, "markdown")


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_lost_answers_are_said_with_the_queries_and_what_stands_there_now(form: Format) -> None:
    queries = tuple(LostAnswer(f"q{at}", "how?", "gone", f"c{at}", "doc", "other.md") for at in range(9))
    loss = Loss("dense", 10, 0.041, 12, 300, 12, 0, (LostIn("kind", "v2", 9, 10),), queries)
    report = replace(view(("s",)).report, losses=(loss, Loss("lexical", 10, 0.0, 0, 300, 0, 0)))
    made = render_gate(gate_document("d1", report, Verdict("fail", ("too far",), ())), form)
    assert "lost answers, dense: about 4 of 100 queries lost the answer they had (12 of 300 anchors, 12 gone)" in made
    assert "9 of 10 in kind=v2" in made
    assert "c4 is gone, other.md stands first" in made
    assert "c5 is gone" not in made, "five are named"
    assert "and 7 more; --format json names 9" in made
    assert "lexical" not in made, "that leg lost none"


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_what_to_do_is_said_with_the_culprits(form: Format) -> None:
    queries = tuple(LostAnswer(f"q{at}", "how?", "gone", "c", f"doc{at}.md", "") for at in range(9))
    shares = tuple(
        Share("dense", level, name, share, 20.0 * share, 5, kind)
        for level, name, share, kind in (
            ("source", "docs", 1.0, ShareKind.NAMED),
            ("document", "(others)", 0.5, ShareKind.OTHERS),
            ("document", "bad.md", 0.4, ShareKind.NAMED),
            ("document", "(draft) notes.md", 0.1, ShareKind.NAMED),
        )
    )
    report = replace(
        view(("s",)).report,
        losses=(Loss("dense", 10, 0.04, 12, 300, 12, 0, (), queries),),
        causes=(CauseClass("CORPUS", 20.0, 9, ()),),
        blame=shares,
    )
    made = render_gate(gate_document("d1", report, Verdict("fail", ("too far",), ())), form)
    assert "blame, dense: docs 100% of 20 changed slots; most: bad.md 40%, (draft) notes.md 10%" in made
    assert "CORPUS: revert the blamed documents at their source" in made
    assert "restore what held answers that are gone: doc0.md (1 answer), doc1.md (1 answer)" in made
    assert "doc4.md (1 answer) and 4 more" in made
    assert "what to do" in made.lower()
    assert "to try again" not in made, "the queries stand above already"
    calm = render_gate(gate_document("d1", report, Verdict("pass", (), ())), form)
    assert "what to do" not in calm.lower()
