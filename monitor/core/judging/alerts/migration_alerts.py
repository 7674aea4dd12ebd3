"""Alerts on an encoder migration; without one they have no series and never fire."""

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, duration, number, series

MIGRATION_BOARD = "/d/corpus-drift-migration"
STALLED = 1_800.0
"""Seconds in which a backfill that is not done has to get somewhere: batch jobs pause between files, not for
longer."""
_NOW = "/?migration=now"
"""The page says which migration is configured, whatever is asked for."""


def migration_group(scope: AlertScope) -> AlertGroup:
    """What somebody has to do something about while two versions are kept."""
    return AlertGroup(f"corpus-drift-{scope.corpus}-migration", (_stalled(scope), *_wrong(scope), _back(scope)))


def _stalled(scope: AlertScope) -> Alert:
    missing = series("migration_missing_chunks", scope.selector)
    backfilling = f"{series('migration_phase', scope.selector, phase='backfilling')} == 1"
    window = duration(STALLED)
    return Alert(
        "CorpusDriftMigrationStalled",
        f"({missing} > 0 and {missing} >= {missing} offset {window}) and on (job, instance) {backfilling}",
        60.0,
        "warning",
        "The backfill of an encoder migration does not get on",
        f"{{{{ $value }}}} chunks have no vector of the new version, no fewer than {window} ago.",
        MIGRATION_BOARD,
        _NOW,
        keep=scope.keep,
    )


def _wrong(scope: AlertScope) -> tuple[Alert, Alert]:
    return (
        Alert(
            "CorpusDriftMigrationResurrected",
            f"{series('migration_resurrected_chunks', scope.selector)} > {number(0)}",
            300.0,
            "critical",
            "Deleted chunks are in the new version of the index",
            "{{ $value }} chunks that were deleted can be retrieved from the new version: the backfill wrote them "
            "after their deletion.",
            MIGRATION_BOARD,
            _NOW,
            keep=scope.keep,
        ),
        Alert(
            "CorpusDriftMigrationMixed",
            f"{series('migration_rule_verdict', scope.selector, rule='R3', verdict='fail')} == 1",
            300.0,
            "critical",
            "The new version of the index holds vectors that break its contract",
            "Vectors of another encoder, prefix, length or dimension are in the new version: it answers wrongly.",
            MIGRATION_BOARD,
            _NOW,
            keep=scope.keep,
        ),
    )


def _back(scope: AlertScope) -> Alert:
    return Alert(
        "CorpusDriftMigrationRollBack",
        f"{series('migration_verdict', scope.selector, verdict='ROLL_BACK')} == 1",
        60.0,
        "critical",
        "Roll the encoder migration back now",
        "Production serves the new version, and it is not what the shadow read promised. The page says which rule "
        "fails; the old version is complete.",
        MIGRATION_BOARD,
        _NOW,
        keep=scope.keep,
    )
