"""What of the loop's work is kept for pictures: a point a deploy and an hour, and the lists that a deploy moved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from monitor.app.health import Clocks
from monitor.core.index.baseline import Judged
from monitor.core.index.corpus import Corpus
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import chunk_key
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.history import (
    DEPLOYS_KEPT,
    HOUR,
    TRACKED_DEPLOYS,
    AnchorPast,
    ChunkPast,
    DeploySize,
    HistoryPoint,
    Track,
    moved_tracks,
    point_of,
)
from monitor.ports import StateStore


class Recorder:
    """Makes points and tracks; whoever commits them puts them into the transaction of their turn.

    Args:
        clocks: hours are the wall clock's: an index moves without any event.
        corpus: what chunks are, and what changed them.
    """

    def __init__(self, clocks: Clocks, corpus: Corpus) -> None:
        self._clocks, self._corpus = clocks, corpus
        self._tracked: dict[tuple[str, str], Track] = {}
        self._due = clocks.wall() + HOUR

    def resume(self, store: StateStore) -> None:
        """Go on where the state left off: an hour after its newest point, however often the program was started."""
        self._tracked = dict(store.tracked())
        past = store.history(1, 1)
        taken = [point.taken for point in (*past.deploys, *past.hours) if not math.isnan(point.taken)]
        if taken:
            self._due = min(self._due, max(taken) + HOUR)

    def hour_due(self) -> bool:
        """Whether an hour is over."""
        return self._clocks.wall() >= self._due

    def hour(self, report: DriftReport, verdict: Verdict, newest: str, stale: str) -> HistoryPoint:
        """The point of this hour.

        Args:
            report: the last one.
            verdict: of the report itself.
            newest: the newest judged deploy, "" before the first.
            stale: why the input is stale, "" where it is not; what was measured of an old input is not known now.
        """
        self._due = self._clocks.wall() + HOUR
        made = replace(point_of(report, verdict, kind="hour", taken=self._clocks.wall()), deploy_id=newest)
        if not stale:
            return made
        unknown = np.full_like(made.values, np.nan)
        return replace(made, verdict="unknown", verdicts=("unknown",) * len(made.verdicts), values=unknown)

    def deploy(
        self, record: DeployRecord, size: DeploySize | None, ledger: Sequence[Judged]
    ) -> tuple[HistoryPoint, Sequence[Track]]:
        """The point of a judged deploy, and the lists that are not what they were at the one before.

        Args:
            record: the deploy.
            size: what it changed.
            ledger: judged deploys, this one last.
        """
        since: Mapping[str, int] = ledger[-2].positions if len(ledger) > 1 else {}
        tracks = moved_tracks(self._tracked, record.snapshot, self._corpus.row, since)
        self._tracked.update(((of.anchor, of.leg), of) for of in tracks)
        return point_of(record.report, record.verdict, kind="deploy", taken=self._clocks.wall(), size=size), tracks


def anchor_past(store: StateStore, anchor: str) -> AnchorPast:
    """An anchor's lists over the last deploys, with the names of what stood in them."""
    tracks = store.tracks(anchor)
    points = store.history(TRACKED_DEPLOYS, 0).deploys if tracks else ()
    keys = {key for track in tracks for key in track.keys or ()}
    return AnchorPast(points, tracks, store.named(sorted(keys)))


def chunk_past(store: StateStore, chunk_id: str) -> ChunkPast | None:
    """What a chunk says and what it said while it stood in lists; None where nothing is known of it."""
    key = chunk_key(chunk_id)
    named, versions = store.named([key]).get(key), store.versions(key)
    if named is None and not versions:
        return None
    said = store.said([key]).get(key)
    points = {point.number: point.deploy_id for point in store.history(DEPLOYS_KEPT, 0).deploys}
    return ChunkPast(
        chunk_id=chunk_id,
        doc_id="" if named is None else named.doc_id,
        live=said is not None,
        content_hash="" if said is None else said.content_hash,
        text=None if said is None else said.text,
        versions=versions,
        deploys=points,
    )
