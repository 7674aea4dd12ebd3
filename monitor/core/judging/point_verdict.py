"""The verdict on a view between deploys, by point estimates: what did not move since the last keeps its finding."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from monitor.core.judging.policy import (
    Finding,
    Growth,
    Rule,
    Verdict,
    allowing,
    blind,
    despite,
    find_in_words,
    folded,
    growth,
    in_question,
    is_concerned,
    nothing_measured,
    refused,
    size_of,
    words_of,
    worst_first,
)
from monitor.core.model.report import DriftReport, Measurement, SegmentSize

_NOWHERE = -1
"""Place of the finding of a rule for which nothing was measured."""
_Key = tuple[int, str, str, str, str, int]
"""What a verdict's findings are in order by, and the number of the question."""
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
class _Question:
    """A rule, and the measurement that it concerns.

    Args:
        rule: as it is for the segment.
        at: place of the measurement in a report.
        words: of the rule.
    """

    rule: Rule
    at: int
    words: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, rule: Rule, at: int, measured: Measurement, grown: Growth) -> "_Question":
        """As segments grew."""
        own = allowing(rule, measured.segment, grown)
        return cls(own, at, words_of(own, measured.segment))

    def answer(self, report: DriftReport, sizes: _Sizes) -> Finding | None:
        """What the rule finds; None where it does not watch the segment."""
        if self.at == _NOWHERE:
            return nothing_measured(self.rule, report.of(self.rule.metric))
        measured = report.measurements[self.at]
        size = size_of(sizes, measured)
        if size.baseline_anchors < self.rule.min_anchors:
            return None
        return find_in_words(self.rule, measured, size, self.words)


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A report that was judged.

    Args:
        rules: that it was judged by.
        report: it.
        grown: by how much segments grew.
        questions: about measurements.
        asked: by place of a measurement of any rule's metric, the numbers of the questions about it.
        found: by question; None where its rule does not watch the segment.
        also: findings made elsewhere.
        keys: by finding of the verdict, what it is in order by.
        verdict: what all comes to.
    """

    rules: tuple[Rule, ...]
    report: DriftReport
    grown: Growth
    questions: Sequence[_Question]
    asked: Mapping[int, Sequence[int]]
    found: Sequence[Finding | None]
    also: tuple[Finding, ...]
    keys: Sequence[_Key]
    verdict: Verdict

    @classmethod
    def anew(cls, rules: tuple[Rule, ...], report: DriftReport, also: tuple[Finding, ...]) -> "_Judged":
        """Judge all."""
        sizes, grown, measured = _sizes(report), growth(report), report.measurements
        questions: list[_Question] = []
        asked: dict[int, list[int]] = {}
        for rule in rules:
            places = report.places.get(rule.metric, ())
            concerned = [at for at in places if is_concerned(rule, measured[at])]
            for at in places:
                asked.setdefault(at, [])
            for at in concerned:
                asked[at].append(len(questions))
                questions.append(_Question.of(rule, at, measured[at], grown))
            size = sizes.get((rule.dimension, rule.segment))
            if not concerned and (size is None or size.watched):
                questions.append(_Question(rule, _NOWHERE))
        found = [of.answer(report, sizes) for of in questions]
        keyed = [((*worst_first(one), at), one) for at, one in (*_beside(also), *enumerate(found)) if one is not None]
        keyed.sort(key=itemgetter(0))
        verdict = folded(tuple(one for _, one in keyed))
        return cls(rules, report, grown, questions, asked, found, also, [key for key, _ in keyed], verdict)

    def moved(self, report: DriftReport, also: tuple[Finding, ...]) -> "_Judged | None":
        """With another report: what is another measurement is judged; None where the report says of other things."""
        before, now, grown = self.report, report.measurements, growth(report)
        if report.places != before.places or report.segments != before.segments or grown != self.grown:
            return None
        found, sizes = list(self.found), _sizes(report)
        others: list[tuple[int, Finding | None, Finding | None]] = []
        for at, numbers in self.asked.items():
            one, was = now[at], before.measurements[at]
            if one is not was:
                if one[:6] != was[:6]:
                    return None
                for number in numbers:
                    found[number] = self.questions[number].answer(report, sizes)
                    others.append((number, self.found[number], found[number]))
        if len(also) != len(self.also):
            others += [(number, was, None) for number, was in _beside(self.also)]
            others += [(number, None, one) for number, one in _beside(also)]
        elif also is not self.also:
            others += [(number, was, one) for (number, one), was in zip(_beside(also), self.also, strict=True)]
        keys, findings = list(self.keys), list(self.verdict.findings)
        for number, gone, came in others:
            if gone is came:
                continue
            key = None if gone is None else (*worst_first(gone), number)
            put = None if came is None else (*worst_first(came), number)
            if key is not None and came is not None and key == put:
                findings[bisect_left(keys, key)] = came
                continue
            if key is not None:
                at = bisect_left(keys, key)
                del keys[at], findings[at]
            if put is not None and came is not None:
                at = bisect_left(keys, put)
                keys.insert(at, put)
                findings.insert(at, came)
        verdict = folded(tuple(findings))
        return replace(self, report=report, grown=grown, found=found, also=also, keys=keys, verdict=verdict)


def _beside(also: Sequence[Finding]) -> Iterator[tuple[int, Finding]]:
    """Findings made elsewhere with numbers below 0: equals stand before those of the questions."""
    return enumerate(also, -len(also))


def _sizes(report: DriftReport) -> _Sizes:
    return {(size.dimension, size.segment): size for size in report.segments}
