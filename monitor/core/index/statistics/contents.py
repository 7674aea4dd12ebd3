"""Contents: what the chunks of a corpus say, compactly, so that two moments can be compared without their texts."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics import kernels_held
from monitor.core.model.plausibility import FAR

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What n chunks say, in the order of their population.

    Args:
        said: (n,) uint64 digests of the texts, to the letter.
        texts: (n,) uint64 hashes of the tokens (or characters) in order, 0 where nothing is seen.
        sketches: (n,) uint64, where the vectors point (`Sketches`), 0 for none.
        tokens: (n,) int32.
        implausible: (n,) bool, dated far from the corpus.
        distinct: (n,) int32, shingles of each chunk; less than it has places for where it repeats itself.
        sampled: (n,) int32, how many of a chunk's shingles are in the sample.
        shingles: the sampled shingles of all chunks one after the other, uint32.
        words: (n, WIDTH) uint32, a few words of each text, see `word_samples`.
        names: ids of the documents, in the order of the population's hashes.
        lengths: (n,) float32 of the vectors, 0 for none; empty in a snapshot of a time before they were kept.
    """

    said: NDArray[np.uint64]
    texts: NDArray[np.uint64]
    sketches: NDArray[np.uint64]
    tokens: NDArray[np.int32]
    implausible: NDArray[np.bool_]
    distinct: NDArray[np.int32]
    sampled: NDArray[np.int32]
    shingles: NDArray[np.uint32]
    words: NDArray[np.uint32]
    names: tuple[str, ...]
    lengths: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def owners(self) -> Ints:
        """The chunk of each sampled shingle."""
        return self.spread(np.arange(len(self.sampled)))

    def spread(self, by_chunk: NDArray[Any]) -> NDArray[Any]:
        """What is said of each chunk, (n,), said of each of its sampled shingles."""
        return np.repeat(by_chunk, self.sampled)

    def counted(self, marked: NDArray[np.bool_]) -> Ints:
        """(n,) how many of each chunk's sampled shingles are marked."""
        return kernels_held.counted(marked, self.sampled)

    def share(self, marked: NDArray[np.bool_], otherwise: NDArray[np.bool_] | float) -> NDArray[np.float64]:
        """Share of each chunk's sampled shingles that are marked; of a chunk without any, 1 or 0 as `otherwise` says.

        Args:
            marked: by sampled shingle.
            otherwise: (n,) by chunk, or of each.
        """
        found = self.counted(marked)
        share: NDArray[np.float64] = np.where(self.sampled > 0, found / np.maximum(self.sampled, 1), otherwise)
        return share


def implausible(seconds: Ints) -> NDArray[np.bool_]:
    """Which event times (seconds) lie far from their median: a forgotten unit or a wrong century."""
    if not len(seconds):
        return np.zeros(0, np.bool_)
    far: NDArray[np.bool_] = np.abs(seconds - int(np.median(seconds))) > FAR // 1_000_000
    return far
