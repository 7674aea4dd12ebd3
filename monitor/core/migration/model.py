"""The words of a migration as frozen types: contract, phase, coverage, pace, serving, shadow, and a view of it all.

NaN and None say that something is not known, which never reads as fine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from hashlib import blake2b
from typing import Literal

from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import MigrationStep
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance


class Phase(StrEnum):
    """Where a migration stands, by the markers of its stream."""

    NOT_STARTED = "not_started"
    BACKFILLING = "backfilling"
    SHADOWING = "shadowing"
    """The backfill says it is done; both versions are written, the old one serves."""
    CUT_OVER = "cut_over"
    """The new version serves; the old one is kept for a rollback."""
    ROLLED_BACK = "rolled_back"
    ENDED = "ended"


NEXT: Mapping[tuple[Phase, MigrationStep], Phase] = {
    (Phase.NOT_STARTED, "begin"): Phase.BACKFILLING,
    (Phase.BACKFILLING, "backfilled"): Phase.SHADOWING,
    (Phase.SHADOWING, "cutover"): Phase.CUT_OVER,
    (Phase.CUT_OVER, "rollback"): Phase.ROLLED_BACK,
    (Phase.BACKFILLING, "end"): Phase.ENDED,
    (Phase.SHADOWING, "end"): Phase.ENDED,
    (Phase.CUT_OVER, "end"): Phase.ENDED,
    (Phase.ROLLED_BACK, "end"): Phase.ENDED,
}
"""Where each step leads from each phase; a step that is not here is out of order. Who tries again after a rollback
begins another migration, under another id."""


@dataclass(frozen=True, slots=True)
class EncoderContract:
    """All that must be the same for two vectors to be comparable.

    Args:
        version: the `embedding_version` that stands on chunks, anchors and reports.
        encoder: the model.
        tokenizer: its tokenizer.
        pooling: how token vectors become one.
        normalisation: `l2` where stored vectors have unit length, `none` where they need not, "" where nobody says.
        dimension: numbers of a vector, 0 where nobody says.
        metric: how vectors are compared.
        query_prefix: put before a query.
        document_prefix: put before a chunk's text.
        max_tokens: the most tokens that are encoded, 0 where nobody says.
    """

    version: str
    encoder: str = ""
    tokenizer: str = ""
    pooling: str = ""
    normalisation: Literal["", "l2", "none"] = ""
    dimension: int = 0
    metric: Distance = Distance.COSINE
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int = 0

    def digest(self) -> str:
        """64 bits of BLAKE2b over all fields, hexadecimal: part of the fingerprint.

        >>> EncoderContract("e5:v2").digest() == EncoderContract("e5:v2", query_prefix="query: ").digest()
        False
        """
        text = "\x1f".join(f"{of.name}={getattr(self, of.name)}" for of in fields(self))
        return blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A step that the migration took: which, where it led, and the event time of its barrier."""

    step: MigrationStep
    phase: Phase
    event_time: int


@dataclass(frozen=True, slots=True)
class SegmentCoverage:
    """Coverage of one segment's live chunks: `live` is the sum of the other four."""

    dimension: str
    segment: str
    live: int
    covered: int
    missing: int
    stale: int
    settling: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the target version stands to the live chunks, exactly.

    With L the live chunks with their content hashes and T the points of the target with the hashes they were made
    from: `missing` = L without T, `stale` = in both with other hashes, `resurrected` = T without L where the events
    deleted the chunk, `foreign` = T without L that no event ever made. A fault younger than the settle time is
    `settling` and counts as neither covered nor faulty. `live` = covered + missing + stale + settling.

    Args:
        live: live chunks.
        covered: with a target vector made from the live content.
        missing: without a target vector.
        stale: with a target vector of other content; None where the target does not say of what content.
        resurrected: points of the target whose chunk is deleted; None where nobody can list its points.
        foreign: points of the target that no event made; None likewise.
        settling: live chunks whose fault is too young to be called one.
        unsettled_points: points beyond the live chunks that are too young likewise.
        target_points: points of the target by its own count, None where it does not say.
        source_points: points of the index in production likewise.
        settle_seconds: the settle time, of event time.
        unscanned: the target's points have not been listed since something may have changed beside the stream: what
            is said of resurrected and foreign rests on the events alone.
        by_segment: the dimension `all` first.
        missing_ids: chunk ids, in order, at most `NAMED`.
        stale_ids: likewise.
        resurrected_ids: likewise.
        foreign_ids: likewise.
        about: document, source and event time by chunk id of those that are named, where the events know them.
    """

    live: int
    covered: int
    missing: int
    stale: int | None
    resurrected: int | None
    foreign: int | None
    settling: int = 0
    unsettled_points: int = 0
    target_points: int | None = None
    source_points: int | None = None
    settle_seconds: float = 0.0
    unscanned: bool = False
    by_segment: tuple[SegmentCoverage, ...] = ()
    missing_ids: tuple[str, ...] = ()
    stale_ids: tuple[str, ...] = ()
    resurrected_ids: tuple[str, ...] = ()
    foreign_ids: tuple[str, ...] = ()
    about: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Share of the live chunks that are covered; NaN of none."""
        return self.covered / self.live if self.live else float("nan")

    @property
    def faults(self) -> int | None:
        """All four faults together, None where one of them is not known."""
        found = (self.missing, self.stale, self.resurrected, self.foreign)
        return None if None in found else sum(count for count in found if count is not None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the target fills; seconds and chunks per second of event time, NaN where nothing says it.

    `lag` is from a chunk's change to its target vector, of chunks that changed since the migration began.
    `eta_seconds` is what is missing over the backfill's rate: 0 where nothing is, NaN where nothing moves.
    """

    lag_p50: float = float("nan")
    lag_p95: float = float("nan")
    backfill_rate: float = float("nan")
    live_rate: float = float("nan")
    eta_seconds: float = float("nan")


@dataclass(frozen=True, slots=True)
class ServingFigures:
    """What one version's index did in the last full replay.

    Args:
        version: the embedding version.
        ann_recall: share of the exact top-k that it served, over anchors that answered; NaN: not measured.
        p50: seconds of a query, likewise `p95`, `p99`; NaN: none was asked.
        p95: see p50.
        p99: see p50.
        failures: anchors it did not answer for, None before the first replay.
        empty: anchors that it answered with nothing, None before the first replay.
        ready: whether it is at rest and what is configured; None where it does not say.
        points: points that it holds, None where it does not say.
        asked: anchors asked.
        problems: why what it serves means nothing, or is about to change.
    """

    version: str
    ann_recall: float = float("nan")
    p50: float = float("nan")
    p95: float = float("nan")
    p99: float = float("nan")
    failures: int | None = None
    empty: int | None = None
    ready: bool | None = None
    points: int | None = None
    asked: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """How far the two versions' lists lie apart in one segment: means over `anchors` whose lists are both known.

    Args:
        dimension: `all` or a configured one.
        segment: of the dimension.
        k: the depth.
        anchors: how many the means rest on.
        overlap: shared chunks over k, 0 to 1.
        document_overlap: shared documents over the documents of both (Jaccard), 0 to 1.
        rbo: rank-biased overlap, 0 to 1.
        swaps: results of the old list that the new one lacks.
    """

    dimension: str
    segment: str
    k: int
    anchors: int
    overlap: float
    document_overlap: float
    rbo: float
    swaps: float


@dataclass(frozen=True, slots=True)
class AliasResolution:
    """Whom production's alias leads to: `version` is the one that serves, "" where it leads to neither.

    `target` is the collection that it names, "" where there is no such alias; `problem` says in one line what is
    wrong, "" where it leads to one of the two.
    """

    alias: str
    target: str
    version: str
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class VersionLists:
    """One version's lists, of all anchors: as its index served them, and exact over the vectors that events brought.

    `served` is unknown where it was not asked or did not answer.
    """

    served: RankedLists
    exact: RankedLists


@dataclass(frozen=True, slots=True)
class VectorFaults:
    """What is wrong with vectors of the target as they came, each counted over the points that stand now.

    Args:
        checked: points whose vectors were looked at.
        not_unit: length more than 1e-3 from 1 where the contract says l2; None where it does not.
        zero: vectors of zeros.
        unequal: points whose content equals another's and whose vector does not, beyond a cosine of .999.
        examples: chunk ids of any of these, at most a few.
    """

    checked: int = 0
    not_unit: int | None = None
    zero: int = 0
    unequal: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MigrationView:
    """All that is known of a migration at one position of the stream, immutable.

    Args:
        migration_id: as configured and as the markers say.
        old: the contract of the version in production.
        new: the contract of the target.
        phase: where it stands.
        changes: the steps taken, oldest first.
        now: newest event time, microseconds.
        positions: next offset by `topic/partition`.
        coverage: of the target.
        pace: of the target.
        faults: of the target's vectors as they came.
        serving: of the old version and of the new one, in this order.
        shadow: by segment, the dimension `all` first, at every depth.
        anchors: whose lists these are, row by row; vectors of the old version.
        anchor_digest: of the anchors' questions in both versions.
        lists: by version: the old one first.
        names: chunk id by key, of every chunk in the lists that is known.
        documents: document id by key likewise.
        events: what came of the target's events: (kind, outcome) -> count since the state began. Kinds are `embed`,
            `vectors` (beside an upsert) and `marker`.
        alias: whom production asks, None where no alias is configured or it could not be resolved.
        problems: what keeps something from being measured, one line each.
        deploy_id: the newest judged deploy, "" for none.
    """

    migration_id: str
    old: EncoderContract
    new: EncoderContract
    phase: Phase
    changes: tuple[PhaseChange, ...]
    now: int
    positions: Mapping[str, int]
    coverage: Coverage
    pace: Pace
    faults: VectorFaults
    serving: tuple[ServingFigures, ServingFigures]
    shadow: tuple[ShadowFigures, ...]
    anchors: AnchorSet
    anchor_digest: str
    lists: Mapping[str, VersionLists]
    names: Mapping[int, str] = field(default_factory=dict)
    documents: Mapping[int, str] = field(default_factory=dict)
    events: Mapping[tuple[str, str], int] = field(default_factory=dict)
    alias: AliasResolution | None = None
    problems: tuple[str, ...] = ()
    deploy_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AuditSample:
    """Stored vectors of the target that can be held against their texts encoded anew, aligned.

    `vectors` are as the events or the index brought them, before any preparation.
    """

    chunk_ids: Sequence[str]
    texts: Sequence[str]
    vectors: Sequence[Sequence[float]]
