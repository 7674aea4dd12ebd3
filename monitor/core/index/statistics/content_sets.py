"""Which texts, words and shingles of one corpus stand in another, or in other documents of it."""

from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.integrity import Floats, Ints, Mask
from monitor.core.index.statistics.kernels_held import held
from monitor.core.index.statistics.population import Population


def within(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Which values are among others: integers of any shape, each side of one kind."""
    both_short = values.dtype == others.dtype == np.uint32
    kind = np.uint32 if both_short else np.uint64
    flat = np.ascontiguousarray(values).reshape(-1)
    found = held(flat.astype(kind, copy=False), np.ascontiguousarray(others).astype(kind, copy=False))
    return found.reshape(values.shape)


def missing_shingles(of: Contents, chunks: Mask, others: NDArray[np.uint32]) -> Mask:
    """Which sampled shingles of these chunks are not among others; False of the other chunks."""
    missing: Mask = of.spread(chunks)
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
    found, whole = of.counted(marked), int(of.sampled[chunks].sum())
    average = float(found[chunks].sum()) / max(1, whole)
    share: Floats = np.where(of.sampled > 0, found / np.maximum(of.sampled, 1), average)
    return np.where(chunks, share, 0.0)


OFTEN = 5
"""Documents that say the same from which on it is a template, or boilerplate, in a corpus of up to 1000; then 1 in
200."""


def often(documents: int) -> int:
    """How many of so many documents have to say the same."""
    return max(OFTEN, documents // 200)


@lru_cache(maxsize=2)
def said_often(of: Population) -> NDArray[np.uint32]:
    """Sampled shingles that many documents of a baseline say: its templates and its boilerplate."""
    contents = cast("Contents", of.contents)
    paired = np.unique(with_document(contents.spread(of.documents.astype(np.int64)), contents.shingles))
    shingles, documents = np.unique((paired & np.uint64(0xFFFF_FFFF)).astype(np.uint32), return_counts=True)
    found: NDArray[np.uint32] = shingles[documents >= often(len(of.hashes))]
    return found


def elsewhere(of: Contents, documents: Ints, chunks: Mask) -> Floats:
    """Share of the sampled shingles of these chunks that other documents have too; 0 of the others."""
    width = np.uint64(int(documents.max(initial=0)) + 1)
    asked = of.spread(chunks)
    looked = np.flatnonzero(asked if asked.all() else within(of.shingles, np.unique(of.shingles[asked])))
    said_by = of.spread(documents)[looked].astype(np.uint64)
    pairs = np.unique(of.shingles[looked].astype(np.uint64) * width + said_by)
    shingles, held_by = np.unique(pairs // width, return_counts=True)
    marked = np.zeros(len(asked), np.bool_)
    marked[looked] = within(of.shingles[looked], shingles[held_by > 1])
    return shared_part(of, marked, chunks & (of.tokens > 0))


@lru_cache(maxsize=2)
def usual_echo(of: Population) -> Floats:
    """What other documents of a baseline say too, of each of its chunks; it is compared with many times."""
    return elsewhere(cast("Contents", of.contents), of.documents.astype(np.int64), np.ones(len(of.keys), np.bool_))
