"""The verdict on a view between deploys, by point estimates: what did not move since the last keeps its finding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.judging.policy import (
    Finding,
    Growth,
    Rule,
    Verdict,
    allowing,
    blind,
    despite,
    find,
    folded,
    growth,
    in_question,
    is_concerned,
    nothing_measured,
    refused,
    size_of,
    worst_first,
)
from monitor.core.model.report import DriftReport, SegmentSize

_NOWHERE = -1
"""Place of the finding of a rule for which nothing was measured."""
_Sizes = Mapping[tuple[str, str], SegmentSize]


def judge(rules: Sequence[Rule], report: DriftReport, also: Iterable[Finding] = ()) -> Verdict:
    """Judge a report: FAIL > UNKNOWN > INCONCLUSIVE > PASS over critical findings; warnings never decide.

    Rule 1: if the report has problems (no baseline, another fingerprint, a gap, stale input), the verdict is UNKNOWN
    and no number is judged; but see `despite`. Rule 2: if a rule concerns nothing that was measured, and not only a
    segment that is not watched, it finds UNKNOWN: a misspelt rule never passes. Rule 3: if no critical rule found
    anything to judge, the verdict is UNKNOWN: neither does an empty policy. Otherwise the findings decide, those
    judged elsewhere (`also`) like the others.
    """
    return KeptVerdict().of(rules, report, also)


class KeptVerdict:
    """What a policy said of the view before. It is replaced whole, so that several threads may ask."""

    def __init__(self) -> None:
        self._last: _Judged | None = None

    def of(self, rules: Sequence[Rule], report: DriftReport, also: Iterable[Finding] = ()) -> Verdict:
        """See `judge`."""
        if blind(report):
            return refused(report)
        last, asked, beside = self._last, tuple(in_question(rules, report)), tuple(also)
        now = None if last is None or last.rules != asked else last.moved(report, beside)
        self._last = now = now or _Judged.anew(asked, report, beside)
        return despite(report, now.verdict)


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A report that was judged.

    Args:
        rules: that it was judged by.
        report: it.
        grown: by how much segments grew.
        questions: each a rule, and the place of a measurement that it concerns.
        asked: by place of a measurement of any rule's metric, the numbers of the questions about it.
        found: by question; None where its rule does not watch the segment.
        also: findings made elsewhere.
        ranks: by question, the place of its finding in the verdict; below 0 those of `also`, the last one at -1.
        verdict: what all comes to.
    """

    rules: tuple[Rule, ...]
    report: DriftReport
    grown: Growth
    questions: Sequence[tuple[Rule, int]]
    asked: Mapping[int, Sequence[int]]
    found: Sequence[Finding | None]
    also: tuple[Finding, ...]
    ranks: Mapping[int, int]
    verdict: Verdict

    @classmethod
    def anew(cls, rules: tuple[Rule, ...], report: DriftReport, also: tuple[Finding, ...]) -> "_Judged":
        """Judge all."""
        sizes, grown, measured = _sizes(report), growth(report), report.measurements
        questions: list[tuple[Rule, int]] = []
        asked: dict[int, list[int]] = {}
        for rule in rules:
            places = report.places.get(rule.metric, ())
            concerned = [at for at in places if is_concerned(rule, measured[at])]
            for at in places:
                asked.setdefault(at, [])
            for at in concerned:
                asked[at].append(len(questions))
                questions.append((rule, at))
            size = sizes.get((rule.dimension, rule.segment))
            if not concerned and (size is None or size.watched):
                questions.append((rule, _NOWHERE))
        found = [_found(rule, report, at, sizes, grown) for rule, at in questions]
        return cls._folded(rules, report, grown, questions, asked, found, also)

    @classmethod
    def _folded(
        cls,
        rules: tuple[Rule, ...],
        report: DriftReport,
        grown: Growth,
        questions: Sequence[tuple[Rule, int]],
        asked: Mapping[int, Sequence[int]],
        found: Sequence[Finding | None],
        also: tuple[Finding, ...],
    ) -> "_Judged":
        told = [(at - len(also), one) for at, one in enumerate((*also, *found)) if one is not None]
        told.sort(key=lambda pair: worst_first(pair[1]))
        ranks = {number: rank for rank, (number, _) in enumerate(told)}
        verdict = folded(tuple(one for _, one in told))
        return cls(rules, report, grown, questions, asked, found, also, ranks, verdict)

    def moved(self, report: DriftReport, also: tuple[Finding, ...]) -> "_Judged | None":
        """With another report: what is another measurement is judged; None where the report says of other things."""
        before, now, grown = self.report, report.measurements, growth(report)
        if report.places != before.places or report.segments != before.segments or grown != self.grown:
            return None
        found, others, sizes = list(self.found), list[int](), _sizes(report)
        for at, numbers in self.asked.items():
            one, was = now[at], before.measurements[at]
            if one is not was:
                if one[:6] != was[:6]:
                    return None
                for number in numbers:
                    found[number] = _found(self.questions[number][0], report, at, sizes, grown)
                others += numbers
        changed = [(number, self.found[number], found[number]) for number in others]
        changed += [(at - len(also), was, one) for at, (was, one) in enumerate(zip(self.also, also, strict=False))]
        if len(also) != len(self.also) or not all(_as_bad(was, one) for _, was, one in changed):
            return self._folded(self.rules, report, grown, self.questions, self.asked, found, also)
        findings = list(self.verdict.findings)
        for number, _, finding in changed:
            if finding is not None:
                findings[self.ranks[number]] = finding
        return replace(self, report=report, grown=grown, found=found, also=also, verdict=folded(tuple(findings)))


def _as_bad(was: Finding | None, one: Finding | None) -> bool:
    """Whether a finding stands at the same place of a verdict as another one did."""
    return one is was or (one is not None and was is not None and worst_first(one) == worst_first(was))


def _sizes(report: DriftReport) -> _Sizes:
    return {(size.dimension, size.segment): size for size in report.segments}


def _found(rule: Rule, report: DriftReport, at: int, sizes: _Sizes, grown: Growth) -> Finding | None:
    if at == _NOWHERE:
        return nothing_measured(rule, report.of(rule.metric))
    measured = report.measurements[at]
    size = size_of(sizes, measured)
    if size.baseline_anchors < rule.min_anchors:
        return None
    return find(allowing(rule, measured.segment, grown), measured, size)
