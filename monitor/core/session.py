"""The whole evaluation as one pure object: `apply(events)`, `observe(served)`, `report()`, `judge()`, `snapshot()`.

The loop, the forecast of a change set and a notebook are its callers: none of them assembles an evaluation by hand.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arguments import depths_of, rules_of
from monitor.core.attribution import StatisticsCheckpoint
from monitor.core.attribution.known import CorpusView
from monitor.core.evaluation import Budget, Evaluation, evidence_of
from monitor.core.index.baseline import AnchorMark, Judged, ListLeg, Member, Snapshot, vector_digest
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.maintained import MaintainedState
from monitor.core.index.result_mapping import ResultMapping
from monitor.core.index.statistics.measured import Measurable
from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.integrity import KeptFindings, integrity_rules
from monitor.core.judging.point_verdict import KeptVerdict
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.measures.comparison.content_hashes import ContentHashes
from monitor.core.measures.comparison.facts import CorpusFacts, member_shingles, source_of
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.tables import LEGS
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.changes import Change, Delta, Refused
from monitor.core.model.events import CorpusEvent, Located, Segment
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import RankedLists
from monitor.core.model.plausibility import doubts_of, doubts_said
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.production import ProductionLists
from monitor.core.model.report import CauseEvidence, DriftReport, Measurement
from monitor.core.model.scoring import Distance
from monitor.core.places import Places, named_positions
from monitor.core.records.committed import Resumed
from monitor.core.reporting.drift import Drift
from monitor.core.reporting.substance import Substance, answers_nothing, results, wordless
from monitor.core.session_parts import built, measured_by, ready
from monitor.errors import InputError

CounterName = tuple[str, ...]
OPEN_GAPS: CounterName = ("open_gaps",)
"""Counter of losses in the stream that nobody has looked at since; approving a baseline sets it to 0."""
UPSERTS: CounterName = ("said", "upserts")
REPEATED: CounterName = ("said", "repeated")
"""Counters of upserts applied, and of those that repeated the content of a live chunk."""
CheckpointLookup = Callable[[Snapshot, Sequence[Judged]], Sequence[StatisticsCheckpoint]]
"""The BM25 statistics at the barriers of these deploys behind a baseline, oldest first."""


@dataclass(frozen=True, slots=True, eq=False)
class ServedLists:
    """What the real index said when it was asked last.

    Args:
        lists: (A, k) as served, unknown where it did not answer.
        hashes: content hash by chunk key as the index states it.
        failures: by anchor (row) that it did not answer for, the reason.
        settling: anchors (rows) whose documents production may still be writing: no recall, no parity.
        problems: why the lists mean nothing now.
        names: chunk id by chunk key of what it served.
        nameless: points without a chunk id in its lists.
        measurements: of the index as a whole.
        evidence: what the index says of itself that points at a cause.
        configuration: how it is configured, by its own words.
    """

    lists: RankedLists
    hashes: Mapping[int, str] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    settling: frozenset[int] = frozenset()
    problems: tuple[Problem, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    nameless: Sequence[str] = ()
    measurements: tuple[Measurement, ...] = ()
    evidence: tuple[CauseEvidence, ...] = ()
    configuration: IndexConfig | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ingested:
    """What a batch of events came to.

    Args:
        changes: in the order of the events.
        refused: events that cannot be believed, with their reasons.
        delta: the net effect, for an index that is filled from the events.
        touched: by leg, (A,) bool: anchors whose exact list may have changed.
        sketches: of what the chunks said that it deleted, by chunk key.
        came: (c,) int64 keys of chunks that have new content now.
        gone: (g,) int64 keys of chunks whose earlier content is gone; a modified chunk is in both.
        said: (s,) int64 keys of chunks that an event said are live, where shards keep the changes.
    """

    changes: tuple[Change, ...]
    refused: tuple[Refused, ...]
    delta: Delta
    touched: Mapping[ListLeg, NDArray[np.bool_]]
    sketches: Mapping[int, ContentSketch] = field(default_factory=dict)
    came: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    gone: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    said: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __repr__(self) -> str:
        """How many; a notebook shows it, and the changes themselves would fill the page."""
        return f"<Ingested: {len(self.changes):,} changes, {len(self.refused):,} refused>"


class Session:
    """A corpus and its anchors, maintained event by event and evaluated against a baseline.

    It reads no clock and does no I/O: the only time it knows is the events' own. One thread uses it at a time; an
    `Evaluation` that it hands out may be used by any.

    Args:
        anchors: the queries under watch, with distinct ids; vectors of `dimension` numbers, or none.
        dimension: of the vectors; 0 switches the dense leg off.
        distance: of the dense leg: cosine, dot or euclid.
        depths: the depth k to measure at, or several; the first is the one that the default policy judges.
        dimensions: attributes by whose values segments are told apart.
        min_anchors: the fewest anchors of a segment that is watched.

    Raises:
        InputError: an anchor's id or vector, a depth or the distance is not as said above; the message names it.

    >>> from monitor.core.model.events import Chunk, Upsert, text_hash
    >>> def chunk(name, text):
    ...     return Upsert(Chunk(name, name, 0, text, None, "", (), 0, text_hash(text)))
    >>> session = Session([Anchor("a", "rotate key"), Anchor("b", "delete user")], depths=(1,), min_anchors=1)
    >>> _ = session.apply(map(chunk, "kuix", ("rotate a key", "delete a user", "install it", "upgrade it")))
    >>> session.compare_with(session.snapshot("main"))
    >>> _ = session.apply([chunk("k", "nothing any more"), chunk("n", "rotate the key")])
    >>> swaps = next(one for one in session.report().measurements if one.metric == "swaps" and one.stat == "mean")
    >>> swaps.leg, swaps.value
    ('lexical', 0.5)
    """

    corpus: Corpus
    engine: MaintainedState
    drift: Drift
    counters: Counter[CounterName]
    """By name: events by kind and outcome, and what else whoever drives the session counts; stored with its state."""
    ledger: list[Judged]
    """Deploys judged so far, oldest first."""
    baseline: Snapshot | None
    """What reports compare with."""
    pinned: Snapshot | None
    """The pinned baseline beside a moving one: the distance to it is measured too."""

    def __init__(
        self,
        anchors: Iterable[Anchor],
        *,
        dimension: int = 0,
        distance: Distance | Literal["cosine", "dot", "euclid"] = Distance.COSINE,
        depths: int | Sequence[int] = (10,),
        dimensions: Sequence[str] = (),
        min_anchors: int = 20,
    ) -> None:
        cuts, named = depths_of(depths, "depths"), tuple(dimensions)
        parts = built(anchors, dimension, measured_by(distance), cuts, named, min_anchors=min_anchors)
        self._begin(*parts, index=False, milestones=None)

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        engine: MaintainedState,
        drift: Drift,
        *,
        index: bool,
        milestones: CheckpointLookup | None = None,
    ) -> "Session":
        """A session over parts that were built elsewhere.

        Args:
            corpus: the chunk table.
            engine: over that corpus.
            drift: of the engine's anchors.
            index: whether a real index serves the dense lists, see `observe`; else the exact ones stand for them.
            milestones: statistics at earlier barriers, where somebody keeps them.
        """
        made = cls.__new__(cls)
        made._begin(corpus, engine, drift, index=index, milestones=milestones)
        return made

    def _begin(
        self,
        corpus: Corpus,
        engine: MaintainedState,
        drift: Drift,
        *,
        index: bool,
        milestones: CheckpointLookup | None,
    ) -> None:
        self.corpus, self.engine, self.drift = corpus, engine, drift
        self.counters, self.ledger = Counter(), []
        self.baseline = self.pinned = None
        self._index, self._milestones = index, milestones
        self._lately, self._verdict = KeptFindings(), KeptVerdict()
        self._served: ServedLists | None = None
        self._production: ProductionLists | None = None
        self._places = Places()
        self._changed: list[NDArray[np.int64]] = []

    def __repr__(self) -> str:
        """How much it holds, and what it compares with."""
        compared = "no baseline" if self.baseline is None else f"compared with {self.baseline.name!r}"
        return f"<Session of {len(self.corpus):,} chunks and {len(self.engine.anchors):,} anchors, {compared}>"

    def resume(self, resumed: Resumed) -> None:
        """Go on where a store left off; corpus and engine are restored by whoever reads the store."""
        self.counters.update(resumed.counters)
        self.ledger = list(resumed.ledger)
        self._places = Places(resumed.positions)

    def locate(self, event: CorpusEvent) -> Located:
        """The event, taken to arrive behind everything that was read."""
        return self._places.located(event, self.corpus)

    def apply(self, events: Iterable[Located | CorpusEvent]) -> Ingested:
        """Take in events: the corpus, and every anchor's exact lists.

        Args:
            events: in order. One with its position is as a stream delivers it, its vector prepared for the distance;
                one without arrives behind everything that was read, with a vector as its encoder made it.

        Returns:
            What they came to. An event that cannot be believed, such as a chunk with a vector of another dimension,
            is not applied and stands in `refused`.

        Raises:
            InputError: these are no events.
        """
        located, vectorless = ready(events, self.locate, self.corpus.dimension, self.drift.distance)
        taken = self.engine.ingest(self.corpus, located)
        self.counters.update({("events", *outcome): n for outcome, n in taken.outcomes.items()})
        self.counters.update(dict(zip((UPSERTS, REPEATED), taken.upserts, strict=True)))
        self.note(taken.noted)
        return Ingested(
            taken.changes,
            (*vectorless, *taken.refused),
            taken.delta,
            taken.touched,
            taken.sketches,
            taken.came,
            taken.gone,
            taken.said,
        )

    def note(self, keys: Sequence[int] | NDArray[np.int64]) -> None:
        """Something is known otherwise of these chunks: their event, their being, what the index says of them."""
        self._changed.append(np.array(keys, np.int64))

    def forget(self) -> Sequence[int]:
        """Forget old delete marks, at a barrier; returns their chunk keys."""
        forgotten = self.corpus.prune()
        self.note(forgotten)
        return forgotten

    def observe(self, served: ServedLists, *, restated: Sequence[int] = ()) -> None:
        """Take what the real index served, from here on in place of the exact lists.

        Args:
            served: what it said last, of all anchors.
            restated: keys of chunks of which it said something else than the time before.
        """
        self._index, self._served = True, served
        if restated:
            self.note(restated)

    def observe_production(self, served: ProductionLists | None) -> None:
        """Take what production's own retriever served users last, a third leg from here on; None: it is not asked."""
        self._production = served

    def mapping(self) -> ResultMapping:
        """Tells which chunks of the corpus as it is now the results of another retriever are."""
        return ResultMapping(self.corpus, self.engine.duplicates, self.lists())

    def reanchor(self, anchors: AnchorSet, drift: Drift) -> NDArray[np.int64]:
        """Watch other anchors from here on.

        Args:
            anchors: the new ones.
            drift: their evaluation.

        Returns:
            (A,) int64: for each anchor the row that asked the same before, -1 for a new question.
        """
        kept = self.engine.reanchor(anchors)
        self.drift = drift
        if self._served is not None:
            self._served = ServedLists(self._served.lists.arranged(kept), self._served.hashes)
        if self._production is not None:
            self._production = self._production.arranged(kept)
        return kept

    def lists(self) -> dict[ListLeg, RankedLists]:
        """The lists now: dense as the real index served them, or the exact ones in their place; lexical; exact;
        production's, where it is asked.
        """
        made = dict(self.engine.lists())
        if self._served is not None:
            made["dense"] = self._served.lists
        elif self._index and "exact" in made:
            made["dense"] = RankedLists.unknown(len(made["exact"]), made["exact"].depth)
        if self._production is not None:
            made["production"] = self._production.lists
        return made if self._index else _as_served(made)

    def compare_with(self, baseline: Snapshot | None, pinned: Snapshot | None = None) -> None:
        """Compare with this snapshot from now on.

        Without a real index its exact lists stand for what was served, as the session's own do.

        Args:
            baseline: the approved snapshot; None: reports say that there is none.
            pinned: the pinned one beside a moving one; the same object, or None, where there is no other.

        Raises:
            InputError: what is given is no snapshot.
        """
        for given in (baseline, pinned):
            if not isinstance(given, Snapshot | None):  # not everybody has a type checker
                message = f"{given!r:.80} is no snapshot; expected what snapshot() returns"  # type: ignore[unreachable]
                raise InputError(message)
        if not self._index:
            same, both = pinned is baseline, (baseline, pinned)
            baseline, pinned = (None if of is None else replace(of, lists=_as_served(of.lists)) for of in both)
            pinned = baseline if same else pinned
        self.baseline, self.pinned = baseline, pinned
        self.engine.statistics.rebase(*(None if of is None else of.profile for of in (baseline, pinned)))

    def lost(self) -> tuple[Problem, ...]:
        """Whether the stream lost events that nobody has looked at since."""
        gaps = self.counters[OPEN_GAPS]
        said = f"the stream lost events {gaps} time(s); reload the corpus, then approve a baseline"
        return (Problem(ProblemKind.STREAM_LOSS, said),) if gaps else ()

    def hollow(self, rules: Sequence[Rule]) -> tuple[Problem, ...]:
        """Why the lists say nothing to these rules whatever changes: nothing is in them, or all there is."""
        lists = self.lists()
        return Substance(
            chunks=len(self.corpus),
            depth=min((rule.k for rule in rules if rule.k), default=0),
            listed=results({leg: of for leg, of in lists.items() if leg != "production"}),
            anchors=len(self.engine.anchors),
            wordless=0 if self.engine.lexical is None else wordless(self.engine.anchors),
            silent="production" in lists and answers_nothing(lists["production"]),
        ).problems()

    def view(self) -> CorpusView:
        """The corpus now, for blame; good until the next event."""
        said = self._served or ServedLists(RankedLists.unknown(0, 1))
        ledger, milestones = tuple(self.ledger), self._milestones
        since = None if milestones is None else partial(_since, milestones, ledger)
        return CorpusView(self.corpus, self.engine, ledger, said.hashes, said.names, said.nameless, since)

    def evaluate(
        self,
        deploy_id: str = "",
        *,
        rules: Sequence[Rule] = (),
        problems: Sequence[Problem] = (),
        expected: Segment = (),
        positions: Mapping[str, int] | None = None,
        gate: bool | None = None,
        blame: bool = True,
        brief: bool = False,
    ) -> Evaluation:
        """Evaluate the corpus as it is now; all that depends on this moment is looked up now.

        Args:
            deploy_id: the deploy that is judged, "" for a view between deploys.
            rules: the policy.
            problems: of the stream and of the deploy's span: each makes the verdict UNKNOWN.
            expected: the segment that the deploy said it would change.
            positions: next offset by `topic/partition`; those the session counted itself where None.
            gate: whether the gate's bounds judge, else point estimates; None: where a deploy is named.
            blame: whether to work out who moved the lists.
            brief: whether what the lists hold may be shown as it was last measured; never where a deploy is named.
        """
        view = self.view()
        if rules:  # whoever judges, and whoever only measures has nothing to be wrong about
            problems = (*problems, *self.hollow(rules))
        seen = self._observation(deploy_id, problems, positions, view, brief=brief)
        self._changed.clear()
        compared = self.drift.compared(self.baseline, self.pinned, seen, view if blame else None)
        evidence = None
        if gate or (gate is None and deploy_id):
            evidence = evidence_of(self.baseline, compared, rules, Budget(expected, view.changes))
        return Evaluation(compared, rules, evidence, lately=self._lately, last=self._verdict)

    def _observation(
        self,
        deploy_id: str,
        problems: Sequence[Problem],
        positions: Mapping[str, int] | None,
        view: CorpusView,
        *,
        brief: bool,
    ) -> Observation:
        served, production, corpus = self._served, self._production, self.corpus
        return Observation(
            deploy_id=deploy_id,
            now=corpus.newest_event_time,
            positions=named_positions(self._places.positions) if positions is None else positions,
            lists=self.lists(),
            hashes=ContentHashes(corpus),
            settling=frozenset() if served is None else served.settling,
            failures={} if served is None else served.failures,
            corpus={"chunks": float(len(corpus))},
            chunks=(*self.drift.content(self.engine.duplicates), *(() if served is None else served.measurements)),
            problems=(*problems, *self.lost(), *self._refused(deploy_id)),
            changed=np.unique(np.concatenate([np.zeros(0, np.int64), *self._changed])),
            facts=CorpusFacts(corpus, self.engine.duplicates, view.changes),
            served=view.served,
            rewrites=self.engine.rewrites(),
            brief=brief,
            index=() if served is None else served.evidence,
            again=None if production is None else production.again,
            strangers={} if production is None else production.strangers,
            unanswered={} if production is None else production.failures,
            configuration=None if served is None else served.configuration,
            profile=self.measurable(brief=brief),
            remarks=doubts_said(doubts_of(self.counters)),
        )

    def _refused(self, deploy_id: str) -> tuple[Problem, ...]:
        """Why the served lists mean nothing now; an index that works on itself says nothing only of a deploy."""
        said = () if self._served is None else self._served.problems
        return tuple(of for of in said if deploy_id or of.kind is not ProblemKind.INDEX_BUSY)

    def report(self) -> DriftReport:
        """How the lists now differ from the baseline's."""
        return self.evaluate().report()

    def judge(self, policy: Sequence[Rule] | None = None, *, deploy_id: str = "", expected: Segment = ()) -> Verdict:
        """Whether the corpus as it is now may stay, by the gate's confidence bounds.

        Args:
            policy: the rules; None: the default policy for this session's legs and dimensions.
            deploy_id: the name that the verdict is for.
            expected: the segment that was to change.
        """
        rules = self.default_policy() if policy is None else rules_of(policy)
        return self.evaluate(deploy_id, rules=rules, expected=expected, gate=True).judged()[1]

    def default_policy(self) -> tuple[Rule, ...]:
        """The rules used where nobody names any."""
        scope, legs = self.drift.scope, [leg for leg in LEGS if leg in self.lists()]
        rules = default_rules(scope.dimensions, legs, k=self.drift.depths[0], min_anchors=scope.min_anchors)
        return (*integrity_rules(scope.dimensions, legs, k=self.drift.depths[0]), *rules)

    def measurable(self, *, brief: bool = False) -> Measurable:
        """The corpus as it is now, to be measured when somebody looks; `brief` as of `evaluate`."""
        lexical = None if self.engine.lexical is None else self.engine.lexical.statistics()
        said = self.counters[UPSERTS], self.counters[REPEATED]
        return self.engine.statistics.at(lexical, said, cap=self.drift.cap, brief=brief)

    def snapshot(
        self,
        name: str = "now",
        deploy_id: str = "",
        *,
        positions: Mapping[str, int] | None = None,
        noise: RankedLists | None = None,
        population: bool = True,
    ) -> Snapshot:
        """The current lists with what is known of every chunk in them.

        Args:
            name: the snapshot's name.
            deploy_id: the newest deploy, "" before the first.
            positions: as of `evaluate`.
            noise: dense lists that a twin of the index serves; its chunks are kept too.
            population: whether it may become a baseline, so that the corpus's chunks are kept (24 bytes each).
        """
        corpus, lists = self.corpus, self.lists()
        members = {
            key: Member(
                row.chunk_id,
                row.doc_id,
                source_of(row),
                row.content_hash,
                row.segment,
                vector_digest(corpus.vectors[row.slot]),
            )
            for key, row in corpus.listed([*lists.values(), *([] if noise is None else [noise])])
        }
        anchors = self.engine.anchors.anchors
        return Snapshot(
            name=name,
            deploy_id=deploy_id,
            event_time=corpus.newest_event_time,
            fingerprint=self.drift.fingerprint,
            anchors={anchor.id: AnchorMark(anchor_digest(anchor), anchor.segment) for anchor in anchors},
            lists=lists,
            members=members,
            corpus={"chunks": float(len(corpus))},
            positions=named_positions(self._places.positions) if positions is None else dict(positions),
            noise=noise,
            again=None if self._production is None else self._production.again,
            strangers={} if self._production is None else self._production.strangers,
            configuration=None if self._served is None else self._served.configuration,
            statistics=self.engine.by_source(),
            shingles=member_shingles(members, CorpusFacts(corpus, self.engine.duplicates)),
            profile=self.measurable().profile(self.engine.statistics.population() if population else None),
        )


def _as_served(lists: Mapping[ListLeg, RankedLists]) -> dict[ListLeg, RankedLists]:
    """The exact dense lists in place of the served ones; the served ones where no exact ones were kept."""
    return {**lists, "dense": lists["exact"]} if "exact" in lists else dict(lists)


def _since(
    milestones: CheckpointLookup, ledger: Sequence[Judged], baseline: Snapshot
) -> Sequence[StatisticsCheckpoint]:
    return milestones(baseline, ledger)
