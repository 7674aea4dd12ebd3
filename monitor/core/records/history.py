"""The past as it is kept for pictures: a point a deploy and an hour, and each anchor's lists where they changed.

A point holds the headline measures of every segment with their limits; it is made of a report that was judged anyway,
so no event costs anything for it. What a point could not know is NaN, which pictures leave out, never 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.judging.learning import ApprovedDeploy, CountedPlace
from monitor.core.judging.policy import Finding, Verdict, blind
from monitor.core.judging.segment_verdicts import segment_verdicts
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.changes import ChunkRow
from monitor.core.model.report import DriftReport, judged_depth

DEPLOYS_KEPT = 500
"""Points of deploys that a store keeps."""
HOURS_KEPT = 336
"""Points of hours: 14 days."""
TRACKED_DEPLOYS = 60
"""Deploys of which each anchor's lists are kept where they changed."""
MARKS_KEPT = 500
"""Approvals by people."""
HOUR = 3_600.0
HEADLINES = (
    "kept_answers_ratio", "new_results", "collapsed_swaps", "swaps", "jaccard_ratio", "rank_churn_ratio",
)  # fmt: skip
"""Measures of which the mean is kept, at the depth that is judged; in the order in which they are shown."""
NEW_RESULTS = "new_results"
HISTORY_LEGS = ("dense", "lexical", "production")
TRACKED_LEGS: tuple[ListLeg, ...] = ("dense", "lexical", "production")
MOST_TOUCHES = 3
"""Changes named for one list at one deploy."""
PointKind = Literal["deploy", "hour"]
COUNTED = {
    ("events", "upsert", "new"): 0, ("events", "upsert", "modified"): 1, ("events", "delete", "deleted"): 2,
}  # fmt: skip
"""Counters of events that changed a chunk, and where `DeploySize` has them."""


class Series(NamedTuple):
    """What a column of a point is: the mean of a measure on one leg."""

    metric: str
    leg: str


SERIES = tuple(Series(metric, leg) for leg in HISTORY_LEGS for metric in HEADLINES)


class DeploySize(NamedTuple):
    """Changes of chunks that a deploy brought; one that was written twice counts twice."""

    written: int
    rewritten: int
    deleted: int

    @property
    def total(self) -> int:
        """All of them.

        >>> DeploySize(3, 2, 1).total
        6
        """
        return sum(self)


def size_of(now: Mapping[tuple[str, ...], int], before: Mapping[tuple[str, ...], int]) -> DeploySize:
    """What the counters of events say of the time between two of their states; never less than 0.

    >>> size_of({("events", "upsert", "new"): 7}, {("events", "upsert", "new"): 5})
    DeploySize(written=2, rewritten=0, deleted=0)
    """
    counts = [0, 0, 0]
    for name, at in COUNTED.items():
        counts[at] = max(0, now.get(name, 0) - before.get(name, 0))
    return DeploySize(*counts)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryPoint:
    """What was measured at one deploy, or in one hour.

    Args:
        kind: a `deploy`, or an `hour` between them.
        deploy_id: the deploy; of an hour the newest one before it, "" before the first.
        event_time: newest event time then (microseconds).
        taken: wall-clock seconds since the epoch, for people and for the axis of hours; NaN where nobody noted it.
        verdict: of the report.
        baseline: name of what was compared with, "" for nothing.
        chunks: live ones, NaN where not known.
        size: what the deploy changed; None for an hour, and where nobody counted.
        segments: (dimension, segment) of each row.
        verdicts: of each row, see `segment_verdicts`.
        anchors: (S,) int64 of each row, 0 where no anchor is in it.
        series: what each column is.
        values: (S, C) float64, NaN where not known.
        limits: (S, C) float64, what the policy allowed then, NaN where no rule judged it.
        number: given by the store, ascending; 0 before.
    """

    kind: PointKind
    deploy_id: str
    event_time: int
    taken: float
    verdict: str
    baseline: str
    chunks: float
    size: DeploySize | None
    segments: tuple[tuple[str, str], ...]
    verdicts: tuple[str, ...]
    anchors: NDArray[np.int64]
    series: tuple[Series, ...]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]
    moved_on: str = ""
    """The deploy whose own lists were the baseline, where a moving mode had advanced to one; "" for none."""
    number: int = 0

    def row(self, dimension: str, segment: str) -> int | None:
        """Where a segment stands; None where it was not there."""
        at = (dimension, segment)
        return self.segments.index(at) if at in self.segments else None

    def at(self, dimension: str, segment: str, series: Series) -> tuple[float, float]:
        """Value and limit of one segment; NaN for what is not known."""
        row = self.row(dimension, segment)
        if row is None or series not in self.series:
            return float("nan"), float("nan")
        column = self.series.index(series)
        return float(self.values[row, column]), float(self.limits[row, column])


@dataclass(frozen=True, slots=True)
class ApprovalMark:
    """A person put a baseline in force, behind a deploy ("" before the first)."""

    name: str
    author: str
    reason: str
    time: str
    """Wall-clock RFC 3339, for people only."""
    after: str


@dataclass(frozen=True, slots=True)
class History:
    """Points, oldest first, and what people approved meanwhile."""

    deploys: Sequence[HistoryPoint] = ()
    hours: Sequence[HistoryPoint] = ()
    approvals: Sequence[ApprovalMark] = ()


def approved_deploys(past: History) -> list[ApprovedDeploy]:
    """The deploys of a history, oldest first, that were compared with the deploy before them and approved: by their
    gate, or by a person who put a baseline in force behind them. What was compared with a baseline that stays is the
    sum of many deploys, and says nothing of an ordinary one.
    """
    people = {mark.after for mark in past.approvals}
    series = [of for of in SERIES if of.metric == NEW_RESULTS]
    made: list[ApprovedDeploy] = []
    for point in past.deploys:
        by_person = point.deploy_id in people
        if not point.moved_on or not (by_person or point.verdict == "pass"):
            continue
        found = {
            CountedPlace(of.leg, *where): value
            for of in series
            for where in point.segments
            if not np.isnan(value := point.at(*where, of)[0])
        }
        made.append(ApprovedDeploy(point.deploy_id, by_person, found))
    return made


def point_of(
    report: DriftReport, verdict: Verdict, *, kind: PointKind, taken: float, size: DeploySize | None = None
) -> HistoryPoint:
    """The point of a report.

    A report that says nothing for sure (no baseline, another fingerprint, lost events) has values that nobody may
    compare: they are NaN in its point. The limit is the critical rule's, else the warning's; of several the one that
    is reached first.

    Args:
        report: the measurements.
        verdict: what the rules said of it; their findings hold the limits as they were then.
        kind: see `HistoryPoint`.
        taken: wall-clock seconds since the epoch.
        size: of a deploy.
    """
    depth, verdicts = judged_depth(report.measurements), segment_verdicts(report, verdict)
    columns = {series: at for at, series in enumerate(SERIES)}
    found: dict[tuple[str, str], int] = {}
    cells: list[tuple[int, int, float]] = []
    for item in report.measurements:
        column = columns.get(Series(item.metric, item.leg))
        if column is None or item.stat != "mean" or item.k not in (0, depth):
            continue
        cells.append((found.setdefault((item.dimension, item.segment), len(found)), column, item.value))
    values, limits = (np.full((len(found), len(SERIES)), np.nan) for _ in range(2))
    for row, column, value in () if blind(report) else cells:
        values[row, column] = value
    for one in _loosest_first(verdict.findings, depth):
        at, series = found.get((one.dimension, one.segment)), Series(one.metric, one.leg)
        if at is not None and series in columns:
            limits[at, columns[series]] = one.limit
    used = np.flatnonzero(~(np.isnan(values).all(axis=0) & np.isnan(limits).all(axis=0)))
    sizes = {(of.dimension, of.segment): of.anchors for of in report.segments}
    return HistoryPoint(
        kind=kind,
        deploy_id=report.deploy_id,
        event_time=report.now,
        taken=taken,
        verdict=verdict.verdict,
        baseline="" if report.baseline is None else report.baseline.name,
        chunks=float(report.corpus.get("chunks", np.nan)),
        size=size,
        segments=tuple(found),
        verdicts=tuple(verdicts[at] for at in found),
        anchors=np.array([sizes.get(at, 0) for at in found], np.int64),
        series=tuple(SERIES[at] for at in used.tolist()),
        values=values[:, used],
        limits=limits[:, used],
        moved_on="" if report.baseline is None or report.baseline.kept_as != "deploy" else report.baseline.deploy_id,
    )


def _loosest_first(findings: Sequence[Finding], depth: int) -> list[Finding]:
    """Findings on means at the judged depth; of several on one number the one that counts stands last."""
    judged = [of for of in findings if of.stat == "mean" and of.k in (0, depth)]
    return sorted(judged, key=lambda of: (of.severity == "critical", of.limit * (1.0 if _rises(of.metric) else -1.0)))


def _rises(metric: str) -> bool:
    """Whether more of it is better, so that a limit is a least value."""
    measure = REGISTRY.by_name.get(metric)
    return measure is not None and measure.better == "higher"


class Touch(NamedTuple):
    """An event that changed a chunk of a list: what it did, to which chunk, and where it stands in the stream."""

    how: str
    chunk_id: str
    place: str


@dataclass(frozen=True, slots=True)
class Track:
    """An anchor's list on one leg as it stands from a deploy on, until a newer track of it.

    Args:
        anchor: its id.
        leg: the leg.
        asked: digest of its question; another one is another question, whose list does not continue the former.
        keys: chunk keys, best first; None where the list could not be had.
        touches: events since the deploy before that changed a chunk of this list or of the former one; those of
            results that came or went first, at most `MOST_TOUCHES`.
        touched: how many there were.
        number: of the point of its deploy, given by the store; 0 before.
    """

    anchor: str
    leg: str
    asked: str
    keys: tuple[int, ...] | None
    touches: tuple[Touch, ...] = ()
    touched: int = 0
    number: int = 0

    def continues(self, other: "Track") -> bool:
        """Whether nothing is to be kept of it: the same question has the same list."""
        return (self.asked, self.keys) == (other.asked, other.keys)


Tracked = Mapping[tuple[str, str], Track]
"""The newest track by anchor and leg."""


def moved_tracks(
    before: Tracked, now: Snapshot, row: Callable[[int], ChunkRow | None], since: Mapping[str, int]
) -> list[Track]:
    """The lists of a deploy that are not what they were at the deploy before.

    Args:
        before: the newest tracks.
        now: the deploy's snapshot.
        row: what is known of a chunk by its key, live or deleted.
        since: next offset at the deploy before, by `topic/partition`.
    """
    made = []
    for leg in TRACKED_LEGS:
        lists = now.lists.get(leg)
        if lists is None:
            continue
        keys, lengths, known = lists.keys.tolist(), lists.lengths.tolist(), lists.known.tolist()
        for at, (name, mark) in enumerate(now.anchors.items()):
            track = Track(name, leg, mark.digest, tuple(keys[at][: lengths[at]]) if known[at] else None)
            former = before.get((name, leg))
            if former is None:
                made.append(track)
            elif not track.continues(former):
                made.append(_touched(track, former, row, since))
    return made


def _touched(track: Track, former: Track, row: Callable[[int], ChunkRow | None], since: Mapping[str, int]) -> Track:
    here, there = track.keys or (), former.keys or ()
    exchanged = {*here} ^ {*there}
    found: list[tuple[bool, Touch]] = []
    for key in dict.fromkeys((*here, *there)):
        chunk = row(key)
        if chunk is None:
            continue
        place = chunk.origin
        named = f"{place.topic}/{place.partition}"
        if place.offset >= since.get(named, 0):
            found.append((key not in exchanged, Touch(chunk.how, chunk.chunk_id, f"{named}@{place.offset}")))
    ranked = sorted(found, key=lambda of: of[0])
    touches = tuple(touch for _, touch in ranked[:MOST_TOUCHES])
    return Track(track.anchor, track.leg, track.asked, track.keys, touches, len(found))


class TextVersion(NamedTuple):
    """A text that a chunk had while it stood in a list.

    Args:
        content_hash: of the content.
        first: number of the first point at which it stood in a list.
        newest: number of the last one.
        text: as it was, maybe cut; None where it is no longer kept.
        characters: of the whole text.
    """

    content_hash: str
    first: int
    newest: int
    text: str | None
    characters: int


class ChunkName(NamedTuple):
    """How a chunk is called, and whether it is in the corpus now."""

    chunk_id: str
    doc_id: str
    live: bool


@dataclass(frozen=True, slots=True)
class ChunkPast:
    """What a chunk says, and what it said while it stood in lists.

    Args:
        chunk_id: its id.
        doc_id: its document.
        live: whether it is in the corpus now.
        content_hash: of what it says now, "" where it is deleted.
        text: what it says now, None where it is deleted.
        versions: what it said, oldest first.
        deploys: deploy by number of its point, "" for an hour's; those that are kept.
    """

    chunk_id: str
    doc_id: str
    live: bool
    content_hash: str
    text: str | None
    versions: Sequence[TextVersion]
    deploys: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class AnchorPast:
    """An anchor's lists over the last deploys.

    Args:
        points: deploys, oldest first.
        tracks: its tracks on all legs, oldest first.
        names: of the chunks in them; a chunk whose delete mark was forgotten has none.
    """

    points: Sequence[HistoryPoint] = ()
    tracks: Sequence[Track] = ()
    names: Mapping[int, ChunkName] = field(default_factory=dict)
