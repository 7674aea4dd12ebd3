"""Two runs of any retriever, compared as the monitor compares a corpus with its baseline. Pure.

One run stands for the baseline, the other for the lists now; measures, statistics, bounds and verdict are those of
the monitor's own evaluation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arguments import depths_of, rules_of
from monitor.core.evaluation import Evaluation, evidence_of
from monitor.core.index.baseline import AnchorMark, Snapshot
from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.hypotheses import LEVELS, GateEvidence, Hypothesis, JudgedAnchors
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.tables import TIE_EPS, ListedLeg
from monitor.core.measures.formulas.columns import Name
from monitor.core.measures.needs import ANSWERS, CONTENTS, FATES, JUDGEMENTS, RESULTS, SCORES
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import Fingerprint, SearchConfig, SearchMode, anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import ALL, DriftReport, Measurement
from monitor.core.records.documents import finite_document, gate_document
from monitor.core.reporting.drift import Compared, Drift, SegmentScope
from monitor.core.run_table import DriftRow, DriftTable
from monitor.core.runs import Run, judgements_of, segments_of
from monitor.core.session_parts import CAP
from monitor.core.text.wording import count_of
from monitor.errors import InputError

NOT_IN_AFTER = "not in after"
"""Why a query is not measured."""
MIN_ANCHORS = 20
"""The fewest queries of a segment that is told apart, where nothing else is said."""
_NEEDS = (RESULTS, SCORES, CONTENTS, ANSWERS, FATES, JUDGEMENTS)
_OF_A_TWIN = "top1_changed_decided_ratio"
"""Needs what a second build of the same index would serve."""
MEASURES = MeasureRegistry(tuple(of for of in REGISTRY.measures if of.needs in _NEEDS and of.name != _OF_A_TWIN), {})
"""What can be measured of lists alone: of the corpus and the index behind them nothing is known."""
UNSCORED = MeasureRegistry(tuple(of for of in MEASURES.measures if of.needs != SCORES), {})
"""The same of runs without scores."""
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked of the two runs besides their lists."""

    segments: Mapping[str, Segment]
    qrels: Mapping[str, Mapping[str, float]]
    min_anchors: int

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(sorted({name for of in self.segments.values() for name, _ in of}))


class RunDrift:
    """How one run differs from another: per query, summarised, judged. Made by `monitor.compare`.

    The arrays have one value for each query of `queries`, in its order, at the first of the depths; NaN where a query
    has no list in the run after.

    Args:
        before: the run compared with.
        after: the run now.
        depths: the depth k, 1 or more, or several distinct ones; the default policy judges the first.
        leg: the leg that the lists are of, by which rows and rules name them.
        settle_ties: whether results exchanged for others of the same score at the cut count as unchanged.

    Raises:
        InputError: depths or leg are not as described above, no query is in both runs, or most lists are one tie.

    >>> import monitor
    >>> drift = monitor.compare({"q1": ["a", "b"], "q2": ["c"]}, {"q1": ["b", "x"], "q2": ["c"]}, k=2)
    >>> drift
    <RunDrift of 2 queries at k = 2: jaccard_ratio 0.667, rbo_ratio 0.725, swaps 0.500>
    >>> drift.queries
    ('q1', 'q2')
    >>> drift.swaps.tolist(), drift.top1_changed.tolist()
    ([1.0, 0.0], [1.0, 0.0])
    >>> drift.jaccard.round(3).tolist(), drift.rbo.round(3).tolist()
    ([0.333, 1.0], [0.45, 1.0])
    """

    def __init__(
        self,
        before: Run,
        after: Run,
        depths: int | Sequence[int],
        leg: ListedLeg = "dense",
        *,
        settle_ties: bool = False,
    ) -> None:
        self.depths = depths_of(depths, "k")
        if leg not in ("dense", "lexical"):
            message = f"leg {leg!r}: expected 'dense' or 'lexical'"
            raise InputError(message)
        self.leg: ListedLeg = leg
        self.queries = tuple(before.results)
        """The queries of the run before, in its order: what the arrays are about."""
        self.only_before = tuple(query for query in self.queries if query not in after.results)
        """Queries without a list in the run after: not measured, NaN, never as if they had not changed."""
        self.only_after = tuple(query for query in after.results if query not in before.results)
        """Queries that nothing can be compared with: left out."""
        if len(self.only_before) == len(self.queries):
            message = f"{before.name} and {after.name}: no query in both; expected the same queries, by id"
            raise InputError(message)
        depth = max(self.depths)
        self._before, self._after = (_lists(run, self.queries, depth) for run in (before, after))
        self.scored = before.scored and after.scored
        """Whether both runs have scores; without, what is measured of scores is left out."""
        self._settle = settle_ties and leg == "dense"
        if self._settle and self.scored:
            for run, lists in ((before, self._before), (after, self._after)):
                _refuse_one_tie(run.name, lists)
        self._names, self._longest = (before.name, after.name), (before.longest, after.longest)
        self._plain = self._compared(_Question({}, {}, MIN_ANCHORS))[0]

    def __repr__(self) -> str:
        """What was compared, and the means that are read first."""
        count = count_of(len(self.queries), "query", "queries")
        means = ((of, self.values(of)) for of in ("jaccard_ratio", "rbo_ratio", "swaps"))
        said = ", ".join(f"{of} {np.nanmean(column):.3f}" for of, column in means)
        return f"<RunDrift of {count} at k = {self.k}: {said}>"

    @property
    def k(self) -> int:
        """The depth of the arrays."""
        return self.depths[0]

    @property
    def jaccard(self) -> Column:
        """(Q,) Jaccard similarity of the two top k, in [0, 1], 1: the same results in any order."""
        return self.values("jaccard_ratio")

    @property
    def rbo(self) -> Column:
        """(Q,) extrapolated rank-biased overlap (p = 0.9), in [0, 1], 1: the same results in the same order."""
        return self.values("rbo_ratio")

    @property
    def swaps(self) -> Column:
        """(Q,) results of the top k that were exchanged for others, 0 to k."""
        return self.values("swaps")

    @property
    def kendall(self) -> Column:
        """(Q,) normalised Kendall distance of the two top k (penalty 1/2), in [0, 1], 0: nothing moved."""
        return self.values("kendall_distance_ratio")

    @property
    def rank_churn(self) -> Column:
        """(Q,) normalised footrule distance of the two top k, in [0, 1], 0: nothing moved."""
        return self.values("rank_churn_ratio")

    @property
    def top1_changed(self) -> Column:
        """(Q,) 1 where the first result is another one, else 0."""
        return self.values("top1_changed_ratio", 0)

    def values(self, metric: str, k: int | None = None) -> Column:
        """(Q,) float64 of any measure per query, not to be written to.

        Args:
            metric: its name in the rows of `summary`, such as `swaps`.
            k: one of the depths, 0 where no depth applies; None: the first depth.

        Raises:
            InputError: nothing of that name is measured at that depth.

        >>> import monitor
        >>> monitor.compare({"q": ["a", "b"]}, {"q": ["a", "c"]}, k=(1, 2)).values("swaps", 2)
        array([1.])
        """
        name = Name(metric, self.k if k is None else k)
        for table in (of.table for of in self._plain.tables):
            if name in table.names:
                column: Column = table.values[table.names.index(name)]
                return column
        known = sorted({(of.metric, of.k) for each in self._plain.tables for of in each.table.names if not of.own})
        said = ", ".join(f"{metric}@{k}" if k else metric for metric, k in known)
        message = f"measure {metric!r} at k = {name.k}: not measured per query; expected one of {said}"
        raise InputError(message)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What to know before reading the numbers, a line each; empty where there is nothing."""
        made = []
        if self.only_before:
            count, (_, after) = len(self.only_before), self._names
            made.append(f"{count} of {len(self.queries)} queries have no list in {after}: not measured")
        if self.only_after:
            made.append(f"{len(self.only_after)} queries are only in {self._names[1]}: left out")
        if min(self._longest) < max(self.depths) and len(set(self._longest)) > 1:
            at = int(self._longest[0] > self._longest[1])
            said = f"no list of {self._names[at]} has more than {self._longest[at]} results, k = {max(self.depths)}"
            made.append(f"{said}: what it may have been cut off counts as absent")
        return tuple(made)

    def summary(self, segments: object = None, qrels: object = None, *, min_anchors: int = MIN_ANCHORS) -> DriftTable:
        """The monitor's measures as rows: per segment the mean and quantiles, with one-sided 95% bounds.

        Args:
            segments: {query: {attribute: value}} or {query: value}: each value of an attribute is a segment.
            qrels: {query: {id: grade}} or what `monitor.compare` takes as judgements: adds recall, nDCG and MRR of
                both runs over the judged queries; a grade of 1 or more is relevant.
            min_anchors: a segment with fewer queries than this is pooled into `other`.

        Raises:
            InputError: an argument is not as described above, or names none of the queries.

        >>> import monitor
        >>> table = monitor.compare({"q": ["a", "b"]}, {"q": ["c", "a"]}, k=2).summary(qrels={"q": {"a": 1}})
        >>> row = next(row for row in table if row["metric"] == "mrr_ratio")
        >>> row["baseline"], row["value"], row["n"]
        (1.0, 0.5, 1)
        """
        compared, evidence = self._compared(self._question(segments, qrels, min_anchors))
        report = compared.report()
        if compared.alignment is None:
            return DriftTable(())
        ground = JudgedAnchors.of(compared, evidence, compared.alignment)
        whole_first = sorted(report.measurements, key=lambda of: of.dimension != ALL)
        return DriftTable([_row(ground, of) for of in whole_first])

    def judge(
        self,
        policy: Iterable[Rule] | None = None,
        qrels: object = None,
        segments: object = None,
        *,
        min_anchors: int = MIN_ANCHORS,
    ) -> Verdict:
        """Whether the run after may stand in for the run before, as the gate judges a deploy.

        FAIL where the harm is beyond a rule's limit with 95% confidence over all rules together; PASS where every
        95% bound is within its limit; INCONCLUSIVE where the queries are too few to tell; UNKNOWN where something a
        rule asks for was not measured.

        Args:
            policy: the rules; None: the monitor's default policy at the first depth.
            qrels: as of `summary`; only rules on measures that need judgements use them.
            segments: as of `summary`.
            min_anchors: as of `summary`, for the default policy.

        Raises:
            InputError: as of `summary`.

        >>> import monitor
        >>> before = {f"q{at}": [f"d{at}.{rank}" for rank in range(10)] for at in range(200)}
        >>> monitor.compare(before, before).judge().verdict
        'pass'
        """
        return self.judged(policy, qrels, segments, min_anchors=min_anchors)[1]

    def judged(
        self,
        policy: Iterable[Rule] | None = None,
        qrels: object = None,
        segments: object = None,
        *,
        min_anchors: int = MIN_ANCHORS,
    ) -> tuple[DriftReport, Verdict]:
        """The report that the verdict is on, and the verdict; arguments as of `judge`."""
        question = self._question(segments, qrels, min_anchors)
        rules = (
            default_rules(question.dimensions, [self.leg], k=self.k, min_anchors=min_anchors)
            if policy is None
            else rules_of(policy)
        )
        compared, evidence = self._compared(question)
        report, verdict = Evaluation(compared, rules, evidence).judged()
        fewest = min((rule.min_anchors for rule in rules), default=0)
        if len(self.queries) < fewest and not report.problems:
            count = count_of(len(self.queries), "query", "queries")
            said = f"{count}; expected at least {fewest} to judge (min_anchors)"
            return report, Verdict("unknown", (said,), verdict.findings)
        return report, verdict

    def _question(self, segments: object, qrels: object, min_anchors: int) -> _Question:
        told = {} if segments is None else segments_of(segments)
        graded = {} if qrels is None else judgements_of(qrels)
        for name, given, named in (("segments", segments, told), ("qrels", qrels, graded)):
            if given is not None and not named.keys() & set(self.queries):
                message = f"{name}: names none of the {len(self.queries)} queries compared; expected the same ids"
                raise InputError(message)
        if min_anchors < 1:
            message = f"min_anchors = {min_anchors}: expected 1 or more"
            raise InputError(message)
        return _Question(told, graded, min_anchors)

    def _compared(self, question: _Question) -> tuple[Compared, GateEvidence]:
        """The runs as a baseline and an observation, compared by the evaluation of the monitor."""
        anchors = [
            Anchor(query, query, None, question.segments.get(query, ()), relevant=question.qrels.get(query, {}))
            for query in self.queries
        ]
        nobody = np.zeros((len(anchors), 0), np.float32)
        known = AnchorSet(anchors, nobody, np.ones(len(anchors)), [()] * len(anchors))
        marked = _fingerprint(self.depths)
        marks = {of.id: AnchorMark(anchor_digest(of), of.segment) for of in anchors}
        baseline = Snapshot(self._names[0], "", 0, marked, marks, {self.leg: self._before}, {})
        scope = SegmentScope(question.dimensions, CAP, question.min_anchors)
        drift = Drift(
            known,
            marked,
            scope,
            self.depths,
            {},
            registry=MEASURES if self.scored else UNSCORED,
            settle_ties=self._settle,
        )
        missing = dict.fromkeys(np.flatnonzero(~self._after.known).tolist(), NOT_IN_AFTER)
        seen = Observation.kept(baseline, {self.leg: self._after}, now=0, failures=missing)
        if not self._before.lengths.any():
            said = f"every list of {self._names[0]} is empty: there is nothing that could change; expected results"
            seen = replace(seen, problems=(Problem(ProblemKind.HOLLOW, said),))
        compared = drift.compared(baseline, None, seen)
        evidence = evidence_of(baseline, compared, ())
        return compared, GateEvidence(baseline) if evidence is None else evidence


def compared_document(names: tuple[str, str], drift: RunDrift, verdict: Verdict, table: DriftTable) -> dict[str, Any]:
    """What `compare` says of two runs: a gate's document, and under `compared` what was measured.

    Args:
        names: of the run compared with, and of the run now.
        drift: the comparison.
        verdict: on it.
        table: its rows.
    """
    before, after = names
    compared = {
        "before": before,
        "after": after,
        "leg": drift.leg,
        "depths": list(drift.depths),
        "queries": len(drift.queries),
        "only_before": list(drift.only_before),
        "only_after": list(drift.only_after),
        "measurements": list(table),
    }
    judged = gate_document(f"{after} against {before}", None, verdict)
    warned = {"warning": "; ".join(drift.notes)} if drift.notes else {}
    return finite_document({**judged, "state": "judged", **warned, "compared": compared})


def _lists(run: Run, queries: Sequence[str], depth: int) -> RankedLists:
    """A run in the order of the queries; unknown where it has no list."""
    return RankedLists.of([run.results.get(query) for query in queries], depth)


def _refuse_one_tie(name: str, lists: RankedLists) -> None:
    """InputError where most lists are a single tie: every change in them would count as a tie broken otherwise."""
    several = np.flatnonzero(lists.known & (lists.lengths > 1))
    last = lists.scores[several, lists.lengths[several] - 1]
    tied = int(np.count_nonzero(lists.scores[several, 0] - last <= TIE_EPS))
    if 2 * tied > len(several):
        message = (
            f"{name}: in {tied} of {len(several)} lists all scores lie within {TIE_EPS:g} and would tie; expected "
            "scores that tell results apart, or no settle_ties"
        )
        raise InputError(message)


def _fingerprint(depths: Sequence[int]) -> Fingerprint:
    """Of both runs alike: how they came about is not known, so neither is what a rebuilt index does by itself."""
    return Fingerprint(
        distance="", embedding_version="", quantization="", search=SearchConfig("run", SearchMode.APPROXIMATE),
        tokenizer="", bm25="", k=",".join(map(str, depths)), filters="", segments="",
    )  # fmt: skip


def _row(ground: JudgedAnchors, of: Measurement) -> DriftRow:
    """A measurement with the bounds that the judge would work out; NaN where it has none."""
    lower = upper = float("nan")
    if of.stat in LEVELS and of.n:
        rule = Rule("", of.metric, of.leg, of.stat, of.k, of.dimension, max=0.0)
        tested = next(iter(ground.hypotheses(rule, [of])))
        if isinstance(tested, Hypothesis):
            bounds = tested.bounds()
            lower, upper = bounds.lower, bounds.upper
    return DriftRow(
        of.metric, of.leg, of.k, of.dimension, of.segment, of.stat, of.value, lower, upper, of.baseline, of.n,
        of.expected, of.reason,
    )  # fmt: skip
