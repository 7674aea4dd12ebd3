"""What the lists hold: confidence without labels, measurements with labels, and what the index serves."""

from typing import TYPE_CHECKING

from monitor.core.measures.formulas import labelled, sources
from monitor.core.measures.formulas.diversity import diversity_ratio
from monitor.core.measures.formulas.rewrites import rewrite_stability_ratio
from monitor.core.measures.formulas.slots import topk_duplicate_ratio
from monitor.core.measures.measure import (
    CHANGE,
    COUNT,
    SHARE,
    AnyMeasure,
    Family,
    MatrixRow,
    Measure,
    MissingReason,
    Range,
    Values,
)
from monitor.core.measures.needs import (
    CHUNKS,
    EXPECTED,
    INDEX,
    JUDGED_CHUNKS,
    JUDGEMENTS,
    LEGS,
    REWRITES,
    STATED,
)

if TYPE_CHECKING:  # see `needs`
    from monitor.core.measures.views import LegsView


def _apart(legs: "LegsView", k: int) -> Values:
    return legs.moved(k)


NO_VECTORS, NO_EVENTS = "vectors_not_kept", "events_not_kept"
_APART = "Dense and lexical results move apart."
_NO_LABELS: Family = "Confidence without labels"

DISAGREEMENT: tuple[AnyMeasure, ...] = (
    Measure(
        "disagreement_ratio", "ratio", "1 minus rank-biased overlap of dense and lexical results", _APART,
        family=_NO_LABELS, needs=LEGS, range=SHARE, compute=MatrixRow(_apart, 0),
    ),
    Measure(
        "disagreement_jaccard_ratio", "ratio", "1 minus Jaccard similarity of dense and lexical results", _APART,
        family=_NO_LABELS, needs=LEGS, range=SHARE, compute=MatrixRow(_apart, 1),
    ),
    Measure(
        "disagreement_change", "ratio", "Change of the disagreement since the baseline, -1..1", _APART,
        family=_NO_LABELS, needs=LEGS, range=CHANGE, compute=MatrixRow(_apart, 2),
    ),
    Measure(
        "disagreement_jaccard_change", "ratio", "The same of 1 - Jaccard, -1..1", _APART,
        family=_NO_LABELS, needs=LEGS, range=CHANGE, compute=MatrixRow(_apart, 3),
    ),
    Measure(
        "dense_shift_ratio", "ratio", "How far the dense list moved, beside the lexical one", "Dense moved.",
        family=_NO_LABELS, needs=LEGS, range=SHARE, compute=MatrixRow(_apart, 4),
    ),
    Measure(
        "lexical_shift_ratio", "ratio", "How far the lexical list moved, beside the dense one", "Lexical moved.",
        family=_NO_LABELS, needs=LEGS, range=SHARE, compute=MatrixRow(_apart, 5),
    ),
)  # fmt: skip

SERVED: tuple[AnyMeasure, ...] = (
    Measure(
        "ann_recall_ratio", "ratio", "Share of places whose served result scores at least the exact k-th score",
        "The index finds more of what is best.",
        family="Index against corpus", needs=INDEX, range=SHARE, better="higher",
        compute=lambda index, k: index.recall(k),
    ),
    Measure(
        "score_parity_ratio", "ratio", "Sum of the served scores over that of the exact ones (1: as good as exact)",
        "What is served comes closer to the best there is.",
        family="Index against corpus", needs=INDEX, better="higher",
        compute=lambda index, k: index.parity(k),
    ),
)  # fmt: skip

HELD: tuple[AnyMeasure, ...] = (
    Measure(
        "diversity_ratio", "ratio", "1 minus the mean pairwise cosine similarity of the top-k vectors",
        "Results differ more from each other.",
        family=_NO_LABELS, needs=CHUNKS, range=Range(0.0, 2.0),
        compute=lambda held, k: MissingReason(NO_VECTORS) if held.vectors is None
        else diversity_ratio(held.vectors, held.chunks.slot[:, :k]),
    ),
    Measure(
        "topk_duplicate_ratio", "ratio", "Share of top-k places held by a chunk with a copy in the same top k",
        "Copies take places from other results.",
        family=_NO_LABELS, needs=CHUNKS, range=SHARE, better="lower",
        compute=lambda held, k: topk_duplicate_ratio(held.copies(k), k),
    ),
    Measure(
        "distinct_sources", "sources", "Different sources that the top k comes from",
        "Answers rest on more sources.",
        family=_NO_LABELS, needs=CHUNKS, range=COUNT,
        compute=lambda held, k: held.distinct_sources(held.chunks.source, k),
        then=lambda held, k: held.distinct_sources(held.sources_then, k),
    ),
    Measure(
        "changed_slot_ratio", "ratio", "Share of top-k places held by chunks changed since the baseline",
        "More of what is served is new or edited.",
        family=_NO_LABELS, needs=CHUNKS, range=SHARE,
        compute=lambda held, k: held.share(held.chunks.changed, k) if held.events else MissingReason(NO_EVENTS),
    ),
)  # fmt: skip

COVERAGE: tuple[AnyMeasure, ...] = (
    Measure(
        "source_coverage_ratio", "ratio", "Expected sources that are in the top k, of those expected",
        "More of the expected sources are found.",
        family=_NO_LABELS, needs=EXPECTED, range=SHARE, better="higher",
        compute=lambda held, k: sources.source_coverage_ratio(held.expected, held.chunks.source, k),
        then=lambda held, k: sources.source_coverage_ratio(held.expected, held.sources_then, k),
    ),
)  # fmt: skip

LABELLED: tuple[AnyMeasure, ...] = (
    Measure(
        "recall_ratio", "ratio", "Share of the relevant chunks that are in the top k", "More of them are found.",
        family="With labels", needs=JUDGEMENTS, range=SHARE, better="higher",
        compute=lambda held, k: labelled.recall(held.lists, held.judged.now, k, held.chunks.content),
        then=lambda held, k: labelled.recall(held.then, held.judged.then, k, held.says_then),
    ),
    Measure(
        "ndcg_ratio", "ratio", "Normalised discounted cumulative gain of the top k", "Better results stand higher.",
        family="With labels", needs=JUDGEMENTS, range=SHARE, better="higher",
        compute=lambda held, k: labelled.ndcg(held.lists, held.judged.now, k, held.chunks.content),
        then=lambda held, k: labelled.ndcg(held.then, held.judged.then, k, held.says_then),
    ),
    Measure(
        "mrr_ratio", "ratio", "Mean of 1 / rank of the first relevant result", "It stands higher.",
        family="With labels", needs=JUDGEMENTS, range=SHARE, better="higher",
        compute=lambda held, k: labelled.reciprocal_rank(held.lists, held.judged.now, k, held.chunks.content),
        then=lambda held, k: labelled.reciprocal_rank(held.then, held.judged.then, k, held.says_then),
    ),
    Measure(
        "carried_recall_ratio", "ratio", "The part of recall_ratio that is carried over: found by what was judged",
        "More of the recall rests on chunks that were renamed or cut anew, and whose text is the same.",
        family="With labels", needs=JUDGEMENTS, range=SHARE,
        compute=lambda held, k: labelled.carried_recall(held.lists, held.judged.now, k, held.chunks.content),
        then=lambda held, k: labelled.carried_recall(held.then, held.judged.then, k, held.says_then),
    ),
    Measure(
        "judged_ratio", "ratio", "Share of results that have a judgement", "The labelled numbers rest on more.",
        family="With labels", needs=JUDGEMENTS, range=SHARE,
        compute=lambda held, k: labelled.judged_ratio(held.lists, held.judged.now, k, held.chunks.content),
        then=lambda held, k: labelled.judged_ratio(held.then, held.judged.then, k, held.says_then),
    ),
)  # fmt: skip

GHOSTS: tuple[AnyMeasure, ...] = (
    Measure(
        "ghost_ratio", "ratio",
        "Share of served results whose chunk is deleted or says something else by the events",
        "The index serves what should no longer be there.",
        family="Index against corpus", needs=STATED, range=SHARE, better="lower",
        compute=lambda held, k: held.share(held.chunks.ghost, k),
    ),
)  # fmt: skip

DEAD: tuple[AnyMeasure, ...] = (
    Measure(
        "dead_qrel_ratio", "ratio", "Share of judged chunks that no longer exist",
        "The judgements are growing old.",
        family="With labels", needs=JUDGED_CHUNKS, range=SHARE, better="lower", deep=False,
        compute=lambda chunks, _: labelled.dead_qrel_ratio(chunks.judged, chunks.live),
    ),
)  # fmt: skip

STABILITY: tuple[AnyMeasure, ...] = (
    Measure(
        "rewrite_stability_ratio", "ratio",
        "Mean Jaccard similarity of an anchor's results and those of its rewrites",
        "Results depend less on the wording.",
        family=_NO_LABELS, needs=REWRITES, range=SHARE, better="higher",
        compute=lambda asked, k: rewrite_stability_ratio(asked.own, asked.others, asked.owners, k),
    ),
)  # fmt: skip

SEGMENTWISE: tuple[AnyMeasure, ...] = (
    Measure(
        "hub_share_ratio", "ratio", "Largest share of anchors that one chunk is a result of",
        "One chunk captures many queries: a hub, or poisoning.",
        family=_NO_LABELS, range=SHARE, better="lower",
        by_segment=lambda lists, k: lists.hubs(k),
    ),
    Measure(
        "source_mix_divergence", "bits",
        "Jensen-Shannon divergence of the sources in the top k from the baseline's, 0..1",
        "Results come from other sources than they did.",
        family=_NO_LABELS, better="lower",
        by_segment=lambda lists, k: lists.source_mix(k),
    ),
)  # fmt: skip
"""Of a segment as a whole."""

EXPLAINED: tuple[AnyMeasure, ...] = (
    Measure(
        "unexplained_churn_ratio", "ratio",
        "Changed places that no event since the baseline explains, of all changed places",
        "The index, the encoder or a lost event moved results, not the corpus.",
        family="Index against corpus", range=SHARE, better="lower",
    ),
)  # fmt: skip
"""Measured by the attribution, see `core.attribution.culprits`."""

IN_THE_GATE: tuple[AnyMeasure, ...] = (
    Measure(
        "elsewhere_ratio", "ratio", "Share of anchors that chunks outside of the expected segment moved",
        "A deploy changed more than it said it would.",
        range=SHARE, better="lower",
    ),
)  # fmt: skip
"""Judged where a deploy says what it will change; not exported."""
