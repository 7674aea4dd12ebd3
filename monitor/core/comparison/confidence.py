"""Confidence without labels: what the lists hold, per anchor, measured anew only where something changed."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.baseline import Snapshot
from monitor.core.comparison.alignment import Alignment
from monitor.core.comparison.by_key import ByKey
from monitor.core.comparison.collapsed import Sides, collapsed
from monitor.core.comparison.labels import DEAD
from monitor.core.comparison.listed_chunks import ListedChunk, Look
from monitor.core.comparison.seen import Seen
from monitor.core.comparison.spread import Spread, own_hubs
from monitor.core.comparison.summary import BASELINE, SETTLING, Summarised, Table
from monitor.core.comparison.tables import LEGS, TIE_EPS, ListedLeg
from monitor.core.comparison.watched import Watched, document_code, name_code
from monitor.core.copies.likeness import Likeness
from monitor.core.lists import NO_CHUNK, RankedLists
from monitor.core.measure import labelled, ranking, slots, sources
from monitor.core.measure.columns import Name
from monitor.core.measure.diversity import diversity_ratio
from monitor.core.measure.moved import holding, moved

CONTENTS = ("diversity_ratio", "topk_duplicate_ratio", "distinct_sources", "distinct_sources_baseline",
            "changed_slot_ratio")  # fmt: skip
DOCUMENTS = ("collapsed_document_swaps", "collapsed_document_jaccard_ratio")
COVERAGE = ("source_coverage_ratio", "source_coverage_ratio_baseline")
LABELLED = ("recall_ratio", "ndcg_ratio", "mrr_ratio", "judged_ratio")
GHOST = "ghost_ratio"
NO_VECTORS = "vectors_not_kept"
NO_EVENTS = "events_not_kept"
DELETIONS_ONLY = "deletions_only"
"""Said beside the ghosts where the index does not state what its points say."""
Values = NDArray[np.float64]
Rows = NDArray[np.int64]


class Confidence:
    """The tables of one baseline about what the lists hold, kept from report to report.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        watched: what the anchors bring along.
        depths: the depths k to measure at.
        likeness: tells near copies.
    """

    def __init__(
        self,
        baseline: Snapshot,
        alignment: Alignment,
        watched: Watched,
        depths: tuple[int, ...],
        likeness: Likeness,
    ) -> None:
        self._baseline, self._alignment, self._depths = baseline, alignment, depths
        self._watched = watched.take(alignment.now)
        self._then = {leg: baseline.lists[leg].take(alignment.then) for leg in LEGS if leg in baseline.lists}
        self._hubs_then = {leg: own_hubs(lists, alignment, depths) for leg, lists in self._then.items()}
        then = {key: (name_code(of.source), document_code(key, of.doc_id)) for key, of in baseline.members.items()}
        origins = {
            leg: ByKey(2).of(lists.keys, lambda key: then.get(key, (NO_CHUNK, key)))
            for leg, lists in self._then.items()
        }
        self._sources_then = {leg: of[:, :, 0] for leg, of in origins.items()}
        self._documents_then = {leg: of[:, :, 1] for leg, of in origins.items()}
        self._labelled = np.any(self._watched.judged.keys != NO_CHUNK, axis=1)
        self._expecting = np.any(self._watched.expected != NO_CHUNK, axis=1)
        self._likeness, self._chunks = likeness, ByKey(len(ListedChunk._fields))
        self._now: dict[ListedLeg, RankedLists] = {}
        self._sources: dict[ListedLeg, Rows] = {}
        self._values: dict[str, Values] = {}

    def tables(self, seen: Seen, *, afresh: bool) -> list[Summarised]:
        """The tables at one position; arguments as of `Comparison.tables`."""
        now = {leg: seen.lists[leg].take(self._alignment.now) for leg in LEGS if leg in seen.lists}
        changed = None if afresh else seen.changed
        if changed is None or now.keys() != self._now.keys():
            self._forget(now)
        self._chunks.forget(None if changed is None else changed.tolist())
        self._look = Look(self._baseline, seen)
        made: list[Summarised] = []
        for leg in (leg for leg in LEGS if leg in self._then and leg in now):
            # ties at the cut of the dense list are settled by scores
            touched = moved(self._now[leg], now[leg], scores=leg == "dense")
            if changed is not None:
                touched |= holding(now[leg], changed)
            self._now[leg] = now[leg]
            made += self._leg(leg, np.flatnonzero(touched), seen)
        self._now = now
        return made + self._dead(changed, seen)

    def spread(self) -> list[Spread]:
        """What is measured of a segment as a whole, of the tables made last."""
        made = []
        for leg in (leg for leg in LEGS if leg in self._then and leg in self._now):
            mixes = self._sources_then[leg], self._sources[leg]
            pair = self._then[leg], self._now[leg]
            made.append(Spread(leg, *pair, mixes, self._alignment, self._depths, self._hubs_then[leg]))
        return made

    def _forget(self, now: Mapping[ListedLeg, RankedLists]) -> None:
        self._now = {leg: RankedLists.unknown(len(lists), lists.depth) for leg, lists in now.items()}
        self._values.clear()
        self._sources.clear()

    def _leg(self, leg: ListedLeg, rows: Rows, seen: Seen) -> list[Summarised]:
        if f"contents {leg}" not in self._values:
            rows = np.arange(len(self._now[leg]))
        lists = self._now[leg].take(rows)
        chunks = ListedChunk(*np.moveaxis(self._chunks.of(lists.keys, self._look), 2, 0))
        kept, found = self._sources.get(leg), chunks.source
        self._sources[leg] = found if kept is None else _put(kept, rows, found)
        made = [self._held(leg, rows, lists, chunks), self._documents(leg, rows, lists, chunks)]
        if self._expecting.any():
            made.append(self._covered(leg, rows, lists, found))
        if self._labelled.any():
            made.append(self._judged(leg, rows, lists))
        if leg == "dense":
            made.append(self._haunted(rows, lists, chunks, seen))
        return made

    def _held(self, leg: ListedLeg, rows: Rows, lists: RankedLists, chunks: ListedChunk) -> Summarised:
        facts = self._look.seen.facts
        self._likeness.know(chunks.content, lists.keys, facts.shingles)
        before = self._sources_then[leg][rows]
        values: list[Values] = []
        for k in self._depths:
            cut = chunks.content[:, :k]
            values += [
                _nothing(rows) if facts.vectors is None else diversity_ratio(facts.vectors, chunks.slot[:, :k]),
                slots.topk_duplicate_ratio(self._likeness.clusters(cut), k),
                _sources(chunks.source, lists.known, k),
                _sources(before, lists.known, k),
                _share(chunks.changed[:, :k] == 1, lists, k) if facts.events else _nothing(rows),
            ]
        why = ("" if facts.vectors is not None else NO_VECTORS, "", "", "", "" if facts.events else NO_EVENTS)
        made = self._kept(f"contents {leg}", rows, values)
        return Summarised(Table(leg, self._names(CONTENTS), made, why * len(self._depths)), self._alignment)

    def _documents(self, leg: ListedLeg, rows: Rows, lists: RankedLists, chunks: ListedChunk) -> Summarised:
        then, before = self._then[leg].take(rows), self._documents_then[leg][rows]
        values: list[Values] = []
        for k in self._depths:
            sides = Sides(before[:, :k], chunks.document[:, :k])
            matched = collapsed(then.at(k), lists.at(k), sides, TIE_EPS if leg == "dense" else None)
            cut = min(k, matched.depth)
            values += [ranking.swaps(matched, cut), ranking.jaccard(matched, cut)]
        made = self._kept(f"documents {leg}", rows, values)
        return Summarised(Table(leg, self._names(DOCUMENTS), made, ("",) * len(made)), self._alignment)

    def _covered(self, leg: ListedLeg, rows: Rows, lists: RankedLists, found: Rows) -> Summarised:
        expected, before = self._watched.expected[rows], self._sources_then[leg][rows]
        values: list[Values] = []
        for k in self._depths:
            both = (sources.source_coverage_ratio(expected, of, k) for of in (found, before))
            values += [np.where(lists.known, of, np.nan) for of in both]
        made = self._kept(f"coverage {leg}", rows, values)
        return self._only(self._expecting, Table(leg, self._names(COVERAGE), made, ("",) * len(made)))

    def _judged(self, leg: ListedLeg, rows: Rows, lists: RankedLists) -> Summarised:
        judged, then = self._watched.take(rows).judged, self._then[leg].take(rows)
        then = replace(then, known=then.known & lists.known)
        values: list[Values] = []
        for of in (lists, then):
            for k in self._depths:
                values += [
                    labelled.recall(of, judged, k),
                    labelled.ndcg(of, judged, k),
                    labelled.reciprocal_rank(of, judged, k),
                    labelled.judged_ratio(of, judged, k),
                ]
        made = self._kept(f"labelled {leg}", rows, values)
        names = (*self._names(LABELLED), *self._names([name + BASELINE for name in LABELLED]))
        return self._only(self._labelled, Table(leg, names, made, ("",) * len(made)))

    def _haunted(self, rows: Rows, lists: RankedLists, chunks: ListedChunk, seen: Seen) -> Summarised:
        """Served results of the anchors whose chunks had time to arrive in the index."""
        values = [_share(chunks.ghost[:, :k] == 1, lists, k) for k in self._depths]
        made = self._kept("ghosts", rows, values)
        unsettled = np.isin(self._alignment.now, np.fromiter(seen.settling, np.int64, len(seen.settling)))
        note = "" if seen.served else DELETIONS_ONLY
        missing = dict.fromkeys(seen.settling, SETTLING)
        made = np.where(unsettled, np.nan, made)
        table = Table("dense", self._names((GHOST,)), made, ("",) * len(made), missing, note)
        return Summarised(table, self._alignment)

    def _dead(self, changed: Rows | None, seen: Seen) -> list[Summarised]:
        if not self._labelled.any():
            return []
        keys = self._watched.judged.keys
        rows = np.arange(len(keys))
        if changed is not None and "dead" in self._values:
            rows = np.flatnonzero(np.isin(keys, changed).any(axis=1))
        asked = keys[rows].ravel().tolist()
        live = np.fromiter((key in seen.hashes for key in asked), np.bool_, len(asked)).reshape(keys[rows].shape)
        made = self._kept("dead", rows, [labelled.dead_qrel_ratio(self._watched.take(rows).judged, live)])
        return [self._only(self._labelled, Table("both", (Name(DEAD, 0),), made, ("",)))]

    def _only(self, asked: NDArray[np.bool_], table: Table) -> Summarised:
        """A table about some of the anchors: the others are not missing, they were never asked."""
        return Summarised(replace(table, values=table.values[:, asked]), self._alignment.only(np.flatnonzero(asked)))

    def _kept(self, name: str, rows: Rows, values: list[Values]) -> Values:
        kept = self._values.get(name)
        if kept is None:
            made = np.stack(values)
        elif not len(rows):
            return kept
        else:
            made = kept.copy()
            made[:, rows] = values
        self._values[name] = made
        return made

    def _names(self, metrics: tuple[str, ...] | list[str]) -> tuple[Name, ...]:
        return tuple(Name(metric, k) for k in self._depths for metric in metrics)


def _put(kept: Rows, rows: Rows, found: Rows) -> Rows:
    made = kept.copy()
    made[rows] = found
    return made


def _nothing(rows: Rows) -> Values:
    return np.full(len(rows), np.nan)


def _sources(present: Rows, known: NDArray[np.bool_], k: int) -> Values:
    """Distinct sources; NaN where no result names one."""
    found = sources.distinct_sources(present, k)
    return np.where(known & (found > 0), found, np.nan)


def _share(hit: NDArray[np.bool_], lists: RankedLists, k: int) -> Values:
    cut = lists.at(k)
    part = np.count_nonzero(hit & (np.arange(cut.depth) < cut.lengths[:, None]), axis=1)
    measured = cut.known & (cut.lengths > 0)
    return np.where(measured, part / np.maximum(cut.lengths, 1), np.nan)
