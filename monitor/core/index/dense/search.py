"""Exact search over a slab of vectors: float32 products in blocks choose, float64 scores decide."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.dense.kernels import EMPTY, exact, reaching
from monitor.core.index.dense.order import dedup_candidates, places, ranked
from monitor.core.index.dense.product import Floats, Product, lowered
from monitor.core.model.scoring import Distance

_CELLS = 4 << 20
"""Products held at a time: 16 MB of float32."""
_GATHERED = 1_024
"""Vectors copied out of the slab at a time where slots have gaps: 1.5 MB at 384 dimensions stay in a core's cache."""
_FLOOD = 4
"""A block with more candidates than this times `keep` per query is looked through for copies."""


def blocks(rows: int, queries: int) -> Iterator[slice]:
    """Slices of `rows` rows whose products with all queries fit the memory bound."""
    size = max(256, _CELLS // max(1, queries))
    for at in range(0, rows, size):
        yield slice(at, at + size)


def gather(vectors: NDArray[np.float32], slots: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors of ascending slots, without a copy where the slots have no gap."""
    if len(slots) and int(slots[-1] - slots[0]) + 1 == len(slots):
        return vectors[slots[0] : slots[-1] + 1]
    return vectors[slots]


class ExactSearch:
    """Exact top `keep` of some queries over some slots, under (score descending, chunk id).

    A pool of (query, slot) pairs is kept such that no pair outside can be among the best `keep`: by the float32
    product and its error bound first, by float64 scores where near ties would let the pool grow.

    Args:
        vectors: the slab, (n, d) float32.
        names: chunk id by slot.
        queries: (a, d) float32, prepared.
        distance: how to compare.
        keep: how many results each query wants, positive.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        names: Sequence[str],
        queries: NDArray[np.float32],
        *,
        distance: Distance,
        keep: int,
    ) -> None:
        self._vectors, self._names, self._queries = vectors, names, queries
        self._distance, self._keep = distance, keep
        self._product = Product.of(queries, distance)
        self._least: NDArray[np.float64] = np.full(len(queries), -np.inf)
        """A lower bound on the true product form of each query's `keep`-th best."""
        self._error: NDArray[np.float64] = np.zeros(len(queries))
        self._rows = np.zeros(0, np.int64)
        self._slots = np.zeros(0, np.int64)
        self._forms: NDArray[np.float64] = np.zeros(0)

    def top(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Search among ascending slots: (a, keep) int64 slots with EMPTY and float64 scores with NaN at the end."""
        settled = len(self._queries) * self._keep
        for block in blocks(len(slots), len(self._queries)):
            self._scan(slots[block])
            if len(self._rows) > 3 * settled:
                self._prune()
            if len(self._rows) > 8 * settled:
                self._settle()
        self._prune()
        values = self._settle()
        made = np.full((len(self._queries), self._keep), EMPTY, np.int64)
        found = np.full(made.shape, np.nan)
        place = places(self._rows)
        made[self._rows, place], found[self._rows, place] = self._slots, values
        return made, found

    def _scan(self, block: NDArray[np.int64]) -> None:
        """Add to the pool what a block can contribute."""
        forms, largest = self._multiplied(block)
        self._error = np.maximum(self._error, self._product.error(largest))
        if not len(self._rows) and len(block) > self._keep:
            best = np.partition(forms.T, len(block) - self._keep, axis=1)[:, len(block) - self._keep]
            self._least = np.maximum(self._least, best.astype(np.float64) - self._error)
        rows, at = self._hits(forms)
        if len(rows) > _FLOOD * self._keep * len(self._queries):
            groups = np.zeros(len(block), np.int64)
            kept = dedup_candidates(self._vectors[block], groups, block, self._names, self._keep)[at]
            rows, at = rows[kept], at[kept]
        self._rows = np.concatenate((self._rows, rows))
        self._slots = np.concatenate((self._slots, block[at]))
        self._forms = np.concatenate((self._forms, forms[at, rows].astype(np.float64)))

    def _multiplied(self, block: NDArray[np.int64]) -> tuple[Floats, float]:
        """Product form of a block with all queries; a few queries' long blocks are copied together part by part."""
        if len(block) <= 4 * _GATHERED or int(block[-1] - block[0]) + 1 == len(block):
            return self._product.multiply(gather(self._vectors, block))
        parts = [
            self._product.multiply(gather(self._vectors, block[at : at + _GATHERED]))
            for at in range(0, len(block), _GATHERED)
        ]
        return np.concatenate([forms.T for forms, _ in parts], axis=1).T, max(largest for _, largest in parts)

    def _hits(self, forms: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Queries, ascending, and rows of the block that may be among their best."""
        return reaching(forms.T, lowered(self._least - self._error, forms))

    def _prune(self) -> None:
        """Raise the lower bounds by what the pool holds, and drop from it what cannot be among the best."""
        order = np.lexsort((-self._forms, self._rows))
        rows, forms = self._rows[order], self._forms[order]
        last = places(rows) == self._keep - 1
        self._least[rows[last]] = np.maximum(self._least[rows[last]], forms[last] - self._error[rows[last]])
        stay = forms >= self._least[rows] - self._error[rows]
        self._rows, self._slots, self._forms = rows[stay], self._slots[order][stay], forms[stay]

    def _settle(self) -> NDArray[np.float64]:
        """Cut the pool to each query's exact best and sort it; returns the float64 scores."""
        values = exact(self._vectors, self._slots, self._queries, self._rows, self._distance)
        order = ranked(self._rows, values, self._slots, self._names)
        order = order[places(self._rows[order]) < self._keep]
        self._rows, self._slots, self._forms = self._rows[order], self._slots[order], self._forms[order]
        return values[order]
