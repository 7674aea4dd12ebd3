"""The corpus statistics that BM25 rests on, as a value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.sources import Totals


@dataclass(frozen=True, slots=True, eq=False)
class LexicalStatistics:
    """What BM25 rests on now.

    Args:
        documents: N, live chunks, empty ones included.
        total_length: tokens in them.
        average_length: total_length / documents; 0 for an empty corpus.
        average_idf: mean idf before the floor over the whole vocabulary; 0 without any term.
        vocabulary: distinct tokens in live chunks.
        terms: the M distinct anchor terms, sorted.
        document_frequency: (M,) int64, aligned with `terms`.
        idf: (M,) float64 as scores use it; 0 for a term out of vocabulary.
        out_of_vocabulary: anchor terms that no live chunk contains.
    """

    documents: int
    total_length: int
    average_length: float
    average_idf: float
    vocabulary: int
    terms: tuple[str, ...]
    document_frequency: NDArray[np.int64]
    idf: NDArray[np.float64]
    out_of_vocabulary: int


def statistics(
    bm25: Bm25Scorer, totals: Totals, frequencies: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> LexicalStatistics:
    """Put the statistics together.

    Args:
        bm25: the scoring function.
        totals: chunks, tokens, and the anchors' terms with their document frequencies; its mean idf is not read.
        frequencies: the distinct document frequencies of the whole vocabulary, ascending, and how many terms have
            each.
    """
    distinct, counts = frequencies
    average = bm25.average_idf(totals.documents, distinct, counts)
    return LexicalStatistics(
        documents=totals.documents,
        total_length=totals.length,
        average_length=totals.length / totals.documents if totals.documents else 0.0,
        average_idf=average,
        vocabulary=int(counts.sum()),
        terms=totals.terms,
        document_frequency=totals.frequency,
        idf=bm25.idf(totals.documents, totals.frequency, average),
        out_of_vocabulary=int((totals.frequency == 0).sum()),
    )
