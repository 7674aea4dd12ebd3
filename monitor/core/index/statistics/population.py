"""Population: which chunks a snapshot's corpus held, and what is new, modified or deleted since."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.cells import SegmentKeys
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.counters import DELETED, MODIFIED, NEW
from monitor.core.index.statistics.documents import Documents

Ints = NDArray[np.int64]
ABSENT = -1
"""The place of a chunk that the baseline does not hold."""


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


@dataclass(frozen=True, slots=True, eq=False)
class ChunkPopulation:
    """Some chunks as they are now: live or not, and where.

    Args:
        then: (n,) places in the baseline, ABSENT for none.
        live: whether they are live now.
        cells: (n,) cells, meaningless where not live.
        digests: (n,) uint64.
        parts: (n, D) parts of documents.
    """

    then: Ints
    live: bool
    cells: Ints
    digests: NDArray[np.uint64]
    parts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class ChangeCounts:
    """What chunks contribute to the counts of changes: +1 at each (row, column) and at each part.

    `mask` (n, D) says in which dimensions a live chunk is new or modified.
    """

    rows: Ints
    columns: Ints
    parts: Ints
    mask: NDArray[np.bool_]


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

    def held(self) -> tuple[Ints, Ints]:
        """Parts and steps that count the baseline's chunks."""
        flat = self.parts.ravel()
        return flat, np.ones(len(flat), np.int64)

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

    def changes(self, side: ChunkPopulation) -> ChangeCounts:
        """What these chunks contribute."""
        known = np.flatnonzero(side.then != ABSENT)
        then = side.then[known]
        rows_then, parts_then = self._cells.rows[self.cells[then]], self.parts[then]
        if not side.live:
            rows, parts = rows_then.ravel(), parts_then.ravel()
            nothing = np.zeros(side.parts.shape, np.bool_)
            return ChangeCounts(rows, np.full(len(rows), DELETED, np.int64), parts, nothing)
        rows_now = self._cells.rows[side.cells]
        stays = np.zeros(rows_now.shape, np.bool_)
        stays[known] = rows_now[known] == rows_then
        differs = np.ones(len(rows_now), np.bool_)
        differs[known] = side.digests[known] != self.population.digests[then]
        changed = differs[:, None] | ~stays
        left = ~stays[known]
        # a chunk that only moved to another document changed both
        elsewhere = np.zeros(rows_now.shape, np.bool_)
        elsewhere[known] = side.parts[known] != parts_then
        return ChangeCounts(
            np.concatenate((rows_now[changed], rows_then[left])),
            np.concatenate((np.where(stays, MODIFIED, NEW)[changed], np.full(int(left.sum()), DELETED))),
            np.concatenate((side.parts[changed | elsewhere], parts_then[left | elsewhere[known]])),
            changed,
        )
