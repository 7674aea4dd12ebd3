"""The dense leg: the exact top-k of every anchor, kept current batch by batch."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.index.corpus import Delta
from monitor.core.index.dense.admission import FilterIndex
from monitor.core.index.dense.buffers import Buffers
from monitor.core.index.dense.kernels import EMPTY, ListArrays, exact, reaching
from monitor.core.index.dense.order import dedup_candidates
from monitor.core.index.dense.product import Floats, Product, lowered
from monitor.core.index.dense.search import ExactSearch, blocks
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.scoring import Distance

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Anchors and slots, aligned."""

_NONE = np.zeros(0, np.int64)
_ASKED = 1024
"""Queries searched at a time: with more of them the blocks of rows get so short that bounds start out loose."""
_FLOOD = 8
"""With more candidates per anchor than this times k a batch is looked through for copies of one vector."""


class VectorSlab(Protocol):
    """Prepared vectors by slot, with the chunk id and the chunk key of each slot; its owner replaces what grows."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(n, d) float32."""
        ...

    @property
    def names(self) -> list[str]:
        """Chunk ids."""
        ...

    @property
    def keys(self) -> NDArray[np.int64]:
        """Chunk keys, as many as vectors."""
        ...


class DenseTopK:
    """The exact top-k of all anchors under (score descending, chunk id), scores as `scoring.scores` gives them.

    Each batch costs one matrix product of its vectors with all anchors; float64 scores of the few pairs that can
    outrank an anchor's floor decide. An anchor whose buffer ran below k while something lies outside is searched
    anew, exactly, over the slab. Lists depend on the live chunks alone: no history, batch cut or slot changes a bit.
    It starts empty: on a restart, `apply` one delta that holds the whole corpus.

    Args:
        anchors: A anchors with prepared vectors, (A, d) float32, and their filters.
        corpus: the slab of vectors and the names by slot, the corpus or a second version over it; this very object is
            read, never written.
        k: the depth of the lists, positive.
        distance: how prepared vectors are compared.
    """

    def __init__(self, anchors: AnchorSet, corpus: VectorSlab, *, k: int, distance: Distance) -> None:
        self.refills = 0
        """Anchors whose certificate failed and that were searched for anew, since the start."""
        self.rebuilds = 0
        """Batches so large that all anchors were searched for anew, since the start."""
        self.searched = 0
        """Anchors searched for anew for whatever reason, since the start."""
        self._anchors, self._corpus, self._k, self._distance = anchors, corpus, k, distance
        self._depth = 4 * k
        """Results a refill buffers; a buffer holds 60% more, so that arrivals push the floor up only slowly."""
        self._product = Product.of(anchors.vectors, distance)
        self._admission = FilterIndex(anchors.filters)
        self._buffers = Buffers(len(anchors), self._depth * 8 // 5, corpus.names)
        self._lists = RankedLists.unknown(len(anchors), k)
        self._lists.known[:] = True

    def apply(self, delta: Delta) -> NDArray[np.bool_]:
        """Take in one batch; say which anchors' exact top-k changed in ids, order or scores, as (A,) bool."""
        self.take(delta)
        if len(delta.added) > max(self._buffers.capacity, self._admission.live // 4):
            return self.settle()
        gone = np.zeros(len(self._corpus.vectors) + 1, np.bool_)
        gone[delta.removed] = True
        touched = np.union1d(self._buffers.drop(gone), self._enter(delta))
        failed = self._buffers.failing(touched, self._k)
        self.refills += len(failed)
        self._refill(failed)
        return self._publish(touched)

    def take(self, delta: Delta) -> None:
        """Take in who left and who came. A corpus that comes in parts is taken part by part, then settled."""
        self._admission.remove(delta.removed)
        self._admission.add(delta.added, [row.segment for row in delta.rows])

    def settle(self) -> NDArray[np.bool_]:
        """Search for every list anew; returns what `apply` does."""
        self.rebuilds += 1
        everyone = np.arange(len(self._anchors))
        self._refill(everyone)
        return self._publish(everyone)

    def image(self) -> Image:
        """See `image`."""
        return {"admission": self._admission.image(), "buffers": self._buffers.image()}

    def resume(self, image: Image) -> None:
        """Take up what was there, of the same anchors, where nothing is yet."""
        self._admission.resume(image["admission"])
        self._buffers.resume(image["buffers"])
        self._publish(np.arange(len(self._anchors)))

    def reanchor(self, anchors: AnchorSet, kept: NDArray[np.int64]) -> None:
        """Keep the lists of other anchors from here on; only new questions are searched for, exactly.

        Args:
            anchors: A anchors with prepared vectors, and their filters.
            kept: (A,) int64, see `anchors.kept_rows`: buffers of those rows hold as they are.
        """
        self._anchors, self._product = anchors, Product.of(anchors.vectors, self._distance)
        self._admission.refilter(anchors.filters)
        self._buffers, self._lists = self._buffers.arranged(kept), self._lists.arranged(kept)
        fresh = np.flatnonzero(kept < 0)
        self._refill(fresh)
        self._publish(fresh)

    def lists(self) -> RankedLists:
        """The exact top-k of every anchor now; a corpus of fewer than k chunks gives short lists."""
        return self._lists

    def search(self, vectors: NDArray[np.float32], filters: Sequence[Segment], k: int) -> RankedLists:
        """Exact top-k of any prepared (n, d) vectors under n filters over the live chunks."""
        slots, scores = self._search(vectors, filters, k)
        return self._named(slots, scores)

    def _enter(self, delta: Delta) -> NDArray[np.int64]:
        """Insert new slots where they outrank the floor; returns the anchors that took one in."""
        found = [self._candidates(delta, part) for part in blocks(len(delta.added), len(self._anchors))]
        rows, slots = found[0] if found else (_NONE, _NONE)
        if len(found) > 1:
            rows, slots = (np.concatenate(of) for of in zip(*found, strict=True))
            order = np.argsort(rows, kind="stable")
            rows, slots = rows[order], slots[order]
        scores = exact(self._corpus.vectors, slots, self._anchors.vectors, rows, self._distance)
        above = self._buffers.above(rows, scores, slots)
        self._buffers.insert(rows[above], scores[above], slots[above])
        return rows[above]

    def _candidates(self, delta: Delta, part: slice) -> Pairs:
        """Every pair (anchor, new slot) that can outrank the anchor's floor, and few others; anchors ascend."""
        slots = delta.added[part]
        forms, largest = self._product.multiply(delta.vectors[part])
        rows, at = reaching(forms.T, self._product.needed(self._buffers.floors, largest, forms))
        if len(rows) > _FLOOD * self._k * len(self._anchors):
            rows, at = self._thinned(slots, forms, (rows, at), self._product.error(largest))
        if not self._admission.open:
            admitted = self._admission.table(slots)[at, rows]
            rows, at = rows[admitted], at[admitted]
        return rows, slots[at]

    def _thinned(self, block: NDArray[np.int64], forms: Floats, hits: Pairs, error: NDArray[np.float64]) -> Pairs:
        """Of a flood of candidates those that `capacity` + 1 others of the block do not outrank for certain."""
        keep = self._buffers.capacity + 1
        if len(block) <= keep:
            return hits
        rows, at = hits
        passing = forms if self._admission.open else np.where(self._admission.table(block), forms, -np.inf)
        last = np.partition(passing.T, len(block) - keep, axis=1)[:, len(block) - keep]
        needed = lowered(last.astype(np.float64) - 2.0 * error, forms)
        stay = passing[at, rows] >= needed[rows]
        rows, at = rows[stay], at[stay]
        if len(rows) > _FLOOD * self._k * len(self._anchors):
            codes = self._admission.codes(block)
            kept = dedup_candidates(self._corpus.vectors[block], codes, block, self._corpus.names, keep)[at]
            rows, at = rows[kept], at[kept]
        return rows, at

    def _refill(self, rows: NDArray[np.int64]) -> None:
        if len(rows):
            self.searched += len(rows)
            filters = [self._anchors.filters[row] for row in rows.tolist()]
            slots, scores = self._search(self._anchors.vectors[rows], filters, self._depth + 1)
            self._buffers.replace(rows, slots, scores, self._depth)

    def _search(
        self, vectors: NDArray[np.float32], filters: Sequence[Segment], keep: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """One exact search per distinct filter over the slots that pass it."""
        slots = np.full((len(vectors), keep), EMPTY, np.int64)
        scores = np.full(slots.shape, np.nan)
        for wanted in set(filters):
            rows = np.array([at for at, other in enumerate(filters) if other == wanted], np.int64)
            among = self._admission.slots(wanted)
            for at in range(0, len(rows), _ASKED):
                part = rows[at : at + _ASKED]
                slots[part], scores[part] = self._top(vectors[part], among, keep)
        return slots, scores

    def _top(
        self, vectors: NDArray[np.float32], among: NDArray[np.int64], keep: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        corpus = self._corpus
        return ExactSearch(corpus.vectors, corpus.names, vectors, distance=self._distance, keep=keep).top(among)

    def _publish(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Put the lists of touched anchors in place and say which differ from the ones before."""
        before = self._lists
        lists = ListArrays(before.keys.copy(), before.scores.copy(), before.lengths.copy())
        changed = self._buffers.publish(rows, self._corpus.keys, lists)
        known = before.known.copy()
        known[rows] = True
        self._lists = RankedLists(*lists, known)
        return changed

    def _named(self, slots: NDArray[np.int64], scores: NDArray[np.float64]) -> RankedLists:
        filled = slots != EMPTY
        keys = np.full(slots.shape, NO_CHUNK, np.int64)
        keys[filled] = self._corpus.keys[slots[filled]]
        return RankedLists(keys, scores, filled.sum(axis=1), np.ones(len(slots), np.bool_))
