"""Rewrites: asked beside the anchors, exactly, and compared with them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.measures.comparison.facts import CorpusFacts
from monitor.core.measures.comparison.seen import Observation
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import CorpusEvent, Located, Position
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import DriftReport, Measurement
from monitor.core.model.rewrites import rewrites_of, with_rewrites
from monitor.core.model.scoring import Distance
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.index.test_engine import DE, D, K, WholeSets, events, vector
from tests.core.snapshots import FINGERPRINT, ranked, seen, snapshot

ASKED = {"index token": ("token index", "drift"), "corpus drift": (), "query": ("score", "query query", "nothing")}


def anchor_set(*texts: str, encoded: bool = True) -> AnchorSet:
    """These questions with their rewrites; the last one only looks at German chunks."""
    anchors = [
        Anchor(f"a{at}", text, vector(len(text)), rewrites=ASKED.get(text, ())) for at, text in enumerate(texts)
    ]
    vectors = np.stack([vector(len(text)) for text in texts])
    others = [vector(len(text) + 50) for anchor in anchors for text in anchor.rewrites]
    beside = np.array(others, np.float32).reshape(-1, D) if encoded else None
    filters = [*[()] * (len(texts) - 1), DE]
    return AnchorSet(anchors, vectors, np.ones(len(texts)), filters, beside)


def as_anchors(anchors: AnchorSet) -> AnchorSet:
    """The rewrites alone, as if they were the anchors."""
    found = rewrites_of(anchors)
    made = [Anchor(f"r{number}", text) for number, (_, text) in enumerate(found)]
    vectors = np.zeros((len(found), D), np.float32) if anchors.rewrites is None else anchors.rewrites
    return AnchorSet(made, vectors, np.ones(len(found)), [anchors.filters[at] for at, _ in found])


def engine(anchors: AnchorSet, corpus: Corpus) -> Engine:
    depths = Depths(K, dense=True, lexical=True)
    return Engine(anchors, corpus, depths, Distance.COSINE, Bm25Config(), bands=WholeSets())


class Stream:
    """One corpus and several engines that are told of it."""

    def __init__(self, *sets: AnchorSet) -> None:
        self.corpus, self.offset = Corpus(D), 0
        self.engines = [engine(anchors, self.corpus) for anchors in sets]

    def feed(self, batch: Sequence[CorpusEvent]) -> None:
        located = [Located(Position("t", 0, self.offset + at), event) for at, event in enumerate(batch)]
        self.offset += len(batch)
        delta: Delta = self.corpus.delta(self.corpus.apply(located).changes)
        for one in self.engines:
            touched = one.apply(delta)
            assert {len(rows) for rows in touched.values()} == {len(one.anchors)}


def same(left: RankedLists, right: RankedLists) -> None:
    np.testing.assert_array_equal(left.keys, right.keys)
    np.testing.assert_array_equal(left.scores, right.scores)
    np.testing.assert_array_equal(left.lengths, right.lengths)


FIRST = anchor_set("index token", "corpus drift", "query")
SECOND = anchor_set("query", "another question", "index token")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(events(), max_size=6), min_size=1, max_size=4), st.booleans())
def test_rewrites_are_asked_like_anchors_and_disturb_none(batches: list[list[CorpusEvent]], other: bool) -> None:
    """Also when other anchors are watched in the middle of the stream."""
    last = SECOND if other else FIRST
    alone = AnchorSet([replace(of, rewrites=()) for of in last.anchors], last.vectors, last.weights, last.filters)
    stream = Stream(FIRST, alone, as_anchors(last))
    for batch in batches[:-1]:
        stream.feed(batch)
    both, without, rewrites = stream.engines
    if other:
        both.reanchor(last)
    stream.feed(batches[-1])
    for leg, lists in both.lists().items():
        same(lists, without.lists()[leg])
    for leg, lists in both.rewrites().items():
        same(lists, rewrites.lists()[leg])
    assert both.rewrites().keys() == {"exact", "lexical"}
    assert without.rewrites() == {}
    assert both.lexical is not None
    assert without.lexical is not None
    assert repr(both.lexical.statistics()) == repr(without.lexical.statistics()), "terms of anchors, not of rewrites"


def test_without_an_encoder_only_words_are_asked() -> None:
    stream = Stream(anchor_set("index token", "query", encoded=False))
    stream.feed([])
    assert stream.engines[0].rewrites().keys() == {"lexical"}
    assert len(with_rewrites(anchor_set("query", encoded=False), vectors=True)) == 1


WATCHED = AnchorSet(
    [Anchor(f"a{at}", f"question {at}", rewrites=("x",) * (at % 3)) for at in range(6)],
    np.zeros((6, 0), np.float32),
    np.array([1.0, 2.0, 1.0, 3.0, 1.0, 1.0]),
    [()] * 6,
)
PAIRS: tuple[tuple[str, ListLeg], ...] = (("dense", "exact"), ("lexical", "lexical"))
OWNERS = [1, 2, 2, 4, 5, 5]


def drift() -> Drift:
    return Drift(WATCHED, FINGERPRINT, SegmentScope((), 9, 1), (3, 2), {})


def found(report: DriftReport, leg: str, k: int) -> Measurement:
    return next(of for of in report.measurements if (of.metric, of.leg, of.k) == ("rewrite_stability_ratio", leg, k))


class Turning:
    """Lists of six anchors and of their six rewrites that move from turn to turn."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.lists: dict[ListLeg, RankedLists] = {leg: self.drawn() for leg in ("dense", "exact", "lexical")}
        self.rewrites: dict[ListLeg, RankedLists] = {leg: self.drawn() for leg in ("exact", "lexical")}

    def drawn(self) -> RankedLists:
        rows = []
        for _ in range(6):
            names = self.generator.permutation(list("abcde"))[: self.generator.integers(0, 4)].tolist()
            rows.append([(name, 1.0 - at / 9) for at, name in enumerate(names)])
        return ranked(rows, 3)

    def turn(self) -> Observation:
        for of in (self.lists, self.rewrites):
            for leg in of:
                rows = np.flatnonzero(self.generator.random(6) < 0.3)
                of[leg] = of[leg].replaced(rows, self.drawn().take(rows))
        nothing = np.zeros(0, np.int64)
        return replace(seen(self.lists), deploy_id="", rewrites=dict(self.rewrites), changed=nothing)

    def expected(self, leg: ListLeg, k: int) -> float:
        """Anchor by anchor, rewrite by rewrite."""
        total = weight = 0.0
        for row in sorted(set(OWNERS)):
            own = set(self.lists[leg].keys[row, : min(k, self.lists[leg].lengths[row])].tolist())
            others = [at for at, owner in enumerate(OWNERS) if owner == row]
            sets = [
                set(self.rewrites[leg].keys[at, : min(k, self.rewrites[leg].lengths[at])].tolist()) for at in others
            ]
            similar = [len(own & of) / len(own | of) if own | of else 1.0 for of in sets]
            total += WATCHED.weights[row] * sum(similar) / len(similar)
            weight += WATCHED.weights[row]
        return total / weight


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_kept_equals_afresh_and_by_hand(seed: int, turns: int) -> None:
    world, kept = Turning(seed), drift()
    before = snapshot(WATCHED, dict(world.lists))
    for _ in range(turns):
        view = world.turn()
        report = kept.evaluate(before, None, view)
        assert repr(report) == repr(drift().evaluate(before, None, view))
        for k in (3, 2):
            for leg, of in PAIRS:
                held = found(report, leg, k)
                assert held.value == pytest.approx(world.expected(of, k))
                assert (held.n, held.expected, held.reason) == (4, 4, "")


def test_what_cannot_be_asked_says_why() -> None:
    world = Turning(1)
    before, corpus = snapshot(WATCHED, dict(world.lists)), Corpus(0)
    only_words = replace(world.turn(), rewrites={"lexical": world.rewrites["lexical"]})
    live = replace(only_words, facts=CorpusFacts(corpus, engine(FIRST, Corpus(D)).duplicates))
    held = found(drift().evaluate(before, None, live), "dense", 3)
    assert math.isnan(held.value)
    assert (held.n, held.expected, held.reason) == (0, 4, "no_encoder")
    stored = found(drift().evaluate(before, None, replace(only_words, rewrites={})), "lexical", 3)
    assert stored.reason == "rewrites_not_kept"
