"""What the application needs from the outside, as Protocols; adapters implement them, `app.wiring` chooses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.erasure.model import ErasureRequest
from monitor.core.index.audit import AuditedList
from monitor.core.index.baseline import Approval, Decision, Judged, Snapshot
from monitor.core.index.corpus import ChunkRow, Delta
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.judging.policy import Verdict
from monitor.core.migration.model import PhaseChange
from monitor.core.migration.target_points import FoundPoint, TargetRow
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import CorpusEvent, Decoded, Partition, Position, Record
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import RankedLists
from monitor.core.model.production import ProductionAnswer
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import (
    ChunkContent,
    Commit,
    DeployRecord,
    Quarantined,
    Resumed,
    Retried,
    StoredChunk,
)
from monitor.core.records.filled import FilePiece, FilledRows, ReadRows
from monitor.core.records.history import (
    AnchorPast,
    ChunkName,
    ChunkPast,
    History,
    TextVersion,
    Track,
    Tracked,
)
from monitor.core.records.published import Published, Pulse
from monitor.core.shards.messages import EpochSpan
from monitor.core.traffic.model import KeptTraffic
from monitor.core.traffic.panel import PanelBridge
from monitor.errors import ConfigurationError as ConfigurationError
from monitor.errors import CorpusDriftError as CorpusDriftError
from monitor.errors import UnreachableError as UnreachableError

# ---------------------------------------------------------------- sources


FaultKind = Literal["unreadable", "gap", "recreated", "added_partition"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the stream itself, found while polling.

    kind `unreadable`: the record at `position` cannot be unpacked; it was skipped and goes to the quarantine.
    kind `gap`: records before `position.offset` are gone (retention); reading went on at `position.offset`.
    kind `recreated`: the stream ends below the stored position; nothing was read from that partition.
    kind `added_partition`: a partition appeared; it is read from offset 0.
    """

    kind: FaultKind
    position: Position
    detail: str
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought. `exhausted` is True when a bounded source has no more records, ever."""

    records: Sequence[Record] = ()
    faults: Sequence[Fault] = ()
    exhausted: bool = False


class Source(Protocol):
    """Ordered, replayable partitions of records.

    The contract (one test suite runs it over every implementation):
    * The constructor opens nothing; `start` does, and raises UnreachableError in one line.
    * `start(positions)` continues at the given *next* offset of each partition; a partition not named starts at the
      configured beginning. Records of one partition come in offset order, each exactly once per start.
    * `poll` returns at once when something is there, else within `timeout` seconds, and never raises for bad
      records: it reports a Fault and goes on behind it.
    * A paused partition delivers nothing until resumed and loses nothing.
    * `positions` is the next offset each partition will deliver: beyond the last record + 1 where the log has holes.
    * `end` is the next offset to be written per partition, or None where that is not known (never a guess).
    * `last_error` is why, in one line without secrets; "" where nothing was refused since records last came.
    * `commit` tells lag tools how far we are; it may fail silently: the state store owns the positions.
    """

    def start(self, positions: Mapping[Partition, int]) -> None: ...
    def partitions(self) -> frozenset[Partition]: ...
    def poll(self, max_records: int, timeout: float) -> Polled: ...
    def pause(self, partitions: frozenset[Partition]) -> None: ...
    def resume(self, partitions: frozenset[Partition]) -> None: ...
    def positions(self) -> Mapping[Partition, int]: ...
    def end(self) -> Mapping[Partition, int] | None: ...
    def last_error(self) -> str: ...
    def commit(self, positions: Mapping[Partition, int]) -> None: ...
    def close(self) -> None: ...


@runtime_checkable
class ScanningSource(Source, Protocol):
    """A source that looks what is there instead of being told what changed.

    Its place is more than an offset: the state keeps a bookmark beside the positions, in the same transaction.
    * `reopen(bookmark)` comes before `start`: what `bookmark` said at the committed positions, "" at first.
    * `bookmark(positions)` is what a restart at these positions must know, whatever was delivered beyond them.
    * `deploy_next(deploy_id)`: a look that begins now ends as this deploy; one that is under way is given up. False
      where no look will follow: the deploy then ends where the source ends.
    * `refusal` is why the last look came to nothing, in one line; "" where it did not.
    """

    def reopen(self, bookmark: str) -> None: ...
    def bookmark(self, positions: Mapping[Partition, int]) -> str: ...
    def deploy_next(self, deploy_id: str) -> bool: ...
    def refusal(self) -> str: ...


class Decoder(Protocol):
    """One wire form of corpus events.

    `decode` raises MalformedEvent and nothing else, whatever the bytes; it returns None for a record of this topic
    that is none of our business (a transaction marker, another collection).
    """

    def decode(self, record: Record) -> CorpusEvent | None: ...


@runtime_checkable
class RunDecoder(Decoder, Protocol):
    """A decoder that is faster with many records at once."""

    def decode_run(self, records: Sequence[Record]) -> Sequence[Decoded]:
        """What `decode` makes of each, refusals among it: of all, or up to the first marker (deploy or migration)."""
        ...


class Encoder(Protocol):
    """Texts to vectors.

    `embedding_version` names encoder, tokenizer, pooling, normalisation, dimension and metric.
    `encode` returns (n, d) float32, finite, or raises UnreachableError / ConfigurationError.
    """

    @property
    def embedding_version(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


# ---------------------------------------------------------------- retrieval


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """What the real index answered for some anchors.

    Args:
        rows: (r,) int64 indices into the anchor set, as asked.
        lists: the served lists, aligned with `rows`; `known` is False where the anchor failed. Scores are float64,
            recomputed from the vector the index stores, bigger is better.
        hashes: content hash by chunk key, as the index's payload states it (absent: the index does not say).
        names: chunk id by chunk key for every result.
        failures: reason by anchor index: `deadline`, `unreachable`, `refused`, `rate_limited`, `bad_answer`,
            `too_many_results`, `not_finite`, `no_vector`, `dimension`, `collection_missing`, ...
        seconds: (r,) float64 latency of each anchor's query as seen here, NaN where none was sent.
        foreign: by anchor index, the points among its first k results that bear no chunk id; its list goes on without
            them.
    """

    rows: NDArray[np.int64]
    lists: RankedLists
    hashes: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    foreign: Mapping[int, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What an index answers that does not: a reason as in `Replay.failures`."""

    reason: str


class Retriever(Protocol):
    """The dense leg of the real index, read only. A replay measures, so it neither retries nor falls back.

    `replay` never raises: what goes wrong is a named failure of the anchors concerned. It ends within `deadline`
    seconds in total; anchors not reached by then fail with `deadline`.
    """

    def start(self) -> None:
        """Open it. Raises ConfigurationError where what was configured is not there; no answer is no error."""
        ...

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay: ...
    def problems(self) -> Sequence[str]:
        """Why no answer of this index would mean anything now (another distance or dimension); asked now and then."""
        ...

    def busy(self) -> Sequence[str]:
        """Why what the index serves now is about to change by itself (its optimiser works): no deploy is judged."""
        ...

    def remarks(self) -> Sequence[str]:
        """What is to be known of the index beside the numbers, which stand; asks nothing."""
        ...

    def configuration(self) -> IndexConfig | None:
        """How the index is configured, as it said last; None where there is nothing to say, or it did not. Asks
        nothing.
        """
        ...

    def hidden(self) -> int | Unanswered:
        """Points that the index holds and that no read sees yet."""
        ...

    def count(self) -> int | Unanswered:
        """Points in the index."""
        ...

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """Of the chunks that the index has, the content hash that it states ("" where it states none), by chunk id.

        Unanswered when it does not answer within `deadline` seconds. Meant for a few hundred ids.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class IndexPage:
    """Some of an index's points: the content hash that it states by chunk id, points without one, and what follows.

    `following` is what to ask for next, None behind the last page.
    """

    points: Mapping[str, str]
    nameless: int
    following: Any


class IndexReader(Protocol):
    """An index whose points can be listed and read, never written: the target of a migration."""

    @property
    def named(self) -> str:
        """What the index is called where it is: its collection."""
        ...

    def holding(self) -> int | Unanswered:
        """Points that hold a vector of this version, exactly."""
        ...

    def page(self, after: Any, limit: int) -> IndexPage | Unanswered:
        """Points in the index's own order, from where an earlier page led; None begins."""
        ...

    def points(self, chunk_ids: Sequence[str], *, deadline: float) -> Sequence[FoundPoint] | Unanswered:
        """Of these chunks those that the index has, with usable vectors as they are stored."""
        ...

    def aliases(self) -> frozenset[str] | Unanswered:
        """Other names that lead to it."""
        ...


class ProductionRetriever(Protocol):
    """Production's own retriever, asked as users ask it. A replay measures, so it neither retries nor falls back.

    `ask` never raises and ends within `deadline` seconds in total: every anchor of `rows` has results, best first, or
    the name of what went wrong; anchors not reached by then fail with `deadline`.
    """

    def ask(
        self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float
    ) -> Mapping[int, ProductionAnswer]: ...
    def last_error(self) -> str:
        """What the last failure of the last replay said, one line without secrets; "" where none failed."""
        ...

    def close(self) -> None: ...


class OwnedIndex(Retriever, Protocol):
    """An index that the monitor fills itself from the events (the embedded engine)."""

    def apply(self, delta: Delta) -> None: ...
    def reconcile(self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32]) -> int:
        """Make the index hold exactly these live chunks (vectors indexed by row.slot); returns points mended."""
        ...

    def rebuilt(
        self, rows: Sequence[ChunkRow], vectors: NDArray[np.float32], anchors: AnchorSet, *, k: int, deadline: float
    ) -> RankedLists | None:
        """What an index of these chunks that is built apart serves; None where two builds cannot differ."""
        ...


# ---------------------------------------------------------------- audit


class Auditor(Protocol):
    """A reference implementation of the lexical leg, written by others.

    `mismatches` counts, for each list, the results that disagree with the reference; documents are the tokens of all
    live chunks in the order of their ids, which breaks ties.
    """

    @property
    def defined(self) -> bool:
        """Whether the reference knows the configured scoring function at all; without it nothing can be audited."""
        ...

    def mismatches(self, documents: Sequence[Sequence[str]], lists: Sequence[AuditedList]) -> Sequence[int]: ...


# ---------------------------------------------------------------- state


class StateStore(Protocol):
    """The state and the position in one transaction. One owner writes; others read the last commit."""

    def start(self) -> Resumed: ...
    def commit(self, commit: Commit) -> None: ...
    def chunks(self, batch: int) -> Iterator[Sequence[StoredChunk]]:
        """Every known chunk, delete marks included, in key order, in batches; live ones have the slots 0, 1, ..."""
        ...

    def contents(self, batch: int) -> Iterator[Sequence[tuple[ChunkRow, str]]]:
        """The same without vectors."""
        ...

    def image(self, setup: str) -> tuple[Image | None, str]:
        """What a program of this version and set-up maintained of the chunks as they are; or None, and why."""
        ...

    def keep_image(self, image: Image, setup: str) -> None:
        """Keep what is maintained, until a chunk changes."""
        ...

    def sketches(self, keys: Sequence[int]) -> Mapping[int, ContentSketch]:
        """What is kept of what deleted chunks said, as long as their delete marks; unknown keys are left out."""
        ...

    def texts(self, keys: Sequence[int]) -> Mapping[int, str]: ...
    def said(self, keys: Sequence[int]) -> Mapping[int, ChunkContent]: ...
    def deploy(self, deploy_id: str) -> DeployRecord | None: ...
    def statistics(self, deploy_id: str) -> SourceStatistics | None: ...
    def ledger(self) -> Sequence[Judged]: ...
    def baseline(self, name: str) -> Snapshot | None: ...
    def baselines(self) -> Sequence[Snapshot]: ...
    def decision(self) -> Decision | None:
        """Which baseline a person put in force last; None before the first."""
        ...

    def current(self) -> tuple[DriftReport, Verdict] | None:
        """The report of the committed positions; None where no monitor has left one behind since."""
        ...

    def quarantine(self, limit: int) -> Sequence[Quarantined]: ...
    def target(self, version: str) -> Iterator[TargetRow]:
        """The points kept of a migration's target, by key; none of another version than the one put last."""
        ...

    def steps(self, migration_id: str) -> Sequence[PhaseChange]:
        """The steps that a migration took, oldest first; none of another migration than the one put last."""
        ...

    def history(self, deploys: int, hours: int) -> History:
        """The newest points of deploys and hours, oldest first, and what people approved; bounded by the store."""
        ...

    def tracked(self) -> Tracked:
        """The newest track of each anchor and leg."""
        ...

    def tracks(self, anchor: str) -> Sequence[Track]:
        """Every kept track of one anchor, oldest first."""
        ...

    def versions(self, key: int) -> Sequence[TextVersion]:
        """The texts that a chunk had while it stood in a list, oldest first."""
        ...

    def named(self, keys: Sequence[int]) -> Mapping[int, ChunkName]:
        """What chunks are called, live or deleted; unknown keys are left out."""

    def bridges(self) -> Sequence[PanelBridge]:
        """Of the newest changeover of anchors; none before the first."""
        ...

    def traffic(self) -> KeptTraffic | None:
        """What is kept of traffic; None where none was ever read."""
        ...

    def size(self) -> int:
        """Bytes on disk."""
        ...

    def close(self) -> None: ...


class Service(Protocol):
    """What the endpoints may ask; every method may be called from any thread."""

    def published(self) -> Published | None:
        """The last view; worked out by whoever looks first, which may take seconds while a backlog is worked off."""
        ...

    def pulse(self) -> Pulse | None:
        """What is known of the last view at once; None before the first."""
        ...

    def deploy(self, deploy_id: str) -> DeployRecord | None: ...
    def judged_against(self, deploy_id: str, baseline: str) -> Mapping[str, Any]: ...
    def baselines(self) -> Sequence[Snapshot]: ...
    def capture(self, name: str) -> Snapshot: ...
    def approve(self, name: str, approval: Approval) -> Snapshot: ...
    def accept(self, name: str, approval: Approval) -> Snapshot: ...
    def deploy_at_end(self, deploy_id: str) -> None: ...
    def explain(self, deploy_id: str, segment: str, anchor: str) -> Mapping[str, Any]: ...
    def retry(self) -> Retried: ...
    def erased(self, request: ErasureRequest) -> Mapping[str, Any]: ...
    def anchors(self) -> Sequence[Anchor]:
        """The anchors in use."""
        ...

    def history(self, deploys: int, hours: int) -> History:
        """The newest points, oldest first; see `StateStore.history`."""
        ...

    def anchor_past(self, anchor: str) -> AnchorPast:
        """An anchor's lists over the last deploys; nothing where none are kept."""
        ...

    def chunk_past(self, chunk_id: str) -> ChunkPast | None:
        """What a chunk says and what it said while it stood in lists; None where nothing is known of it."""
        ...


# ---------------------------------------------------------------- files


class FileReader(Protocol):
    """Reads rows of files as events; may be sent to another process, so it opens a file when it reads it."""

    def read(self, piece: FilePiece) -> ReadRows:
        """The rows of a piece, in order.

        Raises:
            UnreachableError: the file cannot be read now, or is another one than when the piece was planned.
        """
        ...


class CorpusFiller(Protocol):
    """Takes rows of files into all parts of a corpus, wherever they are, and stores them.

    Constructed, it has opened nothing. `start` comes first, `close` last; what was not committed is lost with it.
    """

    def start(self, published: int, run: str) -> None:
        """Go on as of the coordinator's last commit.

        Args:
            published: the epoch of that commit, 0 before the first.
            run: mark of the coordinator's state, "" in one process.

        Raises:
            ConfigurationError: what a part has is another one's, or neither stands there nor can go back there.
            UnreachableError: a part cannot be had now.
        """
        ...

    def expect(self, pieces: Sequence[FilePiece]) -> None:
        """Begin to read what the next step takes, where somebody else does it meanwhile."""
        ...

    def fill(self, span: EpochSpan, pieces: Sequence[FilePiece]) -> FilledRows:
        """Take a step: some pieces, in order."""
        ...

    def commit(self) -> None:
        """Store what every part did since its last commit."""
        ...

    def close(self) -> None:
        """Let go of everything; safe to call twice."""
        ...


# ---------------------------------------------------------------- publishing


class Publisher(Protocol):
    """Somewhere the records set aside are published besides the store (a dead-letter topic): at least once."""

    def publish(self, items: Sequence[Quarantined]) -> None: ...
    def close(self) -> None: ...
