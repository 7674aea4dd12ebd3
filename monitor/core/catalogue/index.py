"""The index against the corpus: what is served against what the events say."""

from monitor.core.catalogue.entry import Entry

INDEX = (
    Entry(
        "ann_recall_ratio",
        "ratio",
        "Share of places whose served result scores at least the exact k-th score",
        "The index finds more of what is best.",
    ),
    Entry(
        "score_parity_ratio",
        "ratio",
        "Sum of the served scores over that of the exact ones (1: as good as exact)",
        "What is served comes closer to the best there is.",
    ),
    Entry(
        "unexplained_churn_ratio",
        "ratio",
        "Changed places that no event since the baseline explains, of all changed places",
        "The index, the encoder or a lost event moved results, not the corpus.",
    ),
    Entry(
        "ghost_ratio",
        "ratio",
        "Share of served results whose chunk is deleted or says something else by the events",
        "The index serves what should no longer be there.",
    ),
    Entry(
        "index_points_difference",
        "chunks",
        "Live chunks by the events minus points counted in the index",
        "The index lacks points, or has too many where it is negative.",
    ),
    Entry(
        "index_missing_ratio",
        "ratio",
        "Share of sampled live chunks that the index does not have",
        "Writes to the index are lost.",
    ),
)
