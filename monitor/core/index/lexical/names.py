"""The order of chunk names as integers by slot, so that kernels can break ties without strings."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer

_GAP = 1 << 32
_HIGHEST = 1 << 62
_BLOCK = 512
"""Pairs in a block at most."""
_FEW = 4096
"""Labels that are not worth looking through."""


class OrderLabels:
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
        self._blocks: list[list[tuple[str, int]]] = [[]]
        """(name, slot) in order, in short pieces: an insertion moves few. Only a single block may be empty."""
        self._bounds: list[tuple[str, int]] = []
        """For each block but the first a pair that none before it reaches and none of it or after it is below."""
        self._placed: dict[int, str] = {}
        self._most = _FEW

    def __len__(self) -> int:
        return len(self._placed)

    def crowded(self) -> bool:
        """Whether there are so many labels that `keep` should be called."""
        return len(self) > self._most

    def keep(self, slots: NDArray[np.int64]) -> None:
        """Take back all labels but those of some slots."""
        looked_at = np.zeros(len(self.label), np.bool_)
        looked_at[slots] = True
        self._placed = {slot: name for slot, name in self._placed.items() if looked_at[slot]}
        self.label[~looked_at] = 0
        self._deal([])
        self._most = max(_FEW, 2 * len(self))

    def labelled(self) -> NDArray[np.int64]:
        """Slots with a label, ascending."""
        return np.flatnonzero(self.label)

    def reach(self, slots: int) -> None:
        """Make room for slot numbers below `slots`."""
        if slots > len(self.label):
            self.label = longer(self.label, max(slots, len(self.label) * 5 // 4, 1024))

    def forget(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take back the labels of slots that another chunk holds now; returns those slots."""
        gone = []
        for slot in slots[self.label[slots] > 0].tolist():
            if self._placed[slot] != self._by_slot[slot]:
                self._remove((self._placed.pop(slot), slot))
                self.label[slot] = 0
                gone.append(slot)
        return np.array(gone, np.int64)

    def place(self, slots: NDArray[np.int64]) -> None:
        """Label slots that have no label."""
        new = [(self._by_slot[slot], slot) for slot in slots[self.label[slots] == 0].tolist()]
        if len(new) * 8 > len(self):
            self._deal(new)
            return
        for done, pair in enumerate(new):
            if not self._insert(pair):
                self._deal(new[done:])
                return

    def _insert(self, pair: tuple[str, int]) -> bool:
        """Put a pair between its neighbours; False if there is no label between theirs."""
        which = bisect_right(self._bounds, pair)
        block = self._blocks[which]
        at = bisect_left(block, pair)
        before = block[at - 1 : at] if at else self._blocks[which - 1][-1:] if which else []
        behind = block[at : at + 1] or (self._blocks[which + 1][:1] if which + 1 < len(self._blocks) else [])
        low = int(self.label[before[0][1]]) if before else 0
        high = int(self.label[behind[0][1]]) if behind else low + 2 * _GAP
        label = (low + high) // 2
        if label == low or label > _HIGHEST:
            return False
        block.insert(at, pair)
        if len(block) > _BLOCK:
            half = _BLOCK // 2
            self._blocks[which : which + 1] = [block[:half], block[half:]]
            self._bounds.insert(which, block[half])
        self._placed[pair[1]] = pair[0]
        self.label[pair[1]] = label
        return True

    def _remove(self, pair: tuple[str, int]) -> None:
        which = bisect_right(self._bounds, pair)
        block = self._blocks[which]
        del block[bisect_left(block, pair)]
        if not block and self._bounds:
            del self._blocks[which], self._bounds[max(which - 1, 0)]

    def _deal(self, new: list[tuple[str, int]]) -> None:
        """Deal out all labels anew, with more pairs."""
        self._placed.update((slot, name) for name, slot in new)
        pairs = sorted((name, slot) for slot, name in self._placed.items())
        half = _BLOCK // 2
        self._blocks = [pairs[at : at + half] for at in range(0, len(pairs), half)] or [[]]
        self._bounds = [block[0] for block in self._blocks[1:]]
        self.label[[slot for _, slot in pairs]] = (1 + np.arange(len(pairs))) * _GAP
