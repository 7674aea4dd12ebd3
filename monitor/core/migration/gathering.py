"""From a view and what people left behind to the evidence a migration is judged by. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.judging.clusters import joined
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.measures.formulas.overlap import first_ranks, overlap
from monitor.core.measures.formulas.ranking import rbo_ext
from monitor.core.migration import clicks
from monitor.core.migration.blind_audit import BlindAudit
from monitor.core.migration.cheap_judging import JudgedSign, SlotToJudge, judged_sign, slots_to_judge
from monitor.core.migration.clicks import Impression
from monitor.core.migration.evidence import ClickFigures, MigrationEvidence, NearestVersion, ProxyFigures
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import MigrationView, Phase
from monitor.core.migration.quality import (
    METRICS,
    KnownItems,
    PairedColumn,
    QualityDifference,
    QualityLabels,
    QualityMetric,
    compared_quality,
    measurable,
    quality,
)
from monitor.core.migration.side_effects import (
    ListedTraits,
    answer_shape,
    source_mix_divergence,
    suggested_threshold,
)
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.lists import RankedLists

TO_JUDGE = 1_000
"""Results that are handed out for people to judge."""


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceSources:
    """What a view does not hold.

    Args:
        depth: k that quality and side effects are measured at.
        segments: dimension -> segment of each anchor.
        traits: of every listed chunk, by key.
        contents: content hash by key, of every listed chunk and of every known item.
        log: what users saw and clicked.
        thresholds: name -> threshold on the first dense score.
        lexical: the lexical leg's lists of the same anchors; None without one.
        production: what production's own retriever serves; None where it is not asked.
        diversity: mean diversity of a top-k, of the old version and of the new one, each in its own space.
        audit: stored vectors against their texts; None: not made.
        auditable: whether something can encode texts anew.
    """

    depth: int
    segments: Mapping[str, Sequence[str]]
    traits: Mapping[int, ListedTraits] = field(default_factory=dict)
    contents: Mapping[int, str] = field(default_factory=dict)
    log: Sequence[Impression] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    lexical: RankedLists | None = None
    production: RankedLists | None = None
    diversity: tuple[float, float] = (math.nan, math.nan)
    audit: BlindAudit | None = None
    auditable: bool = False


def gather(view: MigrationView, sources: EvidenceSources, limits: GateLimits) -> MigrationEvidence:
    """All evidence that there is.

    The metric that decides is nDCG where enough anchors have judgements, else hit@k of known items. A click log
    counts as known items only where the new version's slots were shown often enough (`limits.unsupported`).
    """
    pair = compared_lists(view)
    if pair is None:
        return MigrationEvidence(
            audit=sources.audit, auditable=sources.auditable, remarks=("no lists of both versions yet",)
        )
    old, new = pair
    told = _clicks(view, sources, new)
    supported = told is not None and told.unsupported <= limits.unsupported
    remarks = []
    if told is not None and not supported:
        remarks.append(
            f"clicks are left out: {told.unsupported:.0%} of the new version's results were never shown, "
            f"expected at most {limits.unsupported:.0%}"
        )
    labels = quality_labels(view, sources, sources.log if supported else ())
    decides, others = _quality(view, pair, labels, (sources, limits))
    slots, sign = _judging(view, pair, sources.depth)
    facts = (sources.traits, sources.depth)
    live, now = view.coverage.live, view.now
    return MigrationEvidence(
        quality=decides,
        other_quality=others,
        audit=sources.audit,
        auditable=sources.auditable,
        clicks=told,
        production=_nearest(old, new, sources),
        shapes=(
            answer_shape(old, *facts, live=live, now=now, diversity=sources.diversity[0]),
            answer_shape(new, *facts, live=live, now=now, diversity=sources.diversity[1]),
        ),
        source_mix_divergence=source_mix_divergence(old, new, *facts),
        thresholds={
            name: suggested_threshold(_first(old), _first(new), at) for name, at in sources.thresholds.items()
        },
        proxies=_proxies(old, new, sources),
        to_judge=slots[:TO_JUDGE],
        sign=sign,
        remarks=tuple(remarks),
    )


def _judging(
    view: MigrationView, pair: tuple[RankedLists, RankedLists], depth: int
) -> tuple[list[SlotToJudge], JudgedSign]:
    """What is still to be judged by people, and whether what they judged decides the sign already."""
    anchors = view.anchors.anchors
    grades = {
        (row, chunk_key(chunk)): grade
        for row, anchor in enumerate(anchors)
        for chunk, grade in anchor.relevant.items()
    }
    slots = slots_to_judge(*pair, view.anchors.weights.tolist(), depth)
    greatest = max((1.0, *grades.values()))
    sign = judged_sign(slots, grades, float(view.anchors.weights.sum()) or 1.0, greatest)
    return [slot for slot in slots if (slot.row, slot.key) not in grades], sign


def compared_lists(view: MigrationView) -> tuple[RankedLists, RankedLists] | None:
    """Both versions' lists, as served where both were asked, else exact ones; None where either is missing."""
    found = [view.lists.get(contract.version) for contract in (view.old, view.new)]
    old, new = found
    if old is None or new is None:
        return None
    if old.served.known.any() and new.served.known.any():
        return old.served, new.served
    return (old.exact, new.exact) if old.exact.known.any() and new.exact.known.any() else None


def quality_labels(view: MigrationView, sources: EvidenceSources, log: Sequence[Impression]) -> QualityLabels:
    """Judgements and known items of the anchors: the chunks that were clicked, and the sources that are expected."""
    anchors = view.anchors.anchors
    clicked = clicks.clicked_items(log)
    known = KnownItems.of(
        [clicked.get(anchor.id, ()) for anchor in anchors],
        [frozenset(anchor.expected_sources) for anchor in anchors],
        [text_hash(anchor.text) for anchor in anchors],
        sources.contents,
    )
    listed = {key: of.source for key, of in sources.traits.items()}
    return QualityLabels(Judgements.of([anchor.relevant for anchor in anchors]), known, listed)


def _quality(
    view: MigrationView,
    pair: tuple[RankedLists, RankedLists],
    labels: QualityLabels,
    judged_by: tuple[EvidenceSources, GateLimits],
) -> tuple[tuple[QualityDifference, ...], tuple[QualityDifference, ...]]:
    """The metric that decides, overall and by segment; and the others, overall."""
    sources, limits = judged_by
    members = _members(view, pair[0])
    found = {
        metric: _column(metric, pair, labels, (sources.depth, view.anchors.weights, members)) for metric in METRICS
    }
    first: QualityMetric = "ndcg" if found["ndcg"].labelled.sum() >= limits.min_anchors else "hit"
    margins = {"margin": limits.quality_loss, "segment_margin": limits.segment_quality_loss}
    decides = compared_quality(found[first], sources.segments, least=limits.min_anchors, **margins)
    others = [
        compared_quality(column, {}, least=limits.min_anchors, **margins)[0]
        for metric, column in found.items()
        if metric != first and column.labelled.any()
    ]
    return (tuple(decides) if found[first].labelled.any() else ()), tuple(others)


def _column(
    metric: QualityMetric,
    pair: tuple[RankedLists, RankedLists],
    labels: QualityLabels,
    anchors: tuple[int, NDArray[np.float64], NDArray[np.int64]],
) -> PairedColumn:
    depth, weights, members = anchors
    old, new = (quality(metric, lists, labels, depth) for lists in pair)
    return PairedColumn(metric, depth, old, new, measurable(metric, labels), weights, members)


def _members(view: MigrationView, old: RankedLists) -> NDArray[np.int64]:
    """Anchors that ask the same, or whose first answer is of one document, stand or fall together."""
    marks = []
    for row, anchor in enumerate(view.anchors.anchors):
        own: list[tuple[str, object]] = [("question", anchor.text)]
        if old.known[row] and old.lengths[row]:
            first = int(old.keys[row, 0])
            own.append(("document", view.documents.get(first, first)))
        marks.append(own)
    return joined(marks)


def _clicks(view: MigrationView, sources: EvidenceSources, new: RankedLists) -> ClickFigures | None:
    log = sources.log
    if not log:
        return None
    ids = [anchor.id for anchor in view.anchors.anchors]
    cut = next((change.event_time for change in view.changes if change.phase is Phase.CUT_OVER), None)
    since = [of for of in log if cut is not None and of.event_time >= cut]
    asked = since if view.phase is Phase.CUT_OVER else [of for of in log if cut is None or of.event_time < cut]
    return ClickFigures(
        len(log),
        clicks.unsupported_share(log, ids, new, sources.depth),
        clicks.interleaving_credit(log),
        Counter(of.version for of in asked if not of.teams),
        clicks.shown_overlap(since, ids, new, sources.depth),
    )


def _nearest(old: RankedLists, new: RankedLists, sources: EvidenceSources) -> NearestVersion | None:
    served = sources.production
    if served is None:
        return None
    there = served.known & (served.lengths > 0) & old.known & new.known
    if not there.any():
        return None
    depth = min(sources.depth, served.depth, old.depth, new.depth)
    cut = served.take(np.flatnonzero(there)).at(depth)
    shares = [
        np.count_nonzero(first_ranks(cut.keys, lists.keys[there][:, :depth]), axis=0) / cut.lengths
        for lists in (old, new)
    ]
    return NearestVersion(float(shares[0].mean()), float(shares[1].mean()), int(there.sum()))


def _proxies(old: RankedLists, new: RankedLists, sources: EvidenceSources) -> list[ProxyFigures]:
    if sources.lexical is None:
        return []
    agreed = [rbo_ext(overlap(sources.lexical, lists), min(lists.depth, sources.depth)) for lists in (old, new)]
    both = ~np.isnan(agreed[0]) & ~np.isnan(agreed[1])
    if not both.any():
        return []
    return [ProxyFigures("agreement with the lexical leg", *(float(column[both].mean()) for column in agreed))]


def _first(lists: RankedLists) -> NDArray[np.float64]:
    """(A,) score of the first result, NaN where there is none."""
    if not lists.depth:
        return np.full(len(lists), np.nan)
    return np.where(lists.known & (lists.lengths > 0), lists.scores[:, 0], np.nan)
