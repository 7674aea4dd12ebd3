"""Drift: from the lists now and a baseline to an immutable report. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.alignment import Alignment, align
from monitor.core.anchors import AnchorSet
from monitor.core.baseline import ListLeg, Snapshot, content_lists
from monitor.core.blame import Changes, blame
from monitor.core.content import content
from monitor.core.corpus import Row
from monitor.core.duplicates import Duplicates
from monitor.core.fingerprint import Fingerprint
from monitor.core.lists import RankedLists
from monitor.core.measure import disagreement, ranking
from monitor.core.measure.columns import Name, Pair, Settings
from monitor.core.measure.index import ann_recall, score_parity
from monitor.core.measure.leg import measure
from monitor.core.measure.overlap import overlap
from monitor.core.report import DriftReport, Leg, Measurement, Share
from monitor.core.scoring import Distance
from monitor.core.summary import Table, summarise

TIE_EPS = 1e-6
"""Dense scores this close tie: float32 engines cut them arbitrarily."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the loop saw at one position of the stream.

    `lists` are by leg; `hashes` are content hashes by chunk key, of the chunks in the lists; `failures` name the
    anchors (rows) that the real index did not answer for; `corpus` holds counts; `problems` are reasons why nothing
    may be concluded.
    """

    deploy_id: str
    now: int
    positions: Mapping[str, int]
    lists: Mapping[ListLeg, RankedLists]
    hashes: Mapping[int, str]
    settling: frozenset[int]
    """Anchors (rows) whose documents production may still be writing: no recall, no parity."""
    failures: Mapping[int, str]
    corpus: Mapping[str, float]
    chunks: tuple[Measurement, ...]
    """Measurements of the corpus itself (see `core.content`)."""
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is told apart: configured dimensions, the most segments of each, the fewest anchors of a watched one."""

    dimensions: tuple[str, ...]
    cap: int
    min_anchors: int


class Drift:
    """Evaluates reports for one set of anchors.

    Args:
        anchors: the anchors.
        fingerprint: the measuring set-up now.
        scope: dimensions and segments.
        depths: the depths k to measure at.
        thresholds: production's threshold on the first score, by leg, where there is one.
    """

    def __init__(
        self,
        anchors: AnchorSet,
        fingerprint: Fingerprint,
        scope: Scope,
        depths: tuple[int, ...],
        thresholds: Mapping[str, float],
    ) -> None:
        self._anchors, self._fingerprint, self._scope, self._depths = anchors, fingerprint, scope, depths
        self._thresholds = thresholds
        self._aligned: dict[int, tuple[Snapshot, Alignment]] = {}

    def content(self, duplicates: Duplicates) -> tuple[Measurement, ...]:
        """Measurements of the corpus itself, in this scope."""
        return tuple(content(duplicates, self._scope.dimensions, cap=self._scope.cap))

    def evaluate(
        self,
        baseline: Snapshot | None,
        pinned: Snapshot | None,
        seen: Seen,
        row: Callable[[int], Row | None] | None = None,
    ) -> DriftReport:
        """The report at one position.

        Args:
            baseline: the approved snapshot to compare with; None makes the report say so and measure nothing.
            pinned: the pinned baseline; where it is another one, the distance to it is measured too.
            seen: lists and circumstances.
            row: what is known of a chunk now; without it nobody is blamed (lists that were only kept).
        """
        problems = [*seen.problems, *self._against(baseline)]
        measurements: list[Measurement] = [*seen.chunks]
        shares: tuple[Share, ...] = ()
        alignment = None
        if baseline is not None and not self._against(baseline):
            alignment = self._align(baseline)
            measurements += self._compare(baseline, alignment, seen)
            shares = () if row is None else self._blame(baseline, alignment, seen, Changes(baseline, row))
        if pinned is not None and pinned is not baseline and not self._against(pinned):
            measurements += self._distance(pinned, seen)
        return DriftReport(
            deploy_id=seen.deploy_id,
            now=seen.now,
            positions=dict(seen.positions),
            fingerprint=self._fingerprint.digest(),
            baseline=None if baseline is None else baseline.identity,
            measurements=tuple(measurements),
            segments=() if alignment is None else alignment.sizes,
            corpus=dict(seen.corpus),
            problems=tuple(problems),
            blame=shares,
            changed_anchors=0 if alignment is None else alignment.changed,
        )

    def _against(self, baseline: Snapshot | None) -> list[str]:
        """Why this baseline cannot be compared with; empty where it can."""
        if baseline is None:
            return ["no approved baseline: capture one (baseline capture), look at it, approve it (baseline approve)"]
        differs = self._fingerprint.differences(baseline.fingerprint)
        if differs:
            return [f"fingerprint differs from baseline {baseline.name!r}: {line}" for line in differs]
        if not len(self._align(baseline).now):
            return [f"no anchor of baseline {baseline.name!r} asks the same now: capture and approve a new one"]
        return []

    def _align(self, baseline: Snapshot) -> Alignment:
        found = self._aligned.get(id(baseline))
        if found is None or found[0] is not baseline:
            scope = self._scope
            made = align(self._anchors, baseline, scope.dimensions, cap=scope.cap, min_anchors=scope.min_anchors)
            # At most the moving and the pinned baseline are in use: forget the older ones.
            self._aligned = dict(list(self._aligned.items())[-1:])
            found = self._aligned[id(baseline)] = (baseline, made)
        return found[1]

    def _compare(self, baseline: Snapshot, alignment: Alignment, seen: Seen) -> Iterator[Measurement]:
        for leg in ("dense", "lexical"):
            if leg in baseline.lists and leg in seen.lists:
                table = self._leg(leg, baseline, alignment, seen)
                yield from summarise(table, alignment, seen.failures)
        if {"dense", "lexical"} <= set(baseline.lists) & set(seen.lists):
            yield from summarise(self._both(baseline, alignment, seen), alignment, seen.failures)
        if {"dense", "exact"} <= set(seen.lists):
            yield from summarise(self._index(alignment, seen), alignment, seen.failures)

    def _leg(self, leg: Leg, baseline: Snapshot, alignment: Alignment, seen: Seen) -> Table:
        then, now = _lists(baseline.lists, leg, alignment.then), _lists(seen.lists, leg, alignment.now)
        eps = TIE_EPS if leg == "dense" else None
        settings = Settings(self._depths, score_threshold=self._thresholds.get(leg), tie_eps=eps)
        columns = measure(Pair(then, now, {}), settings)
        hashes_then = {key: member.content_hash for key, member in baseline.members.items()}
        said = overlap(content_lists(then, hashes_then), content_lists(now, seen.hashes))
        names, values = list(columns.names), [*columns.values]
        for k in self._depths:
            names += [Name("collapsed_swaps", k), Name("collapsed_jaccard_ratio", k), Name(COLLAPSED_TOP1, k)]
            values += [ranking.swaps(said, k), ranking.jaccard(said, k), ranking.top1_changed(said)]
        reasons = (*columns.reasons, *("" for _ in range(len(values) - len(columns.names))))
        return Table(leg, tuple(names), np.stack(values), reasons)

    def _blame(self, baseline: Snapshot, alignment: Alignment, seen: Seen, changes: Changes) -> tuple[Share, ...]:
        made: tuple[Share, ...] = ()
        for leg in ("dense", "lexical"):
            if leg in baseline.lists and leg in seen.lists:
                then, now = _lists(baseline.lists, leg, alignment.then), _lists(seen.lists, leg, alignment.now)
                made += blame(leg, then.at(self._depths[0]), now.at(self._depths[0]), changes)
        return made

    def _both(self, baseline: Snapshot, alignment: Alignment, seen: Seen) -> Table:
        dense_then, lexical_then = (_lists(baseline.lists, leg, alignment.then) for leg in ("dense", "lexical"))
        dense_now, lexical_now = (_lists(seen.lists, leg, alignment.now) for leg in ("dense", "lexical"))
        pairs = disagreement.LegPairs(
            overlap(dense_now, lexical_now),
            overlap(dense_then, lexical_then),
            overlap(dense_then, dense_now),
            overlap(lexical_then, lexical_now),
        )
        names: list[Name] = []
        values: list[NDArray[np.float64]] = []
        for k in self._depths:
            found = disagreement.disagreement(pairs, k)
            names += [Name("disagreement_ratio", k), Name("disagreement_jaccard_ratio", k)]
            names += [Name("disagreement_change", k), Name("dense_shift_ratio", k), Name("lexical_shift_ratio", k)]
            values += [found.rbo, found.jaccard, found.rbo_change, found.dense_shift, found.lexical_shift]
        return Table("both", tuple(names), np.stack(values), ("",) * len(names))

    def _index(self, alignment: Alignment, seen: Seen) -> Table:
        """What the index serves against what the events say, wherever the two had time to agree."""
        served, exact = _lists(seen.lists, "dense", alignment.now), _lists(seen.lists, "exact", alignment.now)
        calm = np.array([int(row) not in seen.settling for row in alignment.now], np.bool_)
        exact = replace(exact, known=exact.known & calm)
        live = np.isin(served.keys, np.fromiter(seen.hashes, np.int64, len(seen.hashes)))
        euclid = self._fingerprint.distance == Distance.EUCLID
        names, values = [], []
        for k in self._depths:
            names += [Name("ann_recall_ratio", k), Name("score_parity_ratio", k)]
            cut = (served.at(k), exact.at(k))
            values += [ann_recall(*cut, live[:, :k], eps=TIE_EPS), score_parity(*cut, distances=euclid)]
        return Table("dense", tuple(names), np.stack(values), ("",) * len(names))

    def _distance(self, pinned: Snapshot, seen: Seen) -> Iterator[Measurement]:
        """How far the corpus has gone from the pinned baseline, whatever the moving one says."""
        alignment = self._align(pinned)
        for leg in ("dense", "lexical"):
            if leg not in pinned.lists or leg not in seen.lists:
                continue
            matched = overlap(_lists(pinned.lists, leg, alignment.then), _lists(seen.lists, leg, alignment.now))
            names = tuple(
                Name(metric, k) for k in self._depths for metric in ("pinned_swaps", "pinned_jaccard_ratio")
            )
            values = [of(matched, k) for k in self._depths for of in (ranking.swaps, ranking.jaccard)]
            table = Table(leg, names, np.stack(values), ("",) * len(names))
            yield from summarise(table, alignment, seen.failures, only_all=True)


COLLAPSED_TOP1 = "collapsed_top1_changed_ratio"


def _lists(lists: Mapping[ListLeg, RankedLists], leg: str, rows: NDArray[np.int64]) -> RankedLists:
    return lists[leg].take(rows)  # type: ignore[index]  # callers pass "dense" or "lexical"
