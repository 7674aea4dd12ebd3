"""Which texts, words and shingles of one corpus stand in another, or in other documents of it; by sorting."""

from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.integrity import Floats, Ints, Mask
from monitor.core.index.statistics.population import Population


def within(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Which values are among others, by sorting: the hashing of `numpy.isin` is slow for samples of hashes."""
    if not len(others):
        return np.zeros(values.shape, np.bool_)
    ranked = np.sort(others)
    found: Mask = ranked[np.minimum(np.searchsorted(ranked, values), len(ranked) - 1)] == values
    return found


def missing_shingles(of: Contents, chunks: Mask, others: NDArray[np.uint32]) -> Mask:
    """Which sampled shingles of these chunks are not among others; False of the other chunks."""
    missing = chunks[of.owners()]
    missing[missing] = ~within(of.shingles[missing], others)
    return missing


def with_document(documents: Ints, shingles: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Shingles, each with the document that says it."""
    made: NDArray[np.uint64] = (documents.astype(np.uint64) << np.uint64(32)) | shingles
    return made


def shared_part(of: Contents, marked: Mask, chunks: Mask) -> Floats:
    """Share of the sampled shingles of these chunks that are marked; 0 of the others.

    A short chunk may have none in the sample: it counts as these chunks do on average.
    """
    mine = chunks[of.owners()]
    average = float((mine & marked).sum()) / max(1, int(mine.sum()))
    share: Floats = np.where(of.sampled > 0, of.share(marked, np.zeros(len(chunks), np.bool_)), average)
    return np.where(chunks, share, 0.0)


def elsewhere(of: Contents, documents: Ints, chunks: Mask) -> Floats:
    """Share of the sampled shingles of these chunks that other documents have too; 0 of the others."""
    owners, width = of.owners(), np.uint64(int(documents.max(initial=0)) + 1)
    asked = chunks[owners]
    looked = np.flatnonzero(asked if asked.all() else within(of.shingles, np.unique(of.shingles[asked])))
    pairs = np.unique(of.shingles[looked].astype(np.uint64) * width + documents[owners[looked]].astype(np.uint64))
    shingles, held = np.unique(pairs // width, return_counts=True)
    marked = np.zeros(len(owners), np.bool_)
    marked[looked] = within(of.shingles[looked], shingles[held > 1])
    return shared_part(of, marked, chunks & (of.tokens > 0))


@lru_cache(maxsize=2)
def usual_echo(of: Population) -> Floats:
    """What other documents of a baseline say too, of each of its chunks; it is compared with many times."""
    return elsewhere(cast("Contents", of.contents), of.documents.astype(np.int64), np.ones(len(of.keys), np.bool_))
