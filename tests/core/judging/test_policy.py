"""The judge: one table, every row a rule of judgement and the verdict."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import DriftReport, Measurement, SegmentSize, VerdictName

NAN = float("nan")
SWAPS = Rule("swaps", "swaps", "dense", "mean", 10, max=2.0)
PER_LANGUAGE = replace(SWAPS, name="language", dimension="language")
RECALL = Rule("recall", "ann_recall_ratio", "dense", "mean", 10, min=0.9)
P95 = replace(SWAPS, name="p95", stat="p95")
DROP = Rule("drop", "top1_score_drop", "dense", "mean", 0, max=0.1)
BAND = Rule("band", "jaccard_ratio", "dense", "mean", 10, min=0.4, max=0.9)


def measured(
    value: float, *, n: int = 100, expected: int = 100, rule: Rule = SWAPS, segment: str = "all", **other: object
) -> Measurement:
    made = Measurement(
        rule.metric, rule.leg, rule.k, rule.dimension, segment, rule.stat, value, n, expected,
        covered=n / expected if expected else 0.0,
    )  # fmt: skip
    return made._replace(**other)  # type: ignore[arg-type]  # fields vary


def size(before: int = 100, now: int = 100, segment: str = "all", *, watched: bool = True) -> SegmentSize:
    return SegmentSize("all" if segment == "all" else "language", segment, before, now, watched)


def report(
    measurements: Sequence[Measurement], sizes: Sequence[SegmentSize] = (), problems: Sequence[str] = ()
) -> DriftReport:
    said = tuple(Problem(ProblemKind.UNCLASSIFIED, text) for text in problems)
    return DriftReport("d", 0, {}, "f", None, tuple(measurements), (size(), *sizes), problems=said)


de, en, tiny = size(50, 50, "de"), size(30, 30, "en"), size(3, 3, "tiny", watched=False)
Row = tuple[list[Rule], DriftReport, VerdictName, str]

TABLE: dict[str, Row] = {
    "within the limit": ([SWAPS], report([measured(1.9)]), "pass", ""),
    "at the limit": ([SWAPS], report([measured(2.0)]), "pass", ""),
    "above a maximum": ([SWAPS], report([measured(2.1)]), "fail",
                        "swaps mean@10 dense all=all: 2.100, allowed at most 2, 100 anchors"),
    "below a minimum": ([RECALL], report([measured(0.85, rule=RECALL)]), "fail", "0.850, allowed at least 0.9"),
    "inside a band": ([BAND], report([measured(0.5, rule=BAND)]), "pass", ""),
    "below a band": ([BAND], report([measured(0.3, rule=BAND)]), "fail", "at least 0.4 and at most 0.9"),
    "above a band": ([BAND], report([measured(0.95, rule=BAND)]), "fail", ""),
    # a value that is none
    "NaN": ([SWAPS], report([measured(NAN, n=0, reason="not_replayed")]), "unknown", "not measurable: not_replayed"),
    "NaN without a reason": ([SWAPS], report([measured(NAN, n=0)]), "unknown", "not measurable: no value"),
    "NaN in one segment": ([PER_LANGUAGE], report(
        [measured(0.0, rule=PER_LANGUAGE, segment="de"), measured(NAN, n=0, rule=PER_LANGUAGE, segment="en")],
        [de, en]), "unknown", "language=en"),
    # too few anchors
    "fewer anchors than in the baseline, but enough": ([SWAPS], replace(report([measured(1.0)]), segments=(
        size(100, 20),)), "pass", ""),
    "too few anchors left": ([SWAPS], replace(report([measured(1.0)]), segments=(size(100, 19),)), "unknown",
                             "19 anchors left of 100, expected at least 20"),
    "too few anchors left is not a fail either": ([SWAPS], replace(report([measured(9.0)]), segments=(
        size(100, 19),)), "unknown", "19 anchors left"),
    "below min_anchors in the baseline: not watched": ([PER_LANGUAGE], report(
        [measured(9.0, rule=PER_LANGUAGE, segment="tiny"), measured(0.0, rule=PER_LANGUAGE, segment="de")],
        [de, size(19, 19, "tiny")]), "pass", ""),
    "only unwatched segments": ([PER_LANGUAGE], report(
        [measured(9.0, rule=PER_LANGUAGE, segment="tiny")], [size(19, 19, "tiny")]), "unknown",
        "no critical rule has a segment to judge"),
    "a rule for a segment that was pooled away": ([SWAPS, replace(PER_LANGUAGE, segment="tiny")], report(
        [measured(0.0), measured(0.0, rule=PER_LANGUAGE, segment="de")], [de, tiny]), "pass", ""),
    # a rule that concerns nothing
    "no rules": ([], report([measured(0.0)]), "unknown", "no critical rule has a segment to judge"),
    "only warnings": ([replace(SWAPS, severity="warning")], report([measured(0.0)]), "unknown", "no critical rule"),
    "a misspelt metric": ([SWAPS, replace(SWAPS, metric="swapz")], report([measured(0.0)]), "unknown",
                          "swapz mean@10 dense all=*: not measured: swapz is no metric measured"),
    "another depth": ([replace(SWAPS, k=5)], report([measured(0.0)]), "unknown", "swaps is mean@10 dense"),
    "another statistic": ([replace(SWAPS, stat="p99")], report([measured(0.0)]), "unknown", "swaps is mean@10 dense"),
    "another leg": ([replace(SWAPS, leg="lexical")], report([measured(0.0)]), "unknown", "swaps is mean@10 dense"),
    "an unknown dimension": ([SWAPS, PER_LANGUAGE], report([measured(0.0)]), "unknown", "language=*"),
    "an unknown segment": ([replace(PER_LANGUAGE, segment="fr")], report(
        [measured(0.0, rule=PER_LANGUAGE, segment="de")], [de]), "unknown", "language=fr"),
    "one segment by name": ([replace(PER_LANGUAGE, segment="de")], report(
        [measured(0.0, rule=PER_LANGUAGE, segment="de"), measured(9.0, rule=PER_LANGUAGE, segment="en")],
        [de, en]), "pass", ""),
    # anchors that were not measured
    "the worst case stays within": ([SWAPS], report([measured(1.0, n=90, reason="deadline")]), "pass", ""),
    "the worst case is exactly the limit": ([replace(SWAPS, max=2.5)], report([measured(0.0, n=3, expected=4)]),
                                            "pass", ""),
    "the worst case crosses": ([SWAPS], report([measured(1.0, n=88, reason="deadline")]), "inconclusive",
                               "88 anchors of 100: 12 not measured (deadline)"),
    "the worst case crosses a minimum": ([RECALL], report([measured(0.95, n=94, rule=RECALL)]), "inconclusive", ""),
    "the best case stays above": ([RECALL], report([measured(0.95, n=95, rule=RECALL)]), "pass", ""),
    "either side of a band": ([BAND], report([measured(0.42, n=94, rule=BAND)]), "inconclusive", ""),
    "one heavy anchor is missing": ([SWAPS], report([measured(1.0, n=99, covered=0.5)]), "inconclusive", ""),
    "twenty light anchors are missing": ([SWAPS], report([measured(1.0, n=80, covered=0.99)]), "pass", ""),
    "a quantile can be anything up to k": ([P95], report([measured(0.0, n=99, rule=P95)]), "inconclusive", ""),
    "a quantile cannot be more than k": ([replace(P95, max=10.0)], report([measured(0.0, n=99, rule=P95)]), "pass",
                                         ""),
    "a metric without bounds": ([DROP], report([measured(0.0, n=99, rule=DROP)]), "inconclusive", ""),
    "a share is bounded whatever its metric": ([replace(DROP, stat="share", max=0.5)], report(
        [measured(0.0, n=99, rule=replace(DROP, stat="share"))]), "pass", ""),
    "beyond the limit fails whatever is missing": ([SWAPS], report([measured(3.0, n=1)]), "fail", ""),
    # folding
    "fail over unknown": ([SWAPS, RECALL], report([measured(3.0), measured(NAN, n=0, rule=RECALL)]), "fail", "swaps"),
    "unknown over inconclusive": ([SWAPS, RECALL], report(
        [measured(1.0, n=50), measured(NAN, n=0, rule=RECALL)]), "unknown", "ann_recall"),
    "inconclusive over pass": ([SWAPS, RECALL], report([measured(1.0, n=50), measured(1.0, rule=RECALL)]),
                               "inconclusive", "swaps"),
    "a failing warning never decides": ([SWAPS, replace(RECALL, severity="warning")], report(
        [measured(0.0), measured(0.0, rule=RECALL)]), "pass", ""),
    "an unknown warning never decides": ([SWAPS, replace(RECALL, severity="warning")], report([measured(0.0)]),
                                         "pass", ""),
    # circumstances
    "a problem is unknown, whatever the numbers": ([SWAPS], report([measured(9.0)], problems=["gap"]), "unknown",
                                                   "gap"),
    "a problem is unknown, however good the numbers": ([SWAPS], report([measured(0.0)], problems=["stale"]),
                                                       "unknown", "stale"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "judged", "verdict", "reason"), TABLE.values(), ids=TABLE)
def test_every_rule_of_judgement(rules: list[Rule], judged: DriftReport, verdict: VerdictName, reason: str) -> None:
    found = judge(rules, judged)
    assert found.verdict == verdict
    assert reason in "; ".join(found.reasons)
    assert bool(found.reasons) is (verdict != "pass")


def test_a_problem_leaves_no_number_to_misread() -> None:
    found = judge([SWAPS], report([measured(0.0)], problems=["first", "second"]))
    assert found == Verdict("unknown", ("first", "second"), ())


def test_what_is_measured_on_the_corpus_rests_on_its_chunks() -> None:
    rule = Rule("copies", "duplicate_ratio", "corpus", "mean", 0, max=0.5, dimension="source", min_anchors=20)
    few, many = (measured(0.9, n=n, expected=n, rule=rule, segment=name) for n, name in ((19, "few"), (20, "many")))
    assert [found.segment for found in judge([rule], report([few, many])).findings] == ["many"]


def test_findings_come_worst_first_with_their_numbers() -> None:
    rules = [SWAPS, replace(SWAPS, name="again", max=0.5, severity="warning"), RECALL]
    found = judge(rules, report([measured(1.0), measured(NAN, n=0, rule=RECALL)])).findings
    assert [(one.rule, one.severity, one.verdict) for one in found] == [
        ("again", "warning", "fail"),
        ("recall", "critical", "unknown"),
        ("swaps", "critical", "pass"),
    ]
    assert (found[0].value, found[0].limit, found[0].n, found[0].k) == (1.0, 0.5, 100, 10)
    assert math.isnan(found[1].value)
    assert found[1].limit == 0.9


values = st.floats(0.0, 10.0)


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=8), st.lists(st.floats(0.1, 5.0), min_size=8, max_size=8), st.data())
def test_a_pass_holds_whatever_the_missing_anchors_say(
    every: list[float], weights: list[float], data: st.DataObject
) -> None:
    """PASS and FAIL are promises: no value of the unmeasured anchors turns a PASS into a FAIL."""
    seen = data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every)).filter(any))
    weights = weights[: len(every)]
    known = [(value, weight) for value, weight, here in zip(every, weights, seen, strict=True) if here]
    mass = sum(weight for _, weight in known)
    value = sum(value * weight for value, weight in known) / mass
    one = measured(value, n=len(known), expected=len(every), covered=mass / sum(weights))
    whole = sum(value * weight for value, weight in zip(every, weights, strict=True)) / sum(weights)
    if judge([SWAPS], report([one])).verdict == "pass":
        assert whole <= 2.0 + 1e-9


def test_what_is_found_does_not_depend_on_what_was_judged_before() -> None:
    """Equal numbers are not always said alike: zero has a sign."""
    rule = replace(SWAPS, max=1.0)
    for value in (0.0, -0.0, 0.0, NAN, 0.0, 2.0):
        (found,) = judge([rule], report([measured(value, rule=rule)])).findings
        assert found.value is not None
        assert math.copysign(1.0, found.value) == math.copysign(1.0, value)
        assert (f"{value:.3f}" in found.reason) == (value == value)
        assert judge([replace(rule, max=3.0)], report([measured(value, rule=rule)])).findings[0].limit == 3.0
