"""What is known of some chunks, in columns: thousands are compared without a row of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.shared_values import NOTHING, SharedValues
from monitor.core.model.changes import NO_SLOT, How
from monitor.core.model.events import Segment

HOW: tuple[How, ...] = ("new", "modified", "deleted", "reencoded", "restored")
"""By code, what an event did."""
VERSION_ASIDE, CONTENT_ASIDE = 1, 2
"""Bits of the column `aside`: what does not fit its column is kept beside the columns."""
_HEX = 32
"""Digits of a content hash of 128 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class ChunkColumns:
    """What is known of n chunks, in columns: thousands are compared without a row of each.

    Args:
        known: (n,) bool.
        cells: (n,) the fixed-width parts of their rows; no slot where nothing is known.
        aside: by place among these, those content hashes that are not 32 hexadecimal digits.
        shared: what codes stand for, as `ChunkTable.shared`; read before anything changes.
    """

    known: NDArray[np.bool_]
    cells: NDArray[Any]
    aside: Mapping[int, str]
    shared: tuple[SharedValues[Any], ...]

    @property
    def slots(self) -> NDArray[np.int64]:
        """(n,) where their vectors stand, NO_SLOT for one that is not live."""
        slots: NDArray[np.int64] = self.cells["slot"].astype(np.int64)
        return slots

    @property
    def live(self) -> NDArray[np.bool_]:
        """(n,) whether each is in the corpus now."""
        live: NDArray[np.bool_] = self.cells["slot"] != NO_SLOT
        return live

    def take(self, at: NDArray[np.int64]) -> "ChunkColumns":
        """Some of them, (m,) places."""
        aside = {}
        if self.aside:
            aside = {to: self.aside[of] for to, of in enumerate(at.tolist()) if of in self.aside}
        return ChunkColumns(self.known[at], taken(self.cells, at), aside, self.shared)

    def content_hashes(self) -> list[str]:
        """What each says or said last; "" where nothing is known."""
        numbers = np.empty((len(self.cells), 2), ">u8")
        numbers[:, 0], numbers[:, 1] = self.cells["content"], self.cells["content_rest"]
        whole = numbers.tobytes().hex()
        said = [whole[at : at + _HEX] for at in range(0, len(whole), _HEX)]
        for at in np.flatnonzero(~self.known).tolist():
            said[at] = ""
        for at, of in self.aside.items():
            said[at] = of
        return said

    def documents(self) -> list[str]:
        """The document of each; "" where nothing is known."""
        documents = self.shared[0].values
        return [documents[code] if code != NOTHING else "" for code in self.cells["document"].tolist()]

    def segments(self) -> tuple[list[Segment], NDArray[np.int64]]:
        """The distinct segments of those that are known, and (n,) the place of each chunk's, NOTHING for none."""
        return self._distinct(self.shared[1], self.cells["segment"])

    def encoders(self) -> tuple[list[str], NDArray[np.int64]]:
        """The distinct embedding versions of those that are known, and (n,) the place of each chunk's."""
        return self._distinct(self.shared[2], self.cells["encoded"])

    def since(self, positions: Mapping[str, int]) -> NDArray[np.bool_]:
        """(n,) whether each one's last change does not stand before these next offsets by `topic/partition`."""
        return self.known & behind(self.cells, self.shared[3].values, positions)

    def how(self) -> list[How]:
        """What the last event that changed each did; to be read of those that are known."""
        return [HOW[code] for code in self.cells["how"].tolist()]

    @staticmethod
    def _distinct(values: SharedValues[Any], codes: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
        there = np.flatnonzero(np.bincount(codes[codes != NOTHING], minlength=1))
        places = np.full(int(there.max(initial=0)) + 2, NOTHING, np.int64)
        places[there] = np.arange(len(there))
        return [values.values[code] for code in there.tolist()], places[codes]


def taken(cells: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """The cells in some places: numpy copies a structure field by field, in fifteen times what its bytes take."""
    raw: NDArray[Any] = cells.view(np.dtype((np.void, cells.dtype.itemsize)))
    return np.take(raw, places).view(cells.dtype)


def put_back(cells: NDArray[Any], places: NDArray[np.int64], some: NDArray[Any]) -> None:
    """Write cells, as many as there are places, to their distinct places: as bytes, see `taken`."""
    raw = np.dtype((np.void, cells.dtype.itemsize))
    cells.view(raw)[places] = some.view(raw)


def behind(
    cells: NDArray[Any], sources: Sequence[tuple[str, int] | None], positions: Mapping[str, int]
) -> NDArray[np.bool_]:
    """Which rows' last change does not stand before some next offsets.

    Args:
        cells: (n,) of the table.
        sources: topics and partitions by their codes.
        positions: next offsets by `topic/partition`, 0 where none is.

    Returns:
        (n,) bool; it says nothing of a chunk that is not known.
    """
    unchanged = cells["changed_source"] == NOTHING
    source = np.where(unchanged, cells["source"], cells["changed_source"])
    first = np.zeros(len(sources) + 1, np.int64)  # one more for what is not known
    for code, of in enumerate(sources):
        first[code] = 0 if of is None else positions.get(f"{of[0]}/{of[1]}", 0)
    offset = np.where(unchanged, cells["offset"], cells["changed_offset"])
    found: NDArray[np.bool_] = offset >= first[source]
    return found
