"""The lexical top-k against rank-bm25 and a slow exact twin, at every step of any stream of changes."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from monitor.core.index.corpus import Corpus
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.topk import LexicalTopK
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.events import Chunk, Delete, Located, Position, Segment, Upsert, chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from monitor.core.model.segments import admits
from monitor.core.text.tokens import tokenize


class Stream:
    """A corpus, a lexical index fed with its deltas, and the live texts."""

    def __init__(
        self,
        queries: Sequence[str],
        filters: Sequence[Segment] = (),
        *,
        k: int = 3,
        bm25: Bm25Scorer | None = None,
    ) -> None:
        self.bm25 = bm25 or Bm25Scorer()
        self.queries = [tokenize(query) for query in queries]
        self.filters = list(filters) or [()] * len(queries)
        self.corpus, self.vocabulary = Corpus(0), Vocabulary()
        self.k = k
        self.texts: dict[str, tuple[str, Segment]] = {}
        self.offset = 0
        self.index = self.fresh()

    def fresh(self) -> LexicalTopK:
        made = self.bm25
        return LexicalTopK(
            self.queries,
            self.filters,
            self.corpus,
            self.vocabulary,
            k=self.k,
            variant=made.variant,
            k1=made.k1,
            b=made.b,
            epsilon=made.epsilon,
        )

    def apply(self, changes: Sequence[tuple[str, str | None]], segment: Segment = ()) -> NDArray[np.bool_]:
        """Upserts (chunk id, text) and deletes (chunk id, None) as one batch."""
        batch = []
        for chunk_id, text in changes:
            self.offset += 1
            if text is None:
                event: Upsert | Delete = Delete(chunk_id, self.offset)
                self.texts.pop(chunk_id, None)
            else:
                chunk = Chunk(chunk_id, "d", 0, text, None, "v", segment, self.offset, text_hash(text))
                event = Upsert(chunk)
                self.texts[chunk_id] = (text, segment)
            batch.append(Located(Position("t", 0, self.offset), event))
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        return self.index.apply(delta, self.vocabulary.encode(delta.texts))

    def rebuilt(self) -> RankedLists:
        """What a new index over the live texts, fed in another order into other slots, says."""
        other = Stream([], k=self.k, bm25=self.bm25)
        other.queries, other.filters = self.queries, self.filters
        other.vocabulary.encode(["some tokens that shift all ids"])
        other.index = other.fresh()
        by_segment: dict[Segment, list[tuple[str, str | None]]] = {}
        for chunk_id, (text, segment) in sorted(self.texts.items(), reverse=True):
            by_segment.setdefault(segment, []).append((chunk_id, text))
        for segment, changes in by_segment.items():
            other.apply(changes, segment)
        return other.index.lists()


def twin(stream: Stream, queries: Sequence[Sequence[str]], filters: Sequence[Segment], k: int) -> RankedLists:
    """The definition, slowly, in the same arithmetic: every live chunk scored, sorted by (score, id)."""
    bm25, live = stream.bm25, {chunk_id: tokenize(text) for chunk_id, (text, _) in stream.texts.items()}
    documents, total = len(live), sum(map(len, live.values()))
    df = Counter(token for tokens in live.values() for token in set(tokens))
    spread = Counter(df.values())
    distinct = np.array(sorted(spread), np.int64)
    average = bm25.average_idf(documents, distinct, np.array([spread[at] for at in distinct.tolist()], np.int64))
    rows = []
    for query, wanted in zip(queries, filters, strict=True):
        repeats = Counter(query)
        frequency = np.array([df[token] for token in repeats], np.int64)
        weights = bm25.idf(documents, frequency, average) * np.array(list(repeats.values()), np.float64)
        found = []
        for chunk_id, tokens in live.items():
            counts = Counter(tokens)
            if not admits(wanted, stream.texts[chunk_id][1]) or not any(token in counts for token in repeats):
                continue
            norm = bm25.k1 * (1.0 - bm25.b + bm25.b * (len(tokens) / (total / documents)))
            score = 0.0
            for token, weight in zip(repeats, weights.tolist(), strict=True):
                score += weight * (counts[token] * (bm25.k1 + 1.0)) / (counts[token] + norm)
            found.append((chunk_id, score))
        rows.append(sorted(found, key=lambda pair: (-pair[1], pair[0])))
    return RankedLists.of(rows, k)


def equal(left: RankedLists, right: RankedLists) -> None:
    np.testing.assert_array_equal(left.keys, right.keys)
    np.testing.assert_array_equal(left.scores.view(np.int64), right.scores.view(np.int64))
    np.testing.assert_array_equal(left.lengths, right.lengths)
    assert left.known.all()
    assert right.known.all()


def check(stream: Stream) -> None:
    """Lists equal the twin to the bit, and rank-bm25's scores to 1e-9."""
    found = stream.index.lists()
    equal(found, twin(stream, stream.queries, stream.filters, stream.k))
    if stream.bm25.variant != "okapi" or not any(tokenize(text) for text, _ in stream.texts.values()):
        return
    live = {chunk_key(chunk_id): at for at, chunk_id in enumerate(stream.texts)}
    made = stream.bm25
    texts = [tokenize(text) for text, _ in stream.texts.values()]
    oracle = BM25Okapi(texts, k1=made.k1, b=made.b, epsilon=made.epsilon)
    for row, query in enumerate(stream.queries):
        scores = oracle.get_scores(query)
        for key, score in zip(found.keys[row].tolist(), found.scores[row].tolist(), strict=True):
            assert key < 0 or math.isclose(scores[live[key]], score, rel_tol=1e-9, abs_tol=1e-9)


WORDS = [f"w{n}" for n in range(12)] + ["straße", "日本", "the", "the", "the"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
CHANGE = st.tuples(st.sampled_from([f"c{n}" for n in range(14)]), st.none() | TEXT)


class Changes(RuleBasedStateMachine):
    """Any batches of upserts, updates and deletes: after each, all lists are exact, to the bit."""

    @initialize(
        queries=st.lists(TEXT, min_size=1, max_size=5),
        wanted=st.sampled_from([(), (("language", "de"),)]),
        variant=st.sampled_from(["okapi", "lucene"]),
        k=st.integers(1, 4),
    )
    def start(self, queries: list[str], wanted: Segment, variant: str, k: int) -> None:
        filters = [wanted if at % 2 else () for at in range(len(queries))]
        bm25 = Bm25Scorer("okapi" if variant == "okapi" else "lucene")
        self.stream = Stream(queries, filters, k=k, bm25=bm25)

    @rule(changes=st.lists(CHANGE, max_size=8), language=st.sampled_from(["de", "en"]))
    def batch(self, changes: list[tuple[str, str | None]], language: str) -> None:
        before = self.stream.index.lists().keys
        touched = self.stream.apply(changes, (("language", language), ("source", "x")))
        np.testing.assert_array_equal(touched, (before != self.stream.index.lists().keys).any(axis=1))

    @rule()
    def restart(self) -> None:
        equal(self.stream.index.lists(), self.stream.rebuilt())

    @rule(query=TEXT, k=st.integers(1, 5))
    def search(self, query: str, k: int) -> None:
        asked, filters = [tokenize(query), ["nobody"]], [(("language", "de"),), ()]
        equal(self.stream.index.search(asked, filters, k), twin(self.stream, asked, filters, k))

    @invariant()
    def exact(self) -> None:
        if hasattr(self, "stream"):
            check(self.stream)


TestNumpyChanges = Changes.TestCase
TestNumpyChanges.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
