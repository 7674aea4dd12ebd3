"""The share of unexplained churn, against a slow look at the attribution; what was not replayed is not calm."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from monitor.core.attribution.culprits import DriftAttribution, unexplained
from monitor.core.index.baseline import ListLeg
from monitor.core.measures.comparison.summary import SETTLING
from monitor.core.measures.formulas.columns import NOT_REPLAYED
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Measurement
from tests.core.attribution.world import K, World, initial, leg_of, plant, questions


class Failing(World):
    """An index that does not answer for some anchors."""

    failing: tuple[int, ...] = ()

    def lists(self) -> dict[ListLeg, RankedLists]:
        made, rows = super().lists(), np.array(self.failing, np.int64)
        return {**made, "dense": made["dense"].replaced(rows, RankedLists.unknown(len(rows), K))}


def churned(seed: int) -> tuple[World, Failing]:
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), questions(rng)
    before, after = World(state, anchors), Failing(state, anchors)
    after.apply(plant(rng, after, ["red", "blue"]))
    return before, after


def by_segment(found: tuple[Measurement, ...]) -> dict[str, Measurement]:
    return {one.segment: one for one in found}


def culprits(before: World, after: Failing, failing: Iterable[int]) -> DriftAttribution:
    after.failing = tuple(failing)
    return after.blame(before.snapshot())


@pytest.mark.parametrize("seed", range(5))
def test_anchors_that_were_not_replayed_are_left_out_and_counted(seed: int) -> None:
    before, after = churned(seed)
    alignment = replace(after.align(before.snapshot()), weights=np.arange(1.0, 33.0))
    found = by_segment(culprits(before, after, (1, 4, 7, 30)).measurements(alignment))
    assert (found["all"].n, found["all"].expected, found["all"].reason) == (28, 32, NOT_REPLAYED)
    assert found["all"].covered == pytest.approx(1 - (2 + 5 + 8 + 31) / sum(range(1, 33)))
    assert found["all"].value == 0.0
    assert (found["de"].n, found["en"].n) == (14, 14)


def test_an_index_that_answers_for_nobody_is_unknown_and_not_calm() -> None:
    before, after = churned(9)
    baseline = before.snapshot()
    found = by_segment(culprits(before, after, range(32)).measurements(after.align(baseline)))
    for one in found.values():
        assert np.isnan(one.value)
        assert (one.n, one.covered, one.reason) == (0, 0.0, NOT_REPLAYED)


def test_each_alignment_is_counted_once_and_for_itself() -> None:
    before, after = churned(1)
    baseline = before.snapshot()
    found, whole = culprits(before, after, (1, 4)), after.align(baseline)
    part = whole.only(np.arange(3, 20))
    for alignment in (whole, part, whole):
        kept, afresh = found.measurements(alignment), replace(found).measurements(replace(alignment))
        assert kept == afresh
        assert found.measurements(alignment) is kept
    assert found.measurements(whole) != found.measurements(part)
    assert found.causes(()) == replace(found).causes(())


@pytest.mark.parametrize("seed", range(5))
def test_the_share_is_that_of_a_slow_sum(seed: int) -> None:
    """Some causes are forgotten, some anchors settle; the weights are not equal."""
    rng = np.random.default_rng(seed)
    before, after = churned(seed)
    baseline = before.snapshot()
    found = after.blame(baseline)
    one = leg_of(found, "dense")
    one = replace(one, cause=np.where(rng.random(len(one.cause)) < 0.3, -1, one.cause))
    alignment = replace(after.align(baseline), weights=rng.random(32) + 0.1)
    around = replace(found.circumstances, settling=frozenset([2, 5]))
    made = {(of.dimension, of.segment): of for of in unexplained(one, alignment, around)}
    for segment, rows in {"all": range(32), "en": range(0, 32, 2), "de": range(1, 32, 2)}.items():
        entries = [at for at in range(len(one.row)) if one.row[at] in rows and one.row[at] not in (2, 5)]
        total = sum(alignment.weights[one.row[at]] * one.part[at] for at in entries)
        left = sum(alignment.weights[one.row[at]] * one.part[at] for at in entries if one.cause[at] < 0)
        of = made["all" if segment == "all" else "language", segment]
        assert of.value == pytest.approx(left / total)
        assert of.reason == SETTLING
