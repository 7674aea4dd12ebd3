"""Who speaks for a question, against a search and a rank-biased overlap written out."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.traffic.model import TrafficStanding
from monitor.core.traffic.representing import REPRESENTED, AskedQuestions, represented, standings
from tests.core.test_reanchor import FILTERS, K, World, drawn


def rbo(left: Sequence[int], right: Sequence[int], p: float = 0.9) -> float:
    """Webber, Moffat and Zobel's equation 32, term by term."""
    short, long = sorted((list(left), list(right)), key=len)
    if not short:
        return 0.0

    def shared(depth: int) -> int:
        return len(set(short[:depth]) & set(long[:depth]))

    s, n = len(short), len(long)
    summed = sum(shared(d) / d * p**d for d in range(1, n + 1))
    summed += sum(shared(s) * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    return (1 - p) / p * summed + ((shared(n) - shared(s)) / n + shared(s) / s) * p**n


def keys(lists: RankedLists, row: int) -> list[int]:
    found: list[int] = lists.keys[row, : lists.lengths[row]].tolist()
    return found


def asked(world: World, count: int, *, without: int = 0) -> AskedQuestions:
    """Questions of which the last ones have no vector; every third asks what an anchor asks."""
    draw = world.generator
    vectors = drawn(draw.integers(0, 1_000, count).tolist())
    texts = [" ".join(f"w{word}" for word in draw.integers(0, 40, 3)) for _ in range(count)]
    filters: list[Segment] = [FILTERS[int(draw.integers(0, 4))] for _ in range(count)]
    for row in range(0, count, 3):
        text, seed, wanted = world.asked[row % len(world.asked)]
        vectors[row], texts[row], filters[row] = drawn([seed])[0], text, wanted
    vectors[count - without :] = 0.0
    return AskedQuestions(texts, filters, vectors)


def by_hand(world: World, questions: AskedQuestions, row: int) -> float:
    """The most alike anchor of the question's filter, by every list there is."""
    engine = world.engine
    assert engine.dense is not None
    own = engine.dense.search(questions.vectors[[row]], [questions.filters[row]], K)
    theirs = engine.lists()["exact"]
    return max(
        (
            rbo(keys(own, 0), keys(theirs, at))
            for at, wanted in enumerate(engine.anchors.filters)
            if wanted == questions.filters[row]
        ),
        default=0.0,
    )


@pytest.mark.parametrize("seed", range(4))
def test_by_brute_force_it_is_the_most_alike_anchor(seed: int) -> None:
    world = World(seed)
    questions = asked(world, 24)
    found = standings(world.engine, questions, k=K, days=[7] * 24, mark=lambda key: key, screened=0)
    for row, standing in enumerate(found):
        assert standing.likeness == pytest.approx(by_hand(world, questions, row), abs=1e-12)
        assert (standing.leg, standing.day) == ("dense", 7)
        assert bool(standing.nearest) == (standing.likeness > 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_screen_finds_nothing_that_brute_force_does_not(seed: int) -> None:
    world = World(seed)
    questions = asked(world, 24)
    few, every = (
        standings(world.engine, questions, k=K, days=[0] * len(questions), mark=lambda key: key, screened=most)
        for most in (2, 0)
    )
    for screened, whole in zip(few, every, strict=True):
        assert screened.likeness <= whole.likeness
        assert represented(whole) or not represented(screened)


def test_what_an_anchor_asks_is_represented_by_it() -> None:
    world = World(1)
    questions = asked(world, 12)
    digests = [anchor_digest(of) for of in world.engine.anchors.anchors]
    found = standings(world.engine, questions, k=K, days=[0] * len(questions), mark=lambda key: key)
    for row in range(0, 12, 3):
        assert found[row].likeness == 1.0
        assert found[row].results == ()
        assert found[row].nearest in digests


@pytest.mark.parametrize("seed", range(4))
def test_without_a_vector_the_lexical_lists_decide(seed: int) -> None:
    world = World(seed)
    questions = asked(world, 20, without=20)
    engine = world.engine
    assert engine.lexical is not None
    own = engine.lexical.search([text.split() for text in questions.texts], questions.filters, K)
    theirs = engine.lists()["lexical"]
    for row, standing in enumerate(
        standings(engine, questions, k=K, days=[0] * len(questions), mark=lambda key: -key)
    ):
        if not own.lengths[row]:
            assert (standing.leg, standing.results) == ("", ())
            assert math.isnan(standing.likeness)
            continue
        mine = [at for at, wanted in enumerate(engine.anchors.filters) if wanted == questions.filters[row]]
        best = max((rbo(keys(own, row), keys(theirs, at)) for at in mine), default=0.0)
        assert standing.likeness == standing.lexical == pytest.approx(best, abs=1e-12)
        assert standing.leg == "lexical"
        assert standing.results == (() if best >= REPRESENTED else tuple(-key for key in keys(own, row)))


def test_each_question_is_judged_as_it_would_be_alone() -> None:
    world = World(2)
    questions = asked(world, 20, without=6)
    together = standings(world.engine, questions, k=K, days=[0] * len(questions), mark=lambda key: key)
    for row in range(20):
        alone = AskedQuestions([questions.texts[row]], [questions.filters[row]], questions.vectors[[row]])
        (found,) = standings(world.engine, alone, k=K, days=[0], mark=lambda key: key)
        assert repr(found) == repr(together[row])  # repr: NaN is NaN


def test_a_question_that_finds_nothing_has_no_standing() -> None:
    world = World(0)
    nothing = AskedQuestions(["zzz"], [()], np.zeros((1, 4), np.float32))
    (found,) = standings(world.engine, nothing, k=K, days=[3], mark=lambda key: key)
    assert not represented(found)
    assert repr(found) == repr(TrafficStanding("", math.nan, math.nan, "", (), 3))
