"""What the outside may see: one immutable view, swapped by reference after each turn of the loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.core.alarms.state import AlarmView
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.migration.model import MigrationView
from monitor.core.migration.verdict import MigrationAssessment
from monitor.core.model.events import Partition
from monitor.core.model.report import DriftReport
from monitor.core.shards.messages import ShardStatus, shard_of
from monitor.core.traffic.panel import PanelBridge
from monitor.core.traffic.view import TrafficView


@dataclass(frozen=True, slots=True)
class Durations:
    """A cumulative histogram: `counts[i]` of `total` durations were at most `bounds[i]` seconds; `seconds` in all."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: int
    seconds: float

    @classmethod
    def none(cls, bounds: tuple[float, ...]) -> "Durations":
        """Nothing observed yet."""
        return cls(bounds, (0,) * len(bounds), 0, 0.0)

    def observed(self, seconds: float) -> "Durations":
        """The histogram with one more duration."""
        counts = tuple(count + (seconds <= bound) for bound, count in zip(self.bounds, self.counts, strict=True))
        return Durations(self.bounds, counts, self.total + 1, self.seconds + seconds)


AuditLeg = Literal["dense", "lexical"]


@dataclass(frozen=True, slots=True)
class Audited:
    """What the audits of one leg found so far.

    `mismatches` counts results that disagree with the reference in the newest audit of each anchor, so an anchor
    found wrong counts until it is found right; `anchors` and `seconds` are the newest audit's, `at` its wall-clock
    time (0.0 before the first: then nothing is known, and 0 mismatches mean nothing). `skipped` says why the newest
    attempt audited nothing, "" where it did: `leg_off`, `switched_off`, `variant`, `corpus_too_large`,
    `state_unreadable`.
    """

    mismatches: int = 0
    anchors: int = 0
    at: float = 0.0
    seconds: float = 0.0
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class EngineWork:
    """What keeping the lists exact took since the start of this process; by leg unless said.

    `touched`: anchors whose list changed, summed over the times that lists were made: dense ones after each batch,
    lexical ones when somebody looks. `refills`: anchors searched anew, exactly;
    `refilling`: those of them since the view before. `rebuilds` and `epochs`: times that all anchors were searched
    anew at once, on the dense and the lexical leg. `terms`: tokens of live chunks and anchors. `tombstones`: delete
    marks kept in the corpus.
    """

    touched: Mapping[str, int]
    refills: Mapping[str, int]
    refilling: Mapping[str, int]
    rebuilds: int
    epochs: int
    terms: int
    tombstones: int


@dataclass(frozen=True, slots=True)
class AnchorsTaken:
    """The anchors in use, and how often a changed file was taken up since the start of this process.

    `refused` says why the file that is there now is not used, "" where it is.
    """

    anchors: int
    taken: int
    refused: str


@dataclass(frozen=True, slots=True)
class ProductionHealth:
    """How asking production's retriever goes.

    Args:
        passive: whether it is overheard in a log instead of asked.
        asked_at: wall-clock seconds since the epoch when it last was, or the log last said something; 0.0 before.
        failures: anchors by reason that it has no list for.
        latencies: p50, p95, p99 of the last replay's requests in seconds, None where none was answered.
        last_error: what the last failure said, one line; "" where none failed.
        skipped: records of the log by reason that say nothing of any anchor.
    """

    passive: bool
    asked_at: float
    failures: Mapping[str, int]
    latencies: tuple[float, float, float] | None = None
    last_error: str = ""
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """How the monitor itself is. Times are wall-clock seconds since the epoch, 0.0 before the first.

    `lag` is None where the source cannot say, never 0 instead; `last_error` is why, in one line, or "".
    `waiting` are deploys whose barrier is open.
    `failures` counts anchors by reason that the index did not answer for.
    """

    turned: float
    last_event: float
    last_report: float
    last_full_replay: float
    last_commit: float
    lag: Mapping[Partition, int] | None
    waiting: tuple[str, ...]
    failures: Mapping[str, int]
    touched: int
    state_bytes: int
    batches: Durations
    replays: Durations
    replay_latencies: tuple[float, float, float] | None
    """p50, p95, p99 of the last replay's queries, None before the first."""
    index_points: int | None
    audits: Mapping[AuditLeg, Audited] = field(default_factory=dict)
    engine: EngineWork | None = None
    anchors: AnchorsTaken | None = None
    freshness: Durations | None = None
    """From event time to the index stating the content, of a sample; None where the monitor fills the index."""
    last_error: str = ""
    foreign: int | None = None
    """Places of the served lists that are held by points without a chunk id; None without a real index."""
    remarks: tuple[str, ...] = ()
    """What is to be known of the real index beside the numbers, such as a server nobody tried."""
    production: ProductionHealth | None = None
    """None where production is neither asked nor overheard."""
    awaited: Mapping[str, str] = field(default_factory=dict)
    """The deploy that waits for the index, to be judged or to be judged again, and for what."""
    shards: tuple[ShardStatus, ...] = ()
    """The parts in which the corpus lies, by number; none where one process has it whole."""

    def behind(self, shard: int) -> int | None:
        """Events of a shard's partitions that were not taken yet; None where the source does not say."""
        if self.lag is None:
            return None
        return sum(events for part, events in self.lag.items() if shard_of(part, len(self.shards)) == shard)

    @property
    def away(self) -> str:
        """Which shard does not answer, and why, in one line; "" where all do."""
        for of in self.shards:
            if of.away:
                return f"shard {of.number} of {len(self.shards)}: away ({of.away}); expected it back"
        return ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a view without working its report out, so that probes are answered at once.

    `positions` are the next offsets by `topic/partition`, as in the report.
    """

    health: Health
    ledger: tuple[Judged, ...]
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Published:
    """The last report with its verdict, the counters, the deploys judged so far, and the monitor's health.

    `own` is the verdict on the report itself; `verdict` is that, or UNKNOWN where the input is stale.
    """

    corpus: str
    report: DriftReport
    own: Verdict
    verdict: Verdict
    counters: Mapping[tuple[str, ...], int]
    ledger: tuple[Judged, ...]
    health: Health
    migration: MigrationView | None = None
    """Of the migration that is watched, None for none."""
    assessment: MigrationAssessment | None = None
    """The same, judged."""
    alarms: AlarmView | None = None
    """Between deploys; None where the loop has none."""
    traffic: TrafficView | None = None
    """What the anchors represent of the traffic, None where none is read."""
    bridges: tuple[PanelBridge, ...] = ()
    """What the newest change of anchors alone made, both panels measured at one offset."""

    @property
    def pulse(self) -> Pulse:
        """What probes ask."""
        return Pulse(self.health, self.ledger, self.report.positions)
