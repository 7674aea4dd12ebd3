"""Judging: deploys by the gate's bounds, everything between them by point estimates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.core.baseline import Snapshot
from monitor.core.blame import Changes
from monitor.core.drift import Compared
from monitor.core.events import Segment
from monitor.core.gate.elsewhere import Changed, elsewhere
from monitor.core.gate.hypotheses import Evidence
from monitor.core.gate.judgement import judge_deploy
from monitor.core.noise import carried, noise_columns
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


@dataclass(frozen=True, slots=True)
class Budget:
    """What a deploy's marker said it would change, and what did change since a baseline."""

    expected: Segment
    changes: Callable[[Snapshot], Changes]


def evidence_of(
    baseline: Snapshot | None, compared: Compared, rules: Sequence[Rule], budget: Budget | None = None
) -> Evidence | None:
    """What the gate knows of a deploy besides its report; None without a baseline.

    All of it is looked up now: the verdict may be worked out later.

    Args:
        baseline: the snapshot compared with.
        compared: the comparison.
        rules: the policy; the expected change is looked for at the depth of its first rule that has one.
        budget: None where the deploy is judged from kept lists: nobody knows then which event changed what.
    """
    if baseline is None:
        return None
    if compared.alignment is None:
        return Evidence(baseline)
    depths = tuple(sorted({rule.k for rule in rules if rule.k}))
    noise = noise_columns(baseline, compared.alignment, depths)
    if not noise and compared.pinned is not None:  # a deploy's own snapshot has no twin: the pinned baseline may
        noise = carried(noise_columns(*compared.pinned, depths), compared.pinned[1], compared.alignment)
    if budget is None or not budget.expected:
        return Evidence(baseline, noise)
    deepest = max(lists.depth for lists in baseline.lists.values())
    depth = next((rule.k for rule in rules if rule.k), deepest)
    changed = Changed(baseline, budget.changes(baseline), budget.expected)
    found = elsewhere(changed, compared.alignment, compared.seen.lists, depth)
    return Evidence(baseline, noise, budget.expected, found)
