"""Alerts on the monitor itself: is it there, does it see the stream, does the index answer, can it be trusted."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, duration, number, series

PIPELINE_BOARD = "/d/corpus-drift-pipeline"
OVERVIEW_BOARD = "/d/corpus-drift-overview"
_WINDOW = 900.0
_LAG_POLLS = 10
"""A lag of ten polls throughout the window is no burst."""
_AHEAD = 3_600.0
"""Seconds that an event may be dated ahead of the clock: less is a clock that nobody set, not a wrong year."""
_STALE_SHARE = 0.05
"""Of the changes: re-deliveries are duplicates and do not count, so more is an order that does not order."""
_LATE = 3
"""Something done on a schedule is overdue after three periods."""


@dataclass(frozen=True, slots=True)
class ExpectedTiming:
    """What is normal for this monitor, in seconds unless said.

    Args:
        stream: whether the source is endless; only then can input be late.
        stale: without progress, after which input is stale.
        batch: events of a poll.
        barrier: that a deploy waits for its markers.
        turn: without a turn after which the loop hangs; more than a whole replay takes.
        full_replay: between two full replays; 0.0 where no index is asked.
        audit: between two audits; 0.0 where they are switched off.
        baseline: the age of a baseline that somebody should look at.
    """

    stream: bool
    stale: float
    batch: int
    barrier: float
    turn: float
    full_replay: float
    audit: float
    baseline: float


def pipeline_group(scope: AlertScope, pace: ExpectedTiming) -> AlertGroup:
    """All alerts that no policy rule stands for."""
    alerts = (
        *_presence(scope, pace), *(_input(scope, pace) if pace.stream else ()), *_stream(scope, pace),
        *_index(scope, pace), *_trust(scope, pace), *_shards(scope, pace),
    )  # fmt: skip
    return AlertGroup(f"corpus-drift-{scope.corpus}-pipeline", alerts)


def _presence(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    up = f"up{{{scope.selector}}}"
    yield Alert(
        "CorpusDriftWatchdog",
        "vector(1)",
        0.0,
        "none",
        "Always firing: proves that alerts arrive",
        "This alert always fires. Route it to a dead man's switch: when it stops arriving, alerting is broken.",
        OVERVIEW_BOARD,
    )
    yield Alert(
        "CorpusDriftMonitorDown",
        f"{up} == 0 or absent({up})",
        300.0,
        "critical",
        "The corpus drift monitor cannot be scraped",
        "Prometheus has had no metrics from the monitor: nothing is known of drift now, and no other alert can fire.",
        PIPELINE_BOARD,
        keep=min(scope.keep, 60.0),
    )
    yield Alert(
        "CorpusDriftLoopStuck",
        f"time() - {series('last_turn_timestamp_seconds', scope.selector)} > {number(pace.turn)}",
        120.0,
        "critical",
        "The monitor answers, but its loop does not turn",
        "No turn of the loop for {{ $value | humanizeDuration }}: what is on the page is old.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    yield Alert(
        "CorpusDriftVerdictUnknown",
        f"{series('verdict', scope.selector, verdict='unknown')} == 1",
        scope.unknown,
        "critical",
        "The verdict on the corpus is UNKNOWN",
        "Nothing can be concluded: no baseline, another fingerprint, a gap, stale input or an index that does not "
        "answer. The page says which.",
        OVERVIEW_BOARD,
        keep=scope.keep,
    )


def _input(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    lag = series("lag_events", scope.selector)
    idle = f"time() - {series('last_event_timestamp_seconds', scope.selector)} > {number(pace.stale)}"
    yield Alert(
        "CorpusDriftInputStale",
        f"{idle} unless on (job, instance) sum by (job, instance) ({lag}) == 0",
        60.0,
        "critical",
        "No event arrives, and the monitor is not known to be at the end of the stream",
        "No event for {{ $value | humanizeDuration }} while the lag is not 0 or not known: the numbers are old, and "
        "the verdict is UNKNOWN.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    window, limit = duration(_WINDOW), _LAG_POLLS * pace.batch
    yield Alert(
        "CorpusDriftLagHigh",
        f"sum by (job, instance, topic) (min_over_time({lag}[{window}])) > {limit}",
        60.0,
        "warning",
        "The monitor does not keep up with the stream",
        f"At least {{{{ $value }}}} events of {{{{ $labels.topic }}}} were waiting throughout {window}; "
        f"expected at most {limit}.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )


def _stream(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    yield Alert(
        "CorpusDriftStreamGap",
        f"{series('open_gaps', scope.selector)} > 0",
        0.0,
        "critical",
        "Events were lost: the monitor's corpus is not the real one",
        "The stream lost events {{ $value }} time(s) since the newest approval of a baseline (retention, or a topic "
        "that was made anew). The verdict stays UNKNOWN.",
        PIPELINE_BOARD,
    )
    window = duration(_WINDOW)
    quarantined = series("quarantined_total", scope.selector)
    # A counter whose first sample is not 0 has no increase: a reason that is new counts if it was scraped before.
    new = f"({quarantined} unless {quarantined} offset {window} and on (job, instance) "
    new += f"up{{{scope.selector}}} offset {window} == 1)"
    yield Alert(
        "CorpusDriftQuarantineGrowing",
        f"sum by (job, instance, reason) (increase({quarantined}[{window}]) > 0 or {new} > 0)",
        60.0,
        "warning",
        "Records of the stream cannot be read and are set aside",
        f'About {{{{ $value | printf "%.0f" }}}} records within {window} were set aside: {{{{ $labels.reason }}}}. '
        "Their chunks are missing or old in every number.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    changes = ",".join(part for part in (scope.selector, 'kind=~"upsert|delete"') if part)
    late, every = (
        f"sum by (job, instance) (increase({selected}[{window}]))"
        for selected in (series("events_total", changes, reason="stale"), series("events_total", changes))
    )
    yield Alert(
        "CorpusDriftStaleEvents",
        f"{late} / {every} > {number(_STALE_SHARE)}",
        60.0,
        "warning",
        "Changes are dropped because their version is older than what is known",
        f"{{{{ $value | humanizePercentage }}}} of the upserts and deletes within {window} were older than their "
        f"chunk, expected at most {_STALE_SHARE:.0%}: either the producer writes out of order, or what is taken for "
        "the version does not order its changes.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    yield Alert(
        "CorpusDriftDeployIncomplete",
        f"{series('open_barriers', scope.selector)} > 0",
        pace.barrier,
        "warning",
        "A deploy's markers have not arrived on every partition",
        "{{ $value }} deploy(s) wait for markers: partitions that delivered theirs are paused. The verdict of such a "
        "deploy will be UNKNOWN.",
        "/d/corpus-drift-deploy",
        keep=scope.keep,
    )
    yield Alert(
        "CorpusDriftClockAhead",
        f"{series('newest_event_timestamp_seconds', scope.selector)} - time() > {number(_AHEAD)}",
        300.0,
        "warning",
        "An event of the stream is dated in the future",
        "The newest event time is {{ $value | humanizeDuration }} ahead of the clock: ages count from there, and "
        "delete marks are forgotten too early.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )


def _index(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    if not pace.full_replay:
        return
    yield Alert(
        "CorpusDriftReplayFailing",
        f"sum by (job, instance, reason) ({series('replay_failures', scope.selector)}) > 0",
        600.0,
        "warning",
        "The index does not answer for some anchors",
        "{{ $value }} anchors have no served list: {{ $labels.reason }}. They are UNKNOWN on the dense leg.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    late = _LATE * pace.full_replay
    yield Alert(
        "CorpusDriftFullReplayOverdue",
        f"time() - {series('last_full_replay_timestamp_seconds', scope.selector)} > {number(late)}",
        60.0,
        "warning",
        "No full replay for three times its period",
        "The last full replay was {{ $value | humanizeDuration }} ago: changes that the index made by itself "
        "(an optimiser, a new graph) are not seen.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )


def _trust(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    days = pace.baseline / 86_400
    yield Alert(
        "CorpusDriftBaselineOld",
        f"time() - {series('baseline_timestamp_seconds', scope.selector)} > {number(pace.baseline)}",
        3_600.0,
        "warning",
        "The approved baseline is old",
        f"The baseline was captured {{{{ $value | humanizeDuration }}}} ago, expected at most {number(days)} days: "
        "drift is measured against what nobody has looked at for long.",
        OVERVIEW_BOARD,
        keep=scope.keep,
    )
    yield Alert(
        "CorpusDriftMixedEmbeddings",
        f"count by (job, instance) ({series('embedding_version_chunks', scope.selector)} > 0) > 1",
        _WINDOW,
        "critical",
        "The corpus holds vectors of more than one embedding version",
        "{{ $value }} embedding versions are live at once: their vectors do not compare, and dense scores mean "
        "nothing.",
        "/d/corpus-drift-segment",
        keep=scope.keep,
    )
    yield Alert(
        "CorpusDriftAuditMismatch",
        f"{series('audit_mismatches', scope.selector)} > 0",
        0.0,
        "critical",
        "An audit found maintained lists that are wrong",
        "{{ $value }} results of the {{ $labels.leg }} leg disagree with the reference: a defect of the monitor. Its "
        "verdict is UNKNOWN until it is restarted and audited again.",
        PIPELINE_BOARD,
    )
    yield Alert(
        "CorpusDriftAnchorsRefused",
        f"{series('anchors_refused', scope.selector)} > 0",
        300.0,
        "warning",
        "The anchors file was changed, and the new version is refused",
        "The monitor goes on with its old anchors: what somebody wanted to watch is not watched. The log says why.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    if pace.audit:
        yield Alert(
            "CorpusDriftAuditOld",
            f"time() - {series('last_audit_timestamp_seconds', scope.selector)} > {number(_LATE * pace.audit)}",
            60.0,
            "warning",
            "No audit for three times its period",
            "The {{ $labels.leg }} leg was last audited {{ $value | humanizeDuration }} ago: nothing has proved its "
            "lists right since.",
            PIPELINE_BOARD,
            keep=scope.keep,
        )


def _shards(scope: AlertScope, pace: ExpectedTiming) -> Iterator[Alert]:
    """Without shards there is no series, and neither fires."""
    yield Alert(
        "CorpusDriftShardAway",
        f"{series('shard_up', scope.selector)} == 0",
        60.0,
        "critical",
        "A shard of the corpus does not answer",
        "Shard {{ $labels.shard }} is away: nothing is known of its chunks, so the verdict on the whole is UNKNOWN "
        "until it is back.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
    window, limit = duration(_WINDOW), _LAG_POLLS * pace.batch
    yield Alert(
        "CorpusDriftShardBehind",
        f"min_over_time({series('shard_lag_events', scope.selector)}[{window}]) > {limit}",
        60.0,
        "warning",
        "The partitions of a shard are behind the stream",
        f"At least {{{{ $value }}}} events of shard {{{{ $labels.shard }}}} were waiting throughout {window}; "
        f"expected at most {limit}.",
        PIPELINE_BOARD,
        keep=scope.keep,
    )
