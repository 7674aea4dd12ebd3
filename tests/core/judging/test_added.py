"""What a change adds, as one table: the finding without it, the finding with it, and what is made of both."""

import math
from dataclasses import replace

import pytest

from monitor.core.judging.added import added, already_document
from monitor.core.judging.policy import Finding, Rule, Verdict, fold
from monitor.core.model.report import VerdictName

MOST = Rule("swaps", "swaps", "dense", "mean", 10, max=2.0)
LEAST = Rule("recall", "ann_recall_ratio", "dense", "mean", 10, min=0.9)
BAND = Rule("band", "jaccard_ratio", "dense", "mean", 10, min=0.4, max=0.9)
RULES = (MOST, LEAST, BAND)


def found(value: float, verdict: VerdictName, rule: Rule = MOST, *, n: int = 50, segment: str = "all") -> Finding:
    limit = rule.max if rule.max is not None else rule.min
    assert limit is not None
    return Finding(
        rule.name, rule.severity, rule.metric, rule.leg, rule.k, rule.stat, "all", segment, verdict, value, limit, n,
        f"{rule.name} {segment}: {value}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "then", "verdict"),
    [
        # Rule 2: there already
        (found(3.0, "fail"), found(3.0, "fail"), "pass"),
        (found(3.0, "fail"), found(2.5, "fail"), "pass"),
        (found(1.9, "inconclusive"), found(1.9, "inconclusive"), "pass"),
        (found(0.5, "fail", LEAST), found(0.6, "fail", LEAST), "pass"),
        (found(0.95, "fail", BAND), found(0.93, "fail", BAND), "pass"),
        # worse, in the direction of its limit
        (found(3.0, "fail"), found(3.01, "fail"), "fail"),
        (found(0.6, "fail", LEAST), found(0.5, "fail", LEAST), "fail"),
        (found(0.95, "fail", BAND), found(0.1, "fail", BAND), "fail"),
        (found(1.9, "inconclusive"), found(1.99, "inconclusive"), "inconclusive"),
        # on fewer anchors nothing is known to be no worse
        (found(3.0, "fail", n=50), found(2.5, "fail", n=49), "fail"),
        # Rule 4: it was not wrong before
        (found(1.0, "pass"), found(3.0, "fail"), "fail"),
        (found(1.0, "pass"), found(1.9, "inconclusive"), "inconclusive"),
        (found(math.nan, "unknown"), found(3.0, "fail"), "fail"),
        (found(3.0, "fail", segment="other"), found(3.0, "fail"), "fail"),
        # Rule 3: unknown stays unknown
        (found(math.nan, "unknown"), found(math.nan, "unknown"), "unknown"),
        (found(3.0, "fail"), found(math.nan, "unknown"), "unknown"),
        # mended
        (found(3.0, "fail"), found(1.0, "pass"), "pass"),
    ],
)
def test_what_counts(now: Finding, then: Finding, verdict: VerdictName) -> None:
    made = added(RULES, fold([now]), fold([then]))
    assert made.verdict == verdict
    assert bool(made.reasons) == (verdict != "pass")


def test_a_pass_beside_what_is_left_out_stays_and_a_fail_beside_it_decides() -> None:
    old, fine, new = found(3.0, "fail"), found(0.99, "pass", LEAST), found(0.2, "fail", BAND)
    passed = added(RULES, fold([old, fine]), fold([old, fine]))
    assert (passed.verdict, passed.findings) == ("pass", (fine,))
    failed = added(RULES, fold([old, fine]), fold([old, fine, new]))
    assert (failed.verdict, failed.reasons) == ("fail", (new.reason,))


def test_warnings_that_were_there_are_left_out_and_never_decide() -> None:
    warned = replace(found(3.0, "fail", LEAST), severity="warning", value=0.5)
    only = fold([warned])
    assert added(RULES, only, only).verdict == "unknown"  # nothing critical was judged at all
    with_pass = fold([found(1.0, "pass"), warned])
    assert added(RULES, with_pass, with_pass) == Verdict("pass", (), (found(1.0, "pass"),))


@pytest.mark.parametrize("now", [Verdict("unknown", ("a gap",), ()), fold([found(3.0, "fail")])])
def test_an_outcome_without_findings_is_unknown_whatever_was_before(now: Verdict) -> None:
    gap = Verdict("unknown", ("a gap",), ())
    assert added(RULES, now, gap) == gap
    assert added(RULES, gap, fold([found(3.0, "fail")])).verdict == "fail"


def test_the_document_names_what_is_there() -> None:
    now = fold([found(3.0, "fail"), found(math.nan, "unknown", LEAST), found(0.5, "pass", BAND)])
    made = already_document(now, fold([found(1.0, "pass")]))
    assert (made["verdict"], made["outcome"], made["reasons"]) == ("fail", "pass", ["swaps all: 3.0"])
    assert [(one["rule"], one["value"]) for one in made["findings"]] == [("swaps", 3.0), ("recall", None)]
