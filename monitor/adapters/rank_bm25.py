"""The audit of the lexical leg: the reference implementation on the live texts, for a sample of anchors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from monitor.core.index.lexical.bm25 import Bm25Scorer


def reference_scores(
    documents: Sequence[Sequence[str]], queries: Sequence[Sequence[str]], bm25: Bm25Scorer
) -> NDArray[np.float64]:
    """Scores of every document for every query by rank-bm25's BM25Okapi.

    Costs a full rebuild and one pass over all documents per query term: for audits, on a sample of queries.

    Args:
        documents: n tokenised live chunks.
        queries: q tokenised queries; a repeated token counts as often as it is said.
        bm25: the parameters; the variant must be `okapi`, which is the only one the library defines so.

    Returns:
        (q, n) float64. Documents without tokens, where the library divides by zero, score 0 when all are such;
        no document gives shape (q, 0). A document that shares no token with a query scores exactly 0, but so may
        a hit (df = N / 2): tell hits by tokens, not by scores.

    Raises:
        ValueError: the variant is not `okapi`.
    """
    if bm25.variant != "okapi":
        message = f"audit: rank-bm25 defines the variant 'okapi', got {bm25.variant!r}"
        raise ValueError(message)
    if not any(documents):
        return np.zeros((len(queries), len(documents)))
    # a tuple or a string would be taken for a sequence of characters or fail to count: hand over plain lists
    engine = BM25Okapi([list(tokens) for tokens in documents], k1=bm25.k1, b=bm25.b, epsilon=bm25.epsilon)
    made = np.zeros((len(queries), len(documents)))
    for row, query in enumerate(queries):
        with np.errstate(invalid="ignore"):  # 0 / 0 for empty documents at b = 1
            made[row] = np.nan_to_num(engine.get_scores(list(query)), nan=0.0)
    return made


def best_documents(documents: Sequence[Sequence[str]], queries: Sequence[Sequence[str]]) -> list[int | None]:
    """The document that each query finds first (ties: the earlier one); None where it shares no token with any.

    Args:
        documents: n tokenised texts.
        queries: q tokenised queries.
    """
    words = [frozenset(tokens) for tokens in documents]
    scores = reference_scores(documents, queries, Bm25Scorer("okapi", 1.5, 0.75, 0.25))
    found: list[int | None] = []
    for query, row in zip(queries, scores, strict=True):
        hits = [at for at, tokens in enumerate(words) if not tokens.isdisjoint(query)]
        found.append(max(hits, key=lambda at: (row[at], -at), default=None))
    return found


def mismatches(
    expected: NDArray[np.float64], found: NDArray[np.float64], positions: NDArray[np.int64], tolerance: float = 1e-9
) -> int:
    """How many results of one ranked list disagree with the reference.

    A result is wrong if its score differs by more than the tolerance (absolute, or relative above 1), and a list
    is wrong once more if a document outside it beats its last result by more than that.

    Args:
        expected: (n,) reference scores of all documents that the query hits, -inf for others.
        found: (m,) scores of the list, best first.
        positions: (m,) int64, which document each result is.
        tolerance: allowed difference.
    """
    listed = expected[positions]
    allowed = tolerance * np.maximum(1.0, np.abs(listed))
    agrees = np.isfinite(listed) & (np.abs(np.where(np.isfinite(listed), listed, 0.0) - found) <= allowed)
    wrong = int((~agrees).sum())
    outside = np.delete(expected, positions)
    best = float(outside.max(initial=-np.inf))
    beaten = bool(len(found)) and best > float(found[-1]) + tolerance * max(1.0, abs(best))
    return wrong + beaten
