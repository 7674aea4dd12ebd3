"""What the lists hold, on a real corpus: a slow look at each anchor is the oracle, and kept equals afresh."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from monitor.core.index.baseline import ListLeg
from monitor.core.measures.comparison.facts import MemberFacts
from monitor.core.measures.comparison.labels import floored
from monitor.core.measures.comparison.seen import Observation
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import DriftReport, Measurement
from tests.core.measures.comparison.worlds import (
    ANCHORS,
    DEPTHS,
    LEGS,
    Slow,
    World,
    drift,
    listed,
    one,
    swapped,
    weighted,
)
from tests.core.snapshots import ranked, seen


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_kept_equals_afresh_and_the_slow_look(seed: int, turns: int) -> None:
    world = World(seed)
    before, kept = world.snapshot(), drift()
    for _ in range(turns):
        view = world.turn()
        if world.generator.random() < 0.3:  # a brief look: what changed is owed to the next one
            kept.evaluate(before, None, replace(view, brief=True))
            continue
        report = kept.evaluate(before, None, view)
        assert repr(report) == repr(drift().evaluate(before, None, replace(view, changed=None)))
        for leg in LEGS:
            for k in DEPTHS:
                agree(report, Slow(world, before, leg, k), leg, view)


def agree(report: DriftReport, slow: Slow, leg: ListLeg, view: Observation) -> None:
    nan = math.nan
    rows = list(enumerate(slow.lists))
    expected = {
        "diversity_ratio": [nan if names is None else slow.diversity(names) for names in slow.lists],
        "topk_duplicate_ratio": [nan if names is None else slow.duplicates(names) for names in slow.lists],
        "distinct_sources": [nan if names is None else slow.distinct(names) for names in slow.lists],
        "changed_slot_ratio": [nan if names is None else slow.changed(names) for names in slow.lists],
        "source_coverage_ratio": [nan if names is None else slow.coverage(names, row) for row, names in rows],
    }
    before = [listed(slow.before.lists[leg], row, slow.k) for row in range(ANCHORS)]
    if leg == "lexical":  # on the dense leg ties at the cut are settled besides
        expected["collapsed_swaps"] = [
            nan if then is None or names is None else slow.exchanged(then, names)
            for then, names in zip(before, slow.lists, strict=True)
        ]
        expected["collapsed_document_swaps"] = [
            nan
            if then is None or names is None
            else swapped({slow.belonged(name) for name in then}, {slow.belongs(name) for name in names})
            for then, names in zip(before, slow.lists, strict=True)
        ]
    if leg == "dense":
        calm = [None if row in view.settling else names for row, names in rows]
        expected["ghost_ratio"] = [nan if names is None else slow.ghosts(names) for names in calm]
    for metric, values in expected.items():
        found = one(report, metric, leg, slow.k)
        assert found.value == pytest.approx(weighted(values), nan_ok=True), (metric, leg, slow.k)
        assert found.n == sum(not math.isnan(value) for value in values)
        assert (found.reason == "") == (found.n == found.expected), found
    assert one(report, "hub_share_ratio", leg, slow.k).value == pytest.approx(slow.hub())
    pooled = one(report, "score_wasserstein", leg, slow.k, stat="pooled")
    assert pooled.value == pytest.approx(
        pooled_distance(slow.before.lists[leg], view.lists[leg], slow.k), nan_ok=True
    )


def pooled_distance(then: RankedLists, now: RankedLists, k: int) -> float:
    """All scores of anchors with results on both sides, weighted, by scipy."""
    usable = np.flatnonzero(then.known & now.known & (then.lengths > 0) & (now.lengths > 0)).tolist()
    if not usable:
        return math.nan
    values = [np.concatenate([of.scores[at, : min(k, of.lengths[at])] for at in usable]) for of in (then, now)]
    weights = [np.repeat([1.0 + at % 3 for at in usable], np.minimum(k, of.lengths[usable])) for of in (then, now)]
    return float(wasserstein_distance(*values, *weights))


def test_only_anchors_that_are_asked_are_expected() -> None:
    """Six have judgements, six expect sources: the others are not missing anything."""
    world = World(5)
    report = drift().evaluate(world.snapshot(), None, world.view())
    assert one(report, "recall_ratio", "dense", 4).expected == 6
    assert one(report, "dead_qrel_ratio", "both", 0).expected == 6
    assert one(report, "source_coverage_ratio", "lexical", 2).expected == 6
    assert one(report, "diversity_ratio", "dense", 4).expected == ANCHORS


def test_labels_by_hand() -> None:
    """Of a0's three judged chunks two stand in the list, one of them first; c99 never was."""
    world = World(1)
    world.lists = {"dense": ranked([[("c1", 0.9), ("c5", 0.8), ("c0", 0.7)], *[[]] * 8], 4)}
    before = world.snapshot()
    report = drift().evaluate(before, None, world.view())
    gains = 2 / math.log2(2) + 1 / math.log2(4)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    de = [one(report, metric, "dense", 4, "de") for metric in ("recall_ratio", "ndcg_ratio", "mrr_ratio")]
    # weights of the labelled German anchors a0, a2, a6, a8: 1, 3, 1, 3; the last three found nothing
    assert [of.value for of in de] == pytest.approx([2 / 3 / 8, gains / ideal / 8, 1 / 8])
    assert [of.baseline for of in de] == pytest.approx([2 / 3 / 8, gains / ideal / 8, 1 / 8])
    judged = one(report, "judged_ratio", "dense", 4, "de")
    assert (judged.value, judged.n, judged.expected, judged.reason) == (2 / 3, 1, 4, "too_few_results")


def test_too_few_judgements_are_no_evidence() -> None:
    world = World(1)
    world.lists = {"dense": ranked([[("c1", 0.9), ("c5", 0.8), ("c4", 0.7)]] * 9, 4)}
    report = drift(0.4).evaluate(world.snapshot(), None, world.view())
    held = {
        name: one(report, name, "dense", 4) for name in ("recall_ratio", "ndcg_ratio", "mrr_ratio", "judged_ratio")
    }
    assert held["judged_ratio"].value == pytest.approx((6 * 1 / 3 + 0) / 12)
    for name in ("recall_ratio", "ndcg_ratio", "mrr_ratio"):
        assert math.isnan(held[name].value)
        assert held[name].reason == "too_few_judged: 0.167 < 0.4"
    enough = drift(0.16).evaluate(world.snapshot(), None, world.view())
    assert not math.isnan(one(enough, "recall_ratio", "dense", 4).value)


def test_a_total_loss_is_a_figure_and_not_null() -> None:
    """Everything judged is gone, so nothing is judged now: that is the worst there is to say, not nothing."""
    world = World(1)
    world.lists = {"dense": ranked([[("c1", 0.9), ("c0", 0.8), ("c3", 0.7)]] * 9, 4)}
    before = world.snapshot()
    world.lists = {"dense": ranked([[("c7", 0.9), ("c8", 0.8), ("c9", 0.7)]] * 9, 4)}
    lost = drift(0.3).evaluate(before, None, world.view())
    for name in ("recall_ratio", "ndcg_ratio", "mrr_ratio"):
        found = one(lost, name, "dense", 4)
        assert (found.value, found.reason) == (0.0, "")
        assert found.baseline > 0.2
    assert one(lost, "judged_ratio", "dense", 4).value == 0.0
    world.lists = {"dense": ranked([[]] * 9, 4)}
    empty = one(drift(0.3).evaluate(before, None, world.view()), "recall_ratio", "dense", 4)
    assert empty.value == 0.0, "and lists without a result found nothing either"


@pytest.mark.parametrize("kept", [False, True], ids=["afresh", "kept"])
def test_a_judgement_follows_its_text(kept: bool) -> None:
    """c1 is deleted and its text comes back as c8: the same figures as before, by whatever id."""
    world = World(1)
    world.write("c1", "what was judged")
    world.lists = {"dense": ranked([[("c1", 0.9), ("c5", 0.8)]] * 9, 4)}
    before, looking = world.snapshot(), drift()
    if kept:
        looking.evaluate(before, None, world.view())
    world.write("c1", None)
    world.write("c8", "what was judged")
    world.changed = ["c1", "c8"]
    world.lists = {"dense": ranked([[("c8", 0.9), ("c5", 0.8)]] * 9, 4)}
    report = looking.evaluate(before, None, world.view())
    for name in ("recall_ratio", "ndcg_ratio", "mrr_ratio", "judged_ratio"):
        found = one(report, name, "dense", 4)
        assert found.value == found.baseline > 0, name
    assert one(report, "dead_qrel_ratio", "both", 0).value > 0, "its id is gone all the same"
    world.write("c8", None)
    world.changed = ["c8"]
    gone = looking.evaluate(before, None, world.view())
    assert one(gone, "recall_ratio", "dense", 4).value == 0.0


def test_the_floor_keeps_the_reason_of_what_is_unknown_anyway() -> None:
    unknown = Measurement("recall_ratio", "dense", 4, "all", "all", "mean", math.nan, 0, 3, reason="not_replayed")
    assert list(floored([unknown], 0.5)) == [unknown]


def test_stored_lists_say_what_was_kept_and_why_the_rest_is_unknown() -> None:
    """`gate --baseline` judges kept lists: members and shingles are stored, vectors and events are not."""
    world = World(2)
    world.lists = {leg: ranked([[("c1", 0.9), ("c7", 0.8), ("c3", 0.7), ("c0", 0.6)]] * 9, 4) for leg in LEGS}
    before = world.snapshot()
    hashes = {key: member.content_hash for key, member in before.members.items()}
    facts = MemberFacts(before.members, before.shingles)
    view = replace(seen(world.lists), hashes=hashes, facts=facts)
    live = drift().evaluate(before, None, replace(world.view(), settling=frozenset()))
    stored = drift().evaluate(before, None, view)
    for metric in ("topk_duplicate_ratio", "source_coverage_ratio", "recall_ratio", "hub_share_ratio"):
        assert repr(one(stored, metric, "dense", 4)) == repr(one(live, metric, "dense", 4))
    diversity, changed = one(stored, "diversity_ratio", "dense", 4), one(stored, "changed_slot_ratio", "dense", 4)
    assert math.isnan(diversity.value)
    assert diversity.reason == "vectors_not_kept"
    assert math.isnan(changed.value)
    assert changed.reason == "events_not_kept"
    assert one(stored, "ghost_ratio", "dense", 4).reason == "deletions_only"


def test_anchors_left_out_while_the_index_settles_say_so() -> None:
    world = World(4)
    world.lists = {leg: ranked([[("c1", 0.9)]] * 9, 4) for leg in ("dense", "exact")}
    everybody = replace(world.view(), settling=frozenset(range(9)), failures={0: "deadline"})
    report = drift().evaluate(world.snapshot(), None, everybody)
    for metric in ("ann_recall_ratio", "score_parity_ratio", "ghost_ratio"):
        assert one(report, metric, "dense", 4).reason == "settling: 8 anchors"
