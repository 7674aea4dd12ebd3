"""The order of chunk names as integers by slot, so that kernels can break ties without strings."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAP = 1 << 32
_HIGHEST = 1 << 62
_FEW = 4096
"""Labels that are not worth looking through."""


class NameOrder:
    """Order-maintenance labels: label[s] < label[t] exactly if names[s] < names[t], for slots that were placed.

    A slot is placed when its name first decides a tie, and stays placed while that chunk holds it, until `keep` takes
    back the labels that nobody looks at: so there are never many more than those. A label stands half-way between its
    neighbours'; when there is no room left, all are dealt out anew (Dietz, STOC 1982, in its simplest form).

    Args:
        names: chunk id by slot; the corpus's own list, which changes as chunks come and go.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._by_slot = names
        self.label: NDArray[np.int64] = np.zeros(0, np.int64)
        """By slot; 0 where a slot was not placed."""
        self._order: list[tuple[str, int]] = []
        self._placed: dict[int, str] = {}
        self._most = _FEW

    def crowded(self) -> bool:
        """Whether there are so many labels that `keep` should be called."""
        return len(self._order) > self._most

    def keep(self, slots: NDArray[np.int64]) -> None:
        """Take back all labels but those of some slots."""
        looked_at = np.zeros(len(self.label), np.bool_)
        looked_at[slots] = True
        self._order = [pair for pair in self._order if looked_at[pair[1]]]
        self._placed = {slot: name for name, slot in self._order}
        self.label[~looked_at] = 0
        self._most = max(_FEW, 2 * len(self._order))

    def __len__(self) -> int:
        return len(self._order)

    def reach(self, slots: int) -> None:
        """Make room for slot numbers below `slots`."""
        if slots > len(self.label):
            room = max(slots, len(self.label) * 5 // 4, 1024) - len(self.label)
            self.label = np.concatenate((self.label, np.zeros(room, np.int64)))

    def forget(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take back the labels of slots that another chunk holds now; returns those slots."""
        gone = []
        for slot in slots[self.label[slots] > 0].tolist():
            if self._placed[slot] != self._by_slot[slot]:
                del self._order[bisect_left(self._order, (self._placed.pop(slot), slot))]
                self.label[slot] = 0
                gone.append(slot)
        return np.array(gone, np.int64)

    def place(self, slots: NDArray[np.int64]) -> None:
        """Label slots that have no label."""
        new = [(self._by_slot[slot], slot) for slot in slots[self.label[slots] == 0].tolist()]
        if len(new) * 8 > len(self._order):
            self._deal(new)
            return
        for done, pair in enumerate(new):
            at = bisect_left(self._order, pair)
            low = int(self.label[self._order[at - 1][1]]) if at else 0
            high = int(self.label[self._order[at][1]]) if at < len(self._order) else low + 2 * _GAP
            label = (low + high) // 2
            if label == low or label > _HIGHEST:
                self._deal(new[done:])
                return
            self._order.insert(at, pair)
            self._placed[pair[1]] = pair[0]
            self.label[pair[1]] = label

    def _deal(self, new: list[tuple[str, int]]) -> None:
        self._placed.update((slot, name) for name, slot in new)
        self._order = sorted([*self._order, *new])
        self.label[[slot for _, slot in self._order]] = (1 + np.arange(len(self._order))) * _GAP
