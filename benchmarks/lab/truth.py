"""What readers lost: known-item recall@10 by content, by brute force on both legs. It knows nothing of the product.

A query's known item is a passage; the query is answered where the ten results together hold at least half of the
passage's word triples. So a passage counts as found under any id and however it was cut into chunks, and as lost
where its text is gone, cut off, garbled, in another language, or stands behind ten others. Of a page made of a
template the passage is what the page has of its own: its words are counted, and not those that all pages say.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.lab.corpus import Anchor, Chunk, Corpus, Distance

K = 10
HELD = 0.5
"""Share of the passage's word triples that the results must hold."""
LOSS, SEGMENT_LOSS = 0.02, 0.10
"""Harm: points of recall lost, overall or in one segment."""
SEVERE, SEGMENT_SEVERE = 0.10, 0.30
LEAST_ANCHORS = 20
"""A segment of fewer anchors has no recall of its own."""
Harm = Literal["none", "loss", "severe"]
Leg = Literal["dense", "lexical"]
LEGS: tuple[Leg, ...] = ("dense", "lexical")
K1, B, EPSILON = 1.5, 0.75, 0.25
"""rank-bm25's defaults."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@lru_cache(maxsize=1 << 17)
def words(text: str) -> tuple[str, ...]:
    r"""Lower-cased words; characters of scripts that are written without spaces stand alone.

    Of canonically equivalent texts the words are the same (NFC): readers see no difference, and neither does the
    lexical leg that is measured.

    >>> words("Read a file_name, 読む")
    ('read', 'a', 'file', 'name', '読', 'む')
    >>> words("cafe\u0301") == words("caf\u00e9")
    True
    """
    made: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFC", text).lower()):
        made += _UNSPACED.sub(lambda found: f" {found.group()} ", word).split()
    return tuple(made)


@lru_cache(maxsize=1 << 17)
def triples(text: str) -> frozenset[int]:
    """Hashes of the runs of three words; of all words together where there are fewer.

    >>> len(triples("one two three four")), len(triples("one")), len(triples(""))
    (2, 1, 0)
    """
    said = words(text)
    if not said:
        return frozenset()
    return frozenset(hash(said[at : at + 3]) for at in range(max(1, len(said) - 2)))


@lru_cache(maxsize=1 << 16)
def answered(passage: frozenset[int], results: tuple[str, ...]) -> bool:
    """Whether the results together hold half of the passage. A passage without words is held by nothing."""
    found: set[int] = set()
    for text in results:
        found |= passage & triples(text)
    return bool(passage) and len(found) >= HELD * len(passage)


@dataclass(frozen=True, slots=True)
class Lists:
    """The first ten chunk ids of each anchor, by leg: shapes of rows are up to K long, best first."""

    dense: tuple[tuple[str, ...], ...]
    lexical: tuple[tuple[str, ...], ...]

    def of(self, leg: Leg) -> tuple[tuple[str, ...], ...]:
        """One leg's lists."""
        return self.dense if leg == "dense" else self.lexical


def brute_force(corpus: Corpus, anchors: Sequence[Anchor], k: int = K, *, distance: Distance = "cosine") -> Lists:
    """Exact top-k of both legs: cosine or dot products, and BM25 (okapi); equal scores by chunk id."""
    chunks = sorted(corpus.values(), key=lambda one: one.chunk_id)
    if not chunks:
        empty: tuple[tuple[str, ...], ...] = ((),) * len(anchors)
        return Lists(empty, empty)
    queries, vectors = (np.stack([one.vector for one in of]) for of in (anchors, chunks))
    dense = cosine(queries, vectors) if distance == "cosine" else dot(queries, vectors)
    lexical = bm25([words(one.text) for one in chunks], [words(one.text) for one in anchors])
    ids = [one.chunk_id for one in chunks]
    return Lists(
        _best(dense, ids, k, least=-2.0 if distance == "cosine" else -np.inf), _best(lexical, ids, k, least=0.0)
    )


def cosine(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """(queries, chunks) cosines, rounded so that equal vectors are equal; -3 for chunks of the zero vector."""
    lengths = np.linalg.norm(vectors, axis=1)
    scale = np.where(lengths > 0, lengths, 1.0)
    made = np.round((queries.astype(np.float64) @ (vectors / scale[:, None]).T.astype(np.float64)), 6)
    made[:, lengths == 0] = -3.0
    return made


def dot(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """(queries, chunks) dot products, rounded so that equal vectors are equal."""
    made: NDArray[np.float64] = np.round(queries.astype(np.float64) @ vectors.T.astype(np.float64), 6)
    return made


def bm25(documents: Sequence[tuple[str, ...]], queries: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """(queries, documents) scores by rank-bm25's BM25Okapi: idf below zero becomes EPSILON times the mean idf.

    A query word counts as often as it is said; unknown words count nothing.
    """
    counted = [_counted(said) for said in documents]
    of_words = np.concatenate([words_ for words_, _ in counted] or [np.zeros(0, np.uint64)])
    counts = np.concatenate([times for _, times in counted] or [np.zeros(0)])
    rows = np.repeat(np.arange(len(documents)), [len(words_) for words_, _ in counted])
    vocabulary, columns = np.unique(of_words, return_inverse=True)
    lengths = np.array([len(said) for said in documents], float)
    frequency = np.bincount(columns, minlength=len(vocabulary))
    idf = np.log(len(documents) - frequency + 0.5) - np.log(frequency + 0.5)
    idf[idf < 0] = EPSILON * (idf.mean() if len(idf) else 0.0)
    query = _queries(queries, vocabulary)
    asked = np.zeros(len(vocabulary), bool)
    asked[query.indices] = True
    own = asked[columns]  # words that no query says weigh nothing
    rows, columns, counts = rows[own], columns[own], counts[own]
    norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-12))
    weights = counts * (K1 + 1) / (counts + norm[rows]) * idf[columns]
    weighted = csr_matrix((weights, (rows, columns)), shape=(len(documents), len(vocabulary)))
    scores: NDArray[np.float64] = np.round((query @ weighted.T).toarray(), 9)
    return scores


def _queries(queries: Sequence[tuple[str, ...]], vocabulary: NDArray[np.uint64]) -> csr_matrix:
    """(queries, words) how often each query says each word of the vocabulary, which is sorted."""
    counted = [_counted(said) for said in queries]
    of_words = np.concatenate([words_ for words_, _ in counted] or [np.zeros(0, np.uint64)])
    times = np.concatenate([times for _, times in counted] or [np.zeros(0)])
    rows = np.repeat(np.arange(len(queries)), [len(words_) for words_, _ in counted])
    columns = np.searchsorted(vocabulary, of_words)
    known = columns < len(vocabulary)
    known[known] = vocabulary[columns[known]] == of_words[known]
    shape = (len(queries), len(vocabulary))
    return csr_matrix((times[known], (rows[known], columns[known])), shape=shape)


@lru_cache(maxsize=1 << 17)
def _counted(said: tuple[str, ...]) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """The distinct words of a text by number, and how often it says each."""
    counts = Counter(said)
    return np.array([_number(word) for word in counts], np.uint64), np.array([*counts.values()], float)


@cache
def _number(word: str) -> int:
    """A word's number, the same in every process: 64 bits of its hash."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def _best(scores: NDArray[np.float64], ids: Sequence[str], k: int, *, least: float) -> tuple[tuple[str, ...], ...]:
    """The k best of each row above `least`; ids are sorted, and a stable sort keeps their order among equals."""
    made = []
    for row in scores:
        found = np.flatnonzero(row > least)
        if len(found) > k:
            own = row[found]
            found = found[own >= np.partition(own, -k)[-k]]
        found = found[np.argsort(-row[found], kind="stable")][:k]
        made.append(tuple(ids[at] for at in found.tolist()))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Answers:
    """Which anchors are answered, by leg: booleans in the order of the anchors."""

    dense: NDArray[np.bool_]
    lexical: NDArray[np.bool_]

    def of(self, leg: Leg) -> NDArray[np.bool_]:
        """One leg's."""
        return self.dense if leg == "dense" else self.lexical


def answers(passages: Sequence[frozenset[int]], corpus: Corpus, lists: Lists) -> Answers:
    """Which anchors' lists answer them."""

    def leg(of: Leg) -> NDArray[np.bool_]:
        found = [
            answered(passage, tuple(corpus[chunk].text for chunk in ids))
            for passage, ids in zip(passages, lists.of(of), strict=True)
        ]
        return np.array(found, bool)

    return Answers(leg("dense"), leg("lexical"))


def passages(anchors: Sequence[Anchor], corpus: Corpus) -> list[frozenset[int]]:
    """The known passages as they stand in the corpus, or what of them answers; empty where the chunk is not there."""
    return [
        triples(anchor.own or corpus[anchor.known].text) if anchor.known in corpus else frozenset[int]()
        for anchor in anchors
    ]


@dataclass(frozen=True, slots=True)
class Loss:
    """Recall before and after in one segment of one leg."""

    leg: Leg
    segment: str
    anchors: int
    before: float
    after: float

    @property
    def points(self) -> float:
        """What was lost, as a share of the segment's anchors."""
        return self.before - self.after

    @property
    def harm(self) -> Harm:
        """How bad that is; a segment of its own may lose more than the whole."""
        loss, severe = (LOSS, SEVERE) if self.segment == "all" else (SEGMENT_LOSS, SEGMENT_SEVERE)
        slack = 1e-9
        if self.points >= severe - slack:
            return "severe"
        return "loss" if self.points >= loss - slack else "none"


def losses(anchors: Sequence[Anchor], dimensions: Sequence[str], before: Answers, after: Answers) -> list[Loss]:
    """The loss of every leg, in all anchors and in each segment of LEAST_ANCHORS or more."""
    made: list[Loss] = []
    for leg in LEGS:
        old, new = before.of(leg), after.of(leg)
        for name, rows in segments(anchors, dimensions).items():
            made.append(Loss(leg, name, len(rows), float(old[rows].mean()), float(new[rows].mean())))
    return made


def lost(before: Answers, after: Answers) -> dict[Leg, float]:
    """By leg, the share of the anchors that were answered and are not any more, whatever others gained: in [0, 1]."""
    return {leg: float(np.mean(before.of(leg) & ~after.of(leg))) for leg in LEGS}


def segments(anchors: Sequence[Anchor], dimensions: Sequence[str]) -> Mapping[str, NDArray[np.intp]]:
    """Rows of the anchors of `all` and of each watched segment, named dimension=value."""
    grouped: dict[str, list[int]] = {}
    for at, anchor in enumerate(anchors):
        for dimension, value in anchor.segment:
            if dimension in dimensions:
                grouped.setdefault(f"{dimension}={value}", []).append(at)
    large = {name: np.array(rows) for name, rows in sorted(grouped.items()) if len(rows) >= LEAST_ANCHORS}
    return {"all": np.arange(len(anchors)), **large}


def harm(found: Sequence[Loss]) -> Harm:
    """The worst of the losses."""
    said = {one.harm for one in found}
    return "severe" if "severe" in said else "loss" if "loss" in said else "none"


def worst(found: Sequence[Loss]) -> Loss:
    """The loss to show: the largest in relation to what counts as one."""
    return max(found, key=lambda one: one.points / (LOSS if one.segment == "all" else SEGMENT_LOSS))


def churn(before: Lists, after: Lists, contents: Mapping[str, Chunk], now: Mapping[str, Chunk]) -> dict[Leg, int]:
    """By leg, how many results were exchanged for others, by content: the size of |B minus C| over all anchors."""
    made: dict[Leg, int] = {}
    for leg in LEGS:
        count = 0
        for old, new in zip(before.of(leg), after.of(leg), strict=True):
            has = {now[chunk].text for chunk in new}
            count += sum(contents[chunk].text not in has for chunk in old)
        made[leg] = count
    return made
