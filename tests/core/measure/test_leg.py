"""All columns of a leg: names, reasons, and the incremental form to the bit."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.lists import NO_CHUNK, RankedLists
from monitor.core.measure import ranking, scores
from monitor.core.measure.columns import (
    DEPTH_NOT_KEPT,
    NOISE_GAP_UNKNOWN,
    NOT_REPLAYED,
    TOO_FEW_RESULTS,
    Name,
    Pair,
    Settings,
)
from monitor.core.measure.leg import RANKING, measure
from monitor.core.measure.overlap import overlap
from monitor.core.measure.wasserstein import score_wasserstein
from tests.core.measure.rows import keyed, lists, pairs, row, same_bits

ALL_ON = Settings((2, 4), noise_gap=0.1, score_threshold=0.2, gap_threshold=0.2)


@given(pairs(max_depth=6))
def test_columns_are_the_measurements(lists_: tuple[RankedLists, RankedLists]) -> None:
    pair, matched = Pair(*lists_), overlap(*lists_)
    depth = matched.depth
    found = measure(pair, Settings((depth,), noise_gap=0.1, gap_threshold=0.2))
    churn = ranking.rank_churn(matched, depth)
    expected = {
        "jaccard_ratio": ranking.jaccard(matched, depth),
        "swaps": ranking.swaps(matched, depth),
        "rbo_ratio": ranking.rbo_ext(matched, depth),
        "kendall_distance_ratio": ranking.kendall_distance(matched, depth),
        "rank_churn_ratio": churn.total,
        "rank_churn_moved_ratio": churn.moved,
        "rank_churn_exited_ratio": churn.exited,
        "rank_churn_entered_ratio": churn.entered,
        "score_wasserstein": score_wasserstein(*lists_, depth),
    }
    for metric, values in expected.items():
        np.testing.assert_array_equal(found.of(metric, depth), values)
    single = {
        "top1_changed_ratio": ranking.top1_changed(matched),
        "top1_changed_decided_ratio": ranking.top1_changed_decided(matched, scores.gap(lists_[0]), 0.1),
        "top1_score_drop": scores.top1_score_drop(*lists_),
        "gap_drop": scores.gap_drop(*lists_),
        "top1_score": np.where(matched.known, scores.top1_score(lists_[1]), np.nan),
        "top1_score_baseline": np.where(matched.known, scores.top1_score(lists_[0]), np.nan),
        "gap": np.where(matched.known, scores.gap(lists_[1]), np.nan),
        "gap_baseline": np.where(matched.known, scores.gap(lists_[0]), np.nan),
        "confidence_crossing_ratio": scores.confidence_crossing(*lists_, gap_at=0.2),
    }
    for metric, values in single.items():
        np.testing.assert_array_equal(found.of(metric), values)
    assert set(found.names) == {Name(m, depth) for m in expected} | {Name(m, 0) for m in single}
    assert np.isnan(found.values[:, ~found.known]).all()


@pytest.mark.parametrize("eps", [None, 0.0, 0.2])
@settings(max_examples=40)
@given(st.data())
def test_incremental_equals_full_to_the_bit(eps: float | None, data: st.DataObject) -> None:
    baseline, current = data.draw(pairs(max_anchors=6))
    anchors = len(baseline)
    asked = Settings((1, 3, 5), noise_gap=0.1, score_threshold=0.2, gap_threshold=0.2, tie_eps=eps)
    previous = measure(Pair(baseline, current), asked)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, anchors - 1)))), np.int64)
    fresh = lists([data.draw(row(9, current.depth)) for _ in rows], current.depth)
    now = current.replaced(rows, fresh)
    pair = Pair(baseline, now)
    step, full = measure(pair, asked, rows=rows, previous=previous), measure(pair, asked)
    assert same_bits(step.values, full.values)
    assert (step.names, step.reasons) == (full.names, full.reasons)
    np.testing.assert_array_equal(step.known, full.known)


@pytest.mark.parametrize("anchors", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("depth", [1, 7, 8, 9, 50])
def test_a_few_rows_of_many_have_the_bits_of_all(anchors: int, depth: int) -> None:
    rng = np.random.default_rng(depth * 1000 + anchors)
    pair = Pair(random_lists(rng, 120, depth), random_lists(rng, 120, depth))
    asked = Settings((depth,), noise_gap=0.1)
    full, rows = measure(pair, asked), np.sort(rng.choice(120, anchors, replace=False))
    assert same_bits(measure(pair.take(rows), asked).values, np.ascontiguousarray(full.values[:, rows]))


def random_lists(rng: np.random.Generator, anchors: int, depth: int) -> RankedLists:
    made = RankedLists.unknown(anchors, depth)
    made.keys[:] = np.argsort(rng.random((anchors, 2 * depth)), axis=1)[:, :depth]
    made.scores[:] = -np.sort(-rng.random((anchors, depth)), axis=1)
    made.lengths[:] = np.where(rng.random(anchors) < 0.3, rng.integers(0, depth + 1, anchors), depth)
    behind = np.arange(depth) >= made.lengths[:, None]
    made.keys[behind], made.scores[behind] = NO_CHUNK, np.nan
    made.known[:] = True
    return made


@given(pairs(), st.randoms(use_true_random=False))
def test_anchors_do_not_see_each_other(lists_: tuple[RankedLists, RankedLists], random: Random) -> None:
    pair = Pair(*lists_)
    order = np.array(random.sample(range(len(pair.baseline)), len(pair.baseline)))
    there, shuffled = measure(pair, ALL_ON), measure(pair.take(order), ALL_ON)
    assert same_bits(np.ascontiguousarray(there.values[:, order]), shuffled.values)


def test_reasons() -> None:
    found = measure(Pair(keyed(["ab", None, ""], 2), keyed(["ab", "ab", ""], 2)), Settings((2, 5)))
    at = {name: index for index, name in enumerate(found.names)}
    everyone, second, third = np.ones(3, bool), np.array([False, True, False]), np.array([False, False, True])
    for metric in (*RANKING, "score_wasserstein"):
        assert found.why(at[Name(metric, 5)], everyone) == DEPTH_NOT_KEPT
        assert np.isnan(found.of(metric, 5)).all()
    assert found.why(at[Name("top1_changed_decided_ratio", 0)], everyone) == NOISE_GAP_UNKNOWN
    assert found.why(at[Name("jaccard_ratio", 2)], second) == NOT_REPLAYED
    assert found.why(at[Name("gap_drop", 0)], third) == TOO_FEW_RESULTS
    assert "confidence_crossing_ratio" not in {name.metric for name in found.names}


def test_nothing_replayed_is_no_drift_value() -> None:
    found = measure(Pair(keyed(["ab"], 2), keyed([None], 2)), Settings((2,), noise_gap=0.1))
    assert set(found.reasons) == {NOT_REPLAYED}
    assert np.isnan(found.values).all()


def test_ties_at_the_cut_are_settled_for_every_depth() -> None:
    baseline = lists([[(1, 0.9), (2, 0.5), (3, 0.5)]], 3)
    current = lists([[(1, 0.9), (3, 0.5), (2, 0.5)]], 3)
    pair = Pair(baseline, current)
    raw, calm = measure(pair, Settings((2, 3))), measure(pair, Settings((2, 3), tie_eps=1e-9))
    assert (raw.of("swaps", 2)[0], calm.of("swaps", 2)[0]) == (1.0, 0.0)
    assert raw.of("rank_churn_ratio", 3)[0] > calm.of("rank_churn_ratio", 3)[0] == 0.0


def test_a_previous_result_for_other_settings_is_of_no_use() -> None:
    pair = Pair(keyed(["ab", "ab"], 2), keyed(["ab", "ax"], 2))
    stale = measure(pair, Settings((1,)))
    again = measure(pair, Settings((2,)), rows=np.array([0]), previous=stale)
    assert same_bits(again.values, measure(pair, Settings((2,))).values)


@pytest.mark.parametrize("depths", [(), (0,), (5, 5), (-1, 2)])
def test_depths_must_make_sense(depths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected one or more distinct depths"):
        Settings(depths)


def test_unequal_numbers_of_anchors() -> None:
    with pytest.raises(ValueError, match="1 baseline lists, 2 current ones"):
        measure(Pair(keyed(["a"], 1), keyed(["a", "b"], 1)), Settings((1,)))


def test_a_column_that_was_not_measured() -> None:
    with pytest.raises(KeyError, match="recall"):
        measure(Pair(keyed(["a"], 1), keyed(["a"], 1)), Settings((1,))).of("recall", 1)


def test_no_anchors() -> None:
    assert measure(Pair(keyed([], 4), keyed([], 4)), ALL_ON).values.shape[1] == 0
