"""Prometheus families of an encoder migration; none where none is configured. Unknown is NaN, never 0."""

import math
from collections.abc import Iterator

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import gauge, info, plain
from monitor.core.migration.model import Phase
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict

RULE_VERDICTS = ("pass", "fail", "inconclusive", "unknown")


def migration_families(of: MigrationAssessment | None) -> Iterator[Metric]:
    """All series of a migration."""
    if of is None:
        return
    view = of.view
    yield info("migration", migration=view.migration_id, old=view.old.version, new=view.new.version)
    yield _one_of("migration_phase", [str(phase) for phase in Phase], str(view.phase))
    yield _one_of("migration_verdict", [str(verdict) for verdict in MigrationVerdict], str(of.verdict))
    rules = gauge("migration_rule_verdict")
    for found in of.findings:
        for name in RULE_VERDICTS:
            rules.add_metric((found.rule, name), float(name == found.verdict))
    yield rules
    yield from _coverage(of)
    yield from _pace(of)
    yield from _figures(of)
    if of.window_left is not None:
        yield plain("migration_window_left_seconds", of.window_left)


def _one_of(name: str, names: list[str], held: str) -> Metric:
    family = gauge(name)
    for label in names:
        family.add_metric((label,), float(label == held))
    return family


def _coverage(of: MigrationAssessment) -> Iterator[Metric]:
    coverage = of.view.coverage
    ratio = gauge("migration_coverage_ratio")
    ratio.add_metric(("all", "all"), coverage.ratio)
    for part in coverage.by_segment:
        if part.dimension != "all":
            ratio.add_metric((part.dimension, part.segment), part.covered / part.live if part.live else math.nan)
    yield ratio
    for name in ("missing", "stale", "resurrected", "foreign"):
        count = getattr(coverage, name)
        yield plain(f"migration_{name}_chunks", math.nan if count is None else count)


def _pace(of: MigrationAssessment) -> Iterator[Metric]:
    pace = of.view.pace
    lag = gauge("migration_lag_seconds")
    lag.add_metric(("p50",), pace.lag_p50)
    lag.add_metric(("p95",), pace.lag_p95)
    yield lag
    yield plain("migration_backfill_rate", pace.backfill_rate)
    yield plain("migration_eta_seconds", pace.eta_seconds)


def _figures(of: MigrationAssessment) -> Iterator[Metric]:
    quality, swaps = gauge("migration_quality_difference"), gauge("migration_shadow_swaps")
    for found in of.evidence.quality:
        place = (found.metric, found.dimension, found.segment)
        for stat, value in (("mean", found.difference), ("lower", found.lower), ("upper", found.upper)):
            quality.add_metric((*place, stat), value)
    for figures in of.view.shadow:
        swaps.add_metric((str(figures.k), figures.dimension, figures.segment), figures.swaps)
    recall, latency = gauge("migration_ann_recall_ratio"), gauge("migration_latency_seconds")
    for serving in of.view.serving:
        recall.add_metric((serving.version,), serving.ann_recall)
        for stat in ("p50", "p95", "p99"):
            latency.add_metric((serving.version, stat), getattr(serving, stat))
    yield from (quality, swaps, recall, latency)
