"""Judging: deploys by the gate's bounds, everything between them by point estimates."""

from collections.abc import Sequence

from monitor.core.baseline import Snapshot
from monitor.core.drift import Compared
from monitor.core.gate.hypotheses import Evidence
from monitor.core.gate.judgement import judge_deploy
from monitor.core.policy import Rule, Verdict, judge
from monitor.core.report import DriftReport


def judged(compared: Compared, rules: Sequence[Rule], evidence: Evidence | None) -> tuple[DriftReport, Verdict]:
    """The report and its verdict.

    Args:
        compared: what the report is made from.
        rules: the policy.
        evidence: of a deploy; None: a view between deploys, or there is nothing to compare with.
    """
    report = compared.report()
    if evidence is None:
        return report, judge(rules, report)
    return report, judge_deploy(rules, compared, report, evidence)


def evidence_of(baseline: Snapshot | None) -> Evidence | None:
    """What the gate knows of a deploy besides its report; None without a baseline."""
    return None if baseline is None else Evidence(baseline)
