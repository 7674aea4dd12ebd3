"""Leaks by hand, and against sets of words."""

import numpy as np
import pytest

from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Upsert
from monitor.core.session import Session
from monitor.core.traffic.leak import TUNING, AnchorLeak, containment, corpus_leaks, tuning_leaks
from tests.core.traffic.test_coverage import anchor_set

LONG = "how do I rotate the signing key of a production cluster without downtime"
SHORT = "rotate the key"


def session(*texts: str) -> Session:
    made = Session([Anchor("long", LONG), Anchor("short", SHORT)], depths=(3,))
    made.apply(Upsert(Chunk.of(f"c{at}", text)) for at, text in enumerate(texts))
    return made


def leaks(of: Session) -> tuple[AnchorLeak, ...]:
    assert isinstance(of.corpus, Corpus)
    return corpus_leaks(of.engine.anchors, of.engine.lists(), of.corpus, of.engine.duplicates)


def test_an_anchor_that_stands_in_a_chunk_is_found() -> None:
    assert leaks(session("To rotate a key, ask the operator.", f"FAQ. {LONG}? Like this.")) == (
        AnchorLeak("long", "c1", 1.0),
    )


def test_a_phrase_that_anybody_writes_is_none() -> None:
    assert leaks(session("You can rotate the key at any time.")) == ()
    assert leaks(session()) == ()


def test_one_word_of_many_may_differ() -> None:
    words = LONG.split()
    edited = " ".join([*words[:-1], "pain"])
    (found,) = leaks(session(edited))
    assert found.containment == pytest.approx((len(words) - 3) / (len(words) - 2))
    assert leaks(session(" ".join([*words[:5], "pain", *words[6:]]))) == (), "three of eleven shingles are gone"


def test_tuning_texts() -> None:
    anchors = anchor_set(Anchor("long", LONG), Anchor("short", SHORT), Anchor("one", "key"))
    assert tuning_leaks(anchors, ["Rotate THE key!", "something else", f"{LONG} please"]) == (
        AnchorLeak("long", TUNING, 1.0),
        AnchorLeak("short", TUNING, 1.0),
    )
    assert tuning_leaks(anchors, ["rotate the key now", "the key"]) == ()
    assert tuning_leaks(anchors, []) == ()


def test_containment_is_of_sets() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        left, right = (
            np.unique(generator.integers(0, 30, generator.integers(0, 20))).astype(np.uint32) for _ in range(2)
        )
        expected = len(set(left.tolist()) & set(right.tolist())) / len(left) if len(left) else 0.0
        assert containment(left, right) == pytest.approx(expected)
