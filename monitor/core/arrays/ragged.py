"""Pieces of unequal length in a flat array, and their positions."""

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Pieces(Sequence[NDArray[np.int32]]):
    """Arrays that lie one after the other: whoever reads all of them reads one array.

    Args:
        flat: all pieces.
        lengths: (n,) int64, of each.

    >>> pieces = Pieces.of([np.array(of, np.int32) for of in ([1, 2], [], [3])])
    >>> pieces.flat.tolist(), pieces.lengths.tolist(), pieces[-1].tolist(), pieces[1:].flat.tolist()
    ([1, 2, 3], [2, 0, 1], [3], [3])
    """

    def __init__(self, flat: NDArray[np.int32], lengths: NDArray[np.int64]) -> None:
        self.flat, self.lengths = flat, lengths
        self._ends = np.cumsum(lengths)

    @classmethod
    def of(cls, pieces: Sequence[NDArray[np.int32]]) -> "Pieces":
        """Of arrays that may lie anywhere."""
        if isinstance(pieces, cls):
            return pieces
        lengths = np.array([len(one) for one in pieces], np.int64)
        return cls(np.concatenate([np.zeros(0, np.int32), *pieces]), lengths)

    def __len__(self) -> int:
        """How many pieces."""
        return len(self.lengths)

    @overload
    def __getitem__(self, at: int) -> NDArray[np.int32]: ...

    @overload
    def __getitem__(self, at: slice) -> "Pieces": ...

    def __getitem__(self, at: int | slice) -> "NDArray[np.int32] | Pieces":
        """One piece, or those of a slice without a step."""
        if isinstance(at, int):
            end = int(self._ends[at])
            return self.flat[end - int(self.lengths[at]) : end]
        lengths, ends = self.lengths[at], self._ends[at]
        start = int(ends[0] - lengths[0]) if len(ends) else 0
        return Pieces(self.flat[start : int(ends[-1]) if len(ends) else 0], lengths)

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        """Each piece."""
        ends = self._ends.tolist()
        return (self.flat[start:end] for start, end in zip([0, *ends], ends, strict=False))


def ragged(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions start_i, start_i + 1, ..., start_i + size_i - 1 of all i, one after the other; int64."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    positions: NDArray[np.int64] = np.repeat(starts - ends + sizes, sizes) + np.arange(total)
    return positions
