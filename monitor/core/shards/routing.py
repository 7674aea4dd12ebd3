"""Who owns what in a corpus that lies in parts, and the one pattern in which the parts talk: all to all."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_HALF = np.uint64(32)


def owners(hashes: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
    """Which of `count` owners each 64-bit hash belongs to; (n,) int64 in [0, count).

    Their upper half decides: tables that a hash is looked up in go by the lower bits, which stay even so.

    >>> owners(np.array([0, 1 << 63, (1 << 64) - 1], np.uint64), 4).tolist()
    [0, 2, 3]
    """
    return (((hashes >> _HALF) * np.uint64(count)) >> _HALF).astype(np.int64)


def tag_owners(tags: NDArray[np.uint32], count: int) -> NDArray[np.int64]:
    """The same of 32-bit tags; (n,) int64 in [0, count)."""
    return owners(tags.astype(np.uint64) << _HALF, count)


def document_owners(hashes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The same of 63-bit hashes of documents' ids; (n,) int64 in [0, count)."""
    return owners(hashes.astype(np.uint64) << np.uint64(1), count)


def delivered(outboxes: Sequence[Sequence[T]]) -> list[list[T]]:
    """What each of N receives, by sender, of what each of N sends, by receiver.

    >>> delivered([["a to a", "a to b"], ["b to a", "b to b"]])
    [['a to a', 'b to a'], ['a to b', 'b to b']]
    """
    return [list(inbox) for inbox in zip(*outboxes, strict=True)]
