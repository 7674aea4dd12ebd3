"""Which rule decided which run, by hand."""

from typing import Any

import pytest

from benchmarks.lab.limits import decided, limits
from benchmarks.lab.product import rules
from tests.lab.test_score import deploy, outcome


def rule(value: float, limit: float, verdict: str = "pass", *, critical: bool = True) -> dict[str, Any]:
    return {"verdict": verdict, "critical": critical, "value": value, "limit": limit, "where": "all=all", "fails": 1}


def run(kind: str, verdict: str, found: dict[str, Any], *, group: str = "incident", harm: str = "none") -> Any:
    return outcome(deploy(verdict, harm, rules=found), kind=kind, group=group)


RUNS = [
    run("lost", "fail", {"kept-dense-all": rule(0.90, 0.98, "fail"), "new-dense-all": rule(1.5, 0.75, "fail")},
        group="loss", harm="loss"),
    run("poison", "fail", {"kept-lexical-all": rule(0.97, 0.98, "fail"), "new-lexical-all": rule(0.7, 0.75)}),
    run("flood", "pass", {"kept-dense-all": rule(1.0, 0.98), "copied-all": rule(0.3, 0.1, "fail", critical=False)}),
    run("rechunked", "pass", {"kept-dense-all": rule(0.985, 0.98), "new-dense-all": rule(0.2, 0.75)}, group="large"),
    run("renamed", "fail", {"new-dense-all": rule(0.8, 0.75, "fail")}, group="same"),
]  # fmt: skip


def test_each_limit_is_cited_by_the_rows_that_it_decides() -> None:
    made = {one.name: one for one in limits(RUNS)}
    kept, new, copied = made["kept"], made["new"], made["copied"]
    assert (kept.limit, kept.fails, kept.alone) == (0.98, {"loss": 1, "incident": 1}, 1)
    assert kept.rows == ["poison 5.0%"], "the one it decides alone"
    assert kept.harmless == pytest.approx(0.985), "more is better: harmless runs came down to this"
    assert kept.least == pytest.approx(0.97)
    assert (new.fails, new.alone, new.rows) == ({"loss": 1, "same": 1}, 0, ["lost 5.0%"])
    assert new.harmless == pytest.approx(0.8), "a false FAIL is beyond the limit"
    assert (copied.fails, copied.alone, copied.harmless) == ({}, 0, None), "a warning decides nothing"


def test_the_rules_that_fail_are_named_once() -> None:
    found = {"kept-dense-all": rule(0.9, 0.98, "fail"), "kept-lexical-all": rule(0.9, 0.98, "fail")}
    found |= {
        "first-dense-source": rule(0.2, 0.15, "inconclusive"),
        "copied-all": rule(1, 0.1, "fail", critical=False),
    }
    assert decided({"rules": found}) == ["kept"]
    assert decided({"rules": found}, "inconclusive") == ["first, segment"]
    assert decided({}) == []


def test_of_a_rule_the_worst_finding_is_kept() -> None:
    def finding(value: float | None, verdict: str, severity: str = "critical", segment: str = "a") -> dict[str, Any]:
        said = {"rule": "r", "severity": severity, "value": value, "limit": 1.0, "verdict": verdict}
        return {**said, "dimension": "source", "segment": segment}

    one = rules([finding(0.2, "pass"), finding(3.0, "fail", segment="b"), finding(2.0, "fail", segment="c")])["r"]
    assert (one["verdict"], one["value"], one["where"], one["fails"]) == ("fail", 3.0, "source=b", 2)
    calm = rules([finding(0.2, "pass"), finding(0.7, "pass"), finding(0.4, "pass")])["r"]
    assert (calm["value"], calm["fails"]) == (0.7, 0)
    alone = rules([finding(2.0, "fail", "warning"), finding(5.0, "fail", "warning"), finding(None, "unknown")])["r"]
    assert (alone["critical"], alone["value"], alone["fails"]) == (False, 5.0, 0)
