"""Anchor queries compiled to rows of (term, repeats) pairs, and the segments their filters can tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.arrays import Queries
from monitor.core.model.events import Segment
from monitor.core.model.segments import admits


class QueryFilters:
    """Which rows take which chunks, by filter: segments are folded to what the filters mention.

    Folding keeps the table small: its columns are bounded by the combinations of filter values, whatever other
    attributes chunks have.
    """

    def __init__(self, filters: Sequence[Segment]) -> None:
        distinct = {wanted: at for at, wanted in enumerate(dict.fromkeys(filters))}
        self.wanted: NDArray[np.int32] = np.array([distinct[wanted] for wanted in filters], np.int32)
        """(A,) row of `allowed` for each filter given."""
        self._filters = list(distinct)
        self._mentioned = {pair for wanted in distinct for pair in wanted}
        self._ids: dict[Segment, int] = {}
        self.allowed: NDArray[np.bool_] = np.zeros((len(distinct), 0), np.bool_)
        """(F, S) bool: whether filter f takes chunks of folded segment s."""
        self.encode([()])

    def encode(self, segments: Sequence[Segment]) -> NDArray[np.int32]:
        """Folded segments as indices of `allowed`, which grows where a fold is new; (n,) int32."""
        if not self._mentioned:
            self._column(())
            return np.zeros(len(segments), np.int32)
        mentioned = self._mentioned
        folds = [tuple(pair for pair in segment if pair in mentioned) for segment in segments]
        return np.array([self._column(fold) for fold in folds], np.int32)

    def refolded(self, before: "QueryFilters") -> NDArray[np.int32] | None:
        """What another admission's folded segments are in this one, (S,) int32; None if its folds say too little."""
        if self._mentioned <= before._mentioned:
            return self.encode(list(before._ids))
        return None

    @property
    def folds(self) -> list[Segment]:
        """The folded segments, in the order of their numbers."""
        return list(self._ids)

    def _column(self, fold: Segment) -> int:
        known = self._ids.setdefault(fold, len(self._ids))
        if known == self.allowed.shape[1]:
            column = np.array([[admits(wanted, fold)] for wanted in self._filters], np.bool_)
            self.allowed = np.concatenate((self.allowed, column.reshape(len(self._filters), 1)), axis=1)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class QueryPlan:
    """A compiled set of A queries. Rows stand by falling number of distinct terms; `order[row]` is the query.

    Args:
        order: (A,) int64, query of each row.
        terms: (M,) int32 token ids, the distinct terms.
        start: (A + 1,) int64, pairs of row r are start[r] to start[r + 1].
        row, term: (P,) int64 and int32, the row and the term index of each pair.
        repeats: (P,) float64, how often the query says the term.
        by_term: (P,) int64, pairs sorted by term.
        admission: the filters.
    """

    order: NDArray[np.int64]
    terms: NDArray[np.int32]
    start: NDArray[np.int64]
    row: NDArray[np.int64]
    term: NDArray[np.int32]
    repeats: NDArray[np.float64]
    by_term: NDArray[np.int64]
    admission: QueryFilters

    def __len__(self) -> int:
        return len(self.order)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(A,) int64, distinct terms of each row, falling."""
        return np.diff(self.start)

    def local(self, capacity: int) -> NDArray[np.int32]:
        """(capacity,) int32: term index by token id, -1 for tokens that no query has."""
        made = np.full(capacity, -1, np.int32)
        made[self.terms] = np.arange(len(self.terms), dtype=np.int32)
        return made

    def weights(self, idf: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P,) weights of the pairs under (M,) idf values."""
        return idf[self.term] * self.repeats

    def weighted(
        self, idf: NDArray[np.float64], average: float, local: NDArray[np.int32], k1_b: tuple[float, float]
    ) -> Queries:
        """The queries under (M,) idf values and one average length (an empty corpus's 0 is taken as 1)."""
        return Queries(
            start=self.start,
            term=self.term,
            weight=self.weights(idf),
            average=np.full(len(self), average or 1.0),
            wanted=self.admission.wanted[self.order],
            allowed=self.admission.allowed,
            local=local,
            k1=k1_b[0],
            b=k1_b[1],
        )


def compile_queries(queries: Sequence[NDArray[np.int32]], filters: Sequence[Segment]) -> QueryPlan:
    """Compile queries given as token ids in text order (negative ids, which no chunk can have, are left out)."""
    distinct: list[dict[int, int]] = []
    for ids in queries:
        repeats: dict[int, int] = {}
        for token in ids.tolist():
            if token >= 0:
                repeats[token] = repeats.get(token, 0) + 1
        distinct.append(repeats)
    sizes = np.array([len(repeats) for repeats in distinct], np.int64)
    order = np.argsort(-sizes, kind="stable")
    rows = [distinct[at] for at in order.tolist()]
    terms, term = np.unique(np.array([token for repeats in rows for token in repeats], np.int32), return_inverse=True)
    return QueryPlan(
        order=order,
        terms=terms,
        start=np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes[order]))),
        row=np.repeat(np.arange(len(rows)), sizes[order]),
        term=term.astype(np.int32),
        repeats=np.array([times for repeats in rows for times in repeats.values()], np.float64),
        by_term=np.argsort(term, kind="stable"),
        admission=QueryFilters(filters),
    )


def anchor_terms(
    queries: Sequence[Sequence[str]], pinned: Sequence[NDArray[np.int32]]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The distinct terms of queries, sorted, and their ids, which stay while they are pinned.

    Args:
        queries: tokenised.
        pinned: ids of the tokens of each, and of more queries behind.
    """
    ids = {
        token: number
        for query, of in zip(queries, pinned, strict=False)
        for token, number in zip(query, of.tolist(), strict=True)
    }
    terms = tuple(sorted(ids))
    return terms, np.array([ids[term] for term in terms], np.int32)
