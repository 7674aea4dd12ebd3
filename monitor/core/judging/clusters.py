"""Which anchors stand or fall together: those whose baseline top-1 comes from one document or says the same."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.measures.comparison.tables import ListedLeg
from monitor.core.model.lists import NO_CHUNK


def clusters(
    baseline: Snapshot, leg: ListedLeg, rows: NDArray[np.int64], *, answers: bool = False
) -> NDArray[np.int64]:
    """The cluster of each anchor on one leg.

    Anchors are one cluster when their first result in the baseline belongs to one document, or to two that say the
    same (equal content hashes), or when they ask the same question; that relation is closed transitively. One change
    to that document moves them all, so they are no independent witnesses.

    Args:
        baseline: the snapshot compared with.
        leg: whose lists.
        rows: (P,) int64 rows of the baseline.
        answers: whether the question is what became of each answer. Then those are one cluster that ask the same or
            have the same answer, for they lose it together; another passage of the same document is another draw
            from what people ask for, however many passages a deploy takes away at once.

    Returns:
        (P,) int64 cluster numbers. An anchor without a baseline list, or an empty one, is a cluster by itself.
    """
    lists, marks = baseline.lists[leg], list(baseline.anchors.values())
    made: list[list[Hashable]] = []
    for row in rows.tolist():
        first = int(lists.keys[row, 0]) if lists.known[row] and lists.depth else NO_CHUNK
        member = baseline.members.get(first)
        own: list[Hashable] = [("question", marks[row].digest)]
        if first != NO_CHUNK:
            own.append(("chunk", first) if member is None or answers else ("document", member.doc_id))
        if member is not None and member.content_hash:
            own.append(("content", member.content_hash))
        made.append(own)
    return joined(made)


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
