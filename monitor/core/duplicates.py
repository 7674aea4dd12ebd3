"""Exact and near copies in the live corpus, counted as chunks come and go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.corpus import Delta
from monitor.core.events import Segment
from monitor.core.segments import value_of
from monitor.core.shingles import THRESHOLD, WIDTH, clusters, jaccard


class CandidateIndex(Protocol):
    """Sets of 32-bit shingles by handle, and which of them share a band of their MinHash signatures.

    Whether two sets are candidates is a symmetric, deterministic function of the two sets alone: neither the order
    of arrival nor the size of the index nor a restart changes it.
    """


@dataclass(frozen=True, slots=True)
class Copies:
    """Live chunks, and how many of them have an exact copy and a near copy (exact ones included)."""

    chunks: int
    exact: int
    near: int


class Duplicates:
    """Which live chunks have an exact (equal token sequence) or near (shingle Jaccard >= threshold) copy.

    It starts empty: on a restart, `apply` one delta that holds the whole corpus.

    Args:
        lsh: finds candidates for near copies; the exact Jaccard similarity decides.
        threshold: the least Jaccard similarity of near copies, in (0, 1].
        width: words in a shingle.
    """

    def __init__(self, lsh: CandidateIndex, *, threshold: float = THRESHOLD, width: int = WIDTH) -> None:
        self._lsh, self._threshold, self._width = lsh, threshold, width
        self._segments: dict[int, Segment] = {}
        self._words: dict[int, tuple[int, ...]] = {}
        self._sets: dict[int, NDArray[np.uint32]] = {}

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> None:
        """Take in one batch.

        Args:
            delta: what left and what came.
            tokens: token ids of each added text, aligned with `delta.added`.
            hashes: a 64-bit hash of each token by its id, equal in every run of the program.
        """
        for slot in delta.removed.tolist():
            del self._segments[slot], self._words[slot], self._sets[slot]
        for slot, row, ids in zip(delta.added.tolist(), delta.rows, tokens, strict=True):
            words = tuple(hashes[ids].tolist())
            width = min(self._width, len(words))
            pieces = {hash(words[at : at + width]) & 0xFFFFFFFF for at in range(len(words) - width + 1) if width}
            self._segments[slot], self._words[slot] = row.segment, words
            self._sets[slot] = np.array(sorted(pieces), np.uint32)

    @property
    def exact(self) -> int:
        """Live chunks that have an exact copy; chunks without a single token have none."""
        return self.counts("")[""].exact if self._segments else 0

    @property
    def near(self) -> int:
        """Live chunks that have a near copy, exact copies included."""
        return self.counts("")[""].near if self._segments else 0

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension; "" is one segment "" of all chunks."""
        tally: dict[str, list[int]] = {}
        for slot, segment in self._segments.items():
            row = tally.setdefault(value_of(dimension, segment) if dimension else "", [0, 0, 0])
            others = [other for other in self._segments if other != slot and self._words[slot]]
            row[0] += 1
            row[1] += any(self._words[slot] == self._words[other] for other in others)
            row[2] += any(self.jaccard(slot, other) >= self._threshold for other in others)
        return {name: Copies(*row) for name, row in tally.items()}

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a live chunk; empty for a text without tokens."""
        return self._sets[slot]

    def jaccard(self, left: int, right: int) -> float:
        """Exact Jaccard similarity of the shingles of two live slots, 0 when either is empty."""
        return jaccard(self._sets[left], self._sets[right])

    def clusters(self, slots: Sequence[int]) -> NDArray[np.int64]:
        """Cluster ids of a few live slots: connected by an equal token sequence or near likeness."""
        return clusters([self._sets[slot] for slot in slots], [""] * len(slots), threshold=self._threshold)
