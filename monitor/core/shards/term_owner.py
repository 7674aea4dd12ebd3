"""Document frequencies of words over all shards, kept by owners that share the words between them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.shards.messages import ShardError, TermSteps

Frequencies = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The distinct document frequencies, ascending, and how many words have each."""


class TermOwner:
    """The document frequencies of the words whose hash falls to this owner.

    A word stands in several shards, so their histograms of document frequencies do not add up: the word's steps do.
    The histograms of owners add up, because each word has one owner. A word is its 64-bit hash: two words of one hash
    count as one, which among a million words is one case in thirty million corpora.

    >>> owner = TermOwner()
    >>> owner.take(TermSteps(np.array([7, 9], np.uint64), np.array([2, 1])))
    >>> owner.take(TermSteps(np.array([7], np.uint64), np.array([-1])))
    >>> [array.tolist() for array in owner.frequencies()]
    [[1], [2]]
    """

    def __init__(self) -> None:
        self._hashes: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._frequency: NDArray[np.int64] = np.zeros(0, np.int64)
        self._words: Counter[int] = Counter()

    def take(self, moved: TermSteps) -> None:
        """Count a shard's steps.

        Raises:
            ShardError: a count falls below zero: steps were lost, or came twice.
        """
        order = np.argsort(moved.hashes)
        hashes, steps = moved.hashes[order], moved.steps[order]
        place = np.searchsorted(self._hashes, hashes)
        known = np.zeros(len(hashes), np.bool_)
        inside = np.flatnonzero(place < len(self._hashes))
        known[inside] = self._hashes[place[inside]] == hashes[inside]
        before = np.zeros(len(hashes), np.int64)
        before[known] = self._frequency[place[known]]
        after = before + steps
        if (after < 0).any():
            at = int(np.argmax(after < 0))
            said = f"word {int(hashes[at]):016x}: {before[at]} chunks and a step of {steps[at]}"
            message = f"{said}; expected no count below 0"
            raise ShardError(message)
        self._count(before, -1)
        self._count(after, 1)
        self._frequency[place[known]] = after[known]
        fresh = ~known
        if fresh.any():
            self._hashes = np.insert(self._hashes, place[fresh], hashes[fresh])
            self._frequency = np.insert(self._frequency, place[fresh], after[fresh])
        live = self._frequency > 0
        if 2 * int(live.sum()) < len(live):  # words that nobody says any more
            self._hashes, self._frequency = self._hashes[live], self._frequency[live]

    def frequencies(self) -> Frequencies:
        """The histogram of its words."""
        held = sorted((of, count) for of, count in self._words.items() if of and count)
        return np.array([of for of, _ in held], np.int64), np.array([count for _, count in held], np.int64)

    def _count(self, frequencies: NDArray[np.int64], sign: int) -> None:
        for of, count in zip(*(found.tolist() for found in np.unique(frequencies, return_counts=True)), strict=True):
            self._words[of] += sign * count
            if not self._words[of]:
                del self._words[of]


def added(histograms: Sequence[Frequencies]) -> Frequencies:
    """The histogram of all owners' words, as one vocabulary over all chunks would give it.

    >>> [array.tolist() for array in added([(np.array([1, 3]), np.array([5, 1])), (np.array([1]), np.array([2]))])]
    [[1, 3], [7, 1]]
    """
    every = np.concatenate([np.zeros(0, np.int64), *(of for of, _ in histograms)])
    counts = np.concatenate([np.zeros(0, np.int64), *(count for _, count in histograms)])
    distinct, places = np.unique(every, return_inverse=True)
    summed = np.zeros(len(distinct), np.int64)
    np.add.at(summed, places, counts)
    return distinct, summed
