"""Neighbours: for each chunk the next one of its document, and how much of it the two share."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.corpus import Row

NONE = -1
"""The next slot of a document's last chunk; the document of a free slot."""
Slots = NDArray[np.int64]


class Neighbours:
    """The live chunks of each document in the order of their ordinals, ties by chunk key."""

    def __init__(self) -> None:
        self.next: Slots = np.full(0, NONE, np.int64)
        """Next slot by slot, NONE for the last of a document."""
        self.documents: Slots = np.full(0, NONE, np.int64)
        """Document code by slot, NONE where the slot is free."""
        self._ordinals: Slots = np.zeros(0, np.int64)
        self._keys: Slots = np.zeros(0, np.int64)
        self._chunks: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """Documents with live chunks."""
        return len(self._chunks)

    def apply(self, removed: Slots, added: Slots, rows: Sequence[Row], documents: NDArray[np.int64]) -> Slots:
        """Take out and put in; returns the slots that are new or whose next chunk may be another one, ascending.

        Args:
            removed: (r,) slots that were live.
            added: (m,) slots.
            rows: m rows.
            documents: (m,) document codes.
        """
        before = [self._remove(slot) for slot in removed.tolist()]
        self.documents[removed] = NONE
        self._cover(int(added.max(initial=-1)) + 1)
        self.documents[added] = documents
        self._ordinals[added] = [row.ordinal for row in rows]
        self._keys[added] = [row.key for row in rows]
        before += [self._insert(slot, document) for slot, document in zip(added.tolist(), documents.tolist(), strict=True)]
        touched = np.unique(np.concatenate((added, np.array(before, np.int64))))
        touched = touched[touched != NONE]
        touched = touched[self.documents[touched] != NONE]
        self.next[touched] = [self._following(slot) for slot in touched.tolist()]
        return touched

    def _remove(self, slot: int) -> int:
        """Take a slot out; returns the one before it."""
        document = int(self.documents[slot])
        chunks = self._chunks[document]
        at = self._place(chunks, slot)
        del chunks[at]
        if not chunks:
            del self._chunks[document]
        return chunks[at - 1] if at else NONE

    def _insert(self, slot: int, document: int) -> int:
        """Put a slot in; returns the one before it."""
        chunks = self._chunks.setdefault(document, [])
        at = self._place(chunks, slot)
        chunks.insert(at, slot)
        return chunks[at - 1] if at else NONE

    def _following(self, slot: int) -> int:
        chunks = self._chunks[int(self.documents[slot])]
        at = self._place(chunks, slot) + 1
        return chunks[at] if at < len(chunks) else NONE

    def _place(self, chunks: list[int], slot: int) -> int:
        return bisect_left(chunks, self._order(slot), key=self._order)

    def _order(self, slot: int) -> tuple[int, int]:
        return self._ordinals.item(slot), self._keys.item(slot)

    def _cover(self, needed: int) -> None:
        if needed > len(self.next):
            room = max(1024, needed * 5 // 4) - len(self.next)
            none, zero = np.full(room, NONE, np.int64), np.zeros(room, np.int64)
            self.next, self.documents = (np.concatenate((of, none)) for of in (self.next, self.documents))
            self._ordinals, self._keys = (np.concatenate((of, zero)) for of in (self._ordinals, self._keys))
