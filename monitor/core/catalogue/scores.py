"""Scores within one leg; cosine and BM25 are never pooled."""

from monitor.core.catalogue.entry import Entry

SCORES = (
    Entry(
        "top1_score_drop",
        "score",
        "Baseline's first score minus the current one; positive is worse",
        "First results fit worse than they did.",
    ),
    Entry(
        "score_wasserstein",
        "score",
        "First Wasserstein distance of the baseline's and the current top-k scores, per anchor or `pooled`",
        "The scores moved, up or down.",
    ),
    Entry("top1_score", "score", "First score now", "Anchors find something that fits better."),
    Entry("gap", "score", "First minus second score now", "First results stand out more."),
    Entry("gap_drop", "score", "Fall of the gap against the baseline", "First results stand out less."),
    Entry(
        "confidence_crossing_ratio",
        "ratio",
        "Share of anchors that crossed production's threshold on score or gap since the baseline",
        "Thresholds chosen for the baseline may be wrong now.",
    ),
)
