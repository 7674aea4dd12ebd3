"""BM25 from integers: the idf of both variants, the average idf over a histogram, and the term weight."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Variant = Literal["okapi", "lucene"]
Number = float | NDArray[np.float64]
Numbers = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bm25Scorer:
    """Parameters of the scoring function; the names are those of the literature.

    score(q, d) = sum over the distinct terms t of q, in the order of their first occurrence, of
    (idf_t * times_t_in_q) * (tf * (k1 + 1)) / (tf + k1 * (1 - b + b * dl / avgdl)).

    `okapi` is rank-bm25 0.2.2's BM25Okapi (Trotman, Puurula, Burgess, ADCS 2014): idf = ln(N - df + 0.5) -
    ln(df + 0.5), and where that is negative, epsilon times the average idf over the whole vocabulary (itself
    negative on tiny corpora). `lucene` never falls below zero: idf = ln(1 + (N - df + 0.5) / (df + 0.5)); it
    keeps the factor (k1 + 1), which Lucene itself dropped in version 8 and which changes no order.
    """

    variant: Variant = "okapi"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25

    def __post_init__(self) -> None:
        if self.variant not in {"okapi", "lucene"}:
            message = f"bm25 variant {self.variant!r}: expected 'okapi' or 'lucene'"
            raise ValueError(message)
        if not (
            self.k1 > 0.0 and 0.0 <= self.b <= 1.0 and self.epsilon >= 0.0 and np.isfinite(self.k1 + self.epsilon)
        ):
            message = (
                f"bm25 k1={self.k1}, b={self.b}, epsilon={self.epsilon}: expected k1 > 0, b in 0..1, epsilon >= 0"
            )
            raise ValueError(message)

    def raw_idf(self, documents: Number, frequency: Numbers) -> NDArray[np.float64]:
        """The idf before the floor.

        Args:
            documents: N, live documents, empty ones included; arrays broadcast.
            frequency: df of n terms, 0 <= df <= N.

        Returns:
            (n,) float64; at df = 0 the formula's continuation (what a term would weigh if it appeared).
        """
        rare = documents - frequency + 0.5
        if self.variant == "lucene":
            inverse: NDArray[np.float64] = np.log(1.0 + rare / (frequency + 0.5))
        else:
            inverse = np.log(rare) - np.log(frequency + 0.5)
        return inverse

    def idf(self, documents: Number, frequency: Numbers, average: Number) -> NDArray[np.float64]:
        """The idf that scores use: floored for `okapi`, 0 where df = 0 (a term nobody has scores nothing)."""
        return np.where(frequency == 0, 0.0, self.floored(self.raw_idf(documents, frequency), average))

    def floored(self, raw: NDArray[np.float64], average: Number) -> NDArray[np.float64]:
        """The idf before the floor with it; of an absent term what it would weigh if it appeared."""
        return np.where(raw < 0.0, self.epsilon * average, raw) if self.variant == "okapi" else raw

    def average_idf(self, documents: int, frequencies: NDArray[np.int64], terms: NDArray[np.int64]) -> float:
        """Mean idf before the floor over the whole vocabulary: sum_df terms_df * idf(df) / sum_df terms_df.

        Args:
            documents: N.
            frequencies: the distinct document frequencies, ascending: the order makes the sum the same to the
                bit for the same corpus.
            terms: how many terms have each of them.

        Returns:
            The mean; 0 without any term.
        """
        total = int(terms.sum())
        if not total:
            return 0.0
        return float(np.add.reduce(terms * self.raw_idf(documents, frequencies))) / total
