"""The gate's verdict on a deploy: non-inferiority rule by rule, corrected for their number, then folded into one.

FAIL: the harm is above the tolerance, at level 0.05 for all rules, segments and legs together; of a rule that says
what harm is usual, the estimate is above the tolerance, and the harm above the usual at that level. The level is
split before anything is seen, `WHOLE` of it among the rules on all anchors and the rest among those on dimensions, in
each by the rules' weights. A dimension's segments share its part by Simes' test, and what is rejected hands its part
on to the rest (`hierarchy`). PASS, no correction, for all rules must: the estimate is within the tolerance and the
95% upper bound within the harm that the rule calls severe; a rule that calls none severe needs the bound within its
tolerance. Else INCONCLUSIVE, with the number of anchors that would decide. The live view and alerts judge point
estimates (`core.judging.point_verdict.judge`).

A segment of few independent documents cannot pass alone, not even when nothing in it changed. It can FAIL alone, and
it is INCONCLUSIVE where its estimate is beyond the limit; otherwise it is judged together with the dimension's other
small segments, as the segment `pooled`, and its own finding does not decide (severity `warning`). Where the rule
calls a harm severe, that goes for every segment that is within the tolerance and cannot exclude it, and `pooled`
does not decide then either: few anchors with little harm are no reason to hold a deploy up. Anchors that were not
measured count as harmed here, so nothing passes by being absent.

The distance to the pinned baseline, beside one that moves, is the work of many deploys. It FAILs the one at which it
is shown to be beyond the limit. While it is in doubt it holds up the deploy that brought the doubt (`Hypothesis.
doubts`), and not those that follow from there: it stays a finding of theirs, as a warning.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.judging.bounds import ALPHA, ConfidenceBounds
from monitor.core.judging.budget import EXPECTED, expected_hypotheses
from monitor.core.judging.hierarchy import RuleTests, rejected
from monitor.core.judging.hypotheses import POOLED, GateEvidence, Hypothesis, JudgedAnchors, pooled
from monitor.core.judging.kept_answers import beside_kept_answers
from monitor.core.judging.planning import DecisionPlan
from monitor.core.judging.policy import (
    Finding,
    Growth,
    Rule,
    Severity,
    Verdict,
    allowed,
    allowing,
    blind,
    despite,
    find,
    fold,
    growth,
    in_question,
    nothing_measured,
    place,
    refused,
    watched,
)
from monitor.core.model.report import ALL, DriftReport, Measurement, SegmentSize, VerdictName
from monitor.core.reporting.drift import Compared

WHOLE = 0.5
"""Part of the level for the rules on all anchors, which are few; the rest is for the many small segments."""
POINT = " (judged as a point value: it has no value per anchor)"


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    hypothesis: Hypothesis
    bounds: ConfidenceBounds
    small: bool
    """Whether it says nothing but FAIL while its estimate is within the limit."""
    stood: bool = False
    """Whether the baseline was in as much doubt: then it says nothing but FAIL either."""


def judge_deploy(
    rules: Sequence[Rule],
    compared: Compared,
    report: DriftReport,
    evidence: GateEvidence,
    also: Iterable[Finding] = (),
) -> Verdict:
    """Judge a deploy.

    Rule 1: problems of the report (no baseline, another fingerprint, a gap, stale input, an incomplete barrier) make
    it UNKNOWN, and no number is judged; but see `policy.despite`. Rule 2: what was not measured, or lost its anchors
    since the baseline, is UNKNOWN, as in `point_verdict.judge`. Rule 3: what has no value per anchor, or whose rule
    says so, is judged as a point value. Rule 4: all else by bounds, as this module's first lines say.

    Args:
        rules: the policy.
        compared: the per-anchor columns.
        report: made from `compared`.
        evidence: the baseline and what else is known.
        also: what rules of integrity found; it decides like all else.

    Returns:
        The verdict; equal arguments give an equal one, nothing is drawn at random.
    """
    if blind(report) or compared.alignment is None:
        return refused(report)
    ground = JudgedAnchors.of(compared, evidence, compared.alignment)
    sizes = {(size.dimension, size.segment): size for size in report.segments}
    grown = growth(report)
    found: list[Finding] = []
    tested: list[_Tested] = []
    for rule in in_question(rules, report):
        pairs = watched(rule, report.measurements, sizes)
        if pairs is None:
            found.append(nothing_measured(rule, report.measurements))
        else:
            _take(rule, pairs, ground, grown, (found, tested))
    tested += [_Tested(one, one.bounds(), small=False) for one in expected_hypotheses(rules, ground)]
    integrity = list(also)
    return despite(report, fold([*integrity, *beside_kept_answers([*found, *_decided(tested)], integrity, rules)]))


def _take(
    rule: Rule,
    pairs: Sequence[tuple[Measurement, SegmentSize]],
    ground: JudgedAnchors,
    grown: Growth,
    into: tuple[list[Finding], list[_Tested]],
) -> None:
    """What a rule finds at once, and what it tests; small segments are tested alone and together."""
    found, tested = into
    small: dict[int, list[Hypothesis]] = {}
    policy = rule
    for measured, size in pairs:
        rule = allowing(policy, measured.segment, grown)
        point = find(rule, measured, size)
        if point.verdict == "unknown" or not rule.bounds:
            found.append(point)
            continue
        for one in ground.hypotheses(rule, [measured]):
            if isinstance(one, Measurement):
                found.append(replace(point, reason=point.reason + POINT))
            elif len(one.sample.values) or not ground.inside.any():
                bounds = one.bounds()
                may_pool = rule.dimension != ALL and rule.segment == "*" and (one.too_small() or _open(one, bounds))
                tested.append(_Tested(one, bounds, may_pool, _stood(one, bounds, ground)))
                small.setdefault(one.sign, []).extend([one] if may_pool else [])
    together = map(pooled, filter(None, small.values()))
    tested += [_Tested(one, one.bounds(), small=policy.severe is not None) for one in together]


def _open(of: Hypothesis, bounds: ConfidenceBounds) -> bool:
    """Whether the estimate is within the tolerance and yet severe harm cannot be excluded."""
    return of.rule.severe is not None and of.within and bounds.upper > of.severe


def _stood(of: Hypothesis, bounds: ConfidenceBounds, ground: JudgedAnchors) -> bool:
    """Whether the baseline, too, was as far as that from the pinned one."""
    before = ground.stood(of)
    return before is not None and before.doubts(before.bounds()) >= of.doubts(bounds)


def _decided(tested: Sequence[_Tested]) -> list[Finding]:
    """FAILs by the hierarchy, over the critical tests and over the warnings: those cannot make a deploy fail."""
    made: list[Finding] = []
    severities: Mapping[Severity, list[_Tested]] = {"critical": [], "warning": []}
    for one in tested:
        severities[one.hypothesis.rule.severity].append(one)
    for of in severities.values():
        families: dict[str, list[_Tested]] = {}
        for one in of:
            families.setdefault(one.hypothesis.rule.name, []).append(one)
        parts = _parts([tests[0].hypothesis.rule for tests in families.values()])
        p_values = [[one.bounds.p for one in tests] for tests in families.values()]
        failed = rejected(list(map(RuleTests, p_values, parts)), ALPHA)
        for tests, part, fails in zip(families.values(), parts, failed, strict=True):
            made += [
                _finding(one, fail and not one.hypothesis.within, part / len(tests))
                for one, fail in zip(tests, fails, strict=True)
            ]
    return made


def _parts(rules: Sequence[Rule]) -> list[float]:
    """Each rule's part of the level, by its weight, summing to 1: see this module's first lines."""
    whole = [rule.dimension in (ALL, EXPECTED) for rule in rules]
    masses = dict.fromkeys(whole, 0.0)
    for rule, at in zip(rules, whole, strict=True):
        masses[at] += rule.weight
    halves = {True: WHOLE, False: 1.0 - WHOLE} if len(masses) > 1 else dict.fromkeys(masses, 1.0)
    return [halves[at] * rule.weight / masses[at] for rule, at in zip(rules, whole, strict=True)]


def _finding(one: _Tested, fail: bool, part: float) -> Finding:
    of, bounds, rule, within = one.hypothesis, one.bounds, one.hypothesis.rule, one.hypothesis.within
    harm, n = of.sign * of.value, len(of.sample.values)
    passed = bounds.upper <= of.severe and (within or rule.severe is None)
    verdict: VerdictName = "fail" if fail else "pass" if passed else "inconclusive"
    quiet = one.stood or (one.small and within and of.unmeasured_too)
    decides = verdict != "inconclusive" or not quiet
    excluded = of.severe if within else of.usual
    plan = DecisionPlan(bounds.deviation, of.sample.range, of.usual, 1.0 / part)
    per = n / bounds.clusters if bounds.clusters else 0.0
    open_ = verdict == "inconclusive" and not math.isnan(harm)
    needed = math.ceil(replace(plan, tolerance=excluded).clusters_needed(harm) * per) if open_ else 0
    shows = plan.detectable(bounds.clusters) if of.level is None else math.nan
    shows = max(shows, of.tolerance)  # NaN stays
    low, high = sorted((of.sign * bounds.lower, of.sign * bounds.upper))
    return Finding(
        rule.name, rule.severity if decides else "warning", rule.metric, rule.leg, rule.k, rule.stat,
        rule.dimension, rule.segment, verdict, of.value, of.sign * of.tolerance, n,
        _said(one, (low, high), needed=needed, decides=decides, verdict=verdict),
        low, high, needed, of.sign * shows, math.nan if rule.severe is None else rule.severe,
    )  # fmt: skip


def _said(one: _Tested, between: tuple[float, float], *, needed: int, decides: bool, verdict: VerdictName) -> str:
    of, bounds = one.hypothesis, one.bounds
    said = f"{place(of.rule, of.rule.segment)}: {of.value:z.3f} ({between[0]:z.3f} to {between[1]:z.3f})"
    said += f", allowed {allowed(of.rule)}, {len(of.sample.values)} anchors of {bounds.clusters} documents"
    if of.missing:
        said += f"; {of.missing} more were not measured"
    if verdict != "inconclusive":
        return said
    if bounds.lower > of.tolerance:
        said += "; beyond the limit alone, but not among so many tests, or not beyond what rebuilding the index does"
    elif of.rule.severe is not None:
        said += (
            f"; {of.rule.severe:g} cannot be excluded" if of.within else "; beyond the limit, but that may be chance"
        )
    if one.stood:
        return f"{said}; no more doubt than the baseline was in, so this deploy is not judged by it"
    if not decides and of.rule.segment == POOLED:
        return f"{said}; too few to decide, even together"
    if not decides:
        return f"{said}; too few to pass alone, judged with the other small segments as {POOLED!r}"
    return f"{said}; about {needed} anchors like these would decide" if needed else f"{said}; no number would decide"
