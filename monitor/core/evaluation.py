"""One evaluation: a comparison with a baseline, and the one place where a verdict on it is made. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from monitor.core.attribution import ChangesSinceBaseline
from monitor.core.attribution.culprits import DriftAttribution
from monitor.core.index.baseline import Snapshot
from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.integrity import METRICS, KeptFindings, integrity_findings
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.out_of_scope import Changed, out_of_scope_changes
from monitor.core.judging.point_verdict import KeptVerdict
from monitor.core.judging.policy import Finding, Rule, Verdict
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.erosion import eroded_columns
from monitor.core.measures.noise import carried, noise_columns
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.events import Segment
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.reporting.drift import Compared, Drift

NOT_ASKED = "asked_otherwise"
"""Failure reason of an anchor whose question a deploy's kept lists do not answer."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a deploy's marker said it would change, and what did change since a baseline."""

    expected: Segment
    changes: Callable[[Snapshot], ChangesSinceBaseline]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a report and its verdict are made from, at one position; immutable, so either may be made at any time.

    Args:
        compared: what the report is made from.
        rules: the policy.
        evidence: what the gate knows of a deploy besides its report; None: a view between deploys, whose point
            estimates are judged, or there is nothing to compare with.
    """

    compared: Compared
    rules: Sequence[Rule]
    evidence: GateEvidence | None
    kept: Sequence[Finding] = ()
    """What rules of integrity found when a kept deploy was judged by this very baseline: lists that were only kept do
    not say it again."""

    lately: KeptFindings = field(default_factory=KeptFindings)
    last: KeptVerdict = field(default_factory=KeptVerdict)
    """Of the evaluation before."""

    def report(self) -> DriftReport:
        """The report: the same each time."""
        return self.compared.report()

    def judged(self) -> tuple[DriftReport, Verdict]:
        """The report and its verdict: a deploy by the gate's bounds, everything else by point estimates."""
        report, rules = self.report(), self.lately.elsewhere(self.rules)
        profile, evidence = self.compared.seen.profile, self.evidence
        expected = () if evidence is None else evidence.expected
        also = self.kept
        if profile is not None and not expected and profile.since_pinned is None:
            also = self.lately.of(self.rules, report)
        elif profile is not None:
            arrived = self.compared.newcomers
            found = integrity_findings(self.rules, report, expected, profile.integrity, arrived, profile.since_pinned)
            also = tuple(found)
        if evidence is None:
            return report, self.last.of(rules, report, also)
        return report, judge_deploy(rules, self.compared, report, evidence, also)

    def blaming(self, culprits: DriftAttribution | None) -> "Evaluation":
        """The same with the culprits of an earlier one."""
        return replace(self, compared=replace(self.compared, culprits=culprits))


def evidence_of(
    baseline: Snapshot | None, compared: Compared, rules: Sequence[Rule], budget: Budget | None = None
) -> GateEvidence | None:
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
        return GateEvidence(baseline)
    depths = tuple(sorted({rule.k for rule in rules if rule.k}))
    noise = noise_columns(baseline, compared.alignment, depths)
    if baseline.noise is None and compared.pinned is not None:  # a deploy's own snapshot has no twin: the pinned may
        theirs = carried(noise_columns(*compared.pinned, depths), compared.pinned[1], compared.alignment)
        noise = {**theirs, **noise}
    eroded = {} if compared.pinned is None else eroded_columns(baseline, compared.alignment, *compared.pinned, depths)
    if budget is None or not budget.expected:
        return GateEvidence(baseline, noise, eroded=eroded)
    deepest = max(lists.depth for lists in baseline.lists.values())
    depth = next((rule.k for rule in rules if rule.k), deepest)
    changed = Changed(baseline, budget.changes(baseline), budget.expected)
    found = out_of_scope_changes(changed, compared.alignment, compared.seen.lists, depth)
    return GateEvidence(baseline, noise, budget.expected, found, eroded)


def kept_evaluation(drift: Drift, rules: Sequence[Rule], baseline: Snapshot, record: DeployRecord) -> Evaluation:
    """A kept deploy against any snapshot, from what was stored with both.

    What made the deploy UNKNOWN then (a loss, an incomplete barrier, a changed fingerprint) makes it UNKNOWN now.
    Anchors that ask something else today than they did then count as not measured. The marker's expected change is
    not judged again: kept lists do not say which event changed what. Nor is integrity: what its rules found then
    stands where the baseline is the same, and is left out against another one. The distance to the pinned baseline
    is left out too: this asks about the one that is named.

    Args:
        drift: the evaluation of the anchors of now.
        rules: the policy.
        baseline: the snapshot compared with.
        record: the deploy.
    """
    snapshot, lists = record.snapshot, drift.lists_of(record.snapshot)
    asked = np.logical_or.reduce([one.known for one in lists.values()])
    said = f"fingerprint of deploy {record.deploy_id!r} differs from the baseline's"
    differs = snapshot.fingerprint.differences(baseline.fingerprint)
    seen = Observation.kept(
        snapshot,
        lists,
        deploy_id=record.deploy_id,
        now=record.report.now,
        positions=record.report.positions,
        failures=dict.fromkeys(np.flatnonzero(~asked).tolist(), NOT_ASKED),
        corpus=record.report.corpus,
        problems=(
            *(problem for problem in record.report.problems if not problem.kind.of_baseline),
            *(Problem(ProblemKind.FINGERPRINT, f"{said}: {difference}") for difference in differs),
        ),
    )
    compared = drift.compared(baseline, None, seen, None)
    found = [
        of for of in record.verdict.findings if of.metric in METRICS and record.report.baseline == baseline.identity
    ]
    if not asked.all() or compared.alignment is None or compared.alignment.changed:
        found = [of for of in found if of.leg == "corpus"]  # other anchors: nobody knows how many find what is new
    beside = {of.name for of in REGISTRY.group("pinned")}
    asked_now = [rule for rule in rules if rule.metric not in beside]
    return Evaluation(compared, asked_now, evidence_of(baseline, compared, asked_now), found)


def withheld(verdict: Verdict, reason: str) -> Verdict:
    """The verdict, or UNKNOWN with a reason that stands above it; "" for none."""
    return Verdict("unknown", (reason, *verdict.reasons), verdict.findings) if reason else verdict
