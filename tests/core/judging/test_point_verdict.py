"""A verdict that kept the findings of the view before is that of all judged anew, rule by rule."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.core.index.statistics.integrity import GROWN
from monitor.core.judging.point_verdict import KeptVerdict, judge
from monitor.core.judging.policy import (
    Finding,
    LearntLimit,
    Rule,
    Verdict,
    allowing,
    blind,
    despite,
    find,
    fold,
    growth,
    in_question,
    nothing_measured,
    refused,
    watched,
)
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import ALL, DriftReport, Leg, Measurement, SegmentSize

SEGMENTS = ((ALL, ALL), ("language", "de"), ("language", "en"), ("language", "tiny"))
METRICS = ("swaps", "new_results", "kept_answers_ratio", "chunks")
RULES = (
    Rule("whole", "swaps", "dense", "mean", 10, max=2.0, min_anchors=5),
    Rule("language", "swaps", "dense", "mean", 10, "language", max=2.0, min_anchors=5),
    Rule("warned", "swaps", "dense", "mean", 10, "language", "de", max=1.0, severity="warning"),
    Rule("band", "kept_answers_ratio", "dense", "mean", 10, "language", min=0.4, max=0.9, min_anchors=0),
    Rule("new", "new_results", "dense", "mean", 10, "language", max=1.0, learnt=(LearntLimit("de", 1.5, 4),)),
    Rule("chunks", "chunks", "corpus", "mean", 10, "language", max=2.0, min_anchors=30),
    Rule("misspelt", "swaps", "dense", "maen", 10, max=2.0),
    Rule("nowhere", "swapz", "dense", "mean", 10, "language", "tiny", max=2.0),
)


def plainly(rules: Sequence[Rule], report: DriftReport, also: Iterable[Finding]) -> Verdict:
    """The definition: every rule on every measurement."""
    if blind(report):
        return refused(report)
    sizes = {(size.dimension, size.segment): size for size in report.segments}
    found: list[Finding] = [*also]
    for rule in in_question(rules, report):
        measured = [one for one in report.measurements if one.metric == rule.metric]
        pairs = watched(rule, measured, sizes)
        if pairs is None:
            found.append(nothing_measured(rule, measured))
        else:
            found += [find(allowing(rule, one.segment, growth(report)), one, size) for one, size in pairs]
    return despite(report, fold(found))


class Views:
    """Reports, one after another, in which measurements and the sizes of segments move."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.sizes = [SegmentSize(*of, 40, 40, watched=of[1] != "tiny") for of in SEGMENTS]
        self.measurements = [self.one(metric, *of) for metric in METRICS for of in SEGMENTS]
        self.measurements += [Measurement(GROWN, "corpus", 0, *of, "mean", 0.0, 9, 9) for of in SEGMENTS]

    def one(self, metric: str, dimension: str, segment: str) -> Measurement:
        value = float(self.random.choice([0.0, -0.0, math.nan, 0.5, 1.2, 1.9, 2.5]))
        leg: Leg = "corpus" if metric == "chunks" else "dense"
        n = int(self.random.integers(20, 41))
        reason = "too_few" if math.isnan(value) or n < 40 else ""
        return Measurement(metric, leg, 10, dimension, segment, "mean", value, n, 40, reason=reason, covered=n / 40)

    def step(self) -> DriftReport:
        what = int(self.random.integers(12))
        for _ in range(self.random.integers(3)):
            at = int(self.random.integers(len(METRICS) * len(SEGMENTS)))
            self.measurements[at] = self.one(*self.measurements[at][:1], *self.measurements[at][3:5])
        if what == 0:
            at = -int(self.random.integers(1, 5))
            self.measurements[at] = self.measurements[at]._replace(value=float(self.random.choice([0.1, math.nan])))
        elif what == 1:
            at = int(self.random.integers(4))
            self.sizes[at] = replace(self.sizes[at], anchors=int(self.random.integers(41)))
        elif what == 2:
            self.measurements.insert(0, self.measurements.pop())
        elif what == 3:
            at = int(self.random.integers(len(self.measurements)))
            self.measurements[at] = self.measurements[at]._replace(stat=str(self.random.choice(["mean", "maen"])))
        kinds = {4: ProblemKind.STREAM_LOSS, 5: ProblemKind.HOLLOW}
        said = (Problem(kinds[what], "something"),) if what in kinds else ()
        return DriftReport(
            "", 0, {}, "f", None, tuple(self.measurements), segments=tuple(self.sizes), problems=said
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_whatever_moves(seed: int) -> None:
    kept, views, also = KeptVerdict(), Views(seed), (judge(RULES, Views(seed).step()).findings or ())[:2]
    for step in range(60):
        report, rules = views.step(), RULES if step % 20 else RULES[: step // 20]
        if step % 7 == 0:
            also = tuple(replace(one, value=0.0 * float(views.random.choice([-1, 1]))) for one in also)
        said = kept.of(rules, report, also)
        assert repr(said) == repr(plainly(rules, report, also))
        assert repr(kept.of(list(rules), report, also)) == repr(said)
        assert repr(judge(rules, report, also)) == repr(said)


def test_a_finding_stays_the_object_it_was_unless_its_number_moved() -> None:
    views, kept = Views(1), KeptVerdict()
    report = replace(views.step(), problems=())
    first = kept.of(RULES, report)
    again = kept.of(RULES, replace(report, measurements=tuple(report.measurements)))
    assert all(one is other for one, other in zip(first.findings, again.findings, strict=True))
