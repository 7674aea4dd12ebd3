"""The order of chunk names as integers by slot, so that kernels can break ties without strings."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAP = 1 << 32
_HIGHEST = 1 << 62


class NameOrder:
    """Order-maintenance labels: label[s] < label[t] exactly if names[s] < names[t], for slots that were placed.

    A slot is placed when its name first decides a tie, and stays placed while that chunk holds it: few slots
    ever are. A label stands half-way between its neighbours'; when there is no room left, all are dealt out
    anew (Dietz, STOC 1982, in its simplest form).

    Args:
        names: chunk id by slot; the corpus's own list, which changes as chunks come and go.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._by_slot = names
        self.label: NDArray[np.int64] = np.zeros(0, np.int64)
        """By slot; 0 where a slot was not placed."""
        self._names: list[str] = []
        self._labels: list[int] = []
        self._slots: list[int] = []
        self._placed: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._names)

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
                at = bisect_left(self._labels, int(self.label[slot]))
                del self._placed[slot]
                del self._names[at], self._labels[at], self._slots[at]
                self.label[slot] = 0
                gone.append(slot)
        return np.array(gone, np.int64)

    def place(self, slots: NDArray[np.int64]) -> None:
        """Label slots that have no label."""
        new = slots[self.label[slots] == 0].tolist()
        if len(new) * 8 > len(self._names):
            self._deal(new)
            return
        for done, slot in enumerate(new):
            at = bisect_left(self._names, self._by_slot[slot])
            low = self._labels[at - 1] if at else 0
            high = self._labels[at] if at < len(self._labels) else low + 2 * _GAP
            label = (low + high) // 2
            if label == low or label > _HIGHEST:
                self._deal(new[done:])
                return
            self._names.insert(at, self._by_slot[slot])
            self._labels.insert(at, label)
            self._slots.insert(at, slot)
            self._placed[slot] = self._by_slot[slot]
            self.label[slot] = label

    def _deal(self, new: list[int]) -> None:
        self._placed.update((slot, self._by_slot[slot]) for slot in new)
        pairs = sorted([*zip(self._names, self._slots, strict=True), *((self._by_slot[slot], slot) for slot in new)])
        self._names = [name for name, _ in pairs]
        self._slots = [slot for _, slot in pairs]
        self._labels = [(at + 1) * _GAP for at in range(len(pairs))]
        self.label[self._slots] = self._labels
