"""Cells: the distinct combinations of segment values, and one row of counters per value of each dimension."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image, unused
from monitor.core.model.events import Segment
from monitor.core.model.report import ALL
from monitor.core.model.segments import value_of

VERSION = "embedding_version"
"""The dimension that every corpus has: the embedding version, of vectors that are there."""
_SEEN = 1 << 16
"""Segments remembered at once; what is forgotten is only looked up again."""

Described = tuple[Segment, str]
"""Segment attributes and embedding version of a chunk."""


class SegmentKeys:
    """A code per distinct combination of values that is held, and a row per distinct value of each dimension.

    The dimensions are `all`, the configured ones, and the embedding version. A cell is held by the live chunks and
    by the baseline's chunks in it; one that nobody holds gives its code back, and its rows theirs. So both are
    bounded by what is live or was in the baseline.

    Args:
        dimensions: the configured ones: attributes, or several joined with `+`.
    """

    def __init__(self, dimensions: Sequence[str]) -> None:
        self.dimensions: tuple[str, ...] = (ALL, *dimensions, VERSION)
        self.values: list[tuple[str, ...]] = []
        """Values by cell, one per dimension; stale where the code is free."""
        self.rows: NDArray[np.int64] = np.zeros((16, len(self.dimensions)), np.int64)
        """Rows by cell and dimension."""
        self.names: dict[int, tuple[int, str]] = {}
        """Dimension and value of each row in use."""
        self._held: NDArray[np.int64] = np.zeros(16, np.int64)
        self._cells: dict[tuple[str, ...], int] = {}
        self._seen: dict[Described, int] = {}
        self._row: dict[tuple[int, str], int] = {}
        self._cells_of_row: dict[int, int] = {}
        self._free: list[int] = []
        self._free_rows: list[int] = []
        self._row_of((0, ALL))  # row 0, for ever

    @property
    def room(self) -> int:
        """One more than the greatest row there can be now."""
        return len(self.names) + len(self._free_rows)

    def of(self, chunks: Sequence[Described]) -> NDArray[np.int64]:
        """The cells of some chunks, made where there are none; `hold` them before anything else."""
        seen, found = self._seen, []
        for described in chunks:
            cell = seen.get(described)
            if cell is None:
                if len(seen) > _SEEN:
                    seen.clear()
                segment, version = described
                values = (
                    *(value_of(name, segment) if name != ALL else ALL for name in self.dimensions[:-1]),
                    version,
                )
                cell = seen[described] = self.named(values)
            found.append(cell)
        return np.array(found, np.int64)

    def named(self, values: tuple[str, ...]) -> int:
        """The cell of these values, one per dimension."""
        cell = self._cells.get(values)
        if cell is None:
            cell = self._cells[values] = self._admit(values)
        return cell

    def hold(self, cells: NDArray[np.int64]) -> None:
        """Count one more holder for each."""
        np.add.at(self._held, cells, 1)

    def release(self, cells: NDArray[np.int64]) -> None:
        """Count one holder less for each; cells and rows without any are free."""
        np.subtract.at(self._held, cells, 1)
        for cell in sorted(set(cells[self._held[cells] == 0].tolist())):
            self._seen.clear()
            del self._cells[self.values[cell]]
            self._free.append(cell)
            for row in self.rows[cell].tolist():
                self._cells_of_row[row] -= 1
                if not self._cells_of_row[row]:
                    del self._row[self.names.pop(row)], self._cells_of_row[row]
                    self._free_rows.append(row)

    def image(self) -> Image:
        """See `image`; who holds them is not part of it."""
        cells = sorted(self._cells.values())
        return {"cells": cells, "values": [list(self.values[cell]) for cell in cells], "rows": self.rows}

    def resume(self, image: Image, held: NDArray[np.int64]) -> None:
        """Take up what was there, where nothing is yet; `held` are the cells of all holders."""
        cells: list[int] = image["cells"]
        self.rows = image["rows"]
        self.values = [() for _ in range(max(cells, default=-1) + 1)]
        for cell, values in zip(cells, image["values"], strict=True):
            self.values[cell] = tuple(values)
            self._cells[self.values[cell]] = cell
            for row, name in zip(self.rows[cell].tolist(), enumerate(self.values[cell]), strict=True):
                self._row[name], self.names[row] = row, name
                self._cells_of_row[row] = self._cells_of_row.get(row, 0) + 1
        self._held = np.bincount(held, minlength=len(self.rows))
        self._free = unused(np.array(cells, np.int64), len(self.values))
        self._free_rows = unused(np.array(list(self.names), np.int64), max(self.names) + 1)

    def _admit(self, values: tuple[str, ...]) -> int:
        if self._free:
            cell = self._free.pop()
            self.values[cell] = values
        else:
            cell = len(self.values)
            self.values.append(values)
            if cell == len(self._held):
                self._held = np.concatenate((self._held, np.zeros_like(self._held)))
                self.rows = np.concatenate((self.rows, np.zeros_like(self.rows)))
        self.rows[cell] = [self._row_of(name) for name in enumerate(values)]
        return cell

    def _row_of(self, name: tuple[int, str]) -> int:
        row = self._row.get(name)
        if row is None:
            row = self._row[name] = self._free_rows.pop() if self._free_rows else len(self.names)
            self.names[row] = name
            self._cells_of_row[row] = 0
        self._cells_of_row[row] += 1
        return row
