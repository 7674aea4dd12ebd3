"""Ranking stability: how the ranked lists moved between the baseline and now."""

from monitor.core.catalogue.entry import Entry

_BETTER = "Fewer results changed than before."
_WORSE = "More of what anchors get is something else."

RANKING = (
    Entry("swaps", "swaps", "Results of the top k exchanged for others, per anchor", _WORSE),
    Entry("jaccard_ratio", "ratio", "Jaccard similarity of the baseline's and the current top k", _BETTER),
    Entry("rbo_ratio", "ratio", "Extrapolated rank-biased overlap (p = 0.9) with the baseline's list", _BETTER),
    Entry(
        "kendall_distance_ratio",
        "ratio",
        "Kendall distance of two top-k lists with penalty 1/2, normalised",
        "Results changed places or left.",
    ),
    Entry(
        "rank_churn_ratio",
        "ratio",
        "Footrule distance of two top-k lists, normalised; the sum of its moved, exited and entered parts",
        "Results changed places or left.",
    ),
    Entry("rank_churn_moved_ratio", "ratio", "Part of rank churn by results that changed places", "Order changed."),
    Entry("rank_churn_exited_ratio", "ratio", "Part of rank churn by results that left", "Results were lost."),
    Entry("rank_churn_entered_ratio", "ratio", "Part of rank churn by results that came", "New results push in."),
    Entry(
        "top1_changed_ratio",
        "ratio",
        "Share of anchors whose first result is another one",
        "More readers meet another first answer.",
    ),
    Entry(
        "top1_changed_decided_ratio",
        "ratio",
        "Share of changed first results among anchors whose baseline gap exceeds the noise gap",
        "First results change that were not coin flips.",
    ),
    Entry(
        "collapsed_swaps",
        "swaps",
        "Results exchanged for others that say something else; copies under another id count as the same",
        "Content changed, not only ids: what the default policy judges.",
    ),
    Entry("collapsed_jaccard_ratio", "ratio", "Jaccard similarity of the two top k by content", _BETTER),
    Entry(
        "collapsed_top1_changed_ratio",
        "ratio",
        "Share of anchors whose first result says something else",
        "More readers meet another first answer, not only another id.",
    ),
    Entry(
        "collapsed_document_swaps",
        "results",
        "Documents of the top k exchanged for others",
        "Answers come from other documents.",
    ),
    Entry("collapsed_document_jaccard_ratio", "ratio", "Jaccard similarity of the two top k by document", _BETTER),
    Entry("pinned_swaps", "swaps", "Results exchanged since the pinned baseline, beside a moving one", _WORSE),
    Entry("pinned_jaccard_ratio", "ratio", "Jaccard similarity with the pinned baseline", _BETTER),
)
