"""Deploys whose true harm is known: anchors sampled from a larger pool, and indexes rebuilt on the same corpus."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.core.evaluation import Evaluation, evidence_of
from monitor.core.index.baseline import Member, Snapshot
from monitor.core.judging.default_policy import SEGMENT, WHOLE, default_rules
from monitor.core.judging.hypotheses import POOLED, GateEvidence
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.summary import Summarised, SummaryTable
from monitor.core.measures.comparison.tables import ListedLeg
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import ALL
from monitor.core.model.scoring import Distance
from monitor.core.reporting.drift import Compared, Drift, SegmentScope
from tests.contracts.retrievers import Library, anchor_set
from tests.core.judging.cases import SWAPS, alignment, baseline, compared, rule, sized
from tests.core.snapshots import FINGERPRINT, seen, snapshot

Values = NDArray[np.float64]
SEGMENTS = 5
DOCUMENTS = 400
TOP1 = Name("collapsed_top1_changed_ratio", 10)
RULES = (
    rule("swaps-all"),
    rule("swaps-source", dimension="source"),
    rule("top1-all", metric=TOP1.metric, max=0.25),
)
SWAPS_ALONE = RULES[:2]
"""Without the rule on first results, whose harm is always at its tolerance."""
Shape = Callable[[Generator, int], Values]
SHAPES: dict[str, Shape] = {
    "even": lambda generator, count: generator.binomial(10, 0.2, count).astype(float),
    "skewed": lambda generator, count: np.where(generator.random(count) < 0.12, 8.5, 1.1),
    "all or nothing": lambda generator, count: np.where(generator.random(count) < 0.2, 10.0, 0.0),
}


@dataclass(frozen=True)
class Pool:
    """All anchors there could be: harm, first result changed, segment and document of each."""

    swaps: Values
    changed: Values
    segment: NDArray[np.int64]
    document: NDArray[np.int64]

    @classmethod
    def drawn(cls, generator: Generator, shape: Shape, mean: float) -> "Pool":
        """Documents of one to four anchors that are harmed alike; every segment's mean is exactly `mean`."""
        sizes = generator.integers(1, 5, SEGMENTS * DOCUMENTS)
        document = np.repeat(np.arange(len(sizes)), sizes)
        segment = document // DOCUMENTS
        swaps = np.clip(shape(generator, len(sizes))[document] + generator.integers(-1, 2, len(document)), 0.0, 10.0)
        for at in range(SEGMENTS):
            swaps[segment == at] = _with_mean(swaps[segment == at], mean)
        changed = np.zeros(len(document))
        changed[generator.permutation(len(document))[: round(0.25 * len(document))]] = 1.0
        return cls(swaps, changed, segment, document)

    def sample(self, generator: Generator, documents: int) -> "Pool":
        """Anchors of so many documents of each segment, chosen at random."""
        chosen = [at * DOCUMENTS + generator.choice(DOCUMENTS, documents, replace=False) for at in range(SEGMENTS)]
        rows = np.flatnonzero(np.isin(self.document, np.concatenate(chosen)))
        return Pool(self.swaps[rows], self.changed[rows], self.segment[rows], self.document[rows])

    def verdict(self, rules: tuple[Rule, ...] = RULES) -> Verdict:
        """What the gate says of a deploy that harmed these anchors so."""
        where = [f"s{at}" for at in self.segment.tolist()]
        made = compared({SWAPS: self.swaps, TOP1: self.changed}, where)
        return judge_deploy(rules, made, made.report(), GateEvidence(baseline(where, self.document.tolist())))


def _with_mean(values: Values, mean: float) -> Values:
    """Moved and stretched within 0 to 10 until the mean is exact to rounding."""
    made = values
    for _ in range(200):
        made = np.clip(made + (mean - made.mean()), 0.0, 10.0)
    return made


def verdicts(
    seed: int, shape: str, *, mean: float, documents: int, deploys: int, rules: tuple[Rule, ...] = RULES
) -> Iterator[Verdict]:
    """Verdicts on deploys of one pool, each over its own sample of anchors."""
    generator = np.random.default_rng(seed)
    pool = Pool.drawn(generator, SHAPES[shape], mean)
    for _ in range(deploys):
        yield pool.sample(generator, documents).verdict(rules)


def shares(found: Iterator[Verdict]) -> dict[str, float]:
    """How often the gate said what."""
    counted = Counter(one.verdict for one in found)
    total = sum(counted.values())
    return {name: counted[name] / total for name in ("fail", "inconclusive", "pass", "unknown")}


def power(seed: int, shape: str, *, documents: int, deploys: int) -> tuple[float, float]:
    """The harm that the gate states it detects with 80% power, and how often it does, over all anchors."""
    alone = (rule("swaps-all"),)
    generator = np.random.default_rng(seed)
    calm = Pool.drawn(generator, SHAPES[shape], 2.0)
    stated = [calm.sample(generator, documents).verdict(alone).findings[0].detectable for _ in range(20)]
    harm = float(np.median(stated))
    pool = Pool.drawn(generator, SHAPES[shape], harm)
    seen_ = [pool.sample(generator, documents).verdict(alone).verdict == "fail" for _ in range(deploys)]
    return harm, sum(seen_) / len(seen_)


LEGS: tuple[ListedLeg, ...] = ("dense", "lexical")
Harm = dict[str, tuple[float, float]]
"""By column of the default rules, its true mean in the first segment and in each of the others."""
EVERYWHERE: Harm = {
    "kept_answers_ratio": (WHOLE.usual,) * 2, "new_results": (10 * WHOLE.new[0],) * 2,
    "new_first_ratio": (WHOLE.first[0],) * 2,
}  # fmt: skip
"""Every segment's harm is what the default policy allows over all anchors, of lost answers what it calls usual."""
_ALLOWED = {
    "kept_answers_ratio": min(SEGMENT.usual, SEGMENTS * WHOLE.usual),
    "new_results": 10 * SEGMENT.new[0],
    "new_first_ratio": SEGMENT.first[0],
}
ONE_SEGMENT: Harm = {
    name: (most, max(0.0, (SEGMENTS * EVERYWHERE[name][0] - most) / (SEGMENTS - 1)))
    for name, most in _ALLOWED.items()
}
"""One of five has what is usual or allowed in a segment, and all together no more than what is over all anchors."""
NOTHING: Harm = dict.fromkeys(EVERYWHERE, (0.0, 0.0))
TWICE: Harm = {name: (2 * of, 2 * rest) for name, (of, rest) in EVERYWHERE.items()}
SEGMENT_LOST: Harm = {**NOTHING, "kept_answers_ratio": (0.30, 0.0)}


@dataclass(frozen=True)
class AnswerPool:
    """All questions there could be, judged by the default rules on both legs.

    A deploy takes answers away document by document, so the questions of one lose theirs together. Questions of one
    document have answers of their own, but every fourth has that of the one before it.
    """

    columns: Mapping[ListedLeg, Mapping[Name, Values]]
    segment: NDArray[np.int64]
    document: NDArray[np.int64]
    answer: NDArray[np.int64]

    @classmethod
    def drawn(cls, generator: Generator, shape: Shape, harm: Harm) -> "AnswerPool":
        """Documents of one to four questions; the legs are harmed independently, which errs most often."""
        document = np.repeat(np.arange(SEGMENTS * DOCUMENTS), generator.integers(1, 5, SEGMENTS * DOCUMENTS))
        segment = document // DOCUMENTS
        same = (generator.random(len(document)) < 0.25) & (np.diff(document, prepend=-1) == 0)
        columns = {leg: dict(cls._columns(generator, shape, harm, document)) for leg in LEGS}
        return cls(columns, segment, document, np.cumsum(~same))

    @staticmethod
    def _columns(
        generator: Generator, shape: Shape, harm: Harm, document: NDArray[np.int64]
    ) -> Iterator[tuple[Name, Values]]:
        segment = document // DOCUMENTS
        lost, new, first = (_by_segment(segment, harm[of]) for of in harm)
        yield Name("kept_answers_ratio", 10), 1.0 - _hit(generator, document, segment, lost)
        found = np.clip(shape(generator, SEGMENTS * DOCUMENTS)[document] * 0.4, 0.0, 10.0)
        for at in range(SEGMENTS):
            found[segment == at] = _with_mean(found[segment == at], new[at])
        yield Name("new_results", 10), found
        yield Name("new_first_ratio", 0), _hit(generator, document, segment, first)

    def sample(self, generator: Generator, documents: int, *, whole: bool) -> NDArray[np.int64]:
        """Rows of questions: of so many documents of each segment, or as many as those have, drawn one by one."""
        rows: list[NDArray[np.int64]] = []
        for at in range(SEGMENTS):
            mine = np.flatnonzero(self.segment == at)
            chosen = at * DOCUMENTS + generator.choice(DOCUMENTS, documents, replace=False)
            asked = mine[np.isin(self.document[mine], chosen)]
            rows.append(asked if whole else np.sort(generator.choice(mine, len(asked), replace=False)))
        return np.concatenate(rows)

    def verdict(self, rows: NDArray[np.int64], rules: tuple[Rule, ...]) -> Verdict:
        """What the gate says of these questions."""
        where = [f"s{at}" for at in self.segment[rows].tolist()]
        of = alignment(where)
        tables = tuple(
            Summarised(
                SummaryTable(leg, tuple(columns), np.stack([one[rows] for one in columns.values()]), ("",) * 3), of
            )
            for leg, columns in self.columns.items()
        )
        seen_ = Observation("d1", 9, {}, {}, {}, frozenset(), {}, {}, (), ())
        made = Compared(seen_, "f", None, tables, of, (), None)
        return judge_deploy(rules, made, made.report(), GateEvidence(self._baseline(rows, where)))

    def _baseline(self, rows: NDArray[np.int64], where: list[str]) -> Snapshot:
        made = baseline(where, self.document[rows].tolist())
        lists = RankedLists.of([[(f"chunk{at}", 1.0)] for at in self.answer[rows].tolist()], 1)
        members = {
            int(lists.keys[at, 0]): Member(
                f"chunk{answer}", f"doc{document}", where[at], f"content{answer}", (("source", where[at]),)
            )
            for at, (answer, document) in enumerate(
                zip(self.answer[rows].tolist(), self.document[rows].tolist(), strict=True)
            )
        }
        documents = {("source", f"s{at}"): DOCUMENTS for at in range(SEGMENTS)}
        known = sized(made, {**documents, ("all", "all"): SEGMENTS * DOCUMENTS})
        return replace(known, lists=dict.fromkeys(LEGS, lists), members=members)


def _by_segment(segment: NDArray[np.int64], harm: tuple[float, float]) -> list[float]:
    return [harm[0], *(harm[1],) * int(segment.max())]


def _hit(
    generator: Generator, document: NDArray[np.int64], segment: NDArray[np.int64], shares: list[float]
) -> Values:
    """Ones for whole documents, until exactly this share of each segment is hit; of the last one only a part."""
    made = np.zeros(len(document))
    order = generator.permutation(SEGMENTS * DOCUMENTS)[document]
    for at, share in enumerate(shares):
        mine = np.flatnonzero(segment == at)
        made[mine[np.argsort(order[mine], kind="stable")][: round(share * len(mine))]] = 1.0
    return made


def default_verdicts(
    seed: int, shape: str, harm: Harm, *, documents: int, deploys: int, whole: bool
) -> Iterator[Verdict]:
    """Verdicts of the default policy on deploys of one pool, each over its own sample of questions."""
    generator = np.random.default_rng(seed)
    rules = default_rules(("source",), LEGS, k=10, min_anchors=20)
    pool = AnswerPool.drawn(generator, SHAPES[shape], harm)
    for _ in range(deploys):
        yield pool.verdict(pool.sample(generator, documents, whole=whole), rules)


SMALL, A_SEGMENT, LOST_HALF = 40, 20, "s00"
"""Segments of so many anchors, and the one that loses half of its answers."""
KEPT = Name("kept_answers_ratio", 10)


def small_verdicts(
    seed: int, *, lost: float | None, others: float, deploys: int, a_document: int = 1
) -> Iterator[Verdict]:
    """Verdicts of the default rules on dimensions, over segments of twenty anchors each.

    Args:
        seed: of what is drawn.
        lost: the share of the first segment's questions that lose their answer; None: exactly ten of its twenty do.
        others: that of all other segments.
        deploys: how many, each over anchors of its own.
        a_document: questions of one document, which lose their answers together.
    """
    generator = np.random.default_rng(seed)
    rules = [of for of in default_rules(("source",), ("dense",), k=10, min_anchors=A_SEGMENT) if of.dimension != ALL]
    where = [f"s{at:02}" for at in range(SMALL) for _ in range(A_SEGMENT)]
    documents = np.arange(len(where)) // a_document
    share = np.where(np.arange(len(where)) < A_SEGMENT, 0.0 if lost is None else lost, others)
    against = GateEvidence(sized(baseline(where, documents.tolist()), {("all", "all"): 100 * len(where)}))
    for _ in range(deploys):
        gone = (generator.random(len(where))[documents] < share).astype(np.float64)
        if lost is None:
            gone[: A_SEGMENT // 2] = 1.0
        made = compared({KEPT: 1.0 - gone, Name("new_results", 10): gone, Name("new_first_ratio", 0): gone}, where)
        yield judge_deploy(rules, made, made.report(), against)


def failed_segments(verdict: Verdict) -> set[str]:
    """Segments, pooled ones left out, that a verdict says FAIL of."""
    return {of.segment for of in verdict.findings if of.verdict == "fail"} - {POOLED}


@dataclass(frozen=True)
class Twins:
    """One corpus, and what indexes of it serve that are built apart."""

    anchors: AnchorSet
    library: Library
    settings: EmbeddedSettings

    @classmethod
    def made(cls, seed: int, *, chunks: int = 1_500, anchors: int = 120, dimension: int = 32) -> "Twins":
        """Random vectors and a poor graph, so that two builds differ."""
        generator = np.random.default_rng(seed)
        library = Library(dimension, Distance.COSINE)
        vectors = generator.standard_normal((chunks, dimension), np.float32)
        library.upsert([(f"c{at}", row, ()) for at, row in enumerate(vectors.tolist())])
        poor = EmbeddedSettings(
            dimension, Distance.COSINE, exact=False, hnsw_m=4, ef_construct=8, hnsw_ef=10, full_scan_threshold=1,
            indexing_threshold=1,
        )  # fmt: skip
        queries = generator.standard_normal((anchors, dimension), np.float32)
        return cls(anchor_set(queries, Distance.COSINE), library, poor)

    def build(self) -> RankedLists:
        """What one more index serves."""
        found = EmbeddedIndex(self.settings).rebuilt(
            self.library.live, self.library.corpus.vectors, self.anchors, k=10, deadline=60.0
        )
        assert found is not None
        return found

    def rules(self) -> tuple[Rule, ...]:
        """The default policy on the dense leg."""
        return default_rules((), ("dense",), k=10, min_anchors=20)

    def taken(self, lists: RankedLists, noise: RankedLists | None) -> Snapshot:
        """A baseline of one build with another one as its twin."""
        names = {f"c{at}": f"content {at}" for at in range(len(self.library.live))}
        made = snapshot(self.anchors, {"dense": lists}, hashes=names)
        apart = {key: replace(member, doc_id=member.chunk_id) for key, member in made.members.items()}
        return replace(made, members=apart, noise=noise)

    def verdict(self, against: Snapshot, lists: RankedLists, rules: tuple[Rule, ...]) -> Verdict:
        """What the gate says of a deploy that changed nothing but the index."""
        names = {f"c{at}": f"content {at}" for at in range(len(self.library.live))}
        drift = Drift(self.anchors, FINGERPRINT, SegmentScope((), 9, 1), (10,), {})
        made = drift.compared(against, None, seen({"dense": lists}, hashes=names))
        return Evaluation(made, rules, evidence_of(against, made, rules)).judged()[1]


def swapped(before: RankedLists, after: RankedLists) -> float:
    """Mean results exchanged between two builds."""
    found = [len(set(a) - set(b)) for a, b in zip(before.keys.tolist(), after.keys.tolist(), strict=True)]
    return math.fsum(found) / len(found)
