"""Confidence without labels, and measurements with labels where judgements exist."""

from monitor.core.catalogue.entry import Entry

_APART = "Dense and lexical results move apart."

CONFIDENCE = (
    Entry("disagreement_ratio", "ratio", "1 minus rank-biased overlap of dense and lexical results", _APART),
    Entry("disagreement_jaccard_ratio", "ratio", "1 minus Jaccard similarity of dense and lexical results", _APART),
    Entry("disagreement_change", "ratio", "Change of the disagreement since the baseline, -1..1", _APART),
    Entry("disagreement_jaccard_change", "ratio", "The same of 1 - Jaccard, -1..1", _APART),
    Entry("dense_shift_ratio", "ratio", "How far the dense list moved, beside the lexical one", "Dense moved."),
    Entry("lexical_shift_ratio", "ratio", "How far the lexical list moved, beside the dense one", "Lexical moved."),
    Entry(
        "diversity_ratio",
        "ratio",
        "1 minus the mean pairwise cosine similarity of the top-k vectors",
        "Results differ more from each other.",
    ),
    Entry(
        "topk_duplicate_ratio",
        "ratio",
        "Share of top-k places held by a chunk with a copy in the same top k",
        "Copies take places from other results.",
    ),
    Entry(
        "source_coverage_ratio",
        "ratio",
        "Expected sources that are in the top k, of those expected",
        "More of the expected sources are found.",
    ),
    Entry(
        "distinct_sources", "sources", "Different sources that the top k comes from", "Answers rest on more sources."
    ),
    Entry(
        "source_mix_divergence",
        "bits",
        "Jensen-Shannon divergence of the sources in the top k from the baseline's, 0..1",
        "Results come from other sources than they did.",
    ),
    Entry(
        "rewrite_stability_ratio",
        "ratio",
        "Mean Jaccard similarity of an anchor's results and those of its rewrites",
        "Results depend less on the wording.",
    ),
    Entry(
        "hub_share_ratio",
        "ratio",
        "Largest share of anchors that one chunk is a result of",
        "One chunk captures many queries: a hub, or poisoning.",
    ),
    Entry(
        "changed_slot_ratio",
        "ratio",
        "Share of top-k places held by chunks changed since the baseline",
        "More of what is served is new or edited.",
    ),
)

LABELLED = (
    Entry("recall_ratio", "ratio", "Share of the relevant chunks that are in the top k", "More of them are found."),
    Entry(
        "ndcg_ratio", "ratio", "Normalised discounted cumulative gain of the top k", "Better results stand higher."
    ),
    Entry("mrr_ratio", "ratio", "Mean of 1 / rank of the first relevant result", "It stands higher."),
    Entry("judged_ratio", "ratio", "Share of results that have a judgement", "The labelled numbers rest on more."),
    Entry(
        "dead_qrel_ratio", "ratio", "Share of judged chunks that no longer exist", "The judgements are growing old."
    ),
)
