"""Auditing the maintained lists: which anchors are looked at when, and the dense leg once more by brute force."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.scoring import Distance, scores
from monitor.core.model.segments import admits

_BLOCK = 64
"""Vectors scored at a time: their float64 products stay in the second-level cache, three times as fast."""


@dataclass(frozen=True, slots=True, eq=False)
class AuditedList:
    """One anchor's maintained list, to be held against the reference.

    Args:
        query: the anchor's tokens.
        admitted: (n,) bool, which documents its filter lets through.
        positions: (m,) int64, which document each result is, best first; -1 for one that is not live.
        scores: (m,) float64, bigger is better.
        depth: the k that the list was cut at.
    """

    query: Sequence[str]
    admitted: NDArray[np.bool_]
    positions: NDArray[np.int64]
    scores: NDArray[np.float64]
    depth: int


class Rotation:
    """Samples of rows, drawn without replacement round after round: every row's turn comes once per round.

    Args:
        rows: how many rows there are.
        generator: orders each round anew.
    """

    def __init__(self, rows: int, generator: np.random.Generator) -> None:
        self._rows, self._generator = rows, generator
        self._left: list[int] = []

    def take(self, count: int, again: Sequence[int] = ()) -> NDArray[np.int64]:
        """The next sample: min(count, rows) distinct rows, ascending, int64.

        Args:
            count: how many rows, not negative.
            again: rows to look at again out of turn; they take at most half of the sample.
        """
        chosen = set(again[: count // 2])
        while len(chosen) < min(count, self._rows):
            if not self._left:
                self._left = self._generator.permutation(self._rows).tolist()
            chosen.add(self._left.pop())
        return np.array(sorted(chosen), np.int64)


def exact_lists(
    corpus: Corpus, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, distance: Distance
) -> RankedLists:
    """The exact dense top-k of some anchors by the definition: every live chunk scored in float64, then sorted.

    Order: (score descending, chunk id). Costs one pass over all live vectors per anchor.

    Args:
        corpus: the slab of prepared vectors, and what is live.
        anchors: all anchors, with prepared vectors and filters.
        rows: (r,) int64, which anchors.
        k: depth.
        distance: how prepared vectors are compared.

    Returns:
        r lists, short where fewer than k chunks pass the anchor's filter; empty for an empty corpus.
    """
    passing = {wanted: _passing(corpus, wanted) for wanted in {anchors.filters[row] for row in rows.tolist()}}
    made: list[list[tuple[str, float]]] = []
    for row in rows.tolist():
        slots = passing[anchors.filters[row]]
        parts = [slots[at : at + _BLOCK] for at in range(0, len(slots), _BLOCK)]
        scored = [scores(corpus.vectors[part], anchors.vectors[row], distance) for part in parts]
        found = np.concatenate([np.zeros(0), *scored])
        # Whatever ties with the k-th is sorted too: the chunk id decides.
        least = np.partition(found, len(found) - k)[len(found) - k] if len(found) > k else -np.inf
        best = np.flatnonzero(found >= least).tolist()
        named = [(corpus.names[slots[at]], float(found[at])) for at in best]
        made.append(sorted(named, key=lambda pair: (-pair[1], pair[0])))
    return RankedLists.of(made, k)


def differing(expected: RankedLists, found: RankedLists) -> NDArray[np.int64]:
    """How many places of each list hold another chunk or another score, to the bit, and 1 more for a wrong length.

    Returns:
        (r,) int64, in 0..k + 1; a NaN score is a wrong one.
    """
    filled = (expected.keys != NO_CHUNK) & (found.keys != NO_CHUNK)
    other = (expected.keys != found.keys) | (filled & (expected.scores != found.scores))
    wrong: NDArray[np.int64] = other.sum(axis=1) + (expected.lengths != found.lengths)
    return wrong


def _passing(corpus: Corpus, wanted: Segment) -> NDArray[np.int64]:
    """Live slots whose chunk passes a filter, ascending."""
    live = np.flatnonzero(corpus.keys != NO_CHUNK)
    if not wanted:
        return live
    rows = [corpus.row(key) for key in corpus.keys[live].tolist()]
    return live[np.array([row is not None and admits(wanted, row.segment) for row in rows], np.bool_)]
