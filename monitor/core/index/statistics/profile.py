"""Profile: the statistics of a corpus at one moment, small enough to be kept with a snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.population import Population

Distribution = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Distinct values, ascending, and how often each occurs."""
Embedding = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentProfile:
    """One segment of one dimension.

    Args:
        chunks, documents: live ones.
        tokens: in all chunks.
        lengths: tokens per chunk.
        sizes: chunks per document.
        ages: seconds before the newest event time.
        overlap: mean share of shingles that a chunk shares with the next one of its document, NaN where none has one.
        overlapping: chunks that have a next one.
        versions: embedding versions of its chunks.
        directed: chunks whose vector has a direction.
        features: mean random Fourier features, (256,) float32.
        direction: mean of the unit vectors, (d,) float32.
    """

    dimension: str
    segment: str
    chunks: int
    documents: int
    tokens: int
    lengths: Distribution
    sizes: Distribution
    ages: Distribution
    overlap: float
    overlapping: int
    versions: tuple[str, ...]
    directed: int
    features: Embedding
    direction: Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What BM25 rested on.

    Args:
        average_length: tokens per chunk.
        idf: by anchor term.
        absent: anchor terms that no chunk contains.
    """

    average_length: float
    idf: Mapping[str, float]
    absent: int


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """All segments of all dimensions, `all` first, as many as the cap lets through.

    Args:
        now: newest event time, microseconds.
        segments: the larger segments of each dimension.
        mixes: dimension -> chunks by segment value, the smallest pooled as `other`.
        terms: lexical statistics, None when that leg is off.
        upserts, repeated: upserts applied so far, and those of them that repeated the content.
        population: the chunks, where a later comparison of chunk by chunk is wanted.
    """

    now: int
    segments: tuple[SegmentProfile, ...]
    mixes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    terms: Terms | None = None
    upserts: int = 0
    repeated: int = 0
    population: Population | None = None
