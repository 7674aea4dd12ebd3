"""Deploys made of per-anchor values: a comparison, its report and the evidence, as the gate takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import AnchorMark, Member, Snapshot
from monitor.core.index.statistics.profile import Profile, SegmentProfile
from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.policy import Finding, Rule, Verdict
from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.summary import Summarised, SummaryTable
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.events import Segment
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import ALL, SegmentSize
from monitor.core.reporting.drift import Compared
from tests.core.snapshots import FINGERPRINT

Values = NDArray[np.float64]
SWAPS = Name("collapsed_swaps", 10)


def rule(name: str = "swaps", **more: object) -> Rule:
    """A mean of two swaps in ten on the dense leg, over all anchors, unless told otherwise."""
    chosen: dict[str, object] = {"metric": "collapsed_swaps", "leg": "dense", "stat": "mean", "k": 10, "max": 2.0}
    return Rule(name, **{**chosen, "min_anchors": 1, **more})  # type: ignore[arg-type]  # as Rule takes them


def baseline(segments: Sequence[str], documents: Sequence[int]) -> Snapshot:
    """A snapshot whose anchor i finds document `documents[i]` first; its chunks are told apart by content."""
    count = len(segments)
    lists = RankedLists.of([[(f"chunk{at}", 1.0)] for at in range(count)], 1)
    members = {
        int(lists.keys[at, 0]): Member(f"chunk{at}", f"doc{documents[at]}", segments[at], f"content{at}")
        for at in range(count)
    }
    marks = {f"a{at}": AnchorMark(f"digest{at}", (("source", of),)) for at, of in enumerate(segments)}
    return Snapshot("main", "d0", 7, FINGERPRINT, marks, {"dense": lists}, members)


def sized(of: Snapshot, documents: Mapping[tuple[str, str], int]) -> Snapshot:
    """The snapshot of a corpus that has so many documents in each dimension and segment."""
    none, numbers = (np.zeros(0), np.zeros(0, np.int64)), np.zeros(0, np.float32)
    segments = tuple(
        SegmentProfile(*where, 0, count, 0, none, none, none, 0.0, 0, (), 0, numbers, numbers)
        for where, count in documents.items()
    )
    return replace(of, profile=Profile(0, segments))


def alignment(segments: Sequence[str], weights: Values | None = None) -> Alignment:
    """All anchors compare; the dimensions are `all` and `source`."""
    count, names = len(segments), sorted(set(segments))
    rows = np.arange(count)
    members = np.array([names.index(of) for of in segments], np.int64)
    sizes = [SegmentSize(ALL, ALL, count, count, watched=True)]
    sizes += [SegmentSize("source", of, segments.count(of), segments.count(of), watched=True) for of in names]
    groupings = (Grouping(ALL, (ALL,), np.zeros(count, np.int64)), Grouping("source", tuple(names), members))
    return Alignment(rows, rows, np.ones(count) if weights is None else weights, groupings, tuple(sizes), 0)


def compared(
    columns: Mapping[Name, Values],
    segments: Sequence[str],
    *,
    weights: Values | None = None,
    problems: Sequence[str] = (),
) -> Compared:
    """Columns of the dense leg."""
    of = alignment(segments, weights)
    table = SummaryTable("dense", tuple(columns), np.stack(list(columns.values())), ("",) * len(columns))
    said = tuple(Problem(ProblemKind.UNCLASSIFIED, text) for text in problems)
    seen = Observation("d1", 9, {}, {}, {}, frozenset(), {}, {}, (), said)
    return Compared(seen, "f", None, (Summarised(table, of),), of, said, None)


def verdict(
    values: Values,
    rules: Sequence[Rule],
    *,
    segments: Sequence[str] | None = None,
    documents: Sequence[int] | None = None,
    name: Name = SWAPS,
    noise: Values | None = None,
    expected: Segment = (),
    elsewhere: Values | None = None,
) -> Verdict:
    """Judge one column of values."""
    where = list(segments or ["s"] * len(values))
    made = compared({name: values}, where)
    evidence = GateEvidence(
        baseline(where, documents or range(len(values))),
        {} if noise is None else {("dense", name): noise},
        expected,
        {} if elsewhere is None else {"dense": elsewhere},
    )
    return judge_deploy(rules, made, made.report(), evidence)


def found(of: Verdict, segment: str) -> Finding:
    """The one finding of a segment."""
    (one,) = [finding for finding in of.findings if finding.segment == segment]
    return one
