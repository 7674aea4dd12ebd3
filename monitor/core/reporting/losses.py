"""From kept answers to what people count: see `core.model.losses`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.summary import SummaryTable
from monitor.core.measures.comparison.tables import KEPT_ANSWERS, LEGS, ListedLeg
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.anchors import Anchor
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.losses import Displacer, Fate, Loss, LostAnswer, LostIn

MOST_QUERIES = 25
MOST_SEGMENTS = 3
MOST_DISPLACERS = 3
LEAST = 5
"""Anchors of a segment of which a part is worth a word."""
TEXT = 200
"""Characters of a question."""
RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """What is looked at: a baseline, the anchors that compare with it, and the lists now."""

    baseline: Snapshot
    alignment: Alignment
    seen: Observation
    anchors: Sequence[Anchor]

    def of(self, tables: Sequence[SummaryTable], k: int) -> tuple[Loss, ...]:
        """One of each leg whose kept answers were measured at k; looked up now."""
        found = ((leg, table) for leg in LEGS for table in tables if table.leg == leg)
        return tuple(self._of(leg, table, k) for leg, table in found if Name(KEPT_ANSWERS, k) in table.names)

    def _of(self, leg: ListedLeg, table: SummaryTable, k: int) -> Loss:
        kept, gone = (table.values[table.names.index(Name(of, k))] for of in (KEPT_ANSWERS, "gone_answers_ratio"))
        known, lost = ~np.isnan(kept), np.flatnonzero(kept < 1.0)
        weights = self.alignment.weights
        mass = float(weights[known].sum())
        split = not np.isnan(gone[lost]).any()
        many = int(gone[lost].sum()) if split else None
        ranked = lost[np.lexsort((lost, -weights[lost]))]
        displaced = lost[gone[lost] == 0.0]
        return Loss(
            leg,
            k,
            float(weights[lost].sum()) / mass if mass else 0.0,
            len(lost),
            int(known.sum()),
            many,
            None if many is None else len(lost) - many,
            self._segments(lost, known),
            tuple(self._query(leg, row, gone[row]) for row in ranked[:MOST_QUERIES].tolist()),
            self._displacers(leg, displaced, k),
        )

    def _segments(self, lost: RowNumbers, known: NDArray[np.bool_]) -> tuple[LostIn, ...]:
        """Where a greater part was lost than overall, the greatest first."""
        made = []
        overall = len(lost) / max(1, int(known.sum()))
        for grouping in self.alignment.groupings[1:]:
            count = len(grouping.segments)
            there = np.bincount(grouping.codes[known], minlength=count).tolist()
            gone = np.bincount(grouping.codes[lost], minlength=count).tolist()
            made += [
                LostIn(grouping.dimension, segment, part, whole)
                for segment, part, whole in zip(grouping.segments, gone, there, strict=True)
                if whole >= LEAST and part > 1 and part / whole > overall
            ]
        ranked = sorted(made, key=lambda of: (-of.lost / of.anchors, -of.lost, of.dimension, of.segment))
        return tuple(ranked[:MOST_SEGMENTS])

    def _query(self, leg: ListedLeg, row: int, gone: float) -> LostAnswer:
        anchor = self.anchors[int(self.alignment.now[row])]
        key = int(self.baseline.lists[leg].keys[self.alignment.then[row], 0])
        member = self.baseline.members.get(key)
        fate: Fate = "lost" if np.isnan(gone) else "gone" if gone else "displaced"
        stranger = self.baseline.strangers.get(key, "")
        chunk_id, doc_id = (stranger, "") if member is None else (member.chunk_id, member.doc_id)
        now = self.seen.lists[leg].keys[self.alignment.now[row], :1].tolist()
        instead = self.seen.facts.origin(now[0])[1] if now and now[0] != NO_CHUNK else ""
        return LostAnswer(anchor.id, anchor.text[:TEXT], fate, chunk_id, doc_id, instead)

    def _displacers(self, leg: ListedLeg, rows: RowNumbers, k: int) -> tuple[Displacer, ...]:
        """The documents of what stands in these lists now and did not then."""
        then = self.baseline.lists[leg].keys[self.alignment.then[rows], :k]
        now = self.seen.lists[leg].keys[self.alignment.now[rows], :k]
        at, slots = np.nonzero((now != NO_CHUNK) & ~np.any(now[:, :, None] == then[:, None, :], axis=2))
        distinct, chunk = np.unique(now[at, slots], return_inverse=True)
        documents = [self.seen.facts.origin(key)[1] for key in distinct.tolist()]
        came = {(row, documents[of]) for row, of in zip(at.tolist(), chunk.tolist(), strict=True)}
        counted = Counter(document for _, document in came if document)
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_DISPLACERS]
        return tuple(Displacer(document, count) for document, count in ranked)
