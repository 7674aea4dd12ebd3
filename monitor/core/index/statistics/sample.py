"""A sample of chunks that depends on which chunks there are, and on nothing else."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import Hashes, mix

SIZE = 256
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
        self._worst = 1 << 64

    def leave(self, slots: Ints, hashes: Hashes) -> None:
        """Members leave; `hashes` are those of their keys."""
        self.size -= len(slots)
        near = np.flatnonzero(hashes < self._bound())
        if len(near):
            for slot in slots[near].tolist():
                self._slots.pop(slot, None)
            self._touched(hashes[near])

    def join(self, slots: Ints, hashes: Hashes) -> None:
        """Members come; call `settle` afterwards."""
        self.size += len(slots)
        near = np.flatnonzero(hashes < self._bound())
        if len(near):
            self._slots.update(zip(slots[near].tolist(), hashes[near].tolist(), strict=True))
            self._touched(hashes[near])

    def settle(self) -> bool:
        """Adapt the bound to the number of members; True where the candidates must be found anew (`refill`)."""
        level = max(0, (self.size // (SIZE * _ROOM)).bit_length() - 1)
        again, fewer, self._level = level < self._level, level > self._level, level
        if fewer:
            bound = int(self._bound())
            self._slots = {slot: hashed for slot, hashed in self._slots.items() if hashed < bound}
        return again

    def refill(self, slots: Ints, keys: Ints) -> None:
        """Find the candidates among all members."""
        self.size = len(slots)
        self._slots.clear()
        self._level = max(0, (self.size // (SIZE * _ROOM)).bit_length() - 1)
        hashes = key_hashes(keys)
        near = hashes < self._bound()
        self._slots.update(zip(slots[near].tolist(), hashes[near].tolist(), strict=True))
        self.stale = True

    def take(self) -> Ints:
        """Slots of the sample in the order of their hashes; (<= SIZE,) int64."""
        slots = np.array(list(self._slots), np.int64)
        hashes = np.array(list(self._slots.values()), np.uint64)
        first = np.argsort(hashes, kind="stable")[:SIZE]
        self._worst = int(hashes[first[-1]]) if len(first) == SIZE else 1 << 64
        self.stale = False
        return slots[first]

    def _bound(self) -> np.uint64:
        return np.uint64((1 << 64 - self._level) - 1)

    def _touched(self, hashes: Hashes) -> None:
        self.stale = self.stale or int(hashes.min()) <= self._worst


def key_hashes(keys: Ints) -> Hashes:
    """Hashes of chunk keys, by which members are chosen."""
    return mix(keys.astype(np.uint64))
