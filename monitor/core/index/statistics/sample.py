"""A sample of chunks that depends on which chunks there are, and on nothing else."""

from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import Hashes, mix

SIZE = 256
_FEW = 32
_ROOM = 2
"""Candidates are kept for between 2 and 4 times the size: enough after any luck with hashes."""
Ints = NDArray[np.int64]


class BottomKSample:
    """The SIZE members with the smallest hashes of their keys (bottom-k: uniform, without replacement).

    Candidates are the members whose hash lies below a bound that halves as members double, so that arrivals and
    departures touch a few slots, and all members are looked at only when their number has halved.

    Source: Cohen, Kaplan, "Summarizing data using bottom-k sketches", PODC 2007.
    """

    def __init__(self) -> None:
        self.size = 0
        self.stale = False
        """Whether the sample may be another one, or hold other vectors, than at the last `take`."""
        self._level = 0
        self._slots: dict[int, int] = {}
        """Of each candidate, by its hash."""
        self._hashes: list[int] | None = None
        """Of the candidates, ascending; None while they are to be put in order."""
        self._worst = 1 << 64

    def leave(self, slots: Ints, hashes: Hashes) -> None:
        """Members leave; `hashes` are those of their keys."""
        self.size -= len(slots)
        near = np.flatnonzero(hashes < self._bound())
        if len(near):
            ordered = self._ordered(len(near))
            for hashed in hashes[near].tolist():
                if self._slots.pop(hashed, None) is not None and ordered is not None:
                    del ordered[bisect_left(ordered, hashed)]
            self._touched(hashes[near])

    def join(self, slots: Ints, hashes: Hashes) -> None:
        """Members come; call `settle` afterwards."""
        self.size += len(slots)
        near = np.flatnonzero(hashes < self._bound())
        if len(near):
            ordered = self._ordered(len(near))
            for slot, hashed in zip(slots[near].tolist(), hashes[near].tolist(), strict=True):
                if ordered is not None and hashed not in self._slots:
                    insort(ordered, hashed)
                self._slots[hashed] = slot
            self._touched(hashes[near])

    def settle(self) -> bool:
        """Adapt the bound to the number of members; True where the candidates must be found anew (`refill`)."""
        level = max(0, (self.size // (SIZE * _ROOM)).bit_length() - 1)
        again, fewer, self._level = level < self._level, level > self._level, level
        if fewer:
            bound, self._hashes = int(self._bound()), None
            self._slots = {hashed: slot for hashed, slot in self._slots.items() if hashed < bound}
        return again

    def refill(self, slots: Ints, keys: Ints) -> None:
        """Find the candidates among all members."""
        self.size = len(slots)
        self._level = max(0, (self.size // (SIZE * _ROOM)).bit_length() - 1)
        hashes = key_hashes(keys)
        near = hashes < self._bound()
        self._slots = dict(zip(hashes[near].tolist(), slots[near].tolist(), strict=True))
        self._hashes, self.stale = None, True

    def take(self) -> Ints:
        """Slots of the sample in the order of their hashes; (<= SIZE,) int64."""
        if self._hashes is None:
            self._hashes = sorted(self._slots)
        first = self._hashes[:SIZE]
        self._worst = first[-1] if len(first) == SIZE else 1 << 64
        self.stale = False
        return np.array([self._slots[hashed] for hashed in first], np.int64)

    def _ordered(self, moving: int) -> list[int] | None:
        """The hashes in order, where so many are moved in them sooner than all are put in order once more."""
        if moving > _FEW:
            self._hashes = None
        return self._hashes

    def _bound(self) -> np.uint64:
        return np.uint64((1 << 64 - self._level) - 1)

    def _touched(self, hashes: Hashes) -> None:
        self.stale = self.stale or int(hashes.min()) <= self._worst


def key_hashes(keys: Ints) -> Hashes:
    """Hashes of chunk keys, by which members are chosen."""
    return mix(keys.astype(np.uint64))
