"""The rules used when nobody wrote any."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Verdict
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.report import DriftReport, Leg, Measurement, SegmentSize
from tests.core.judging.cases import Values, baseline, compared, found

RULES = default_rules(("language",), ("dense", "lexical"), k=10, min_anchors=20)
KEPT, NEW, FIRST = Name("kept_answers_ratio", 10), Name("new_results", 10), Name("new_first_ratio", 0)
ALL, DE = ("all", "all"), ("language", "de")


def report(*given: tuple[Name, tuple[str, str], float], k: int = 10) -> DriftReport:
    """Both legs alike: nothing changed but what is given, over all or in one language."""
    legs: tuple[Leg, ...] = ("dense", "lexical")
    values = {(name, where): value for name, where, value in given}
    made = [
        Measurement(
            name.metric, leg, name.k and k, *where, "mean", values.get((name, where), float(name == KEPT)), 50, 50
        )
        for leg in legs
        for where in (ALL, DE)
        for name in (KEPT, NEW, FIRST)
    ]
    sizes = (SegmentSize(*ALL, 50, 50, watched=True), SegmentSize(*DE, 50, 50, watched=True))
    return DriftReport("d", 0, {}, "f", None, tuple(made), sizes)


@pytest.mark.parametrize(
    ("name", "where", "within", "beyond"),
    [
        (KEPT, ALL, 0.98, 0.979),
        (KEPT, DE, 0.9, 0.899),
        (NEW, ALL, 0.75, 0.76),
        (NEW, DE, 1.0, 1.01),
        (FIRST, ALL, 0.03, 0.031),
        (FIRST, DE, 0.1, 0.101),
    ],
)
def test_limits(name: Name, where: tuple[str, str], within: float, beyond: float) -> None:
    assert judge(RULES, report((name, where, within))).verdict == "pass"
    failed = judge(RULES, report((name, where, beyond)))
    assert failed.verdict == "fail"
    assert {(one.metric, one.dimension) for one in failed.findings if one.verdict == "fail"} == {
        (name.metric, where[0])
    }


def test_what_is_not_measured_never_passes() -> None:
    empty = replace(report(), measurements=())
    assert judge(RULES, empty).verdict == "unknown"
    half = replace(empty, measurements=tuple(of for of in report().measurements if of.leg == "dense"))
    assert judge(RULES, half).verdict == "unknown"
    assert judge(default_rules((), (), k=10, min_anchors=20), report()).verdict == "unknown"


@pytest.mark.parametrize("k", [1, 5, 10, 100])
def test_limits_on_results_scale_with_the_depth(k: int) -> None:
    rules = default_rules((), ("dense",), k=k, min_anchors=20)
    assert judge(rules, report((NEW, ALL, 0.075 * k), k=k)).verdict == "pass"
    assert judge(rules, report((NEW, ALL, 0.076 * k), k=k)).verdict == "fail"


def test_every_rule_is_named_once_has_both_limits_and_says_why() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 2 * 2 * 3 + 2
    for rule in RULES:
        assert (rule.min is None) != (rule.max is None)
        assert rule.severe is not None
        assert rule.severe > rule.max if rule.max is not None else rule.severe < (rule.min or 0.0)
        assert rule.ground
        assert (rule.min_anchors, rule.segment, rule.severity) == (20, "*", "critical")
        assert rule.k == (0 if rule.metric == FIRST.metric else 10)
    assert {rule.dimension for rule in RULES} == {"all", "language"}


def deploy(lost: Values, segments: list[str], documents: list[int] | None = None) -> Verdict:
    """The gate's verdict where the anchors marked 1 lost their answer and all else follows from that."""
    made = compared({KEPT: 1.0 - lost, NEW: 1.0 * lost, FIRST: lost}, segments)
    rules = default_rules(("source",), ("dense",), k=10, min_anchors=20)
    return judge_deploy(
        rules, made, made.report(), GateEvidence(baseline(segments, documents or list(range(len(lost)))))
    )


SEGMENTS = [f"s{at // 20:02}" for at in range(800)]
"""Forty segments of twenty anchors."""


def lose(*rows: range) -> Values:
    made = np.zeros(800)
    for of in rows:
        made[list(of)] = 1.0
    return made


def test_a_segment_of_twenty_that_lost_half_of_its_answers_fails() -> None:
    """It is an eightieth of all anchors; each stands for itself, or two find the same document first."""
    for documents in (None, [at // 2 for at in range(800)]):
        said = deploy(lose(range(40, 60 if documents else 50)), SEGMENTS, documents)
        assert said.verdict == "fail", said
        failed = {(one.metric, one.segment) for one in said.findings if one.verdict == "fail"}
        assert (KEPT.metric, "s02") in failed
        assert {segment for _, segment in failed} - {"all"} == {"s02"}  # 20 of all 800 are beyond that limit too


def test_untouched_and_little_touched_segments_of_twenty_pass() -> None:
    assert deploy(lose(), SEGMENTS).verdict == "pass"
    little = deploy(lose(range(2), range(40, 41)), SEGMENTS)
    assert little.verdict == "pass", little
    assert found(replace(little, findings=tuple(of for of in little.findings if of.metric == KEPT.metric)), "s00")


def test_segments_of_few_documents_make_no_clear_deploy_inconclusive() -> None:
    """Twenty anchors of four documents cannot exclude that a third is lost; nobody lost anything, so nobody waits."""
    for lost in (lose(), lose(range(1), range(60, 62))):
        said = deploy(lost, SEGMENTS, [at // 5 for at in range(800)])
        assert said.verdict == "pass", said
        undecided = [one for one in said.findings if one.verdict == "inconclusive"]
        assert {one.severity for one in undecided} <= {"warning"}


def test_what_looks_bad_but_is_not_shown_is_inconclusive() -> None:
    said = deploy(lose(range(4)), SEGMENTS)
    assert said.verdict == "inconclusive", said
    assert found(replace(said, findings=tuple(of for of in said.findings if of.metric == KEPT.metric)), "s00").n == 20
    assert any("beyond the limit, but that may be chance" in reason for reason in said.reasons)


def test_loss_over_all_anchors_is_shown_where_no_segment_shows_it() -> None:
    """One answer in sixteen, spread over all segments."""
    said = deploy(lose(range(0, 800, 16)), SEGMENTS)
    assert said.verdict == "fail", said
    assert {one.segment for one in said.findings if one.verdict == "fail"} == {"all"}


def test_a_few_anchors_are_too_few_for_a_pass() -> None:
    assert deploy(np.zeros(28), ["s"] * 28).verdict == "inconclusive"
    assert deploy(np.zeros(29), ["s"] * 29).verdict == "pass"
