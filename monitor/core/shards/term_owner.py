"""Document frequencies of words over all shards, kept by owners that share the words between them."""

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
        self._frequency: dict[int, int] = {}
        self._words: dict[int, int] = {}

    def __len__(self) -> int:
        """Words in live chunks."""
        return len(self._frequency)

    def take(self, moved: TermSteps) -> None:
        """Count a shard's steps.

        Raises:
            ShardError: a count falls below zero: steps were lost, or came twice.
        """
        frequency, words = self._frequency, self._words
        for word, step in zip(moved.hashes.tolist(), moved.steps.tolist(), strict=True):
            before = frequency.get(word, 0)
            after = before + step
            if after < 0:
                message = f"word {word:016x}: {before} chunks and a step of {step}; expected no count below 0"
                raise ShardError(message)
            if before:
                words[before] -= 1
            if after:
                frequency[word] = after
                words[after] = words.get(after, 0) + 1
            else:
                frequency.pop(word, None)

    def frequencies(self) -> Frequencies:
        """The histogram of its words."""
        held = sorted((of, count) for of, count in self._words.items() if count)
        return np.array([of for of, _ in held], np.int64), np.array([count for _, count in held], np.int64)


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
