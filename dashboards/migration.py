"""Encoder migration: where it stands, what is missing, is the new version as good and as fast."""

from dashboards.board import Board
from dashboards.specs import Graph, Heading, Number, Query, Ranking, about, metric

_RULES = metric("migration_rule_verdict", 'verdict!="pass"')


def _count(title: str, name: str) -> Number:
    """A count that must be 0 before a cutover."""
    return Number(title, about(name), "short", (Query(metric(name), "{{instance}}"),), bad_above=1)


MIGRATION = Board(
    "corpus-drift-migration",
    "Corpus drift / Encoder migration",
    "Two versions of the vectors side by side: coverage, faults, pace, quality and the gate's ten rules.",
    (
        Number(
            "Migration",
            "The migration that is configured, and its verdict. The monitor's page says why and what to do next.",
            "none",
            (Query(f"{metric('migration_verdict')} == 1", "{{verdict}}"),),
            width=6,
        ),
        Number("Phase", about("migration_phase"), "none", (Query(f"{metric('migration_phase')} == 1", "{{phase}}"),)),
        Number(
            "Covered",
            about("migration_coverage_ratio"),
            "percentunit",
            (Query(metric("migration_coverage_ratio", dimension="all"), "{{instance}}"),),
        ),
        Number(
            "Done in", about("migration_eta_seconds"), "s", (Query(metric("migration_eta_seconds"), "{{instance}}"),)
        ),
        Number(
            "Rollback window left",
            about("migration_window_left_seconds"),
            "s",
            (Query(metric("migration_window_left_seconds"), "{{instance}}"),),
            width=6,
        ),
        Heading("What is missing"),
        _count("Missing", "migration_missing_chunks"),
        _count("Stale", "migration_stale_chunks"),
        _count("Resurrected", "migration_resurrected_chunks"),
        _count("Foreign", "migration_foreign_chunks"),
        Graph(
            "Faults of the new version",
            "All four must be 0 before a cutover.",
            "short",
            tuple(
                Query(metric(f"migration_{name}_chunks"), name)
                for name in ("missing", "stale", "resurrected", "foreign")
            ),
        ),
        Graph(
            "Coverage by segment",
            about("migration_coverage_ratio"),
            "percentunit",
            (Query(f"bottomk(10, {metric('migration_coverage_ratio')})", "{{dimension}}={{segment}}"),),
        ),
        Heading("How fast"),
        Graph(
            "Backfill",
            about("migration_backfill_rate"),
            "short",
            (Query(metric("migration_backfill_rate"), "{{instance}}"),),
        ),
        Graph(
            "Lag of live writes",
            about("migration_lag_seconds"),
            "s",
            (Query(metric("migration_lag_seconds"), "{{stat}}"),),
        ),
        Heading("Is it better"),
        Graph(
            "Quality, new minus old",
            about("migration_quality_difference", "Ready needs the lower bound above the margin."),
            "none",
            (Query(metric("migration_quality_difference", dimension="all"), "{{metric}} {{stat}}"),),
        ),
        Graph(
            "Results that change",
            about("migration_shadow_swaps"),
            "none",
            (Query(metric("migration_shadow_swaps", dimension="all"), "of {{k}}"),),
        ),
        Ranking(
            "Rules that did not pass",
            "Rules of the migration's gate that fail or cannot be judged; R9 and R10 never decide.",
            "none",
            (Query(f"max by (job, instance, rule, verdict) ({_RULES} == 1)", ""),),
        ),
        Ranking(
            "Segments by quality difference, worst first",
            about("migration_quality_difference"),
            "none",
            (Query(f"bottomk(20, {metric('migration_quality_difference', stat='mean')})", ""),),
        ),
        Heading("Both versions"),
        Graph(
            "Recall against the exact lists",
            about("migration_ann_recall_ratio"),
            "percentunit",
            (Query(metric("migration_ann_recall_ratio"), "{{embedding_version}}"),),
        ),
        Graph(
            "Latency of a query",
            about("migration_latency_seconds"),
            "s",
            (Query(metric("migration_latency_seconds", stat="p95"), "{{embedding_version}} p95"),),
        ),
    ),
)
