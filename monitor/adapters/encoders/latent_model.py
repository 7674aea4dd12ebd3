"""Latent semantic encoder: TF-IDF and a randomised truncated SVD fitted to one corpus. For demos and tests only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from monitor.core.text.tokens import tokenize

BLOCK_ENTRIES = 8_192
"""Stored entries per step of a sparse product: the gathered rows then stay in the second-level cache."""
WEAKEST = 1e-6
"""Directions with less than this share of the largest squared singular value are lost in float32."""
BLOCK_TEXTS = 4_096
"""Texts tokenised at once, so that memory does not hold all tokens of a corpus as Python strings."""


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A matrix by rows (CSR): the entries of row i are at `starts[i]:starts[i + 1]`, columns ascending.

    Args:
        starts: (n + 1,) int64.
        columns: (e,) int64.
        values: (e,) float32.
        width: number of columns.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def transposed(self) -> "Sparse":
        """The transpose, again by rows with ascending columns."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        starts = _starts(np.bincount(self.columns, minlength=self.width))
        return Sparse(starts, rows[order], self.values[order], len(self))

    def times(self, dense: NDArray[np.float32]) -> NDArray[np.float32]:
        """The product with a dense (width, d) matrix, (n, d) float32.

        Each row is summed over its own entries in column order, so its bits do not depend on the other rows.
        An empty row gives zeros.
        """
        made = np.zeros((len(self), dense.shape[1]), np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        for rows in _blocks(filled, self.starts):
            low, high = self.starts[rows[0]], self.starts[rows[-1] + 1]
            gathered = dense[self.columns[low:high]]
            gathered *= self.values[low:high, None]
            made[rows] = np.add.reduceat(gathered, self.starts[rows] - low, axis=0)
        return made


@dataclass(frozen=True, eq=False)
class LatentModel:
    """A fitted encoder: e(text) = v / ||v||, v = sum over terms of (1 + ln tf) * idf * components[term].

    Args:
        terms: V distinct terms, ascending.
        idf: (V,) float32, ln((1 + n) / (1 + df)) + 1.
        components: (V, d) float32, orthonormal columns; columns beyond the corpus's rank are zero.

    Source: Deerwester, Dumais, Furnas, Landauer, Harshman, JASIS 1990 (folding in, section 5).
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    components: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        """The d of the vectors."""
        return int(self.components.shape[1])

    @cached_property
    def content_hash(self) -> str:
        """BLAKE2b of terms, idf and components: 128 bits, hexadecimal. Another model is another embedding version."""
        made = blake2b("\n".join(self.terms).encode(), digest_size=16)
        made.update(self.idf.astype("<f4").tobytes())
        made.update(self.components.astype("<f4").tobytes())
        return made.hexdigest()

    @cached_property
    def _vocabulary(self) -> Mapping[str, int]:
        return {term: at for at, term in enumerate(self.terms)}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, (n, d) float32 of unit length; a text without known terms gives the zero vector.

        The same text gives the same bits whatever stands beside it. Never raises on text.
        """
        made = np.zeros((len(texts), self.dimension), np.float32)
        for low in range(0, len(texts), BLOCK_TEXTS):
            counts = count_terms(texts[low : low + BLOCK_TEXTS], self._vocabulary)
            weighted = weigh(counts, self.idf)
            made[low : low + BLOCK_TEXTS] = unit_rows(weighted.times(self.components))
        return made


def fit(
    texts: Sequence[str],
    generator: np.random.Generator,
    *,
    dimension: int = 128,
    most_terms: int = 20_000,
    least_documents: int = 2,
) -> LatentModel:
    """Fit the encoder to a corpus.

    Terms are those in at least `least_documents` texts, the `most_terms` most frequent of them (ties by term). The
    components are the leading right singular vectors of the TF-IDF matrix with rows of unit length.

    Args:
        texts: n texts; none, or none with known terms, gives a model that encodes everything to zero.
        generator: where the random projection comes from; the same state gives the same bits on one machine.
        dimension: d of the vectors, at least 1.
        most_terms: bound of the vocabulary.
        least_documents: rarer terms are left out.

    Raises:
        ValueError: if `dimension` is below 1.
    """
    if dimension < 1:
        message = f"dimension of the latent encoder: {dimension}, expected at least 1"
        raise ValueError(message)
    terms, documents = vocabulary(texts, most_terms=most_terms, least_documents=least_documents)
    idf = (np.log((1 + len(texts)) / (1 + documents)) + 1).astype(np.float32)
    at = {term: index for index, term in enumerate(terms)}
    components = np.zeros((len(terms), dimension), np.float32)
    matrix = unit_entries(weigh(count_terms(texts, at), idf))
    found = leading_directions(matrix, min(dimension, len(terms), len(texts)), generator)
    components[:, : found.shape[1]] = found
    return LatentModel(terms, idf, components)


def vocabulary(
    texts: Sequence[str], *, most_terms: int, least_documents: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The terms of a model, ascending, and the (V,) int64 number of texts that hold each."""
    seen: dict[str, int] = {}
    for text in texts:
        for term in set(tokenize(text)):
            seen[term] = seen.get(term, 0) + 1
    frequent = [(-count, term) for term, count in seen.items() if count >= least_documents]
    kept = sorted((term, -count) for count, term in sorted(frequent)[:most_terms])
    return tuple(term for term, _ in kept), np.array([count for _, count in kept], np.int64)


def count_terms(texts: Sequence[str], at: Mapping[str, int]) -> Sparse:
    """Term frequencies of texts over a vocabulary (term -> column); unknown terms are left out."""
    width = len(at)
    parts = [_count_block(texts[low : low + BLOCK_TEXTS], at) for low in range(0, len(texts), BLOCK_TEXTS)]
    lengths = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
    columns = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.int64)
    counts = np.concatenate([part[2] for part in parts]) if parts else np.zeros(0, np.float32)
    return Sparse(_starts(lengths), columns, counts, width)


def weigh(counts: Sparse, idf: NDArray[np.float32]) -> Sparse:
    """Term frequencies to TF-IDF: (1 + ln tf) * idf (Manning, Raghavan, Schuetze 2008, section 6.4.1)."""
    values = (1 + np.log(counts.values)) * idf[counts.columns]
    return Sparse(counts.starts, counts.columns, values.astype(np.float32), counts.width)


def unit_entries(matrix: Sparse) -> Sparse:
    """The same matrix with rows of unit length; empty rows stay empty."""
    lengths = np.diff(matrix.starts)
    rows = np.repeat(np.arange(len(matrix)), lengths)
    squares = np.bincount(rows, weights=matrix.values.astype(np.float64) ** 2, minlength=len(matrix))
    values = (matrix.values / np.sqrt(squares)[rows]).astype(np.float32)
    return Sparse(matrix.starts, matrix.columns, values, matrix.width)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, d) float32 rows of unit length, norms in float64; zero rows stay zero."""
    wide = vectors.astype(np.float64)
    norms = np.sqrt(np.add.reduce(wide * wide, axis=1, keepdims=True))
    return (wide / np.where(norms == 0.0, 1.0, norms)).astype(np.float32)


def leading_directions(
    matrix: Sparse, rank: int, generator: np.random.Generator, *, oversampling: int = 10, power: int = 3
) -> NDArray[np.float32]:
    """The leading right singular vectors of a sparse matrix A, (width, r) float32, orthonormal, r <= rank.

    `power` subspace iterations Q <- orth(A'A Q) from a random Q, then the eigenvectors of (AQ)'(AQ) rotate Q. Only
    the (width, r) side is orthonormalised: half the work, at the price of directions whose singular value is below
    1/1,000 of the largest; they are left out. The sign makes the entry of the largest magnitude positive (the first
    of them on ties).

    Source: Halko, Martinsson, Tropp, SIAM Review 53 (2011), algorithm 4.4 and section 5.1.
    """
    if rank < 1 or not len(matrix.values):
        return np.zeros((matrix.width, 0), np.float32)
    sampled = min(rank + oversampling, len(matrix), matrix.width)
    turned = matrix.transposed()
    basis = generator.standard_normal((matrix.width, sampled), dtype=np.float32)
    for _ in range(power):
        basis = _orthonormal(turned.times(matrix.times(basis)))
    image = matrix.times(basis).astype(np.float64)
    squares, turns = np.linalg.eigh(image.T @ image)
    strong = int(np.count_nonzero(squares > squares[-1] * WEAKEST))
    kept = basis @ turns[:, ::-1][:, : min(rank, strong)]
    peaks = kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])]
    return np.ascontiguousarray(kept * np.where(peaks < 0, -1.0, 1.0), np.float32)


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """An orthonormal basis of the columns' span through the eigenvectors of their Gram matrix, in float64.

    A few large products instead of the many small steps of a Householder QR, which stall on a busy machine.
    Source: Stathopoulos and Wu, SIAM J. Sci. Comput. 23 (2002), SVQB.
    """
    wide = columns.astype(np.float64)
    squares, turns = np.linalg.eigh(wide.T @ wide)
    kept = squares > squares[-1] * WEAKEST**2
    made: NDArray[np.float64] = wide @ (turns[:, kept] / np.sqrt(squares[kept]))
    return made.astype(np.float32)


def _count_block(
    texts: Sequence[str], at: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Distinct known terms per text, their columns (ascending per text) and how often each occurs."""
    tokens = [tokenize(text) for text in texts]
    flat = np.fromiter(map(at.get, chain.from_iterable(tokens), repeat(-1)), np.int64)
    rows = np.repeat(np.arange(len(texts)), [len(words) for words in tokens])
    known = flat >= 0
    width = max(1, len(at))
    cells, counts = np.unique(rows[known] * width + flat[known], return_counts=True)
    lengths = np.bincount(cells // width, minlength=len(texts))
    return lengths.astype(np.int64), cells % width, counts.astype(np.float32)


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))


def _blocks(rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Runs of non-empty rows of about BLOCK_ENTRIES entries each, at least one row."""
    low = 0
    while low < len(rows):
        limit = starts[rows[low]] + BLOCK_ENTRIES
        high = max(low + 1, int(np.searchsorted(starts[rows + 1], limit, "right")))
        yield rows[low:high]
        low = high
