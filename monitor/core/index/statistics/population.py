"""Population: which chunks a snapshot's corpus held, and what is new, modified or deleted since."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics import kernels_changes
from monitor.core.index.statistics.cells import SegmentKeys
from monitor.core.index.statistics.columns import SlotColumns
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.documents import Documents
from monitor.core.index.statistics.kernels_changes import ABSENT, ChangeTable, ComparedChunks

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """The chunks of a corpus, compactly: 24 bytes each, and about 50 more for what they say.

    Args:
        keys: (B,) int64 chunk keys, ascending.
        digests: (B,) uint64, of content hash and vector.
        cells: (B,) int32 indices into `values`.
        documents: (B,) int32 indices into `hashes`.
        values: segment values per cell, as `SegmentKeys` orders them.
        hashes: 63-bit hashes of the documents' ids.
    """

    keys: Ints
    digests: NDArray[np.uint64]
    cells: NDArray[np.int32]
    documents: NDArray[np.int32]
    values: tuple[tuple[str, ...], ...]
    hashes: Ints
    contents: Contents | None = None
    """What the chunks say, None in a snapshot of a time before that was kept."""

    def same(self, other: "Population") -> bool:
        """Whether both say the same of the same chunks."""
        return (
            self.values == other.values
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.digests, other.digests)
            and np.array_equal(self.cells, other.cells)
            and np.array_equal(self.hashes[self.documents], other.hashes[other.documents])
        )


class Baseline:
    """The baseline's chunks, with today's codes.

    A chunk is compared within each segment value: one that is there now and then is modified if its content or its
    vector differs; one that moved to another value is deleted there and new here. What the baseline holds is kept,
    not a generation per chunk: so a chunk that changed and changed back is not modified, a chunk deleted and written
    again is not new, and a restart knows as much as the process that lived. Each change of the corpus moves the
    counts by what this one chunk contributed before and contributes after: no pass over the corpus. A new baseline
    costs one pass.

    Args:
        population: of the snapshot.
        cells, documents: in use; what the baseline needs of them is held until `let_go`.
    """

    def __init__(self, population: Population, cells: SegmentKeys, documents: Documents) -> None:
        self.population = population
        self._cells, self._documents = cells, documents
        named = np.array([cells.named(values) for values in population.values], np.int64)
        self.cells: Ints = named[population.cells]
        cells.hold(self.cells)
        codes = np.array([documents.coded(int(one)) for one in population.hashes.tolist()], np.int64)
        self.parts: Ints = documents.parts(codes[population.documents], cells.rows[self.cells])
        self._held = ComparedChunks(self.cells, population.digests, self.parts)

    def let_go(self) -> None:
        """Release the cells."""
        self._cells.release(self.cells)

    def places(self, keys: Ints) -> Ints:
        """Where chunks stand in the baseline, ABSENT for those that do not; (n,) int64."""
        known = self.population.keys
        if not len(known):
            return np.full(len(keys), ABSENT, np.int64)
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[places] == keys, places, ABSENT)

    def count_live(self, counters: Counters, columns: SlotColumns, slots: Ints, sign: int) -> tuple[Mask, Ints]:
        """Count live chunks as what they are now, or no longer (sign -1); see `kernels_changes.count_live`."""
        live = ComparedChunks(columns.cells, columns.digests, columns.parts)
        return kernels_changes.count_live(self._table(counters), self._held, live, columns.then, slots, sign)

    def count_gone(self, counters: Counters, places: Ints, sign: int) -> Ints:
        """Count chunks of the baseline that are not live, or no longer; see `kernels_changes.count_gone`."""
        return kernels_changes.count_gone(self._table(counters), self._held, places, sign)

    def _table(self, counters: Counters) -> ChangeTable:
        return ChangeTable(counters.counts, counters.dirty, self._cells.rows)
