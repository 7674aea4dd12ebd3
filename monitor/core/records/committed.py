"""What a state store keeps: commits, the deploys judged, the records set aside; and where it left off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.state import AlarmState
from monitor.core.attribution import Attribution
from monitor.core.index.baseline import Adopted, Decision, Judged, Snapshot
from monitor.core.index.corpus import Change, ChunkRow
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.judging.policy import Verdict
from monitor.core.migration.model import PhaseChange
from monitor.core.migration.target_points import TargetRow
from monitor.core.model.events import Partition, Position, Segment
from monitor.core.model.production import ProductionLists
from monitor.core.model.report import DriftReport
from monitor.core.records.files_mark import FilesMark
from monitor.core.records.history import ApprovalMark, HistoryPoint, Track
from monitor.core.traffic.model import TrafficCommit
from monitor.core.traffic.panel import PanelBridge


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record set aside: where it stood, why, and its bytes (cut at the store's limit)."""

    position: Position
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    size: int
    """Bytes of the original value, before any cut."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What another try of the quarantine came to.

    `taken` were applied or turned out to be superseded; they left the quarantine. `kept` are those that stay, with
    why: still malformed or refused, cut at the store's limit, unreadable, or a deploy marker, whose time has passed.
    """

    taken: int
    kept: Mapping[Position, str]


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """One judged deploy as it is kept: its report, verdict and snapshot."""

    deploy_id: str
    event_time: int
    verdict: Verdict
    report: DriftReport
    snapshot: Snapshot
    attributions: tuple[Attribution, ...] | None = None
    """Who moved the lists against the baseline of then; None where nobody was blamed."""
    adopted: Adopted | None = None
    """What the baseline moved on to with it; None: it did not."""
    expected: Segment = ()
    """The segment that its marker said it would change."""
    judged_again: str = ""
    """Wall-clock RFC 3339 time, for people only, of a judgement that replaced the one at its barrier; "" for none."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptProduction:
    """What was overheard of production, and up to where its log was read.

    Args:
        digests: `anchor_digest` of each anchor, in the row order of the lists.
        lists: what users were served last.
        positions: next offset by partition of the log.
    """

    digests: Sequence[str]
    lists: ProductionLists
    positions: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class TargetCommit:
    """What one turn changed of a migration's target.

    Args:
        migration_id: the migration.
        version: embedding version of the target; what is kept of another one is forgotten.
        rows: points that came or changed.
        gone: keys of points that are no longer there.
        steps: all steps taken, oldest first, where one was taken; None leaves them as they are.
    """

    migration_id: str
    version: str
    rows: Sequence[TargetRow] = ()
    gone: Sequence[int] = ()
    steps: Sequence[PhaseChange] | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything one turn of the loop changed; a store applies all of it or nothing.

    `counters` are absolute values of the counters that moved, by (name, label values...).
    """

    positions: Mapping[Partition, int]
    changes: Sequence[Change] = ()
    sketches: Mapping[int, ContentSketch] = field(default_factory=dict)
    """Of what chunks said that the changes deleted, by key; kept as long as their delete marks."""
    unsaid: Sequence[int] = ()
    """Keys of chunks whose texts, as they were while they stood in lists, are no longer kept."""
    forgotten: Sequence[int] = ()
    said: Sequence[int] = ()
    """Keys of chunks that events said are live, where shards keep the changes: no sketch of theirs is kept."""
    epoch: int = 0
    """The step of all shards that this publishes; 0 in one process."""
    counters: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    quarantined: Sequence[Quarantined] = ()
    released: Sequence[Position] = ()
    """Records that were set aside once and were taken now: they leave the quarantine."""
    deploy: DeployRecord | None = None
    baselines: Sequence[Snapshot] = ()
    withdrawn: Sequence[str] = ()
    """Names of baselines that are no longer kept, but for those of the same commit."""
    decision: Decision | None = None
    """Which baseline a person puts in force with it; None leaves the earlier decision."""
    current: tuple[DriftReport, Verdict] | None = None
    """The report of exactly these positions, for whoever asks while nobody runs; any other commit forgets it."""
    production: KeptProduction | None = None
    """What was overheard of production; None leaves what was kept earlier."""
    newest_event_time: int = 0
    bookmark: str | None = None
    """What the source must know besides the positions to go on at them; None leaves the earlier one."""
    target: TargetCommit | None = None
    """Of the migration that is watched."""
    point: HistoryPoint | None = None
    """What is kept of a deploy or an hour for pictures; a deploy that was judged again replaces its point."""
    tracks: Sequence[Track] = ()
    """The anchors' lists that a deploy changed; with `point` only."""
    approval: ApprovalMark | None = None
    """What a person put in force with it."""
    alarms: AlarmState | None = None
    """Of alarms between deploys; None leaves the earlier one."""
    traffic: TrafficCommit | None = None
    """Of the traffic that is read; None leaves what was kept earlier."""
    bridges: Sequence[PanelBridge] | None = None
    """Between the panels of a changeover of anchors; None leaves those of the one before."""
    files: FilesMark | None = None
    """How far a bootstrap from files is; None leaves what was said earlier."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a store left off. `empty` is True for a state that never saw a commit."""

    positions: Mapping[Partition, int]
    counters: Mapping[tuple[str, ...], int]
    ledger: Sequence[Judged]
    newest_event_time: int
    empty: bool
    bookmark: str = ""
    production: KeptProduction | None = None
    """What was overheard of production; None where nothing was."""
    alarms: AlarmState | None = None
    """Of alarms between deploys; None before the first round."""
    epoch: int = 0
    """The step of all shards that was published last; 0 before the first, and in one process."""
    run: str = ""
    """Mark of the run that began the state, which all its shards have too; "" in one process."""
    files: FilesMark | None = None
    """How far a bootstrap from files is; None where the state never had one."""


StoredChunk = tuple[ChunkRow, str, NDArray[np.float32] | None]
"""A row, its text ("" for a delete mark) and its vector."""


class ChunkContent(NamedTuple):
    """What a live chunk says: its content hash, text and vector."""

    content_hash: str
    text: str
    vector: NDArray[np.float32] | None
