"""One baseline against lists that move: per-anchor columns, measured anew only where something changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.baseline import ListLeg, Snapshot, content_keys
from monitor.core.comparison.alignment import Alignment
from monitor.core.comparison.collapsed import Sides, collapsed, joined
from monitor.core.comparison.facts import NO_SHINGLES
from monitor.core.comparison.kept_contents import KeptContents
from monitor.core.comparison.seen import Asked, Seen
from monitor.core.comparison.summary import SETTLING, Table
from monitor.core.copies.likeness import Likeness
from monitor.core.lists import NO_CHUNK, RankedLists
from monitor.core.measure import disagreement, ranking
from monitor.core.measure.columns import Columns, Name, Pair, Settings
from monitor.core.measure.index import ann_recall, score_parity
from monitor.core.measure.leg import measure, rescored
from monitor.core.measure.moved import holding, moved, standing
from monitor.core.measure.overlap import overlap

TIE_EPS = 1e-6
"""Dense scores this close tie: float32 engines cut them arbitrarily."""
COLLAPSED = ("collapsed_swaps", "collapsed_jaccard_ratio", "collapsed_top1_changed_ratio")
BOTH = (
    "disagreement_ratio",
    "disagreement_jaccard_ratio",
    "disagreement_change",
    "disagreement_jaccard_change",
    "dense_shift_ratio",
    "lexical_shift_ratio",
)
INDEX = ("ann_recall_ratio", "score_parity_ratio")
PINNED = ("pinned_swaps", "pinned_jaccard_ratio")
ListedLeg = Literal["dense", "lexical"]
LEGS: tuple[ListedLeg, ...] = ("dense", "lexical")
Rows = NDArray[np.int64]
Values = NDArray[np.float64]
Measured = Callable[[Rows], Sequence[Values]]


class Comparison:
    """The tables of one baseline, kept from report to report.

    The values are those of a measurement of everything, bit for bit: each depends on the lists and contents of its
    own anchor alone, and an anchor whose lists or contents changed is measured anew.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        asked: what to measure.
    """

    def __init__(self, baseline: Snapshot, alignment: Alignment, asked: Asked) -> None:
        self.alignment = alignment
        self._asked = asked
        self._noise_gap = baseline.noise_gap
        self._then = {leg: baseline.lists[leg].take(alignment.then) for leg in LEGS if leg in baseline.lists}
        hashes = {key: member.content_hash for key, member in baseline.members.items()}
        self._said_then = {leg: content_keys(lists.keys, hashes) for leg, lists in self._then.items()}
        self._now: dict[ListLeg, RankedLists] = {}
        self._said: dict[ListedLeg, NDArray[np.int64]] = {}
        self._listed: dict[ListedLeg, NDArray[np.int64]] = {}
        """Chunk keys that `_said` was looked up for."""
        self._columns: dict[ListedLeg, Columns] = {}
        self._values: dict[str, Values] = {}
        self._contents, self._shingles = KeptContents(), baseline.shingles
        self.likeness = Likeness()
        """Which contents are near copies, for all that is measured of this baseline."""
        self._knows: dict[ListedLeg, int] = {}
        self._calm: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def tables(self, seen: Seen, *, afresh: bool) -> list[Table]:
        """The tables at one position.

        Args:
            seen: lists and circumstances; `changed` since the last call of this very method.
            afresh: measure everything anew, whatever is kept.
        """
        now = {leg: lists.take(self.alignment.now) for leg, lists in seen.lists.items()}
        self.likeness.trim()
        self._contents.forget(None if afresh or seen.changed is None else seen.changed.tolist())
        if afresh or seen.changed is None or now.keys() != self._now.keys():
            self._forget(now)
        legs = [leg for leg in LEGS if leg in self._then and leg in now]
        moves = {leg: moved(self._now[leg], lists, scores=False) for leg, lists in now.items()}
        scored = {leg: moved(self._now[leg], lists, scores=True) for leg, lists in now.items()}
        self._now = now
        made = [self._leg(leg, (moves[leg], scored[leg]), seen) for leg in legs]
        if len(legs) == len(LEGS):
            made.append(self._both(np.flatnonzero(moves["dense"] | moves["lexical"])))
        if {"dense", "exact"} <= set(now):
            made.append(self._index(scored["dense"] | scored["exact"], seen))
        return made

    def distances(self, seen: Seen) -> list[Table]:
        """How far the lists have gone from this baseline, for the pinned one beside a moving one."""
        made = []
        for leg in LEGS:
            if leg in self._then and leg in seen.lists:
                matched = overlap(self._then[leg], seen.lists[leg].take(self.alignment.now))
                values = [of(matched, k) for k in self._asked.depths for of in (ranking.swaps, ranking.jaccard)]
                made.append(Table(leg, self._names(PINNED), np.stack(values), ("",) * len(values)))
        return made

    def _forget(self, now: Mapping[ListLeg, RankedLists]) -> None:
        """As if no list had ever been known: then every known one moved."""
        self._now = {leg: RankedLists.unknown(len(lists), lists.depth) for leg, lists in now.items()}
        self._values.clear()
        self._columns.clear()
        self._said.clear()
        self._listed.clear()

    def _leg(self, leg: ListedLeg, moves: tuple[NDArray[np.bool_], NDArray[np.bool_]], seen: Seen) -> Table:
        listed, scored = moves
        columns = self._columns[leg] = self._measured(leg, listed, scored)
        # ties at the cut are settled by scores
        said = self._collapsed(leg, listed if self._eps(leg) is None else scored, seen)
        names = (*columns.names, *self._names(COLLAPSED))
        reasons = (*columns.reasons, *("" for _ in range(len(said))))
        return Table(leg, names, np.concatenate((columns.values, said)), reasons)

    def _measured(self, leg: ListedLeg, listed: NDArray[np.bool_], scored: NDArray[np.bool_]) -> Columns:
        eps, gap = self._eps(leg), 0.0 if leg == "lexical" else self._noise_gap
        settings = Settings(
            self._asked.depths,
            score_threshold=self._asked.score_threshold(leg),
            gap_threshold=self._asked.gaps.get(leg),
            noise_gap=gap,
            tie_eps=eps,
        )
        pair, kept = Pair(self._then[leg], self._now[leg]), self._columns.get(leg)
        if kept is None:
            return measure(pair, settings)
        if eps is not None:
            return measure(pair, settings, rows=np.flatnonzero(scored), previous=kept) if scored.any() else kept
        if listed.any():
            kept = measure(pair, settings, rows=np.flatnonzero(listed), previous=kept)
        return rescored(pair, kept) if scored.any() else kept

    def _collapsed(self, leg: ListedLeg, changed: NDArray[np.bool_], seen: Seen) -> Values:
        """Columns of the lists of what is said, instead of under which id; copies are said once."""
        keys = self._now[leg].keys
        slots = np.ones(keys.shape, np.bool_)
        if leg in self._said and seen.changed is not None:
            slots = (keys != self._listed[leg]) | standing(keys, seen.changed)
        said = self._said.setdefault(leg, np.full(keys.shape, NO_CHUNK, np.int64))
        said[slots] = self._contents.keys(keys[slots], seen.hashes)
        self._listed[leg] = keys
        self._know(leg, slots, seen)
        return self._kept(
            f"said {leg}", np.flatnonzero(changed | slots.any(axis=1)), lambda rows: self._say(leg, rows)
        )

    def _say(self, leg: ListedLeg, rows: Rows) -> list[Values]:
        then, now = self._then[leg].take(rows), self._now[leg].take(rows)
        said = Sides(self._said_then[leg][rows], self._said[leg][rows])
        made: list[Values] = []
        for k in self._asked.depths:
            sides = joined(Sides(said.then[:, :k], said.now[:, :k]), self.likeness)
            matched = collapsed(then.at(k), now.at(k), sides, self._eps(leg))
            cut = min(k, matched.depth)
            made += [ranking.swaps(matched, cut), ranking.jaccard(matched, cut), ranking.top1_changed(matched)]
        return made

    def _know(self, leg: ListedLeg, slots: NDArray[np.bool_], seen: Seen) -> None:
        """Make known what came to stand in slots; at first, and after all was forgotten, everything."""
        if self._knows.get(leg) != self.likeness.forgotten:
            self._knows[leg] = self.likeness.forgotten
            said, keys = self._said_then[leg], self._then[leg].keys
            self.likeness.know(said, keys, lambda key: self._shingles.get(key, NO_SHINGLES))
            slots = np.ones_like(slots)
        self.likeness.know(self._said[leg][slots], self._now[leg].keys[slots], seen.facts.shingles)

    @staticmethod
    def _eps(leg: ListedLeg) -> float | None:
        return TIE_EPS if leg == "dense" else None

    def _both(self, rows: Rows) -> Table:
        def measured(rows: Rows) -> list[Values]:
            dense, lexical = self._now["dense"].take(rows), self._now["lexical"].take(rows)
            dense_then, lexical_then = self._then["dense"].take(rows), self._then["lexical"].take(rows)
            pairs = disagreement.LegPairs(
                overlap(dense, lexical),
                overlap(dense_then, lexical_then),
                overlap(dense_then, dense),
                overlap(lexical_then, lexical),
            )
            made: list[Values] = []
            for k in self._asked.depths:
                found = disagreement.disagreement(pairs, k)
                made += [found.rbo, found.jaccard, found.rbo_change, found.jaccard_change]
                made += [found.dense_shift, found.lexical_shift]
            return made

        names = self._names(BOTH)
        return Table("both", names, self._kept("both", rows, measured), ("",) * len(names))

    def _index(self, scored: NDArray[np.bool_], seen: Seen) -> Table:
        """What the index serves against what the events say, wherever the two had time to agree."""
        served = self._now["dense"]
        calm = ~np.isin(self.alignment.now, np.fromiter(seen.settling, np.int64, len(seen.settling)))
        others = calm != self._calm if len(self._calm) == len(calm) else np.ones(len(calm), np.bool_)
        self._calm = calm

        def measured(rows: Rows) -> list[Values]:
            cut, exact = served.take(rows), self._now["exact"].take(rows)
            exact = replace(exact, known=exact.known & calm[rows])
            live = self._contents.live(cut.keys, seen.hashes)
            made: list[Values] = []
            for k in self._asked.depths:
                made.append(ann_recall(cut.at(k), exact.at(k), live[:, :k], eps=TIE_EPS))
                made.append(score_parity(cut.at(k), exact.at(k), distances=self._asked.distances))
            return made

        names = self._names(INDEX)
        rows = np.flatnonzero(scored | others | self._touched(served, seen))
        missing = dict.fromkeys(seen.settling, SETTLING)
        return Table("dense", names, self._kept("index", rows, measured), ("",) * len(names), missing)

    def _touched(self, lists: RankedLists, seen: Seen) -> NDArray[np.bool_]:
        """Anchors in whose list a chunk stands that now says something else, or is gone."""
        if seen.changed is None:
            return np.ones(len(lists), np.bool_)
        return holding(lists, seen.changed)

    def _kept(self, name: str, rows: Rows, measured: Measured) -> Values:
        """The kept columns with these anchors measured anew; all of them where nothing is kept."""
        kept = self._values.get(name)
        if kept is None:
            made = np.stack(measured(np.arange(len(self.alignment.now))))
        elif not len(rows):
            return kept
        else:
            made = kept.copy()
            made[:, rows] = measured(rows)
        self._values[name] = made
        return made

    def _names(self, metrics: Sequence[str]) -> tuple[Name, ...]:
        return tuple(Name(metric, k) for k in self._asked.depths for metric in metrics)
