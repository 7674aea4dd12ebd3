"""The auditor of the lexical leg: maintained lists against rank-bm25 on the same documents."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.rank_bm25 import mismatches, reference_scores
from monitor.core.index.audit import AuditedList
from monitor.core.index.lexical.bm25 import Bm25Scorer

TokenLists = Sequence[Sequence[str]]


class RankBm25Auditor:
    """`Auditor` by rank-bm25, which defines BM25 here: the variant `okapi` and no other.

    Args:
        bm25: the parameters of the audited leg.
    """

    def __init__(self, bm25: Bm25Scorer) -> None:
        self._bm25 = bm25

    @property
    def defined(self) -> bool:
        """Whether rank-bm25 defines the variant."""
        return self._bm25.variant == "okapi"

    def mismatches(self, documents: TokenLists, lists: Sequence[AuditedList]) -> list[int]:
        """Wrong results of each list: scores, missed or foreign documents, length and order.

        Costs a whole rebuild of the reference and one pass over all documents per query term.

        Raises:
            ValueError: rank-bm25 does not define the variant.
        """
        scored = reference_scores(documents, [one.query for one in lists], self._bm25)
        hits = _hits(documents, [one.query for one in lists])
        return [
            wrong_results(np.where(hit & one.admitted, row, -np.inf), documents, one)
            for row, hit, one in zip(scored, hits, lists, strict=True)
        ]


def wrong_results(expected: NDArray[np.float64], documents: TokenLists, audited: AuditedList) -> int:
    """How many results of one list are wrong, or lacking; 0 for the list that it should be.

    Args:
        expected: (n,) reference scores of the hits, -inf for all other documents.
        documents: n tokenised documents, in the order that breaks ties.
        audited: the list.
    """
    live = audited.positions >= 0
    positions, scores = audited.positions[live], audited.scores[live]
    lacking = abs(min(audited.depth, int(np.isfinite(expected).sum())) - len(set(positions.tolist())))
    ascends = (scores[:-1] < scores[1:]) | ((scores[:-1] == scores[1:]) & (positions[:-1] > positions[1:]))
    wrong = mismatches(expected, scores, positions) + lacking + int((~live).sum()) + int(ascends.sum())
    return wrong + _passed_over(expected, documents, positions)


def _passed_over(expected: NDArray[np.float64], documents: TokenLists, positions: NDArray[np.int64]) -> int:
    """1 if a copy of the last result (it ties, whatever the rounding) has a lower id and stands outside; else 0."""
    if not len(positions):
        return 0
    last = int(positions[-1])
    before = np.setdiff1d(np.flatnonzero(expected[:last] == expected[last]), positions)
    said = Counter(documents[last])
    return int(any(Counter(documents[at]) == said for at in before.tolist()))


def _hits(documents: TokenLists, queries: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(q, n) bool: whether a document contains a token of the query; a score cannot tell, it may be 0."""
    asked = {token for query in queries for token in query}
    holders: dict[str, list[int]] = {token: [] for token in asked}
    for at, tokens in enumerate(documents):
        for token in asked.intersection(tokens):
            holders[token].append(at)
    made = np.zeros((len(queries), len(documents)), np.bool_)
    for row, query in enumerate(queries):
        for token in query:
            made[row, holders[token]] = True
    return made
