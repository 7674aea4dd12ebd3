"""The exact BM25 top-k of every anchor, kept current under a stream of chunk changes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.bm25 import BM25
from monitor.core.corpus import Corpus, Delta
from monitor.core.events import Segment
from monitor.core.lists import RankedLists
from monitor.core.segments import admits
from monitor.core.vocabulary import Vocabulary


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


class LexicalTopK:
    """The exact top-k of A anchors; scores equal rank-bm25's on the live corpus at every step."""

    def __init__(
        self,
        queries: Sequence[Sequence[str]],
        filters: Sequence[Segment],
        corpus: Corpus,
        vocabulary: Vocabulary,
        *,
        k: int,
        variant: Literal["okapi", "lucene"] = "okapi",
        k1: float = 1.5,
        b: float = 0.75,
        epsilon: float = 0.25,
    ) -> None:
        self.k = k
        self.bm25 = BM25(variant, k1, b, epsilon)
        self.refills = 0
        self.epochs = 0
        self._queries, self._filters = [list(query) for query in queries], list(filters)
        self._corpus, self._vocabulary = corpus, vocabulary
        self._pins = vocabulary.pin(self._queries)
        self._documents: dict[int, tuple[Counter[int], int, Segment]] = {}
        self._lists = RankedLists.of([[] for _ in queries], k)

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]]) -> NDArray[np.bool_]:
        """Apply a batch; (A,) bool, anchors whose top-k (ids or order) may have changed."""
        for slot in delta.removed.tolist():
            counts, _, _ = self._documents.pop(slot)
            self._vocabulary.release(np.array(list(counts), np.int32))
        for slot, row, ids in zip(delta.added.tolist(), delta.rows, tokens, strict=True):
            counts = Counter(ids.tolist())
            self._documents[slot] = (counts, len(ids), row.segment)
            self._vocabulary.retain(np.array(list(counts), np.int32))
        self._vocabulary.recycle()
        before = self._lists.keys
        self._lists = self.search(self._queries, self._filters, self.k)
        changed: NDArray[np.bool_] = (before != self._lists.keys).any(axis=1)
        return changed

    def lists(self) -> RankedLists:
        """The exact top-k of every anchor now."""
        return self._lists

    def statistics(self) -> LexicalStatistics:
        """What BM25 rests on now."""
        live = len(self._documents)
        total = sum(length for _, length, _ in self._documents.values())
        terms = tuple(sorted({token for query in self._queries for token in query}))
        frequency = self._vocabulary.document_frequency
        df = frequency[self._vocabulary.lookup(terms)].astype(np.int64) if terms else np.zeros(0, np.int64)
        average = self._average_idf()
        return LexicalStatistics(
            documents=live,
            total_length=total,
            average_length=total / live if live else 0.0,
            average_idf=average,
            vocabulary=int((frequency > 0).sum()),
            terms=terms,
            document_frequency=df,
            idf=self.bm25.idf(live, df, average),
            out_of_vocabulary=int((df == 0).sum()),
        )

    def search(self, queries: Sequence[Sequence[str]], filters: Sequence[Segment], k: int) -> RankedLists:
        """Exact search over the live corpus."""
        return RankedLists.of([self._one(q, f)[:k] for q, f in zip(queries, filters, strict=True)], k)

    def _average_idf(self) -> float:
        frequency = self._vocabulary.document_frequency
        distinct, terms = np.unique(frequency[frequency > 0].astype(np.int64), return_counts=True)
        return self.bm25.average_idf(len(self._documents), distinct, terms)

    def _one(self, query: Sequence[str], wanted: Segment) -> list[tuple[str, float]]:
        repeats = Counter(query)
        ids = self._vocabulary.lookup(list(repeats))
        live = len(self._documents)
        total = sum(length for _, length, _ in self._documents.values())
        df = np.where(ids >= 0, self._vocabulary.document_frequency[ids], 0).astype(np.int64)
        weights = (self.bm25.idf(live, df, self._average_idf()) * np.array(list(repeats.values()))).tolist()
        k1, b = self.bm25.k1, self.bm25.b
        found: list[tuple[str, float]] = []
        for slot, (counts, length, segment) in self._documents.items():
            if not admits(wanted, segment) or not any(token in counts for token in ids.tolist()):
                continue
            norm = k1 * (1.0 - b + b * length / (total / live))
            score = 0.0
            for token, weight in zip(ids.tolist(), weights, strict=True):
                tf = counts.get(token, 0)
                score += weight * (tf * (k1 + 1.0)) / (tf + norm)
            found.append((self._corpus.names[slot], score))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))
