"""The whole engine against brute force, rank-bm25 and all pairs, whatever happens to chunks, anchors and process.

`CORPUS_DRIFT_DEEP=1` looks at twenty times as many histories.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from monitor.adapters.stores.sqlite.image_file import read_image, write_image
from monitor.core.arrays.image import Image
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.duplicates.duplicates import Copies
from monitor.core.index.duplicates.shingles import THRESHOLD, jaccard, shingle
from monitor.core.index.engine import Bm25Config, Depths, Engine, at_once
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Heartbeat, Located, Position, Segment, Upsert
from monitor.core.model.scoring import Distance, prepare
from monitor.core.text.tokens import tokenize, visible
from tests.core.index.dense import test_topk as dense_oracle
from tests.core.index.dense.test_topk import assert_same, brute
from tests.core.index.lexical import test_topk as lexical_oracle

D = 4
IDS = [f"{kind}{number}" for kind in "pv" for number in range(7)]
"""p: ordered by position, v: by version."""
LANGUAGES: list[Segment] = [(("language", "de"),), (("language", "en"), ("source", "wiki")), (("source", "wiki"),)]
FILTERS: list[Segment] = [(), (), (), (("language", "de"),), (("source", "wiki"),)]
WORDS = [f"w{number}" for number in range(10)] + ["the", "the", "the", "straße"]
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join),
    st.sampled_from(["w1 w2 w3 w4 w5 w6 w7 w8 w9 w0 w1 w2", "w1 w2 w3 w4 w5 w6 w7 w8 w9 w0 w1 w3"]),
    st.sampled_from(["👉 ✨ 📄 — 👈", "👉✨📄—👈\n", "👉 ✨", "---", " "]),
)


class OneBucket:
    """Every pair is a candidate, so what is found is what all pairs are."""

    width = 1

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        del shingles
        return np.zeros((len(counts), 1), np.uint32)


@dataclass(frozen=True)
class Question:
    """An anchor as drawn: its text, which of a few vectors, its filter."""

    text: str
    vector: int
    wanted: Segment


QUESTIONS = st.builds(
    Question,
    st.lists(st.sampled_from([*WORDS, "nowhere"]), min_size=1, max_size=4).map(" ".join),
    st.integers(0, 5),
    st.sampled_from(FILTERS),
)
UPSERTS = st.tuples(st.sampled_from(IDS), TEXTS, st.integers(0, 5), st.sampled_from(LANGUAGES), st.integers(0, 12))
EVENTS = st.one_of(UPSERTS, UPSERTS, UPSERTS, st.tuples(st.sampled_from(IDS), st.integers(0, 12)))


def vector(number: int) -> NDArray[np.float32]:
    """One of six; 4 and 5 all but tie."""
    made = np.random.default_rng(min(number, 4)).standard_normal((1, D)).astype(np.float32)
    made[0, 0] += np.float32(number // 5 * 1e-7)
    return prepare(made, Distance.COSINE).reshape(D)


def event(drawn: tuple[str, str, int, Segment, int] | tuple[str, int]) -> Upsert | Delete:
    name, version = drawn[0], int(drawn[-1]) if drawn[0].startswith("v") else None
    if len(drawn) == 2:
        return Delete(name, 0, version)
    _, text, number, segment, _ = drawn
    return Upsert(Chunk(name, "doc", 0, text, vector(number), "v", segment, 0, f"{text} {number}"), version)


def anchor_set(questions: Sequence[Question]) -> AnchorSet:
    anchors = [Anchor(f"a{at}", asked.text, vector(asked.vector)) for at, asked in enumerate(questions)]
    vectors = np.stack([vector(asked.vector) for asked in questions])
    return AnchorSet(anchors, vectors, np.ones(len(anchors)), [asked.wanted for asked in questions])


class EngineMachine(RuleBasedStateMachine):
    """Two partitions of events in any batches, deliveries again and late, anchors that come and go, restarts."""

    @initialize(questions=st.lists(QUESTIONS, min_size=1, max_size=4), k=st.integers(1, 3), okapi=st.booleans())
    def start(self, questions: list[Question], k: int, okapi: bool) -> None:
        self.k, self.questions = k, questions
        self.bm25 = Bm25Config("okapi" if okapi else "lucene")
        self.logs: dict[str, list[Located]] = {"p": [], "v": []}
        self.texts: dict[int, str] = {}
        self.corpus = Corpus(D)
        self.engine = self.built(self.corpus)

    def built(self, corpus: Corpus) -> Engine:
        depths = Depths(self.k, dense=True, lexical=True)
        anchors = anchor_set(self.questions)
        return Engine(anchors, corpus, depths, Distance.COSINE, self.bm25, bands=OneBucket())

    def feed(self, batch: Sequence[Located]) -> None:
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self.texts.update({row.key: text for row, text in zip(delta.rows, delta.texts, strict=True)})
        self.engine.apply(delta)

    def located(self, made: CorpusEvent, log: str) -> Located:
        self.logs[log].append(Located(Position(log, 0, len(self.logs[log])), made))
        return self.logs[log][-1]

    @rule(arriving=st.lists(EVENTS, max_size=16))
    def a_batch_arrives(self, arriving: list[tuple[str, str, int, Segment, int] | tuple[str, int]]) -> None:
        made = [event(drawn) for drawn in arriving]
        self.feed([self.located(one, drawn[0][0]) for one, drawn in zip(made, arriving, strict=True)])

    @rule(spared=st.sets(st.sampled_from(IDS), max_size=3))
    def nearly_everything_is_deleted(self, spared: set[str]) -> None:
        gone = [name for name in IDS if name not in spared]
        self.feed([self.located(Delete(name, 0, 9 if name[0] == "v" else None), name[0]) for name in gone])

    @rule(log=st.sampled_from("pv"), last=st.integers(1, 20))
    def a_suffix_is_delivered_again(self, log: str, last: int) -> None:
        before = self.engine.lists()
        self.feed(self.logs[log][-last:])
        for leg, lists in self.engine.lists().items():
            assert_same(lists, before[leg])

    @rule(name=st.sampled_from([name for name in IDS if name[0] == "v"]), text=TEXTS)
    def an_event_comes_too_late(self, name: str, text: str) -> None:
        chunk = Chunk(name, "doc", 0, text, vector(0), "v", (), 0, text)
        known = any(row.chunk_id == name for row in self.corpus.rows())
        before = self.engine.lists()
        self.feed([self.located(Upsert(chunk, -1) if known else Heartbeat(0), "v")])
        for leg, lists in self.engine.lists().items():
            assert_same(lists, before[leg])

    @rule(kept=st.lists(st.integers(0, 9), max_size=4), new=st.lists(QUESTIONS, max_size=2))
    def anchors_come_and_go(self, kept: list[int], new: list[Question]) -> None:
        before = self.questions
        chosen = [self.questions[at % len(self.questions)] for at in kept]
        self.questions = [*new, *chosen] or self.questions[::-1]
        found = self.engine.reanchor(anchor_set(self.questions))
        for asked, row in zip(self.questions, found.tolist(), strict=True):
            assert before[row] == asked if row >= 0 else asked not in before

    @rule(portion=st.integers(1, 9), late=st.booleans())
    def the_process_restarts(self, portion: int, late: bool) -> None:
        """What is started beside the caller is done as soon or as late as can be."""
        corpus, none = Corpus(D), np.zeros(0, np.int64)
        known = sorted(self.corpus.rows(), key=lambda row: row.key)
        kept = corpus.restore(known, [self.corpus.vectors[row.slot] if row.live else None for row in known])
        rows = [row for row in kept if row.live]
        deltas = []
        for at in range(0, len(rows), portion):
            some = rows[at : at + portion]
            slots = np.array([row.slot for row in some], np.int64)
            deltas.append(
                Delta(none, slots, some, [self.texts[row.key] for row in some], corpus.vectors[slots], none)
            )
        engine = self.built(corpus)
        engine.load(deltas, start=(lambda task: task) if late else at_once)
        for leg, lists in engine.lists().items():
            assert_same(lists, self.engine.lists()[leg])
        self.corpus, self.engine = corpus, engine

    @rule()
    def the_process_restarts_from_an_image(self) -> None:
        """What was maintained goes through a file and is taken up by an engine built anew."""
        corpus = Corpus(D)
        engine = self.built(corpus)
        assert engine.setup() == self.engine.setup()
        with TemporaryDirectory() as folder:
            image: Image = {"corpus": self.corpus.image(), "engine": self.engine.image()}
            name = write_image(Path(folder) / "image", image, written_by="1", setup="")
            read = read_image(Path(folder) / "image", name, written_by="1", setup="")
        corpus.resume(read["corpus"])
        engine.resume(read["engine"])
        assert {row.key: row for row in corpus.rows()} == {row.key: row for row in self.corpus.rows()}
        for leg, lists in engine.lists().items():
            assert_same(lists, self.engine.lists()[leg])
        self.corpus, self.engine = corpus, engine

    @invariant()
    def dense_lists_are_those_of_brute_force(self) -> None:
        if hasattr(self, "engine"):
            expected = brute(self.corpus, anchor_set(self.questions), self.k, Distance.COSINE)
            assert_same(self.engine.lists()["exact"], expected)

    @invariant()
    def floors_part_what_is_buffered_from_the_rest(self) -> None:
        if hasattr(self, "engine") and self.engine.dense is not None:
            stream = dense_oracle.Stream(anchor_set(self.questions), self.k, Distance.COSINE, D)
            stream.corpus, stream.engine = self.corpus, self.engine.dense
            stream.check_floors()

    @invariant()
    def lexical_lists_are_those_of_rank_bm25(self) -> None:
        if hasattr(self, "engine") and self.engine.lexical is not None:
            stream = lexical_oracle.Stream([], k=self.k, bm25=self.engine.lexical.bm25)
            stream.queries = [tokenize(asked.text) for asked in self.questions]
            stream.filters = [asked.wanted for asked in self.questions]
            live = [row for row in self.corpus.rows() if row.live]
            stream.texts = {row.chunk_id: (self.texts[row.key], row.segment) for row in live}
            stream.index = self.engine.lexical
            lexical_oracle.check(stream)

    @invariant()
    def copies_are_those_of_all_pairs(self) -> None:
        if hasattr(self, "engine"):
            texts = [self.texts[row.key] for row in self.corpus.rows() if row.live]
            vocabulary = Vocabulary()
            tokens = vocabulary.encode(texts)
            made = [shingle([ids], vocabulary.hashes, [text]) for ids, text in zip(tokens, texts, strict=True)]
            sets = [one.shingles for one in made]
            said = [ids.tolist() or visible(text) for ids, text in zip(tokens, texts, strict=True)]
            pairs = [(a, b) for a in range(len(sets)) for b in range(len(sets)) if a != b and said[a]]
            exact = {a for a, b in pairs if said[a] == said[b]}
            near = {a for a, b in pairs if jaccard(sets[a], sets[b]) >= THRESHOLD}
            found = self.engine.duplicates.counts("all")
            assert list(found.values()) == ([Copies(len(texts), len(exact), len(near))] if texts else [])


TestEngine = EngineMachine.TestCase
TestEngine.settings = settings(
    max_examples=2_400 if os.environ.get("CORPUS_DRIFT_DEEP") == "1" else 120, stateful_step_count=14, deadline=None
)
