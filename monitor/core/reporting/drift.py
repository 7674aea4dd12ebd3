"""Drift: from the lists now and a baseline to an immutable report. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.cause import holding
from monitor.core.attribution.culprits import AttributionContext, DriftAttribution, find
from monitor.core.attribution.index_evidence import anchor_versions, fingerprint_evidence
from monitor.core.attribution.known import CorpusView
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.index.maintained import CopyIndex
from monitor.core.measures.comparison.alignment import Alignment, align
from monitor.core.measures.comparison.confidence import Confidence
from monitor.core.measures.comparison.labels import FLOOR, JUDGED, floored
from monitor.core.measures.comparison.production import AgainstLegs
from monitor.core.measures.comparison.rewordings import Rewordings
from monitor.core.measures.comparison.seen import MeasureConfig, Observation
from monitor.core.measures.comparison.spread import SegmentMeasures
from monitor.core.measures.comparison.summary import NO_LIMITS, Summaries, Summarised
from monitor.core.measures.comparison.tables import TIE_EPS, Comparison
from monitor.core.measures.comparison.watched import AnchorLabels
from monitor.core.measures.content import content
from monitor.core.measures.needs import SCORES
from monitor.core.measures.newcomers import Newcomers, NewcomersOf
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import Fingerprint, SearchMode
from monitor.core.model.fixes import NOTHING
from monitor.core.model.index_config import IndexConfig, config_changes, config_evidence
from monitor.core.model.lists import RankedLists
from monitor.core.model.placewise import others
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import (
    ALL,
    BaselineIdentity,
    CauseClass,
    CauseEvidence,
    Concern,
    DriftReport,
    Measurement,
)
from monitor.core.model.scoring import Distance
from monitor.core.reporting.losses import LegLosses, LossesOf

__all__ = ["Drift", "Observation", "SegmentScope"]
NO_BASELINE = "no approved baseline: capture one (baseline capture), look at it, approve it (baseline approve)"
LEAST_COMMON = 0.7
"""Of the anchors' weight that must be common with a baseline, or it says too little of what is watched now."""
ENCODER_EVIDENCE = 0.01
"""Share of the chunks from which on vectors that no text explains are evidence of another encoder."""
NO_GAPS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SegmentScope:
    """What is told apart: configured dimensions, the most segments of each, the fewest anchors of a watched one."""

    dimensions: tuple[str, ...]
    cap: int
    min_anchors: int


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """All that a report is made from, immutable."""

    seen: Observation
    fingerprint: str
    baseline: BaselineIdentity | None
    tables: tuple[Summarised, ...]
    alignment: Alignment | None
    problems: tuple[Problem, ...]
    culprits: DriftAttribution | None
    """Who moved the lists; None where nobody was blamed."""
    evidence: tuple[CauseEvidence, ...] = ()
    spreads: tuple[SegmentMeasures, ...] = ()
    min_judged: float = FLOOR
    pinned: tuple[Snapshot, Alignment] | None = None
    """The pinned baseline where it is another one and comparable, and which anchors compare with it."""
    summaries: Summaries = field(default_factory=Summaries)
    """Says what the tables come to; kept from one comparison to the next."""
    registry: MeasureRegistry = REGISTRY
    then: IndexConfig | None = None
    """How the index was configured when the baseline was taken."""
    losses: tuple[LegLosses, ...] = ()
    """What was lost, by leg."""
    newcomers: tuple[Newcomers, ...] = ()
    """Documents that are new in the lists, by leg."""

    def report(self) -> DriftReport:
        """The report: the same each time."""
        seen, alignment = self.seen, self.alignment
        measurements: list[Measurement] = [*seen.chunks]
        if self.baseline is not None:
            measurements += config_changes(seen.configuration, self.then)
        measurements += () if seen.profile is None else seen.profile.measurements()
        for of in self.tables:
            found = self.summaries.of(of.table, of.alignment, seen.missing(of.table.leg), only_all=of.only_all)
            labelled = any(name.metric == JUDGED for name in of.table.names)
            measurements += floored(found, self.min_judged, self.registry) if labelled else found
        for spread in self.spreads:
            measurements += spread.measurements()
        measurements += [of.measurement() for of in self.newcomers]
        culprits = self.culprits
        if culprits is not None and alignment is not None:
            measurements += culprits.measurements(alignment)
        return DriftReport(
            deploy_id=seen.deploy_id,
            now=seen.now,
            positions=dict(seen.positions),
            fingerprint=self.fingerprint,
            baseline=self.baseline,
            measurements=tuple(measurements),
            segments=() if alignment is None else alignment.sizes,
            corpus=dict(seen.corpus),
            problems=self.problems,
            blame=() if culprits is None else culprits.shares(),
            causes=self.causes(),
            losses=tuple(of.said for of in self.losses),
            concerns=self._concerns(),
            changed_anchors=0 if alignment is None else alignment.changed,
            remarks=seen.remarks,
            fix_list=NOTHING if culprits is None else culprits.fix_list,
        )

    def _concerns(self) -> tuple[Concern, ...]:
        of_corpus = () if self.seen.profile is None else self.seen.profile.concerns()
        return (*of_corpus, *(one for of in self.newcomers for one in of.concern()))

    def causes(self) -> tuple[CauseClass, ...]:
        """The classes of causes that hold."""
        said = [CauseEvidence("PIPELINE", problem.text) for problem in self.seen.problems if problem.kind.of_stream]
        said += self.seen.index
        if self.alignment is not None and self.alignment.changed:
            count = self.alignment.changed
            said.append(
                CauseEvidence("QUERY SIDE", f"{count} anchors of the baseline ask something else now or are gone")
            )
        said += _mixed(self.seen)
        found = self.culprits
        everything = (*said, *self.evidence)
        return holding({}, everything) if found is None else found.causes(everything)


class Drift:
    """Evaluates reports for one set of anchors.

    Args:
        anchors: the anchors.
        fingerprint: the measuring set-up now.
        scope: dimensions and segments.
        depths: the depths k to measure at.
        thresholds: production's threshold on the first score, by leg, where there is one.
        min_judged: below this share of judged results nothing is concluded from judgements.
        gaps: production's threshold on the gap, by leg, where there is one.
        limits: by metric; the share of the anchors above it is measured.
        registry: the measures there are.
        settle_ties: see `MeasureConfig`.
    """

    def __init__(
        self,
        anchors: AnchorSet,
        fingerprint: Fingerprint,
        scope: SegmentScope,
        depths: tuple[int, ...],
        thresholds: Mapping[str, float],
        *,
        min_judged: float = FLOOR,
        gaps: Mapping[str, float] = NO_GAPS,
        limits: Mapping[str, float] = NO_LIMITS,
        registry: MeasureRegistry = REGISTRY,
        settle_ties: bool = True,
    ) -> None:
        self._registry, self._summaries = registry, Summaries(limits, registry)
        self._min_judged = min_judged
        self._anchors, self.fingerprint, self.scope, self.depths = anchors, fingerprint, scope, depths
        fused = fingerprint.search.mode is SearchMode.FUSED
        self._asked = MeasureConfig(
            depths, thresholds, fingerprint.distance == Distance.EUCLID, gaps, settle_ties, fused
        )
        self._watched = AnchorLabels.of(anchors)
        self._known: dict[int, _Known] = {}
        self._turn = 0
        self._versions = anchor_versions(anchors)
        self._digest = fingerprint.digest()
        self._content: tuple[Sequence[object], tuple[Measurement, ...]] = (), ()
        """Counts of copies, and what was measured of them."""

    @property
    def distance(self) -> Distance:
        """Of the dense leg."""
        return Distance(self.fingerprint.distance)

    @property
    def cap(self) -> int:
        """The most segments of a dimension."""
        return self.scope.cap

    def content(self, duplicates: CopyIndex) -> tuple[Measurement, ...]:
        """Measurements of the corpus itself, in this scope; the very object of the last time where nothing moved."""
        counted = [duplicates.counts(of) for of in (ALL, *self.scope.dimensions)]
        if len(counted) != len(self._content[0]) or others(counted, self._content[0]):
            self._content = counted, tuple(content(duplicates, self.scope.dimensions, cap=self.scope.cap))
        return self._content[1]

    def evaluate(
        self,
        baseline: Snapshot | None,
        pinned: Snapshot | None,
        seen: Observation,
        known: CorpusView | None = None,
    ) -> DriftReport:
        """The report at one position.

        Args:
            baseline: the approved snapshot to compare with; None makes the report say so and measure nothing.
            pinned: the pinned baseline; where it is another one, the distance to it is measured too.
            seen: lists and circumstances.
            known: the corpus now; without it nobody is blamed (lists that were only kept).
        """
        return self.compared(baseline, pinned, seen, known).report()

    def compared(
        self,
        baseline: Snapshot | None,
        pinned: Snapshot | None,
        seen: Observation,
        known: CorpusView | None = None,
    ) -> Compared:
        """What `evaluate` makes its report from; arguments as there.

        All that depends on the corpus at this moment is looked up now; the report itself may be made at any time, in
        any thread, or never.
        """
        self._turn += 1
        against = self._against(baseline)
        tables: list[Summarised] = []
        spreads: list[SegmentMeasures] = []
        culprits = alignment = beside = None
        losses: tuple[LegLosses, ...] = ()
        arrived: tuple[Newcomers, ...] = ()
        if baseline is not None and not against:
            alignment = self._align(baseline)
            tables += self._tables(baseline, seen)
            known_of = self._of(baseline)
            changed = seen.changed if known_of.kept else None
            losses = tuple(known_of.losses.found(seen, [of.table for of in tables], changed))
            spreads += map(self._scored, known_of.confidence.spread())
            arrived = tuple(known_of.newcomers.found(seen.lists, seen.facts, changed))
            culprits = None if known is None else self._blame(baseline, alignment, seen, known)
        if pinned is not None and pinned is not baseline and not self._against(pinned):
            other, afresh = self._next(pinned, seen, beside=True)
            beside = pinned, other.alignment
            apart = other.distances(seen, afresh=afresh)
            tables += [Summarised(table, other.alignment, only_all=True) for table in apart]
        return Compared(
            seen=seen,
            fingerprint=self._digest,
            baseline=None if baseline is None else baseline.identity,
            tables=tuple(tables),
            alignment=alignment,
            problems=(*seen.problems, *against, *_retired(baseline, alignment)),
            culprits=culprits,
            evidence=() if baseline is None else tuple(self._differing(baseline, seen)),
            then=None if baseline is None else baseline.configuration,
            spreads=tuple(spreads),
            min_judged=self._min_judged,
            pinned=beside,
            summaries=self._summaries,
            registry=self._registry,
            losses=losses,
            newcomers=arrived,
        )

    def lists_of(self, snapshot: Snapshot) -> dict[ListLeg, RankedLists]:
        """A snapshot's lists in the row order of this evaluation's anchors; unknown where it asked something else."""
        scope = self.scope
        rows = align(self._anchors, snapshot, scope.dimensions, cap=scope.cap, min_anchors=scope.min_anchors)
        return {
            leg: RankedLists.unknown(len(self._anchors), lists.depth).replaced(rows.now, lists.take(rows.then))
            for leg, lists in snapshot.lists.items()
        }

    def _against(self, baseline: Snapshot | None) -> list[Problem]:
        """Why this baseline cannot be compared with; empty where it can."""
        if baseline is None:
            return [Problem(ProblemKind.NO_BASELINE, NO_BASELINE)]
        differs = self.fingerprint.differences(baseline.fingerprint)
        if differs:
            said = f"fingerprint differs from baseline {baseline.name!r}"
            return [Problem(ProblemKind.FINGERPRINT, f"{said}: {difference}") for difference in differs]
        if not len(self._align(baseline).now):
            said = f"no anchor of baseline {baseline.name!r} asks the same now: capture and approve a new one"
            return [Problem(ProblemKind.NO_COMMON_ANCHORS, said)]
        return []

    def _align(self, baseline: Snapshot) -> Alignment:
        return self._of(baseline).comparison.alignment

    def _of(self, baseline: Snapshot) -> "_Known":
        found = self._known.get(id(baseline))
        if found is None or found.baseline is not baseline:
            scope = self.scope
            made = align(self._anchors, baseline, scope.dimensions, cap=scope.cap, min_anchors=scope.min_anchors)
            # At most the moving and the pinned baseline are in use: forget the older ones.
            self._known = dict(list(self._known.items())[-1:])
            measures = self._registry
            comparison = Comparison(baseline, made, self._asked, measures)
            confidence = Confidence(baseline, made, self._watched, self.depths, comparison.likeness, measures)
            rewordings = Rewordings(made, self._watched.owners, len(self._anchors), self.depths, measures)
            newcomers = NewcomersOf(baseline, made, self.depths[0])
            legs = AgainstLegs(baseline, made, self.depths, measures)
            losses = LossesOf(baseline, made, self._anchors.anchors, self.depths[0])
            found = _Known(baseline, comparison, confidence, rewordings, newcomers, legs, losses)
            self._known[id(baseline)] = found
        return found

    def _next(self, baseline: Snapshot, seen: Observation, *, beside: bool) -> tuple[Comparison, bool]:
        """The comparison with a baseline, and whether nothing may be kept: a deploy, or it missed an evaluation, or
        the last one asked something else of it.

        Args:
            baseline: compared with.
            seen: lists and circumstances.
            beside: whether it is the pinned one beside a moving one.
        """
        known = self._of(baseline)
        afresh = bool(seen.deploy_id) or known.turn != self._turn - 1 or known.beside != beside
        known.turn, known.kept, known.beside = self._turn, not afresh, beside
        return known.comparison, afresh

    def _tables(self, baseline: Snapshot, seen: Observation) -> list[Summarised]:
        """All columns against a baseline; only what changed is measured, but for a judged deploy."""
        known = self._of(baseline)
        _, afresh = self._next(baseline, seen, beside=False)
        compared = known.comparison.tables(seen, afresh=afresh) + known.legs.tables(seen, afresh=afresh)
        made = [Summarised(table, known.comparison.alignment) for table in compared]
        return made + self._confident(known, seen, afresh=afresh)

    def _confident(self, known: "_Known", seen: Observation, *, afresh: bool) -> list[Summarised]:
        """What the lists hold; as it was last measured where a brief look will do."""
        known.owed.append(seen.changed)
        if seen.brief and known.confident and not afresh:
            return known.confident
        owed = [of for of in known.owed if of is not None]
        changed = np.unique(np.concatenate(owed)) if len(owed) == len(known.owed) else None
        known.owed.clear()
        whole = replace(seen, changed=changed)
        known.confident = known.confidence.tables(whole, afresh=afresh) + known.rewordings.tables(
            whole, afresh=afresh
        )
        return known.confident

    def _differing(self, baseline: Snapshot, seen: Observation) -> Iterator[CauseEvidence]:
        """What is set otherwise than in the baseline: the measuring, and the index itself."""
        yield from fingerprint_evidence(self.fingerprint, baseline.fingerprint)
        yield from config_evidence(seen.configuration, baseline.configuration)

    def _scored(self, of: SegmentMeasures) -> SegmentMeasures:
        """Without what rests on scores, where a fused query gave them."""
        if not self._asked.fused or of.leg != "dense":
            return of
        return replace(of, measures=[measure for measure in of.measures if measure.needs is not SCORES])

    def _blame(
        self, baseline: Snapshot, alignment: Alignment, seen: Observation, known: CorpusView
    ) -> DriftAttribution:
        around = AttributionContext(
            self.depths[0],
            TIE_EPS,
            self._versions,
            seen.settling,
            seen.deploy_id,
            self.scope.dimensions,
            fused=self._asked.fused,
        )
        return find(baseline, alignment, seen.lists, known, around, seen.again)


def _retired(baseline: Snapshot | None, alignment: Alignment | None) -> tuple[Problem, ...]:
    """Whether too little of what is watched now was watched in the baseline; harm that it shows stands all the same.

    A panel is rotated an eighth at a time: after three rotations a baseline holds 62.5% of it.
    """
    if baseline is None or alignment is None or alignment.common >= LEAST_COMMON:
        return ()
    said = f"panel retired: {alignment.common:.0%} of the anchors' weight is common with baseline {baseline.name!r}"
    return (Problem(ProblemKind.PANEL_RETIRED, f"{said}, expected {LEAST_COMMON:.0%}: accept a new one"),)


@dataclass(slots=True, eq=False)
class _Known:
    """A baseline in use, what is kept of the last comparison with it, and which evaluation that was."""

    baseline: Snapshot
    comparison: Comparison
    confidence: Confidence
    rewordings: Rewordings
    newcomers: NewcomersOf
    legs: AgainstLegs
    losses: LossesOf
    confident: list[Summarised] = field(default_factory=list)
    owed: list[NDArray[np.int64] | None] = field(default_factory=list)
    """What changed since `confident` was measured."""
    turn: int = -1
    beside: bool = False
    """Whether it was the pinned one beside a moving one in that evaluation."""
    kept: bool = False
    """Whether what was found an evaluation before still holds but for what changed."""


_OTHER_VECTORS: Mapping[str, str] = {
    "reembedded_ratio": "another vector than before",
    "rescaled_ratio": "a vector of another length than before",
}


def _mixed(seen: Observation) -> Iterator[CauseEvidence]:
    """Evidence of vectors that no text explains."""
    integrity = None if seen.profile is None else seen.profile.integrity
    for of in () if integrity is None else integrity.measurements(((ALL, ALL),)):
        vector = _OTHER_VECTORS.get(of.metric)
        if vector is not None and of.value > ENCODER_EVIDENCE:
            said = f"{of.value:.1%} of {of.n} chunks have {vector} for the same text, or nearly the same"
            yield CauseEvidence("ENCODER", said)
