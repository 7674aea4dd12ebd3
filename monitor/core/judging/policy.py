"""Policy: thresholds on measurements, and what they say of one.

Modelled on Burrow's evaluator: the judge is a function of (rules, report), UNKNOWN is outside the severity scale,
and each rule of judgement is one `Rule N` here and in `point_verdict`, proved by one table in the tests.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from monitor.core.index.statistics.integrity import GROWN
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.report import ALL, SHARE, DriftReport, Leg, Measurement, SegmentSize, VerdictName
from monitor.core.model.value_class import value_class
from monitor.core.text.wording import at_depth

Severity = Literal["critical", "warning"]
Growth = Mapping[tuple[str, str], float]
"""By dimension and segment, which share is new content that replaced nothing."""
_REMEMBERED = 1 << 12
"""Rules of segments: from report to report most have grown as much as they had."""
NEW = ("new_results", "new_first_ratio")
"""Metrics of which growth brings some by itself."""
EVERY = "*"
"""As a rule's segment: each watched segment of the dimension."""


@dataclass(frozen=True, slots=True)
class LearntLimit:
    """What may be instead of a rule's own limit in one segment, by so many approved deploys; see `learning`."""

    segment: str
    max: float
    deploys: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold: the measurement may not be above `max` or below `min`.

    `min_anchors` is how many anchors a segment needs in the baseline to be watched by this rule. `hold` (seconds)
    concerns alerts only. `ground` cites why the limit is what it is.
    """

    name: str
    metric: str
    leg: Leg
    stat: str
    k: int
    dimension: str = ALL
    segment: str = EVERY
    min: float | None = None
    max: float | None = None
    severity: Severity = "critical"
    min_anchors: int = 20
    hold: float = 300.0
    ground: str = ""
    bounds: bool = True
    """Whether the gate judges it by confidence bounds; else by the point estimate, as alerts are."""
    severe: float | None = None
    """A value further beyond the limit. With one, the gate's PASS needs an estimate within the limit and a bound
    within `severe`: small segments can reach that. Without one it needs the bound within the limit itself."""
    usual: float | None = None
    """A value within the limit that ordinary deploys come to. With one, the gate's FAIL needs an estimate beyond the
    limit (of all anchors, at it or beyond) and a bound beyond `usual`: what is beyond the limit and no ordinary
    deploy's chance is harm. Without one it needs the bound beyond the limit itself."""
    weight: float = 1.0
    """Its part of the level for a false FAIL, beside the other rules on all anchors, or on segments."""
    note: str = ""
    """What the limit is made of, where it is not the policy's own."""
    learns: bool = False
    """Whether its limit may be learnt from approved deploys."""
    learnt: tuple[LearntLimit, ...] = ()
    """What was learnt, by segment."""

    def __hash__(self) -> int:
        """Of what tells the rules of a policy apart: findings are looked up by their rules."""
        return hash((self.name, self.dimension, self.segment, self.max))


@value_class()
class Finding:
    """What one rule says of one segment, with its reason in words."""

    rule: str
    severity: Severity
    metric: str
    leg: Leg
    k: int
    stat: str
    dimension: str
    segment: str
    verdict: VerdictName
    value: float
    limit: float
    n: int
    reason: str
    lower: float = math.nan
    upper: float = math.nan
    """One-sided 95% bounds of the value, where the gate worked them out."""
    anchors_needed: int = 0
    """Anchors that would decide an INCONCLUSIVE finding with 80% power; 0: no number would, or none is needed."""
    detectable: float = math.nan
    """The value beyond the limit that would FAIL with 80% power on this many anchors."""
    severe: float = math.nan
    """The value that a PASS has to exclude; NaN where that is the limit itself."""
    documents: tuple[str, ...] = ()
    """The documents that something is wrong with, of a rule of integrity; bounded, those most concerned first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """PASS, FAIL, INCONCLUSIVE or UNKNOWN for a report, with every finding (worst first) and the overall reasons."""

    verdict: VerdictName
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]


_ORDER: dict[VerdictName, int] = {"fail": 0, "unknown": 1, "inconclusive": 2, "pass": 3}


def in_question(rules: Sequence[Rule], report: DriftReport, registry: MeasureRegistry = REGISTRY) -> list[Rule]:
    """The rules that a report is judged by.

    A rule on the distance to the pinned baseline asks nothing while the report compares with no other one: every
    other rule asks that then. So one policy serves all modes, the time after a person's decision included.
    """
    if not is_alone(report):
        return list(rules)
    beside = {of.name for of in registry.group("pinned")}
    return [rule for rule in rules if rule.metric not in beside or report.of(rule.metric)]


def is_alone(report: DriftReport) -> bool:
    """Whether a report compares with no pinned baseline beside another one."""
    return report.baseline is None or report.baseline.kept_as == "baseline"


def refused(report: DriftReport) -> Verdict:
    """UNKNOWN for the problems of a report: no number of it is judged."""
    return Verdict("unknown", tuple(problem.text for problem in report.problems), ())


def blind(report: DriftReport) -> bool:
    """Whether a report has problems in spite of which nothing that it shows stands."""
    return not all(problem.kind.harm_stands for problem in report.problems)


def despite(report: DriftReport, verdict: Verdict) -> Verdict:
    """The verdict in spite of problems that leave standing what harm is shown: FAIL stays, all else is UNKNOWN.

    Most of a deploy was refused, or nothing is left in the corpus: that readers lost their answers is true all the
    same, and that they lost none is not known.
    """
    if not report.problems:
        return verdict
    said = tuple(problem.text for problem in report.problems)
    if verdict.verdict != "fail":
        return Verdict("unknown", said, ())
    return Verdict("fail", (*verdict.reasons, *said), verdict.findings)


def fold(found: Iterable[Finding]) -> Verdict:
    """One verdict from all findings: FAIL > UNKNOWN > INCONCLUSIVE > PASS over the critical ones, worst first."""
    return folded(tuple(sorted(found, key=worst_first)))


def worst_first(found: Finding) -> tuple[int, str, str, str, str]:
    """Orders findings: by verdict, severity, rule and segment."""
    return _ORDER[found.verdict], found.severity, found.rule, found.dimension, found.segment


def folded(findings: tuple[Finding, ...]) -> Verdict:
    """See `fold`, of findings in their order."""
    worst = next((found.verdict for found in findings if found.severity == "critical"), None)
    if worst is None:
        return Verdict("unknown", ("no critical rule has a segment to judge",), findings)
    if worst == "pass":
        return Verdict(worst, (), findings)
    reasons = []
    for found in findings:
        if found.verdict == worst and found.severity == "critical":
            reasons.append(found.reason)
        elif _ORDER[found.verdict] > _ORDER[worst]:
            break
    return Verdict(worst, tuple(reasons), findings)


def growth(report: DriftReport) -> Growth:
    """As a report measured it; nothing grew where nobody could tell."""
    told = [of for of in report.of(GROWN) if of.stat == "mean"]
    return {(of.dimension, of.segment): of.value for of in told if not math.isnan(of.value)}


@lru_cache(maxsize=_REMEMBERED)
def _allowing(rule: Rule, segment: str, share: float) -> Rule:
    """`allowing`, where the segment grew by this share."""
    for one in rule.learnt:
        if one.segment == segment:
            note = f"learnt from {one.deploys} approved deploys; {rule.max:g} by the policy"
            rule = replace(rule, max=one.max, learnt=(), note=note)
    if rule.metric not in NEW or rule.max is None or not share > 0.0:
        return rule
    more = max(1, rule.k) * share
    severe = None if rule.severe is None else rule.severe + more
    own = f"{rule.max:.4g}" + (f" {rule.note}" if rule.note else "")
    return replace(rule, max=rule.max + more, severe=severe, note=f"{own}, and {more:.2f} for {share:.1%} growth")


def allowing(rule: Rule, segment: str, grown: Growth) -> Rule:
    """The rule for one segment: with the limit that was learnt for it, if any (`learning`), and new results may be so
    many more than that as new content takes by chance.

    That is k times the share that the segment grew by, and of first results that share itself; the whole corpus's
    where nobody knows of the segment. Lists hold new pages in proportion where they answer as well as the old ones,
    and a flood that pushes in has more. What new pages push out is for the rules on kept answers to say.
    """
    if not rule.learnt and rule.metric not in NEW:
        return rule
    return _allowing(rule, segment, grown.get((rule.dimension, segment), grown.get((ALL, ALL), 0.0)))


def watched(
    rule: Rule, measurements: Sequence[Measurement], sizes: Mapping[tuple[str, str], SegmentSize]
) -> list[tuple[Measurement, SegmentSize]] | None:
    """The measurements that a rule judges, with their segments' sizes; None where nothing it asks for was measured.

    Segments with fewer than `min_anchors` in the baseline are not watched by the rule.
    """
    found = list(concerned(rule, measurements))
    unwatched = (rule.dimension, rule.segment) in sizes and not sizes[rule.dimension, rule.segment].watched
    if not found and not unwatched:
        return None
    pairs = [(measurement, size_of(sizes, measurement)) for measurement in found]
    return [pair for pair in pairs if pair[1].baseline_anchors >= rule.min_anchors]


def nothing_measured(rule: Rule, measurements: Sequence[Measurement]) -> Finding:
    """What a rule finds for which there is no measurement, with what there is of its metric."""
    forms = sorted({f"{at_depth(of.stat, of.k)} {of.leg}" for of in measurements if of.metric == rule.metric})
    asked = Asked.of(rule, rule.segment)
    said = f"{asked.where}: not measured: {rule.metric} is {', '.join(forms) or 'no metric measured'}"
    return Finding(*asked.head, "unknown", math.nan, asked.limit, 0, said)


def size_of(sizes: Mapping[tuple[str, str], SegmentSize], measured: Measurement) -> SegmentSize:
    """The segment's anchors; what is measured on the corpus itself rests on its chunks instead."""
    if measured.leg == "corpus":
        return SegmentSize(measured.dimension, measured.segment, measured.n, measured.n, watched=True)
    return sizes[measured.dimension, measured.segment]


def concerned(rule: Rule, measurements: Iterable[Measurement]) -> Iterable[Measurement]:
    """The measurements that a rule is about."""
    return (of for of in measurements if is_concerned(rule, of))


def is_concerned(rule: Rule, of: Measurement) -> bool:
    """Whether a rule is about this measurement."""
    there = of.stat == rule.stat and of.metric == rule.metric and of[1:4] == (rule.leg, rule.k, rule.dimension)
    return there and rule.segment in (EVERY, of.segment)


def find(rule: Rule, measured: Measurement, size: SegmentSize) -> Finding:
    """Judge one measurement.

    Rule 1: if the value is NaN, UNKNOWN with the measurement's reason. Rule 2: if the segment had `min_anchors`
    anchors in the baseline and has fewer now, UNKNOWN. Rule 3: if the value is beyond the limit, FAIL. Rule 4: if
    some expected anchors were not measured and their worst case would cross the limit, INCONCLUSIVE. Rule 5: PASS.
    """
    return Asked.of(rule, measured.segment).find(measured, size)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A rule as it is asked of one segment: what of a finding stays while numbers move.

    Args:
        rule: as it is for the segment.
        head: what a finding begins with.
        where: where it looks, in words.
        most: what it allows, in words.
        limit: the greatest, or the least where there is no greatest.
    """

    rule: Rule
    head: tuple[str, Severity, str, Leg, int, str, str, str]
    where: str
    most: str
    limit: float

    @classmethod
    def of(cls, rule: Rule, segment: str) -> "Asked":
        """A rule of one segment."""
        head = rule.name, rule.severity, rule.metric, rule.leg, rule.k, rule.stat, rule.dimension, segment
        limit = rule.max if rule.max is not None else rule.min
        assert limit is not None  # noqa: S101 - the configuration refuses a rule without a limit
        return cls(rule, head, place(rule, segment), allowed(rule), limit)

    def find(self, measured: Measurement, size: SegmentSize) -> Finding:
        """See `find`."""
        rule, value, n = self.rule, measured.value, measured.n
        verdict: VerdictName = "pass"
        said = f"{self.where}: {value:.3f}, allowed {self.most}, {n} anchors"
        if math.isnan(value):
            verdict, said = "unknown", f"{self.where}: not measurable: {measured.reason or 'no value'}"
        elif size.baseline_anchors >= rule.min_anchors > size.anchors:
            verdict, expected = "unknown", f"expected at least {rule.min_anchors}"
            said = f"{self.where}: {size.anchors} anchors left of {size.baseline_anchors}, {expected}"
        elif _beyond(rule, value):
            verdict = "fail"
        elif n < measured.expected:
            missing = measured.expected - n
            verdict = "inconclusive" if any(_beyond(rule, end) for end in _extremes(rule, measured)) else "pass"
            said += f" of {measured.expected}: {missing} not measured ({measured.reason or 'no reason given'})"
        return Finding(*self.head, verdict, value, self.limit, n, said)


def place(rule: Rule, segment: str) -> str:
    """Where a rule looks, in words."""
    return f"{rule.metric} {at_depth(rule.stat, rule.k)} {rule.leg} {rule.dimension}={segment}"


def _extremes(rule: Rule, measured: Measurement) -> tuple[float, float]:
    """The least and the greatest value there can be, whatever the anchors that were not measured would say.

    A mean moves by their share of the weight; a quantile can move to the end of the metric's range.
    """
    ends = value_range(rule)
    if rule.stat not in ("mean", SHARE):
        return ends
    known, open_ = measured.value * measured.covered, 1.0 - measured.covered
    low, high = (end if math.isinf(end) else known + end * open_ for end in ends)
    return low, high


def value_range(rule: Rule, registry: MeasureRegistry = REGISTRY) -> tuple[float, float]:
    """The values one anchor can have, infinite where no bound is known."""
    return (0.0, 1.0) if rule.stat == SHARE else registry.range(rule.metric).at(rule.k)


def _beyond(rule: Rule, value: float) -> bool:
    return (rule.max is not None and value > rule.max) or (rule.min is not None and value < rule.min)


def allowed(rule: Rule) -> str:
    """A rule's limits in words."""
    low = f"at least {rule.min:g}" if rule.min is not None else ""
    high = f"at most {rule.max:.4g}" if rule.max is not None else ""
    return " and ".join(part for part in (low, high) if part) + (f" ({rule.note})" if rule.note else "")
