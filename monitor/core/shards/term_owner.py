"""Document frequencies of words over all shards, kept at the coordinator."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.index.kernels_keys import NONE
from monitor.core.shards.kernels_frequency import move
from monitor.core.shards.key_table import KeyTable
from monitor.core.shards.messages import ShardError, TermSteps

Frequencies = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The distinct document frequencies, ascending, and how many words have each."""
_COUNTED = 4096
"""Length of the histogram: its last place stands for all greater frequencies, which few words have."""
_NO_PLACES: NDArray[np.int64] = np.zeros(0, np.int64)


class TermOwner:
    """The document frequencies of all words: some 30 bytes a word.

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
        self._frequency: NDArray[np.int64] = _NO_PLACES
        """By place."""
        self._histogram: NDArray[np.int64] = np.zeros(_COUNTED, np.int64)
        self._great: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """By place, whether it stands in `_greatest`."""
        self._greatest: NDArray[np.int64] = _NO_PLACES
        """Places of words whose frequency the histogram does not tell, and of some that once were such."""

    def __len__(self) -> int:
        """Words that some chunk contains."""
        return len(self._table) - int(self._histogram[0])

    def take(self, moved: Sequence[TermSteps]) -> None:
        """Count the steps of all shards.

        Raises:
            ShardError: a count falls below zero: steps were lost, or came twice. Nothing is counted then.
        """
        hashes = np.concatenate([np.zeros(0, np.uint64), *(of.hashes for of in moved)]).view(np.int64)
        steps = np.concatenate([_NO_PLACES, *(of.steps for of in moved)])
        places = self._table.places(hashes)
        unknown = np.flatnonzero(places == NONE)
        if len(unknown):
            self._add(np.unique(hashes[unknown]))
            places[unknown] = self._table.places(hashes[unknown])
        move(self._frequency, self._histogram, places, steps)
        below = places[self._frequency[places] < 0]
        if len(below):
            move(self._frequency, self._histogram, places, -steps)
            word, step = int(below[0]), int(steps[places == below[0]].sum())
            said = f"word {int(self._table.keys.view(np.uint64)[word]):016x}: {self._frequency[word]} chunks"
            message = f"{said} and a step of {step}; expected no count below 0"
            raise ShardError(message)
        great = places[(self._frequency[places] >= _COUNTED - 1) & ~self._great[places]]
        if len(great):
            great = np.unique(great)
            self._great[great] = True
            self._greatest = np.concatenate((self._greatest, great))
        if 2 * len(self) < len(self._table):
            kept = np.flatnonzero(self._frequency[: len(self._table)])
            self._begin(self._table.keys[kept], self._frequency[kept])

    def frequencies(self) -> Frequencies:
        """The histogram of all words."""
        few = np.flatnonzero(self._histogram[1:-1]) + 1
        of = self._frequency[self._greatest]
        many, words = np.unique(of[of >= _COUNTED - 1], return_counts=True)
        return np.concatenate((few, many)), np.concatenate((self._histogram[few], words))

    def _begin(self, hashes: NDArray[np.int64], frequency: NDArray[np.int64]) -> None:
        """With these words and no others."""
        self._table, self._frequency = KeyTable(), frequency
        self._table.add(hashes)
        few = np.minimum(frequency, _COUNTED - 1)
        self._histogram = np.bincount(few, minlength=_COUNTED).astype(np.int64)
        self._great = frequency >= _COUNTED - 1
        self._greatest = np.flatnonzero(self._great)

    def _add(self, hashes: NDArray[np.int64]) -> None:
        """Distinct words that are not known, in no chunk so far."""
        self._table.add(hashes)
        self._histogram[0] += len(hashes)
        if len(self._table) > len(self._frequency):
            room = len(self._table) * 5 // 4
            self._frequency, self._great = longer(self._frequency, room), longer(self._great, room)
