"""Which anchors stand or fall together: those whose baseline top-1 comes from one document or says the same."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Member, Snapshot
from monitor.core.measures.comparison.tables import ListedLeg
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.report import ALL


@dataclass(frozen=True, slots=True, eq=False)
class Witnesses:
    """Which anchors of one leg stand or fall together, and of what they are a sample.

    Args:
        documents: (P,) int64 clusters. Anchors are one when their first result in the baseline belongs to one
            document, or to two that say the same (equal content hashes), or when they ask the same question; that
            relation is closed transitively. What happens to a document happens to all of them.
        answers: (P,) int64, the same by the first result itself: finer, for they are other passages of a document.
        names: (P,) the document of each, "" for an anchor without a list or with an empty one.
        segments: (P,) its segment attributes.
    """

    documents: NDArray[np.int64]
    answers: NDArray[np.int64]
    names: tuple[str, ...]
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, baseline: Snapshot, leg: ListedLeg, rows: NDArray[np.int64]) -> "Witnesses":
        """Look them up.

        Args:
            baseline: the snapshot compared with.
            leg: whose lists.
            rows: (P,) int64 rows of the baseline.
        """
        lists, marks = baseline.lists[leg], list(baseline.anchors.values())
        by_document: list[list[Hashable]] = []
        by_answer: list[list[Hashable]] = []
        answering: list[Member | None] = []
        for row in rows.tolist():
            first = int(lists.keys[row, 0]) if lists.known[row] and lists.depth else NO_CHUNK
            member = baseline.members.get(first)
            own: list[Hashable] = [("question", marks[row].digest)]
            if member is not None and member.content_hash:
                own.append(("content", member.content_hash))
            same = [*own, ("chunk", first)] if first != NO_CHUNK else own
            by_answer.append(same)
            by_document.append(same if member is None else [*own, ("document", member.doc_id)])
            answering.append(member)
        return cls(
            joined(by_document),
            joined(by_answer),
            tuple("" if member is None else member.doc_id for member in answering),
            tuple(() if member is None else member.segment for member in answering),
        )

    def drawn(self, sizes: Mapping[tuple[str, str], int], where: tuple[str, str], mask: NDArray[np.bool_]) -> float:
        """Of the documents that questions of a segment could be about, the share that these anchors are about.

        Those are the segment's own documents in the baseline's corpus, and what answers from elsewhere; where the
        corpus does not have that segment, all of its documents. 0 where nobody kept how many there were.

        Args:
            sizes: documents by dimension and segment, see `documents_of`.
            where: dimension and segment.
            mask: (P,) bool, the anchors.
        """
        within = sizes.get(where, 0)
        own = {self.names[at]: self.segments[at] for at in np.flatnonzero(mask).tolist() if self.names[at]}
        outside = sum(where[0] != ALL and where not in segment for segment in own.values())
        population = within + outside if within else sizes.get((ALL, ALL), 0)
        return min(1.0, len(own) / population) if population else 0.0


def documents_of(baseline: Snapshot) -> dict[tuple[str, str], int]:
    """How many documents each segment of a baseline's corpus had; nothing where that was not kept."""
    profile = baseline.profile
    return {} if profile is None else {(of.dimension, of.segment): of.documents for of in profile.segments}


def joined(marks: Sequence[Iterable[Hashable]]) -> NDArray[np.int64]:
    """(A,) int64 cluster numbers: anchors that share any mark are one cluster, transitively."""
    sets = _Joined(len(marks))
    for at, own in enumerate(marks):
        for mark in own:
            sets.put(at, mark)
    return sets.numbers(range(len(marks)))


class _Joined:
    """Sets of anchors that grow together by what they have in common (union and find)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))
        self._first: dict[Hashable, int] = {}

    def put(self, at: int, mark: Hashable) -> None:
        one, other = self._root(at), self._root(self._first.setdefault(mark, at))
        self._parents[max(one, other)] = min(one, other)

    def numbers(self, anchors: Iterable[int]) -> NDArray[np.int64]:
        return np.array([self._root(at) for at in anchors], np.int64)

    def _root(self, at: int) -> int:
        while self._parents[at] != at:
            self._parents[at] = self._parents[self._parents[at]]
            at = self._parents[at]
        return at
