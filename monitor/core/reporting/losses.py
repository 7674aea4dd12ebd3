"""From kept answers to what people count: see `core.model.losses`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.facts import Facts
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
_MOST_DOCUMENTS = 1 << 16
"""Chunks whose documents are remembered at once: more than a thousand anchors list."""
RowNumbers = NDArray[np.int64]
_Told = tuple[ListedLeg, int, Fate, str]
"""Leg, row, fate and the document that stands there instead."""


@dataclass(frozen=True, slots=True, eq=False)
class _Against:
    """What losses are counted against.

    Args:
        baseline: compared with.
        alignment: the anchors that compare with it.
        anchors: all of now.
        k: depth.
        told: single losses that were told before, by what they are made of; added to.
    """

    baseline: Snapshot
    alignment: Alignment
    anchors: Sequence[Anchor]
    k: int
    told: dict[_Told, LostAnswer] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LegLosses:
    """What was lost of one leg's lists at k, counted when somebody asks; what depends on the corpus at this moment is
    looked up at once.

    Args:
        of: what they are counted against.
        leg: which.
        then: (P, k) chunk keys of the baseline's lists, of the anchors that compare.
        now: (P, k) of those of now.
        kept: (P,) shares of the first answers kept.
        gone: (P,) of those gone.
        documents: of the chunks that stand in place of what was lost, by key; "" for none. Filled in once.
    """

    of: _Against
    leg: ListedLeg
    then: NDArray[np.int64]
    now: NDArray[np.int64]
    kept: NDArray[np.float64]
    gone: NDArray[np.float64]
    documents: dict[int, str] = field(default_factory=dict)

    @cached_property
    def lost(self) -> RowNumbers:
        """Anchors that lost their answer, those of most weight first."""
        lost, weights = np.flatnonzero(self.kept < 1.0), self.of.alignment.weights
        return lost[np.lexsort((lost, -weights[lost]))]

    @cached_property
    def came(self) -> tuple[RowNumbers, NDArray[np.int64]]:
        """What stands in the lists of those now, and did not then, whose answer stands in the corpus all the same:
        numbers of these lists, and chunk keys.
        """
        displaced = self.lost[self.gone[self.lost] == 0.0]
        then, now = self.then[displaced], self.now[displaced]
        at, slots = np.nonzero((now != NO_CHUNK) & ~np.any(now[:, :, None] == then[:, None, :], axis=2))
        return at, now[at, slots]

    @cached_property
    def instead(self) -> list[int]:
        """Chunk keys of what stands first now where those answers were that are named; NO_CHUNK for nothing."""
        keys: list[int] = self.now[self.lost[:MOST_QUERIES], 0].tolist()
        return keys

    def holds(self, now: NDArray[np.int64], kept: NDArray[np.float64], gone: NDArray[np.float64]) -> bool:
        """Whether the same is lost, by the bits, and the same stands in its place."""
        return (
            self.kept.tobytes() == kept.tobytes()
            and self.gone.tobytes() == gone.tobytes()
            and np.array_equal(self.now[self.lost], now[self.lost])
        )

    @cached_property
    def said(self) -> Loss:
        """All of it."""
        known, lost, gone, weights = ~np.isnan(self.kept), np.sort(self.lost), self.gone, self.of.alignment.weights
        mass = float(weights[known].sum())
        split = not np.isnan(gone[lost]).any()
        many = int(gone[lost].sum()) if split else None
        return Loss(
            self.leg,
            self.of.k,
            float(weights[lost].sum()) / mass if mass else 0.0,
            len(lost),
            int(known.sum()),
            many,
            None if many is None else len(lost) - many,
            self._segments(lost, known),
            tuple(self._queries()),
            self._displacers(),
        )

    def _segments(self, lost: RowNumbers, known: NDArray[np.bool_]) -> tuple[LostIn, ...]:
        """Where a greater part was lost than overall, the greatest first."""
        made = []
        overall = len(lost) / max(1, int(known.sum()))
        for grouping in self.of.alignment.groupings[1:]:
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

    def _queries(self) -> list[LostAnswer]:
        """Those of most weight."""
        leg, told, named, said = self.leg, self.of.told, self.lost[:MOST_QUERIES], self.documents.get
        made = []
        for row, gone, instead in zip(named.tolist(), self.gone[named].tolist(), self.instead, strict=True):
            fate: Fate = "lost" if gone != gone else "gone" if gone else "displaced"  # NaN: nobody knows
            what = leg, row, fate, said(instead, "")
            made.append(told.get(what) or told.setdefault(what, self._tell(*what)))
        return made

    def _tell(self, leg: ListedLeg, row: int, fate: Fate, instead: str) -> LostAnswer:
        baseline, alignment = self.of.baseline, self.of.alignment
        anchor = self.of.anchors[int(alignment.now[row])]
        key = int(baseline.lists[leg].keys[alignment.then[row], 0])
        member = baseline.members.get(key)
        stranger = baseline.strangers.get(key, "")
        chunk_id, doc_id = (stranger, "") if member is None else (member.chunk_id, member.doc_id)
        return LostAnswer(anchor.id, anchor.text[:TEXT], fate, chunk_id, doc_id, instead)

    def _displacers(self) -> tuple[Displacer, ...]:
        """The documents of what stands in these lists now and did not then."""
        at, keys = self.came
        came = {(row, self.documents[key]) for row, key in zip(at.tolist(), keys.tolist(), strict=True)}
        counted = Counter(document for _, document in came if document)
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_DISPLACERS]
        return tuple(Displacer(document, count) for document, count in ranked)


class LossesOf:
    """Finds what was lost against one baseline; a leg that lost what it had lost is not counted again.

    Args:
        baseline: compared with.
        alignment: the anchors that compare with it.
        anchors: all of now.
        k: depth.
    """

    def __init__(self, baseline: Snapshot, alignment: Alignment, anchors: Sequence[Anchor], k: int) -> None:
        self._against = _Against(baseline, alignment, anchors, k)
        self._then = {leg: lists.keys[alignment.then, :k] for leg, lists in baseline.lists.items() if leg in LEGS}
        self._documents: dict[int, str] = {}
        """By chunk key, of what stood in place of what was lost."""
        self._last: dict[ListedLeg, LegLosses] = {}
        self._live = False
        """Whether the last call was told what the chunks are now, not what a snapshot kept of them."""

    def found(
        self, seen: Observation, tables: Sequence[SummaryTable], changed: NDArray[np.int64] | None
    ) -> Iterator[LegLosses]:
        """Of each leg whose kept answers were measured at k.

        Args:
            seen: the lists now.
            tables: what was measured of them.
            changed: keys of the chunks of which anything changed since the last call; None: look at all anew.
        """
        before, of = self._forget(changed if self._live else None), self._against
        self._live = seen.facts.events
        for leg, table in ((leg, table) for leg in LEGS for table in tables if table.leg == leg):
            if Name(KEPT_ANSWERS, of.k) not in table.names:
                continue
            kept, gone = (
                table.values[table.names.index(Name(metric, of.k))] for metric in (KEPT_ANSWERS, "gone_answers_ratio")
            )
            now = of.alignment.lists_now(seen.lists[leg]).keys[:, : of.k]
            made = before.get(leg)
            if made is None or not made.holds(now, kept, gone):
                made = LegLosses(of, leg, self._then[leg], now, kept, gone)
                self._look_up(made, seen.facts)
            self._last[leg] = made
            yield made

    def _look_up(self, of: LegLosses, facts: Facts) -> None:
        """The documents of what stands in place of what was lost."""
        known, keys = self._documents, {*of.instead, *of.came[1].tolist()} - {NO_CHUNK}
        missing = [key for key in keys if key not in known]
        if missing:
            known.update((key, doc) for key, (_, doc) in zip(missing, facts.origins(missing), strict=True))
        of.documents.update({key: known[key] for key in keys})

    def _forget(self, changed: NDArray[np.int64] | None) -> Mapping[ListedLeg, LegLosses]:
        """What still holds of the last call's losses."""
        before, self._last = self._last, {}
        if len(self._against.told) > _MOST:
            self._against.told.clear()
        if changed is None or len(self._documents) > _MOST_DOCUMENTS:
            self._documents.clear()
            return {}
        others = [key for key in changed.tolist() if self._documents.pop(key, None) is not None]
        return {leg: of for leg, of in before.items() if not any(key in of.documents for key in others)}
