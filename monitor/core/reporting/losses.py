"""From kept answers to what people count: see `core.model.losses`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan

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
_MOST = 1 << 12
"""Single losses remembered at once."""
RowNumbers = NDArray[np.int64]
ToldLosses = dict[tuple[ListedLeg, int, Fate, str], LostAnswer]
"""By leg, row, fate and the document that stands there instead."""


@dataclass(frozen=True, eq=False)
class _Looked:
    """One leg's lists at k, of the anchors that compare, and (P,) shares of the first answers kept and gone."""

    leg: ListedLeg
    then: NDArray[np.int64]
    now: NDArray[np.int64]
    kept: NDArray[np.float64]
    gone: NDArray[np.float64]
    lost: RowNumbers
    """Anchors that lost their answer, those of most weight first."""

    @cached_property
    def came(self) -> tuple[RowNumbers, NDArray[np.int64]]:
        """What stands in the lists of those now, and did not then, whose answer stands in the corpus all the same:
        numbers of these lists, and chunk keys.
        """
        displaced = self.lost[self.gone[self.lost] == 0.0]
        then, now = self.then[displaced], self.now[displaced]
        at, slots = np.nonzero((now != NO_CHUNK) & ~np.any(now[:, :, None] == then[:, None, :], axis=2))
        return at, now[at, slots]

    def instead(self) -> list[int]:
        """Chunk keys of what stands first now where those answers were that are named; NO_CHUNK for nothing."""
        keys: list[int] = self.now[self.lost[:MOST_QUERIES], 0].tolist()
        return keys


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """What was lost, worked out when somebody asks; what depends on the corpus at this moment is looked up at once.

    Args:
        baseline: compared with.
        alignment: the anchors that compare with it.
        anchors: all of now.
        k: depth.
        looked: by leg.
        documents: of the chunks that stand in place of what was lost, by key; "" for none.
        told: single losses that were told before against this baseline, by what they are made of; added to.
    """

    baseline: Snapshot
    alignment: Alignment
    anchors: Sequence[Anchor]
    k: int
    looked: tuple[_Looked, ...]
    documents: Mapping[int, str]
    told: ToldLosses = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        baseline: Snapshot,
        alignment: Alignment,
        anchors: Sequence[Anchor],
        seen: Observation,
        tables: Sequence[SummaryTable],
        k: int,
        told: ToldLosses,
    ) -> "Losses":
        """Of each leg whose kept answers were measured at k.

        Args:
            baseline: see `Losses`.
            alignment: likewise.
            anchors: likewise.
            seen: the lists now.
            tables: what was measured of them.
            k: see `Losses`.
            told: likewise.
        """
        if len(told) > _MOST:
            told.clear()
        looked = []
        for leg, table in ((leg, table) for leg in LEGS for table in tables if table.leg == leg):
            if Name(KEPT_ANSWERS, k) not in table.names:
                continue
            kept, gone = (table.values[table.names.index(Name(of, k))] for of in (KEPT_ANSWERS, "gone_answers_ratio"))
            then = baseline.lists[leg].keys[alignment.then, :k]
            now = alignment.lists_now(seen.lists[leg]).keys[:, :k]
            lost = np.flatnonzero(kept < 1.0)
            ranked = lost[np.lexsort((lost, -alignment.weights[lost]))]
            looked.append(_Looked(leg, then, now, kept, gone, ranked))
        keys = list({key for of in looked for key in (*of.instead(), *of.came[1].tolist())} - {NO_CHUNK})
        documents = {key: of for key, (_, of) in zip(keys, seen.facts.origins(keys), strict=True)}
        return cls(baseline, alignment, anchors, k, tuple(looked), documents, told)

    def said(self) -> tuple[Loss, ...]:
        """One of each leg."""
        return tuple(map(self._of, self.looked))

    def _of(self, of: _Looked) -> Loss:
        known, lost, gone, weights = ~np.isnan(of.kept), np.sort(of.lost), of.gone, self.alignment.weights
        mass = float(weights[known].sum())
        split = not np.isnan(gone[lost]).any()
        many = int(gone[lost].sum()) if split else None
        named = zip(of.lost[:MOST_QUERIES].tolist(), of.instead(), strict=True)
        return Loss(
            of.leg,
            self.k,
            float(weights[lost].sum()) / mass if mass else 0.0,
            len(lost),
            int(known.sum()),
            many,
            None if many is None else len(lost) - many,
            self._segments(lost, known),
            tuple(self._query(of.leg, row, gone.item(row), instead) for row, instead in named),
            self._displacers(of),
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

    def _query(self, leg: ListedLeg, row: int, gone: float, instead: int) -> LostAnswer:
        fate: Fate = "lost" if isnan(gone) else "gone" if gone else "displaced"
        what = leg, row, fate, self.documents.get(instead, "")
        made = self.told.get(what)
        if made is None:
            made = self.told[what] = self._tell(*what)
        return made

    def _tell(self, leg: ListedLeg, row: int, fate: Fate, instead: str) -> LostAnswer:
        anchor = self.anchors[int(self.alignment.now[row])]
        key = int(self.baseline.lists[leg].keys[self.alignment.then[row], 0])
        member = self.baseline.members.get(key)
        stranger = self.baseline.strangers.get(key, "")
        chunk_id, doc_id = (stranger, "") if member is None else (member.chunk_id, member.doc_id)
        return LostAnswer(anchor.id, anchor.text[:TEXT], fate, chunk_id, doc_id, instead)

    def _displacers(self, of: _Looked) -> tuple[Displacer, ...]:
        """The documents of what stands in these lists now and did not then."""
        at, keys = of.came
        came = {(row, self.documents[key]) for row, key in zip(at.tolist(), keys.tolist(), strict=True)}
        counted = Counter(document for _, document in came if document)
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_DISPLACERS]
        return tuple(Displacer(document, count) for document, count in ranked)
