"""A vocabulary that remembers how its document frequencies moved, for whoever sums them over shards."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.shards.messages import TermSteps

_HELD = 1 << 22
"""Ids remembered one by one; more are summed up."""


class CountingVocabulary(Vocabulary):
    """Counts documents as `Vocabulary` does, and says by how much each count moved since it was asked last.

    >>> vocabulary = CountingVocabulary()
    >>> (ids,) = vocabulary.encode(["rotate the key"])
    >>> vocabulary.retain(ids)
    >>> vocabulary.steps().steps.tolist(), len(vocabulary.steps().hashes)
    ([1, 1, 1], 0)
    """

    def __init__(self) -> None:
        super().__init__()
        self._moves: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
        self._held = 0

    def retain(self, ids: NDArray[np.int32]) -> None:
        """See `Vocabulary`."""
        super().retain(ids)
        self._move(ids, 1)

    def release(self, ids: NDArray[np.int32]) -> None:
        """See `Vocabulary`."""
        super().release(ids)
        self._move(ids, -1)

    def steps(self) -> TermSteps:
        """The moves since the last call; call it after a batch and before the next one, which gives ids away anew."""
        ids, steps = self._summed()
        self._moves.clear()
        self._held = 0
        return TermSteps(self.hashes[ids], steps)

    def _move(self, ids: NDArray[np.int32], sign: int) -> None:
        self._moves.append((ids.copy(), np.full(len(ids), sign, np.int64)))
        self._held += len(ids)
        if self._held > _HELD:
            self._moves = [self._summed()]
            self._held = 0

    def _summed(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        ids = np.concatenate([np.zeros(0, np.int32), *(moved for moved, _ in self._moves)])
        steps = np.concatenate([np.zeros(0, np.int64), *(by for _, by in self._moves)])
        distinct, places = np.unique(ids, return_inverse=True)
        net = np.zeros(len(distinct), np.int64)
        np.add.at(net, places, steps)
        return distinct[net != 0], net[net != 0]
