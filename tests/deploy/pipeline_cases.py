"""For each alert on the monitor itself: series under which it fires, and others under which it must not.

Time begins at 0 in promtool, so a stamp of 0 is as old as the minute, and a negative one is older.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.deploy.promtool import TARGET, Case, Firing, Series, Values, always

MINUTE = 60
DAY = 86_400
NAMES = ("pass", "fail", "inconclusive", "unknown")


@dataclass(frozen=True)
class Known:
    """An alert, its severity, the minutes at which it does not yet and at which it does fire, and the series."""

    alert: str
    severity: str
    early: float
    late: float
    bad: tuple[Series, ...]
    good: tuple[tuple[Series, ...], ...]
    labels: str = TARGET


def own(name: str, values: Values, labels: str = "") -> Series:
    return Series(f"corpus_drift_{name}", labels, values)


def stamp(name: str, at: float, labels: str = "") -> Series:
    """A time stamp that stands still."""
    return own(f"{name}_timestamp_seconds", always(at), labels)


def moving(name: str, behind: float = 0.0, labels: str = "") -> Series:
    """A time stamp that is always so many seconds old."""
    return own(f"{name}_timestamp_seconds", [minute * MINUTE - behind for minute in range(61)], labels)


def verdicts(which: str) -> tuple[Series, ...]:
    return tuple(own("verdict", always(int(name == which)), f'verdict="{name}"') for name in NAMES)


def lag(*values: float, topic: str = "t") -> tuple[Series, ...]:
    return tuple(own("lag_events", always(n), f'partition="{at}",topic="{topic}"') for at, n in enumerate(values))


UP = Series("up", "", always(1))
BOARD = (
    Known("CorpusDriftMonitorDown", "critical", 4, 6, (Series("up", "", always(0)),), ((UP,),)),
    Known(
        "CorpusDriftLoopStuck",
        "critical",
        4,
        6,
        (stamp("last_turn", 0.0),),
        ((moving("last_turn", 150.0),), (own("last_turn_timestamp_seconds", [*([0] * 4), *always(3_600)]),)),
    ),
    Known(
        "CorpusDriftVerdictUnknown",
        "critical",
        14,
        16,
        verdicts("unknown"),
        tuple(verdicts(name) for name in ("pass", "fail", "inconclusive")),
        f'{TARGET},verdict="unknown"',
    ),
    Known(
        "CorpusDriftInputStale",
        "critical",
        15,
        18,
        (stamp("last_event", 0.0), *lag(0, 3)),
        ((stamp("last_event", 0.0), *lag(0, 0)), (moving("last_event", 600.0), *lag(0, 3))),
    ),
    Known(
        "CorpusDriftLagHigh",
        "warning",
        0.5,
        3,
        lag(6_000, 6_000),
        (lag(6_000, 4_000), (own("lag_events", [50_000.0, 10.0] * 30, 'partition="0",topic="t"'),)),
        f'{TARGET},topic="t"',
    ),
    Known(
        "CorpusDriftShardAway",
        "critical",
        0.5,
        1.5,
        (own("shard_up", always(0), 'shard="2"'), own("shard_up", always(1), 'shard="0"')),
        ((own("shard_up", always(1), 'shard="2"'),), (UP,)),
        f'{TARGET},shard="2"',
    ),
    Known(
        "CorpusDriftShardBehind",
        "warning",
        0.5,
        3,
        (own("shard_lag_events", always(12_000.0), 'shard="1"'),),
        (
            (own("shard_lag_events", always(9_000.0), 'shard="1"'),),
            (own("shard_lag_events", [50_000.0, 10.0] * 30, 'shard="1"'),),
        ),
        f'{TARGET},shard="1"',
    ),
    Known(
        "CorpusDriftStreamGap",
        "critical",
        9.5,
        10.5,
        (own("open_gaps", [*([0] * 10), *always(1)]),),
        ((own("open_gaps", always(0)),),),
    ),
    Known(
        "CorpusDriftQuarantineGrowing",
        "warning",
        9.5,
        12.5,
        (own("quarantined_total", [*([5] * 10), *always(9)], 'reason="not_json"'),),
        ((own("quarantined_total", always(5), 'reason="not_json"'),),),
        f'{TARGET},reason="not_json"',
    ),
    Known(
        "CorpusDriftStaleEvents",
        "warning",
        9.5,
        12.5,
        (
            own("events_total", [*([0] * 10), *(200.0 * at for at in range(1, 51))], 'kind="upsert",reason="stale"'),
            own("events_total", [100.0 * at for at in range(61)], 'kind="upsert",reason="modified"'),
            own("events_total", [900.0 * at for at in range(61)], 'kind="event",reason="ignored"'),
        ),
        (
            (
                own("events_total", [4.0 * at for at in range(61)], 'kind="delete",reason="stale"'),
                own("events_total", [100.0 * at for at in range(61)], 'kind="upsert",reason="modified"'),
            ),
            (
                own("events_total", always(0), 'kind="upsert",reason="stale"'),
                own("events_total", [900.0 * at for at in range(61)], 'kind="upsert",reason="duplicate"'),
            ),
        ),
    ),
    Known(
        "CorpusDriftDeployIncomplete",
        "warning",
        4,
        6,
        (own("open_barriers", always(1)),),
        ((own("open_barriers", [1, 1, 1, 0] * 15),),),
    ),
    Known(
        "CorpusDriftReplayFailing",
        "warning",
        9,
        11,
        (own("replay_failures", always(3), 'reason="deadline"'),),
        ((own("replay_failures", [3, 3, 3, 0] * 15, 'reason="deadline"'),),),
        f'{TARGET},reason="deadline"',
    ),
    Known(
        "CorpusDriftFullReplayOverdue",
        "warning",
        9,
        13,
        (stamp("last_full_replay", 600.0 - 10_800.0),),
        ((moving("last_full_replay", 3_600.0),),),
    ),
    Known(
        "CorpusDriftBaselineOld",
        "warning",
        59,
        61,
        (stamp("baseline", -91.0 * DAY),),
        ((stamp("baseline", -80.0 * DAY),),),
    ),
    Known(
        "CorpusDriftMixedEmbeddings",
        "critical",
        14,
        16,
        tuple(own("embedding_version_chunks", always(5), f'embedding_version="{name}"') for name in "ab"),
        (
            (own("embedding_version_chunks", always(5), 'embedding_version="a"'),),
            (
                own("embedding_version_chunks", always(5), 'embedding_version="a"'),
                own("embedding_version_chunks", always(0), 'embedding_version="b"'),
            ),
        ),
    ),
    Known(
        "CorpusDriftAuditMismatch",
        "critical",
        9.5,
        10.5,
        (own("audit_mismatches", [*([0] * 10), *always(2)], 'leg="lexical"'),),
        ((own("audit_mismatches", always(0), 'leg="lexical"'),),),
        f'{TARGET},leg="lexical"',
    ),
    Known(
        "CorpusDriftClockAhead",
        "warning",
        4,
        6,
        (moving("newest_event", -7_200.0),),
        ((moving("newest_event", -3_000.0),), (moving("newest_event", 30 * DAY),), (stamp("newest_event", 3_700.0),)),
    ),
    Known(
        "CorpusDriftAnchorsRefused",
        "warning",
        4,
        6,
        (own("anchors_refused", always(1)),),
        ((own("anchors_refused", [1, 1, 1, 0] * 15),), (own("anchors_refused", always(0)),)),
    ),
    Known(
        "CorpusDriftAuditOld",
        "warning",
        9,
        13,
        (stamp("last_audit", 600.0 - 10_800.0, 'leg="dense"'),),
        ((moving("last_audit", 3_600.0, 'leg="dense"'),),),
        f'{TARGET},leg="dense"',
    ),
)
"""Minutes follow from `for` and limits of the defaults; the last value of a good case must be silent throughout."""


def cases_of(board: Iterable[Known]) -> Iterator[Case]:
    for known in board:
        fired = Firing(known.late, known.alert, (_labels(known, known.labels),))
        yield Case(f"{known.alert}: fires", known.bad, [Firing(known.early, known.alert), fired])
        for good in known.good:
            quiet = [Firing(minute, known.alert) for minute in (1, known.late, 40, 59)]
            yield Case(f"{known.alert}: silent", good, quiet)


def pipeline_cases() -> Iterator[Case]:
    yield from cases_of(BOARD)
    yield Case("CorpusDriftWatchdog: always", [], [Firing(0, "CorpusDriftWatchdog", (_always(),))])
    yield Case(
        "CorpusDriftMonitorDown: there is no such target at all",
        [],
        [
            Firing(4, "CorpusDriftMonitorDown"),
            Firing(6, "CorpusDriftMonitorDown", ('corpus="docs",job="corpus-drift",severity="critical"',)),
        ],
    )
    yield Case(
        "CorpusDriftInputStale: the lag is not known",
        [stamp("last_event", 0.0)],
        [Firing(18, "CorpusDriftInputStale", (f'corpus="docs",{TARGET},severity="critical"',))],
    )
    yield from _quarantine()


def _quarantine() -> Iterator[Case]:
    """A reason that is new has no increase yet, but counts where the monitor had been scraped before."""
    new = own("quarantined_total", [*(["_"] * 20), *always(1)], 'reason="new"')
    said = (f'corpus="docs",{TARGET},reason="new",severity="warning"',)
    yield Case(
        "CorpusDriftQuarantineGrowing: a reason that is new",
        [UP, new],
        [Firing(19, "CorpusDriftQuarantineGrowing"), Firing(22, "CorpusDriftQuarantineGrowing", said)],
    )
    late = own("quarantined_total", always(7), 'reason="old"')
    yield Case(
        "CorpusDriftQuarantineGrowing: an old reason, seen by a new Prometheus",
        [UP, late],
        [Firing(minute, "CorpusDriftQuarantineGrowing") for minute in (2, 10, 14, 16, 40)],
    )


def _labels(known: Known, labels: str) -> str:
    return f'corpus="docs",{labels},severity="{known.severity}"'


def _always() -> str:
    return 'corpus="docs",severity="none"'
