"""Neighbours: for each chunk the next one of its document."""

from array import array
from bisect import bisect_left
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.growing import longer

NONE = -1
"""No slot; the document of a free one."""
Slots = NDArray[np.int64]
_MANY = 16
"""Chunks that come together from which on they are sorted in with all chunks of their documents, and so many of
these per chunk at most: beyond that each looks for its place."""


class Neighbours:
    """The live chunks of each document in the order of their ordinals, ties by chunk key."""

    def __init__(self) -> None:
        self.next: Slots = np.full(0, NONE, np.int64)
        """Next slot by slot, NONE for the last of a document."""
        self.documents: Slots = np.full(0, NONE, np.int64)
        """Document code by slot, NONE where the slot is free."""
        self._previous: Slots = np.full(0, NONE, np.int64)
        self._ordinals: Slots = np.zeros(0, np.int64)
        self._keys: Slots = np.zeros(0, np.int64)
        self._chunks: dict[int, array[int]] = {}
        """Slots in order; arrays, because numbers as objects take four times the memory."""

    def __len__(self) -> int:
        """Documents with live chunks."""
        return len(self._chunks)

    def apply(
        self, removed: Slots, added: Slots, places: tuple[NDArray[np.int64], NDArray[np.int64]], documents: Slots
    ) -> Slots:
        """Take out and put in; returns the slots that are new or whose next chunk may be another one, ascending.

        Args:
            removed: (r,) slots that were live.
            added: (m,) slots.
            places: (m,) ordinals in their documents, and (m,) chunk keys, which decide where ordinals are equal.
            documents: (m,) document codes; a document that stays keeps its code.
        """
        self._cover(int(added.max(initial=-1)) + 1)
        ordinals, keys = places
        # most updates leave a chunk at its place: no list is touched
        stays = (self.documents[added] == documents) & (self._ordinals[added] == ordinals)
        stays &= self._keys[added] == keys
        leads: list[Slots] = []
        moved = np.flatnonzero(~stays)
        if len(moved) or len(removed) != len(added):
            gone = np.setdiff1d(removed, added[stays], assume_unique=True).tolist()
            leads.append(np.array([self._remove(slot) for slot in gone], np.int64))
            slots, codes = added[moved], documents[moved]
            self.documents[slots] = codes
            self._ordinals[slots], self._keys[slots] = ordinals[moved], keys[moved]
            leads.append(self._insert_all(slots, codes))
        touched = distinct([added, self._previous[added[stays]], *leads])
        touched = touched[touched != NONE]
        found: Slots = touched[self.documents[touched] != NONE]
        return found

    def _remove(self, slot: int) -> int:
        """Take a slot out; returns the one before it."""
        document = int(self.documents[slot])
        chunks = self._chunks[document]
        del chunks[self._place(chunks, slot)]
        if not chunks:
            del self._chunks[document]
        before, after = int(self._previous[slot]), int(self.next[slot])
        self._link(before, after)
        self.documents[slot] = NONE
        return before

    def _insert_all(self, slots: Slots, documents: NDArray[np.int64]) -> Slots:
        """Put slots in; returns the ones before them."""
        codes = np.unique(documents)
        standing = [self._chunks.get(code, ()) for code in codes.tolist()]
        held = sum(map(len, standing))
        if len(slots) < _MANY or held > _MANY * len(slots):
            pairs = zip(slots.tolist(), documents.tolist(), strict=True)
            return np.array([self._insert(slot, code) for slot, code in pairs], np.int64)
        every = np.concatenate((slots, np.fromiter(chain.from_iterable(standing), np.int64, held)))
        every = every[np.lexsort((self._keys[every], self._ordinals[every], self.documents[every]))]
        edge = np.flatnonzero(np.diff(self.documents[every], append=NONE)) + 1
        self._previous[every[1:]], self.next[every[:-1]] = every[:-1], every[1:]
        self._previous[every[np.append(0, edge[:-1])]] = NONE
        self.next[every[edge - 1]] = NONE
        flat, start = array("q", every.tobytes()), 0
        for code, end in zip(codes.tolist(), edge.tolist(), strict=True):
            self._chunks[code], start = flat[start:end], end
        before: Slots = self._previous[slots]
        return before

    def _insert(self, slot: int, document: int) -> int:
        """Put a slot in; returns the one before it."""
        chunks = self._chunks.setdefault(document, array("q"))
        at = self._place(chunks, slot)
        before, after = chunks[at - 1] if at else NONE, chunks[at] if at < len(chunks) else NONE
        chunks.insert(at, slot)
        self._previous[slot], self.next[slot] = before, after
        self._link(before, slot)
        self._link(slot, after)
        return before

    def _link(self, before: int, after: int) -> None:
        if before != NONE:
            self.next[before] = after
        if after != NONE:
            self._previous[after] = before

    def _place(self, chunks: "array[int]", slot: int) -> int:
        if not chunks or self._order(chunks[-1]) < self._order(slot):
            return len(chunks)
        return bisect_left(chunks, self._order(slot), key=self._order)

    def _order(self, slot: int) -> tuple[int, int]:
        return self._ordinals.item(slot), self._keys.item(slot)

    def _cover(self, needed: int) -> None:
        if needed > len(self.next):
            room = max(1024, needed * 5 // 4)
            links = (self.next, self.documents, self._previous)
            self.next, self.documents, self._previous = (longer(of, room, NONE) for of in links)
            self._ordinals, self._keys = longer(self._ordinals, room), longer(self._keys, room)
