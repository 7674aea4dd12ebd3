"""Document frequencies of words over all shards, kept at the coordinator."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.index.kernels_keys import NONE
from monitor.core.shards.key_table import KeyTable
from monitor.core.shards.messages import ShardError, TermSteps

Frequencies = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The distinct document frequencies, ascending, and how many words have each."""


class TermOwner:
    """The document frequencies of all words.

    A word stands in several shards, so their histograms of document frequencies do not add up: the word's steps do.
    A word is its 64-bit hash: two words of one hash count as one, which among a million words is one case in thirty
    million corpora.

    >>> owner = TermOwner()
    >>> owner.take([TermSteps(np.array([7, 9], np.uint64), np.array([2, 1]))])
    >>> owner.take([TermSteps(np.array([7], np.uint64), np.array([-1]))])
    >>> [array.tolist() for array in owner.frequencies()]
    [[1], [2]]
    """

    def __init__(self) -> None:
        self._table = KeyTable()
        self._frequency: NDArray[np.int64] = np.zeros(0, np.int64)
        """By place."""
        self._live = 0
        self._words: Counter[int] = Counter()

    def __len__(self) -> int:
        """Words that some chunk contains."""
        return self._live

    def take(self, moved: Sequence[TermSteps]) -> None:
        """Count the steps of a step of all shards: together, so that a word of many shards is looked up once.

        Raises:
            ShardError: a count falls below zero: steps were lost, or came twice.
        """
        every = np.concatenate([np.zeros(0, np.uint64), *(of.hashes for of in moved)])
        hashes, at = np.unique(every, return_inverse=True)
        steps = np.zeros(len(hashes), np.int64)
        np.add.at(steps, at, np.concatenate([np.zeros(0, np.int64), *(of.steps for of in moved)]))
        hashes, steps = hashes[steps != 0], steps[steps != 0]
        places = self._table.places(hashes.view(np.int64))
        known = places != NONE
        before = np.zeros(len(hashes), np.int64)
        before[known] = self._frequency[places[known]]
        after = before + steps
        if (after < 0).any():
            first = int(np.argmax(after < 0))
            said = f"word {int(hashes[first]):016x}: {before[first]} chunks and a step of {steps[first]}"
            message = f"{said}; expected no count below 0"
            raise ShardError(message)
        self._count(before, -1)
        self._count(after, 1)
        self._live += int((after > 0).sum()) - int((before > 0).sum())
        self._frequency[places[known]] = after[known]
        begun = self._table.add(hashes[~known].view(np.int64))
        if len(self._table) > len(self._frequency):
            self._frequency = longer(self._frequency, len(self._table) * 5 // 4)
        self._frequency[begun : len(self._table)] = after[~known]
        if 2 * self._live < len(self._table):
            self._let_go()

    def frequencies(self) -> Frequencies:
        """The histogram of all words."""
        held = sorted((of, count) for of, count in self._words.items() if of and count)
        return np.array([of for of, _ in held], np.int64), np.array([count for _, count in held], np.int64)

    def _let_go(self) -> None:
        """Of words that nobody says any more."""
        kept = np.flatnonzero(self._frequency[: len(self._table)])
        keys, self._frequency = self._table.keys[kept], self._frequency[kept]
        self._table = KeyTable()
        self._table.add(keys)

    def _count(self, frequencies: NDArray[np.int64], sign: int) -> None:
        for of, count in zip(*(found.tolist() for found in np.unique(frequencies, return_counts=True)), strict=True):
            self._words[of] += sign * count
            if not self._words[of]:
                del self._words[of]
