"""For each alert on an encoder migration: series under which it fires, and others under which it must not."""

from tests.deploy.pipeline_cases import Known, own
from tests.deploy.promtool import TARGET, Series, Values, always


def missing(values: Values, phase: str = "backfilling") -> tuple[Series, ...]:
    return (
        own("migration_missing_chunks", values),
        own("migration_phase", always(1), f'phase="{phase}"'),
    )


MIGRATION_BOARD = (
    Known(
        "CorpusDriftMigrationStalled",
        "warning",
        30.5,
        33,
        missing(always(500)),
        (
            missing([600.0 - 10.0 * minute for minute in range(61)]),
            missing(always(0)),
            missing(always(500), phase="shadowing"),
            missing(always("NaN")),
        ),
    ),
    Known(
        "CorpusDriftMigrationResurrected",
        "critical",
        4,
        6,
        (own("migration_resurrected_chunks", always(1)),),
        ((own("migration_resurrected_chunks", always(0)),), (own("migration_resurrected_chunks", always("NaN")),)),
    ),
    Known(
        "CorpusDriftMigrationMixed",
        "critical",
        4,
        6,
        (own("migration_rule_verdict", always(1), 'rule="R3",verdict="fail"'),),
        (
            (own("migration_rule_verdict", always(1), 'rule="R3",verdict="unknown"'),),
            (own("migration_rule_verdict", always(1), 'rule="R6",verdict="fail"'),),
        ),
        f'{TARGET},rule="R3",verdict="fail"',
    ),
    Known(
        "CorpusDriftMigrationRollBack",
        "critical",
        0.5,
        2,
        (own("migration_verdict", always(1), 'verdict="ROLL_BACK"'),),
        (
            (
                own("migration_verdict", always(1), 'verdict="HOLD"'),
                own("migration_verdict", always(0), 'verdict="ROLL_BACK"'),
            ),
        ),
        f'{TARGET},verdict="ROLL_BACK"',
    ),
)
