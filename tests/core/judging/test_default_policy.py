"""The rules used when nobody wrote any."""

from dataclasses import replace

import pytest

from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.policy import judge
from monitor.core.model.report import DriftReport, Leg, Measurement, SegmentSize

RULES = default_rules(("language",), ("dense", "lexical"), k=10, min_anchors=20)


def report(swaps: float, top1: float, language: float = 0.0, *, k: int = 10) -> DriftReport:
    """Both legs alike: swaps and first results over all, and the mean swaps of one language."""
    legs: tuple[Leg, ...] = ("dense", "lexical")
    made = [
        Measurement(metric, leg, k, dimension, segment, "mean", value, 50, 50)
        for leg in legs
        for dimension, segment, given in (("all", "all", swaps), ("language", "de", language))
        for metric, value in (("collapsed_swaps", given), ("collapsed_top1_changed_ratio", top1))
    ]
    sizes = (SegmentSize("all", "all", 50, 50, watched=True), SegmentSize("language", "de", 50, 50, watched=True))
    return DriftReport("d", 0, {}, "f", None, tuple(made), sizes)


@pytest.mark.parametrize(
    ("judged", "verdict", "warnings"),
    [
        (report(0.0, 0.0), "pass", 0),
        (report(1.0, 0.0), "pass", 0),
        (report(1.1, 0.0), "pass", 2),
        (report(2.0, 0.25), "pass", 2),
        (report(2.1, 0.0), "fail", 2),
        (report(0.0, 0.26), "fail", 2),
        (report(0.0, 0.0, language=2.1), "fail", 2),
        (report(0.0, 0.0, language=1.5), "pass", 2),
    ],
)
def test_limits(judged: DriftReport, verdict: str, warnings: int) -> None:
    found = judge(RULES, judged)
    assert found.verdict == verdict
    failed = [one for one in found.findings if one.severity == "warning" and one.verdict == "fail"]
    assert len(failed) == warnings


def test_what_is_not_measured_never_passes() -> None:
    empty = replace(report(0.0, 0.0), measurements=())
    assert judge(RULES, empty).verdict == "unknown"
    half = replace(empty, measurements=tuple(of for of in report(0.0, 0.0).measurements if of.leg == "dense"))
    assert judge(RULES, half).verdict == "unknown"
    assert judge(default_rules((), (), k=10, min_anchors=20), report(0.0, 0.0)).verdict == "unknown"


@pytest.mark.parametrize("k", [1, 5, 10, 100])
def test_limits_scale_with_the_depth(k: int) -> None:
    rules = default_rules((), ("dense",), k=k, min_anchors=20)
    assert judge(rules, report(0.2 * k, 0.0, k=k)).verdict == "pass"
    assert judge(rules, report(0.21 * k, 0.0, k=k)).verdict == "fail"


def test_every_rule_is_named_once_has_a_limit_and_says_why() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 2 * 2 * 3
    for rule in RULES:
        assert rule.max is not None
        assert rule.ground
        assert (rule.k, rule.min_anchors, rule.segment) == (10, 20, "*")
    assert {rule.dimension for rule in RULES} == {"all", "language"}
