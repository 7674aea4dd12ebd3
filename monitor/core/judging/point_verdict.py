"""The verdict on a view between deploys, by point estimates: what did not move since the last keeps its finding."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from monitor.core.index.statistics.integrity import GROWN
from monitor.core.judging.policy import (
    Asked,
    Finding,
    Growth,
    Rule,
    Verdict,
    allowing,
    blind,
    despite,
    folded,
    growth,
    in_question,
    is_alone,
    is_concerned,
    nothing_measured,
    refused,
    size_of,
    worst_first,
)
from monitor.core.model.placewise import others, taking
from monitor.core.model.report import DriftReport, Measurement, SegmentSize

_Key = tuple[int, str, str, str, str, int]
"""What a verdict's findings are in order by, and the number of the question."""
_Sizes = Mapping[tuple[str, str], SegmentSize]
_Taking = Callable[[Sequence[Measurement]], tuple[Measurement, ...]]
_Changed = tuple[int, Finding | None, Finding | None]
"""Number of a question, what it found and what it finds."""


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
        last, given, beside = self._last, tuple(rules), tuple(also)
        now = None if last is None or not last.holds(given, report) else last.moved(report, beside)
        self._last = now = now or _Judged.anew(given, report, beside)
        return despite(report, now.verdict)


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A rule that is asked about a measurement: of a segment that it watches.

    Args:
        asked: the rule as it is for the segment.
        size: of the segment; None for what is measured on the corpus itself, see `size_of`.
    """

    asked: Asked
    size: SegmentSize | None

    def answer(self, measured: Measurement, sizes: _Sizes) -> Finding | None:
        """What the rule finds; None where it does not watch the segment."""
        size = self.size or size_of(sizes, measured)
        return None if size.baseline_anchors < self.asked.rule.min_anchors else self.asked.find(measured, size)


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A report that was judged.

    Args:
        rules: that it was judged by.
        alone: see `is_alone`.
        places: where it has the measurements of each metric.
        segments: their sizes.
        sizes: these by dimension and segment.
        growth: takes what says by how much segments grew out of a report's measurements.
        grew: what it took out of these.
        grown: by how much segments grew.
        questions: about measurements, by number.
        asked: takes the measurements of any rule's metric out of a report's.
        measured: what it took out of these.
        numbers: by such a measurement, the numbers of the questions about it.
        found: by number; None where its rule does not watch the segment.
        also: findings made elsewhere.
        keys: by finding of the verdict, what it is in order by.
        at: by number of a question that found something, the place of its finding in the verdict.
        verdict: what all comes to.
    """

    rules: tuple[Rule, ...]
    alone: bool
    places: Mapping[str, Sequence[int]]
    segments: tuple[SegmentSize, ...]
    sizes: _Sizes
    growth: _Taking
    grew: tuple[Measurement, ...]
    grown: Growth
    questions: Mapping[int, _Question]
    asked: _Taking
    measured: tuple[Measurement, ...]
    numbers: Sequence[Sequence[int]]
    found: Sequence[Finding | None]
    also: tuple[Finding, ...]
    keys: Sequence[_Key]
    at: Mapping[int, int]
    verdict: Verdict

    @classmethod
    def anew(cls, rules: tuple[Rule, ...], report: DriftReport, also: tuple[Finding, ...]) -> "_Judged":
        """Judge all."""
        sizes, grown, measured = _sizes(report), growth(report), report.measurements
        questions: dict[int, _Question] = {}
        found: list[Finding | None] = []
        numbers: dict[int, list[int]] = {}
        for rule in in_question(rules, report):
            places = report.places.get(rule.metric, ())
            concerned = [at for at in places if is_concerned(rule, measured[at])]
            for at in places:
                numbers.setdefault(at, [])
            for at in concerned:
                one, own = measured[at], allowing(rule, measured[at].segment, grown)
                size = None if one.leg == "corpus" else size_of(sizes, one)
                if size is not None and size.baseline_anchors < own.min_anchors:
                    continue
                numbers[at].append(len(found))
                questions[len(found)] = _Question(Asked.of(own, one.segment), size)
                found.append(questions[len(found)].answer(one, sizes))
            size = sizes.get((rule.dimension, rule.segment))
            if not concerned and (size is None or size.watched):
                found.append(nothing_measured(rule, report.of(rule.metric)))
        keyed = [((*worst_first(one), at), one) for at, one in (*_beside(also), *enumerate(found)) if one is not None]
        keyed.sort(key=itemgetter(0))
        keys, asked, growing = [key for key, _ in keyed], taking(list(numbers)), taking(report.places.get(GROWN, ()))
        return cls(
            rules,
            is_alone(report),
            report.places,
            report.segments,
            sizes,
            growing,
            growing(measured),
            grown,
            questions,
            asked,
            asked(measured),
            list(numbers.values()),
            found,
            also,
            keys,
            _numbered(keys),
            folded(tuple(one for _, one in keyed)),
        )

    def holds(self, rules: tuple[Rule, ...], report: DriftReport) -> bool:
        """Whether a report says of the same things as this one, and is asked the same."""
        alike = report.places is self.places or report.places == self.places
        if not alike or rules != self.rules or is_alone(report) != self.alone or report.segments != self.segments:
            return False
        return not others(self.growth(report.measurements), self.grew) or growth(report) == self.grown

    def moved(self, report: DriftReport, also: tuple[Finding, ...]) -> "_Judged | None":
        """With another report: what is another measurement is judged; None where the report says of other things."""
        now, before, found = self.asked(report.measurements), self.measured, list(self.found)
        changed: list[_Changed] = []
        for place in others(now, before):
            if now[place][:6] != before[place][:6]:
                return None
            for number in self.numbers[place]:
                was, found[number] = found[number], self.questions[number].answer(now[place], self.sizes)
                changed.append((number, was, found[number]))
        if len(also) != len(self.also):
            changed += [(number, was, None) for number, was in _beside(self.also)]
            changed += [(number, None, one) for number, one in _beside(also)]
        elif also is not self.also:
            changed += [(number, was, one) for (number, one), was in zip(_beside(also), self.also, strict=True)]
        keys, at, findings = self._put(changed)
        return replace(
            self,
            grew=self.growth(report.measurements),
            measured=now,
            found=found,
            also=also,
            keys=keys,
            at=at,
            verdict=folded(tuple(findings)),
        )

    def _put(self, changed: Sequence[_Changed]) -> tuple[Sequence[_Key], Mapping[int, int], Sequence[Finding]]:
        """Keys, places by number and findings with these in place of those before."""
        findings, elsewhere = list(self.verdict.findings), []
        for number, gone, came in changed:
            if number >= 0 and gone is not None and came is not None and gone.verdict == came.verdict:
                findings[self.at[number]] = came  # the same rule and segment: all that it is in order by
            elif gone is not came:
                elsewhere.append((number, gone, came))
        if not elsewhere:
            return self.keys, self.at, findings
        keys = list(self.keys)
        for number, gone, came in elsewhere:
            if gone is not None:
                place = bisect_left(keys, (*worst_first(gone), number))
                del keys[place], findings[place]
            if came is not None:
                key = *worst_first(came), number
                place = bisect_left(keys, key)
                keys.insert(place, key)
                findings.insert(place, came)
        return keys, _numbered(keys), findings


def _numbered(keys: Sequence[_Key]) -> Mapping[int, int]:
    """By question, the place of its finding."""
    return {key[-1]: at for at, key in enumerate(keys)}


def _beside(also: Sequence[Finding]) -> Iterator[tuple[int, Finding]]:
    """Findings made elsewhere with numbers below 0: equals stand before those of the questions."""
    return enumerate(also, -len(also))


def _sizes(report: DriftReport) -> _Sizes:
    return {(size.dimension, size.segment): size for size in report.segments}
