"""Encoder migration: metrics of a second version of the vectors, while one is configured."""

from monitor.core.measures.entry import Metric

MIGRATION = (
    Metric("migration", "1", "The migration that is configured", "", ("migration", "old", "new"), "info"),
    Metric(
        "migration_phase", "0 or 1", "Where the migration stands; 1 for the phase that holds",
        "The phase of this label now holds.", ("phase",),
    ),
    Metric(
        "migration_verdict", "0 or 1", "Verdict on the migration; 1 for the one that holds",
        "The verdict of this label now holds.", ("verdict",),
    ),
    Metric(
        "migration_rule_verdict", "0 or 1", "Verdict of each of the ten rules; 1 for the one that holds",
        "The verdict of this label now holds.", ("rule", "verdict"),
    ),
    Metric(
        "migration_coverage_ratio", "ratio", "Share of the live chunks whose content has a vector of the new version",
        "The backfill goes on.", ("dimension", "segment"),
    ),
    Metric(
        "migration_missing_chunks", "chunks", "Live chunks without a vector of the new version, settled",
        "Writes to the new version fail or have stopped.", (),
    ),
    Metric(
        "migration_stale_chunks", "chunks", "Vectors of the new version whose text has changed since",
        "The backfill writes over newer texts, or live writes are missing.", (),
    ),
    Metric(
        "migration_resurrected_chunks", "chunks", "Deleted chunks that are in the new version",
        "The backfill brought back what was deleted while it ran.", (),
    ),
    Metric(
        "migration_foreign_chunks", "chunks", "Points of the new version that no event ever made",
        "Somebody else writes to the new version.", (),
    ),
    Metric(
        "migration_lag_seconds", "seconds", "From a chunk's change to its vector in the new version, as a quantile",
        "Live writes of the new version are behind.", ("stat",),
    ),
    Metric(
        "migration_backfill_rate", "chunks per second", "Vectors of unchanged chunks arriving in the new version",
        "The backfill is faster.", (),
    ),
    Metric("migration_eta_seconds", "seconds", "What is missing over the backfill's rate", "The backfill slows down.",
    ()), Metric(
        "migration_quality_difference", "ratio",
        "New minus old quality per anchor, of the metric that decides: its mean and 95% bounds",
        "The new version answers better.", ("metric", "dimension", "segment", "stat"),
    ),
    Metric(
        "migration_shadow_swaps", "swaps", "Results of the old lists that the new ones lack; it decides nothing",
        "The two versions answer more differently.", ("k", "dimension", "segment"),
    ),
    Metric(
        "migration_ann_recall_ratio", "ratio", "Recall of each version's index against its exact lists",
        "The index finds more of what is there.", ("embedding_version",),
    ),
    Metric(
        "migration_latency_seconds", "seconds", "Latency of each version's queries in the last replay, as a quantile",
        "This version answers slower.", ("embedding_version", "stat"),
    ),
    Metric(
        "migration_window_left_seconds", "seconds", "Until the rollback window ends; absent before the cutover",
        "A cutover began the window.", (),
    ),
)  # fmt: skip
