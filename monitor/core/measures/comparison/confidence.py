"""One baseline against lists that move: what the lists hold, chunk by chunk."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot, content_keys
from monitor.core.index.duplicates.likeness import Likeness
from monitor.core.measures.answers import stays
from monitor.core.measures.collapsed import Sides
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.by_key import ByKey
from monitor.core.measures.comparison.listed_chunks import ChunkFeatureLookup
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.spread import SegmentMeasures, SegmentsThen, SegmentsView
from monitor.core.measures.comparison.summary import SETTLING, Summarised, SummaryTable
from monitor.core.measures.comparison.tables import LEGS, ListedLeg, tie_eps
from monitor.core.measures.comparison.turn import Mask, Turn, Turns
from monitor.core.measures.comparison.watched import AnchorLabels, document_code, name_code
from monitor.core.measures.cut_anew import parts_of
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.measures.incremental import MeasureColumns, RowSelection, Stale, stale
from monitor.core.measures.measure import Group, Need
from monitor.core.measures.needs import CHUNKS, DOCUMENTS, EXPECTED, JUDGED_CHUNKS, JUDGEMENTS, STATED
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.measures.views import HeldView, JudgedSides, JudgedView, ListedChunk
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import Leg

DELETIONS_ONLY = "deletions_only"
"""Said beside the ghosts where the index does not state what its points say."""
Codes = NDArray[np.int64]


class Confidence:
    """The tables of one baseline about what the lists hold, kept from report to report.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        watched: what the anchors bring along.
        depths: the depths k to measure at.
        likeness: tells near copies.
        registry: the measures there are.
    """

    def __init__(
        self,
        baseline: Snapshot,
        alignment: Alignment,
        watched: AnchorLabels,
        depths: tuple[int, ...],
        likeness: Likeness,
        registry: MeasureRegistry = REGISTRY,
    ) -> None:
        self._baseline, self._alignment, self._depths, self._registry = baseline, alignment, depths, registry
        self._watched = watched.take(alignment.now)
        self._then = {leg: baseline.lists[leg].take(alignment.then) for leg in LEGS if leg in baseline.lists}
        self._segments = {leg: SegmentsThen(lists, alignment, depths) for leg, lists in self._then.items()}
        then = {key: (name_code(of.source), document_code(key, of.doc_id)) for key, of in baseline.members.items()}
        origins = {
            leg: ByKey(2).of(lists.keys, lambda keys: np.array([then.get(key, (NO_CHUNK, key)) for key in keys]))
            for leg, lists in self._then.items()
        }
        self._origins = {leg: Sides(of[:, :, 0], of[:, :, 1]) for leg, of in origins.items()}
        """Source and document codes of the baseline's lists."""
        hashes = {key: of.content_hash for key, of in baseline.members.items()}
        self._says_then = {leg: content_keys(lists.keys, hashes) for leg, lists in self._then.items()}
        """Content keys of the baseline's lists."""
        self._everybody = np.ones(len(alignment.now), np.bool_)
        self._labelled: Mask = np.any(self._watched.judged.keys != NO_CHUNK, axis=1)
        self._expecting: Mask = np.any(self._watched.expected != NO_CHUNK, axis=1)
        self._likeness, self._chunks = likeness, ByKey(len(ListedChunk._fields))
        self._turns = Turns(alignment, LEGS)
        self._sources: dict[ListedLeg, Codes] = {}
        self._columns: dict[tuple[Leg, Group], MeasureColumns[Any]] = {}

    def tables(self, seen: Observation, *, afresh: bool) -> list[Summarised]:
        """The tables at one position; arguments as of `Comparison.tables`."""
        turn = self._turn = self._turns.next(seen, afresh=afresh)
        if turn.afresh:
            self._columns.clear()
            self._sources.clear()
        self._chunks.forget(None if turn.afresh else turn.changed)
        self._look = ChunkFeatureLookup(self._baseline, seen)
        made: list[Summarised] = []
        for leg in (leg for leg in LEGS if leg in self._then and leg in turn.now):
            made += self._leg(leg, turn)
        return made + self._dead(turn)

    def spread(self) -> list[SegmentMeasures]:
        """What is measured of a segment as a whole, of the tables made last."""
        made = []
        for leg, sources in self._sources.items():
            mixes = (self._origins[leg].then, sources)
            view = SegmentsView(self._segments[leg], self._turn.now[leg], mixes)
            made.append(SegmentMeasures(leg, view, self._registry.by_segment(), self._depths))
        return made

    def _leg(self, leg: ListedLeg, turn: Turn) -> list[Summarised]:
        # ties at the cut of the dense list are settled by scores
        moved = turn.results(leg) if tie_eps(leg) is None else turn.scores(leg)
        mask = moved | turn.touched(leg) | self._judged_anew(turn)
        part = stale(mask, lambda rows: self._view(leg, turn, rows))
        if part.view is not None:
            lists, chunks = part.view.lists, part.view.chunks
            self._likeness.know(chunks.content, turn.seen.facts.texts(lists.keys, chunks.slot))
            kept = self._sources.get(leg)
            sources = np.empty(turn.now[leg].keys.shape, np.int64) if kept is None else kept.copy()
            sources[part.rows] = chunks.source
            self._sources[leg] = sources
        made = [self._table(leg, CHUNKS, part), self._table(leg, DOCUMENTS, part)]
        if self._expecting.any():
            made.append(self._table(leg, EXPECTED, part, self._expecting))
        if self._labelled.any():
            made.append(self._table(leg, JUDGEMENTS, part, self._labelled))
        if leg == "dense":
            made.append(self._settled(self._table(leg, STATED, part), turn.seen))
        return made

    def _judged_anew(self, turn: Turn) -> Mask:
        """(P,) bool, anchors of which a judged chunk changed: it may say something else under another id."""
        anew: Mask = np.asarray(np.isin(self._watched.judged.keys, turn.changed).any(axis=1))
        return anew

    def _judged(self, judged: Judgements) -> Judgements:
        """The same with what the chunks said when they were judged, as far as that is known."""
        return replace(judged, contents=ByKey(1).of(judged.keys, self._look.contents_last)[:, :, 0])

    def _carried(self, judged: Judgements, lists: RankedLists, chunks: ListedChunk, seen: Observation) -> Judgements:
        """The same as of now: without the ids under which something else stands, with the parts of what was cut anew.

        What a chunk said when it was judged is known where the baseline's lists held it.
        """
        said, facts = self._baseline.shingles, seen.facts
        asked = [key for key in np.unique(judged.keys).tolist() if key in said]
        lost = [key for key in asked if not self._says_it_still(key, seen)]
        if not lost:
            return judged
        parts = np.zeros((*judged.keys.shape, lists.depth), np.bool_)
        for row, at in np.argwhere(np.isin(judged.keys, lost)).tolist():
            length = int(lists.lengths[row])
            texts = [facts.shingles(key) for key in lists.keys[row, :length].tolist()]
            documents = chunks.document[row, :length].tolist()
            parts[row, at, parts_of(said[int(judged.keys[row, at])], texts, documents)] = True
        others = [key for key in lost if key in seen.hashes]
        keys = np.where(np.isin(judged.keys, others), NO_CHUNK, judged.keys)
        return replace(judged, keys=keys, parts=parts)

    def _says_it_still(self, key: int, seen: Observation) -> bool:
        """Whether a judged chunk is live and says what it said, or an edited form of it."""
        now = seen.hashes.get(key)
        if now is None:
            return False
        same = bool(now) and now == self._baseline.members[key].content_hash
        return same or stays(self._baseline.shingles[key], seen.facts.shingles(key))

    def _view(self, leg: ListedLeg, turn: Turn, rows: RowSelection) -> HeldView:
        lists, watched, facts = turn.now[leg].take(rows), self._watched.take(rows), turn.seen.facts
        chunks = ListedChunk(*np.moveaxis(self._chunks.of(lists.keys, self._look), 2, 0))
        judged = self._judged(watched.judged)
        return HeldView(
            lists,
            self._then[leg].take(rows),
            chunks,
            Sides(*(codes[rows] for codes in self._origins[leg])),
            self._says_then[leg][rows],
            (watched.expected, JudgedSides(judged, self._carried(judged, lists, chunks, turn.seen))),
            likeness=self._likeness,
            vectors=facts.vectors,
            events=facts.events,
            eps=tie_eps(leg),
        )

    def _table(self, leg: Leg, need: Need[Any], part: Stale, about: Mask | None = None) -> Summarised:
        """A table; about some of the anchors the others are not missing, they were never asked."""
        columns = self._columns.get((leg, need.group))
        if columns is None:
            columns = self._columns[leg, need.group] = MeasureColumns(self._registry.group(need.group), self._depths)
        columns.update(len(self._everybody), {need: part})
        table = SummaryTable(leg, columns.names, columns.values, columns.reasons)
        if about is None:
            return Summarised(table, self._alignment)
        only = self._alignment.only(np.flatnonzero(about))
        return Summarised(replace(table, values=table.values[:, about]), only)

    def _settled(self, stated: Summarised, seen: Observation) -> Summarised:
        """Of the anchors whose chunks had time to arrive in the index."""
        unsettled = np.isin(self._alignment.now, np.fromiter(seen.settling, np.int64, len(seen.settling)))
        values = np.where(unsettled, np.nan, stated.table.values)
        missing, note = dict.fromkeys(seen.settling, SETTLING), "" if seen.served else DELETIONS_ONLY
        return replace(stated, table=replace(stated.table, values=values, missing=missing, note=note))

    def _dead(self, turn: Turn) -> list[Summarised]:
        if not self._labelled.any():
            return []
        keys = self._watched.judged.keys
        mask = self._everybody if turn.afresh else np.logical_or.reduce(np.isin(keys, turn.changed), axis=1)

        def view(rows: RowSelection) -> JudgedView:
            watched = self._watched.take(rows)
            asked, hashes = watched.judged.keys, turn.seen.hashes
            live = np.fromiter((key in hashes for key in asked.ravel().tolist()), np.bool_, asked.size)
            return JudgedView(watched.judged, live.reshape(asked.shape))

        return [self._table("both", JUDGED_CHUNKS, stale(mask, view), self._labelled)]
