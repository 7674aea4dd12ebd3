"""Moved BM25 statistics by deploy: what happened to the scores while each deploy came."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from monitor.core.attribution import (
    STATISTICS,
    Attribution,
    Statistics,
    StatisticsCheckpoint,
    StatisticsTrajectory,
    folded,
)
from monitor.core.attribution.fold import by_deploys, by_source, whose
from monitor.core.attribution.known import CorpusView
from monitor.core.index.lexical.sources import Totals
from tests.core.attribution.test_weigher import quiet, world
from tests.core.attribution.world import SOURCES, WORDS, World, leg_of, plant


def totals(of: World) -> Totals:
    found = of.engine.by_source()
    assert found is not None
    return found.totals()


def scores(of: World) -> list[dict[int, float]]:
    """Score by chunk of each lexical list."""
    lists = of.lists()["lexical"]
    return [dict(zip(*pair, strict=True)) for pair in zip(lists.keys.tolist(), lists.scores.tolist(), strict=True)]


@pytest.mark.parametrize("seed", range(15))
def test_a_deploy_did_to_a_score_what_happened_to_it_while_it_came(seed: int) -> None:
    rng, of = world(seed)
    then, seen, steps = totals(of), [scores(of)], []
    for deploy in range(4):
        if deploy != 2:  # d2 brings nothing
            of.apply(quiet(rng, of, SOURCES[deploy], WORDS[int(rng.integers(8))][:5], int(rng.integers(1, 25))))
        steps.append(StatisticsCheckpoint(f"d{deploy}", totals(of)))
        seen.append(scores(of))
    lexical = of.engine.lexical
    assert lexical is not None
    path, known = StatisticsTrajectory(lexical.bm25, then, steps), CorpusView(of.corpus, of.engine)
    looked = 0
    for row in range(len(seen[0])):
        both = [key for key in seen[0][row] if key >= 0 and all(key in at[row] for at in seen)]
        if both:
            found = known._occurrences(row, np.array(both))
            assert found is not None
            names, made = path.contributions(found)
            assert names == ("d0", "d1", "d2", "d3")
            happened = [[after[row][key] - before[row][key] for key in both] for before, after in pairwise(seen)]
            assert made == pytest.approx(np.array(happened), abs=1e-9)
            assert not made[2].any()
            looked += 1
    assert looked > 20


def deploys_of(of: World, one: Attribution, since: int) -> dict[str, float]:
    culprits = of.blame(replace(of.snapshot(), positions={"t/0": since}))
    return {share.name: share.share for share in by_deploys(one, culprits.deploys, {"t/0": since})}


def quietly(seed: int, guilty: int) -> tuple[World, Attribution, int]:
    """Three deploys, one of which moves statistics and no list otherwise."""
    rng, of = world(seed)
    baseline = of.snapshot()
    for deploy in range(3):
        if deploy == guilty:
            of.apply(quiet(rng, of, "red", WORDS[seed % 8][:5], 40))
        of.deploy(f"d{deploy}")
    return of, leg_of(of.blame(baseline), "lexical"), baseline.positions["t/0"]


def test_the_deploy_that_moved_the_statistics_has_all_the_blame() -> None:
    seen = 0
    for seed in range(40):
        of, one, since = quietly(seed, seed % 3)
        if len(one.row):
            seen += 1
            assert all(isinstance(cause, Statistics) for cause in one.causes)
            assert deploys_of(of, one, since) == {f"d{seed % 3}": pytest.approx(1.0)}
            sources = folded(one, "source", by_source, statistics=whose)
            assert [share.name for share in sources] == ["red"], "sources are told as they were"
    assert seen > 20


@pytest.mark.parametrize("seed", range(10))
def test_shares_of_events_and_statistics_by_deploy_add_up(seed: int) -> None:
    rng, of = world(200 + seed)
    baseline = of.snapshot()
    for deploy in range(3):
        of.apply(plant(rng, of, [SOURCES[int(rng.integers(5))]]))
        of.apply(quiet(rng, of, "gold", WORDS[int(rng.integers(8))][:5], 15))
        of.deploy(f"d{deploy}")
    one = leg_of(of.blame(baseline), "lexical")
    told = one.by_deploy()
    assert told is not None
    assert told.part.sum() == pytest.approx(one.part.sum())
    assert told.slots(32) == pytest.approx(one.slots(32))
    some = np.unique(one.row)[::2]
    cut = one.of(some).by_deploy()
    assert cut is not None
    assert cut.part.sum() == pytest.approx(one.of(some).part.sum())
    shares = deploys_of(of, one, baseline.positions["t/0"])
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares.keys() <= {"d0", "d1", "d2"}


def test_deploys_whose_statistics_are_not_kept_are_not_told_apart() -> None:
    for seed in range(40):
        of, one, since = quietly(seed, 1)
        if len(one.row):
            break
    gone = [
        (at, StatisticsCheckpoint(mile.deploy, None) if mile.deploy == "d1" else mile) for at, mile in of.milestones
    ]
    of.milestones = gone
    baseline = world(seed)[1].snapshot()
    assert deploys_of(of, leg_of(of.blame(baseline), "lexical"), since) == {STATISTICS.name: pytest.approx(1.0)}
    assert leg_of(of.blame(baseline), "lexical").causes == one.causes, "sources are"


def test_terms_that_were_not_counted() -> None:
    """Anchors were changed in between: what a barrier did not count joins the next that did."""
    rng, of = world(5)
    lexical = of.engine.lexical
    assert lexical is not None
    first = totals(of)
    of.apply(quiet(rng, of, "red", WORDS[0][:5], 30))
    last, other = totals(of), replace(totals(of), terms=("never",), frequency=np.ones(1, np.int64))
    key = int(of.lists()["lexical"].keys[0, 0])
    found = CorpusView(of.corpus, of.engine)._occurrences(0, np.array([key]))
    assert found is not None

    def named(then: Totals, *steps: Totals | None) -> tuple[str, ...]:
        return StatisticsTrajectory(
            lexical.bm25, then, [StatisticsCheckpoint(f"d{at}", of) for at, of in enumerate(steps)]
        ).contributions(found)[0]

    assert named(first, last, last) == ("d0", "d1")
    assert named(first, other, last) == ("",)
    assert named(first, None, first, last) == ("", "d2")
    assert named(other, last) == ()
    assert named(first, last, other) == ()
    assert named(first) == ()
