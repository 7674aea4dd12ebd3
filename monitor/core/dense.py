"""The dense leg: the exact top-k of every anchor, kept current batch by batch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.anchors import AnchorSet
from monitor.core.corpus import Corpus, Delta
from monitor.core.events import Segment
from monitor.core.lists import RankedLists
from monitor.core.scoring import Distance, scores
from monitor.core.segments import admits


class DenseTopK:
    """The exact top-k of all anchors under (score descending, chunk id).

    It starts empty: on a restart, `apply` one delta that holds the whole corpus.

    Args:
        anchors: A anchors with prepared vectors, (A, d) float32.
        corpus: the slab of vectors and the names by slot; this very object is read, never written.
        k: the depth of the lists, positive.
        distance: how prepared vectors are compared.
    """

    def __init__(self, anchors: AnchorSet, corpus: Corpus, *, k: int, distance: Distance) -> None:
        self.refills = 0
        """Anchors whose certificate failed and that were searched for anew, since the start."""
        self._anchors, self._corpus, self._k, self._distance = anchors, corpus, k, distance
        self._segments: dict[int, Segment] = {}
        self._lists = self.search(anchors.vectors, anchors.filters, k)

    def apply(self, delta: Delta) -> NDArray[np.bool_]:
        """Take in one batch; say which anchors' exact top-k changed in ids, order or scores, as (A,) bool."""
        for slot in delta.removed.tolist():
            del self._segments[slot]
        self._segments.update(zip(delta.added.tolist(), (row.segment for row in delta.rows), strict=True))
        before, self._lists = self._lists, self.search(self._anchors.vectors, self._anchors.filters, self._k)
        moved = (before.keys != self._lists.keys).any(axis=1)
        same = (before.scores == self._lists.scores) | (np.isnan(before.scores) & np.isnan(self._lists.scores))
        changed: NDArray[np.bool_] = moved | ~same.all(axis=1)
        return changed

    def lists(self) -> RankedLists:
        """The exact top-k of every anchor now; a corpus of fewer than k chunks gives short lists."""
        return self._lists

    def search(self, vectors: NDArray[np.float32], filters: Sequence[Segment], k: int) -> RankedLists:
        """Exact top-k of any prepared (n, d) vectors under n filters over the live chunks."""
        made: list[list[tuple[str, float]] | None] = []
        for vector, wanted in zip(vectors, filters, strict=True):
            slots = [slot for slot, segment in self._segments.items() if admits(wanted, segment)]
            exact = scores(self._corpus.vectors[slots], vector, self._distance).tolist()
            names = [self._corpus.names[slot] for slot in slots]
            made.append(sorted(zip(names, exact, strict=True), key=lambda pair: (-pair[1], pair[0]))[:k])
        return RankedLists.of(made, k)
