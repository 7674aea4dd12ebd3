"""What the loop turns, and how it paces itself."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from monitor.app.alarm_rounds import AlarmRounds
from monitor.app.anchors_watch import AnchorsWatch
from monitor.app.audit import Audit
from monitor.app.embedding import Embedder
from monitor.app.health import Clocks, Gauges
from monitor.app.migration import MigrationWatch
from monitor.app.migration_judging import MigrationJudge
from monitor.app.milestones import Milestones
from monitor.app.overhearing import OverheardProduction
from monitor.app.panel import PanelWatch
from monitor.app.production import AskedProduction
from monitor.app.readiness import Readiness
from monitor.app.replay import Served
from monitor.app.restore import ProgressHook
from monitor.app.served_lexical import ServedLexical
from monitor.app.snapshot import Snapshots
from monitor.app.traffic import TrafficWatch
from monitor.core.index.corpus import Corpus
from monitor.core.index.maintained import MaintainedState
from monitor.core.judging.policy import Rule
from monitor.core.model.anchors import AnchorSet
from monitor.core.reporting.drift import Drift
from monitor.core.session import Session
from monitor.core.shards.port import DurableShards
from monitor.ports import Decoder, OwnedIndex, Publisher, Retriever, Source, StateStore


@dataclass(frozen=True, slots=True)
class LoopTiming:
    """How the loop paces itself; seconds but for `batch`, in records."""

    batch: int = 1_024
    poll: float = 0.2
    report: float = 1.0
    """While a backlog is worked off, measure at most this often."""
    full_replay: float = 3_600.0
    barrier: float = 300.0
    settle: float = 0.0
    """After a change, how long a production index may take to hold it; 0 where the monitor fills the index itself."""
    retry: float = 5.0
    refused: float = 0.1
    """Share of the changes in a deploy, or in a run, that may be set aside; see `tally`."""


@dataclass(frozen=True, slots=True)
class MonitorComponents:
    """What the loop turns; `app.wiring` builds it."""

    corpus_name: str
    source: Source
    decoder: Decoder
    store: StateStore
    session: Session
    drift_of: Callable[[AnchorSet], Drift]
    """The evaluation of other anchors."""
    snapshots: Snapshots
    milestones: Milestones
    rules: Sequence[Rule]
    """The policy; what is learnt comes on top."""
    embedder: Embedder
    served: Served | None
    retriever: Retriever | None
    index: OwnedIndex | None
    dead_letters: Publisher | None
    gauges: Gauges
    clocks: Clocks
    announce: Callable[[str], None]
    """Tells other processes the base URL of the endpoints."""
    control_topics: Sequence[str] = ()
    pace: LoopTiming = field(default_factory=LoopTiming)
    served_lexical: ServedLexical | None = None
    """The server's own lexical index; None where it is not replayed."""
    learns: bool = False
    """Whether limits are learnt from approved deploys."""
    audit: Audit | None = None
    anchors_watch: AnchorsWatch | None = None
    readiness: Readiness | None = None
    """Whether the index holds a deploy; None where the monitor fills the index itself, or there is none."""
    migration: MigrationWatch | None = None
    """The second embedding version that is watched; None where none is configured."""
    production: AskedProduction | OverheardProduction | None = None
    """The retriever as users get it; None where none is configured."""
    migration_judge: MigrationJudge | None = None
    """Judges it; there where `migration` is."""
    alarms: AlarmRounds | None = None
    """Alarms between deploys; None where nobody looks at rounds."""
    panel: PanelWatch = field(default_factory=PanelWatch)
    """What the newest change of anchors made."""
    traffic: TrafficWatch | None = None
    """The queries that users ask; None where none are read."""
    shards: DurableShards | None = None
    """The parts in which the corpus lies; None where one process has it whole."""
    filled: bool = False
    """Whether files stand for the stream's past: a state that was not filled from them is refused."""
    restoring: ProgressHook = nullcontext
    """Stands around the restoring of the state."""

    @property
    def corpus(self) -> Corpus:
        """The chunk table."""
        return self.session.corpus

    @property
    def engine(self) -> MaintainedState:
        """The maintained state of both legs, of one process or of all shards."""
        return self.session.engine
