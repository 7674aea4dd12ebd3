"""Culprits: the whole of what one evaluation finds out about who moved the lists."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import Attribution, DeployTimeline, attribute, blamed
from monitor.core.attribution.attribution import Weigh
from monitor.core.attribution.cause import CauseSize, holding, sizes
from monitor.core.attribution.index_evidence import (
    ServedFaults,
    recall_evidence,
    served_evidence,
    served_faults,
    served_fixes,
)
from monitor.core.attribution.known import CorpusView
from monitor.core.attribution.statistics import NOBODY_WEIGHED, AumannShapleyAttributor, StatisticsShares
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.summary import NO_ANCHORS, SETTLING
from monitor.core.measures.formulas.columns import FUSED_QUERY, NOT_REPLAYED
from monitor.core.measures.formulas.steady import settle_calls
from monitor.core.model.fixes import NOTHING, FixList
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import CauseClass, CauseEvidence, CauseName, Measurement, Share

BLAMED_LEGS: tuple[Literal["dense", "lexical", "production"], ...] = ("dense", "lexical", "production")


@dataclass(frozen=True, slots=True)
class AttributionContext:
    """What blame is told besides lists: the depth, ties of dense scores, anchors that say nothing, versions.

    Args:
        k: depth of the lists that are compared.
        eps: dense scores this close tie.
        versions: embedding versions of the anchors.
        settling: anchors (rows) whose chunks production may still be writing.
        deploy_id: the deploy that is judged, "" between deploys.
        dimensions: the configured ones, to tell segments by.
        fused: whether the dense lists are those of a fused query: a change of one chunk can then swap two others, so
            that a slot which no event explains says nothing of the index.
    """

    k: int
    eps: float
    versions: frozenset[str]
    settling: frozenset[int]
    deploy_id: str
    dimensions: tuple[str, ...] = ()
    fused: bool = False


@dataclass(frozen=True, eq=False)
class DriftAttribution:
    """The attributions of the legs, and what the served lists say of index and encoder.

    `unknown` are the anchors (rows) whose dense list, then or now, could not be had: nothing is said of them.
    `fix_list` is what to do to the served index.
    """

    attributions: tuple[Attribution, ...]
    evidence: tuple[CauseEvidence, ...]
    deploys: DeployTimeline
    since: Mapping[str, int]
    circumstances: AttributionContext
    unknown: frozenset[int]
    fix_list: FixList = NOTHING

    def shares(self) -> tuple[Share, ...]:
        """Shares of the legs by source, path, document, segment and deploy."""
        return self._shares

    @cached_property
    def _shares(self) -> tuple[Share, ...]:
        """Counted once: between two times that blame is worked out all reports show the same."""
        dimensions = self.circumstances.dimensions
        of = (blamed(one, self.deploys, since=self.since, dimensions=dimensions) for one in self.attributions)
        return tuple(share for shares in of for share in shares)

    def causes(self, evidence: Sequence[CauseEvidence]) -> tuple[CauseClass, ...]:
        """The classes of causes that hold, with this evidence before what was found here."""
        return holding(self._sizes, (*evidence, *self.evidence))

    @cached_property
    def _sizes(self) -> dict[CauseName, CauseSize]:
        """Counted once, as shares are."""
        around = self.circumstances
        return sizes(self.attributions, around.versions, around.settling, fused=around.fused)

    def measurements(self, alignment: Alignment) -> tuple[Measurement, ...]:
        """`unexplained_churn_ratio` of the dense leg; counted once for each alignment."""
        kept = self._unexplained.get(alignment)
        if kept is None:
            found = [one for one in self.attributions if one.leg == "dense"]
            made = (m for one in found for m in unexplained(one, alignment, self.circumstances, self.unknown))
            kept = self._unexplained[alignment] = tuple(made)
        return kept

    @cached_property
    def _unexplained(self) -> dict[Alignment, tuple[Measurement, ...]]:
        """By alignment, of which only the very same is equal."""
        return {}


def find(
    baseline: Snapshot,
    alignment: Alignment,
    lists: Mapping[ListLeg, RankedLists],
    known: CorpusView,
    circumstances: AttributionContext,
    again: RankedLists | None = None,
) -> DriftAttribution:
    """Blame both legs, and production.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        lists: the lists now.
        known: the corpus.
        circumstances: the rest.
        again: what production served when it was asked a second time: what the two calls differ by is no churn.
    """
    deploys = DeployTimeline(known.ledger, circumstances.deploy_id, baseline.positions)
    changes, weigher = known.changes(baseline), known.weigher(baseline, deploys.current)
    made, unknown = [], frozenset[int]()
    for leg in BLAMED_LEGS:
        if leg in lists and leg in baseline.lists:
            then = baseline.lists[leg].take(alignment.then).at(circumstances.k)
            now = lists[leg].take(alignment.now).at(circumstances.k)
            dense = leg == "dense"
            if dense:
                unknown = frozenset(alignment.now[~(then.known & now.known)].tolist())
            if leg == "production":
                then, now = _steady(baseline, alignment, (then, now), again)
            weigh, ties = (_lazy(weigher), None) if leg == "lexical" else (None, circumstances.eps if dense else None)
            parts = known.changed_parts(baseline)
            made.append(attribute(leg, (then, now), alignment.now, changes, weigh, ties=ties, parts=parts))
    faults = served_faults(lists, known, circumstances.versions, circumstances.settling)
    return DriftAttribution(
        tuple(made),
        tuple(_evidence(baseline, alignment, lists, faults, circumstances)),
        deploys,
        dict(baseline.positions),
        circumstances,
        unknown,
        FixList.cut(served_fixes(faults, known)),
    )


def _steady(
    baseline: Snapshot, alignment: Alignment, lists: tuple[RankedLists, RankedLists], again: RankedLists | None
) -> tuple[RankedLists, RankedLists]:
    """Production's lists without what two calls at one position differ by."""
    (then, now), k = lists, lists[0].depth
    before = None if baseline.again is None else baseline.again.take(alignment.then).at(k)
    after = None if again is None else again.take(alignment.now).at(k)
    return then, settle_calls((then, before), (now, after))


def _evidence(
    baseline: Snapshot,
    alignment: Alignment,
    lists: Mapping[ListLeg, RankedLists],
    faults: ServedFaults,
    circumstances: AttributionContext,
) -> Iterator[CauseEvidence]:
    yield from served_evidence(faults)
    if circumstances.fused:
        return
    yield from recall_evidence(
        baseline,
        lists,
        alignment.only(np.flatnonzero(_calm(alignment, circumstances))),
        k=circumstances.k,
        eps=circumstances.eps,
    )


def _lazy(
    weigher: Callable[[], AumannShapleyAttributor | None],
) -> Weigh:
    def weigh(
        row: int, keys: NDArray[np.int64], others: NDArray[np.int64], entered: bool
    ) -> Sequence[StatisticsShares]:
        made = weigher()
        return [NOBODY_WEIGHED for _ in keys] if made is None else made(row, keys, others, entered)

    return weigh


def unexplained(
    one: Attribution, alignment: Alignment, circumstances: AttributionContext, unknown: frozenset[int] = frozenset()
) -> list[Measurement]:
    """The share of changed slots that no event since the baseline explains, per dimension and segment.

    unexplained_churn_ratio = sum_a w_a unexplained_a / sum_a w_a changed_a over entered and exited slots, in 0..1.
    No changed slot: 0, nothing is unexplained. Settling anchors and those of which a list is not known are left out;
    `n` is the number of anchors left, and without any the value is NaN.

    Args:
        one: the dense attribution.
        alignment: weights and segments.
        circumstances: depth and settling anchors.
        unknown: anchors (rows) whose list, then or now, could not be had.
    """
    width = int(max(alignment.now.max(initial=0), one.row.max(initial=0))) + 1
    had = ~np.isin(alignment.now, np.fromiter(unknown, np.int64, len(unknown)))
    calm = _calm(alignment, circumstances) & had
    changed = np.bincount(one.row, weights=one.part, minlength=width)[alignment.now]
    open_parts = np.where(one.cause < 0, one.part, 0.0)
    left = np.bincount(one.row, weights=open_parts, minlength=width)[alignment.now]
    weights = np.where(calm, alignment.weights, 0.0)
    made = []
    for grouping in alignment.groupings:
        for at, segment in enumerate(grouping.segments):
            mine = grouping.codes == at
            total, mass = float((weights * changed)[mine].sum()), float(alignment.weights[mine].sum())
            value = float((weights * left)[mine].sum()) / total if total else 0.0
            missing = NOT_REPLAYED if np.any(mine & ~had) else SETTLING
            counts = int((calm & mine).sum()), int(mine.sum())
            if circumstances.fused:
                value, missing, counts = float("nan"), FUSED_QUERY, (0, counts[1])
            covered = float(weights[mine].sum()) / mass if mass else 0.0
            made.append(_measured((grouping.dimension, segment), circumstances.k, value, counts, (covered, missing)))
    return made


def _calm(alignment: Alignment, circumstances: AttributionContext) -> NDArray[np.bool_]:
    settling = circumstances.settling
    calm: NDArray[np.bool_] = ~np.isin(alignment.now, np.fromiter(settling, np.int64, len(settling)))
    return calm


def _measured(
    where: tuple[str, str], k: int, value: float, counts: tuple[int, int], rests_on: tuple[float, str]
) -> Measurement:
    (n, expected), (covered, missing) = counts, rests_on
    reason = NO_ANCHORS if not expected else missing if n < expected else ""
    return Measurement(
        "unexplained_churn_ratio", "dense", k, *where, "mean",
        value if n else float("nan"), n, expected, reason=reason, covered=covered,
    )  # fmt: skip
