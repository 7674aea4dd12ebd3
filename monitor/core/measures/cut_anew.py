"""Which results together say all of a text that was cut anew, told by its shingles."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import mark_shared
from monitor.core.index.duplicates.content_sketch import FEWEST, HELD
from monitor.core.index.duplicates.shingles import WIDTH
from monitor.core.measures.answers import Shingles


def parts_of(said: Shingles, results: Sequence[Shingles], documents: Sequence[int]) -> list[int]:
    """Places of the first results of one document that together say a text word for word; empty where none do.

    Each result that has shingles of the text which those before it lack is a part of it. A cut goes through WIDTH - 1
    shingles, and n parts have n + 1 cuts: one between neighbours, and one at either end, beyond which fewer words may
    stand than a shingle has. So many shingles may be missing, and never more than 1 - HELD of the text.

    Args:
        said: sorted distinct shingles of the text; of fewer than FEWEST nothing is told.
        results: the same of each result, best first.
        documents: the document of each; of several that say it, the one counts that has done so first.

    Returns:
        Places from 0, ascending.

    >>> said = np.arange(20, dtype=np.uint32)
    >>> parts_of(said, [said[:9], said[5:9], said[11:], said], [1, 1, 1, 2])
    [0, 2]
    """
    if len(said) < FEWEST:
        return []
    found: dict[int, tuple[NDArray[np.bool_], list[int]]] = {}
    for at, (shingles, document) in enumerate(zip(results, documents, strict=True)):
        there, parts = found.setdefault(document, (np.zeros(len(said), np.bool_), []))
        before = int(np.count_nonzero(there))
        mark_shared(said, shingles, there)
        now = int(np.count_nonzero(there))
        if now == before:
            continue
        parts.append(at)
        if len(said) - now <= (WIDTH - 1) * (len(parts) + 1) and now >= HELD * len(said):
            return parts
    return []
