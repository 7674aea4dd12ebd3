"""All columns of a leg: names, reasons, and the incremental form to the bit."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.measures.formulas import ranking, scores
from monitor.core.measures.formulas.columns import (
    DEPTH_NOT_KEPT,
    NOISE_GAP_UNKNOWN,
    ListPair,
    Name,
    PairRows,
    Settings,
)
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.incremental import MeasureColumns, stale
from monitor.core.measures.needs import RESULTS, SCORES
from monitor.core.measures.registry import REGISTRY
from monitor.core.measures.views import ListsView
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas import singles
from tests.core.measures.formulas.rows import keyed, lists, pairs, row, same_bits

ALL_ON = Settings((2, 4), noise_gap=0.1, score_threshold=0.2, gap_threshold=0.2)


def measure(
    pair: ListPair, asked: Settings, previous: MeasureColumns[ListsView] | None = None, *masks: np.ndarray
) -> MeasureColumns[ListsView]:
    """The columns of a pair of lists; with masks (results, scores) only of the anchors in them, after `previous`."""
    made = MeasureColumns(REGISTRY.group("lists"), asked.depths) if previous is None else previous
    needed = masks or (np.ones(len(pair.baseline), np.bool_),) * 2
    parts = [stale(mask, lambda rows: ListsView(PairRows(pair, rows), asked)) for mask in needed]
    made.update(len(pair.baseline), dict(zip((RESULTS, SCORES), parts, strict=True)))
    return made


@given(pairs(max_depth=6))
def test_columns_are_the_measurements(lists_: tuple[RankedLists, RankedLists]) -> None:
    pair, matched = ListPair(*lists_), overlap(*lists_)
    depth = matched.depth
    found = measure(pair, Settings((depth,), noise_gap=0.1, gap_threshold=0.2))
    churn = singles.rank_churn(matched, depth)
    expected = {
        "jaccard_ratio": ranking.jaccard(matched, depth),
        "swaps": ranking.swaps(matched, depth),
        "rbo_ratio": ranking.rbo_ext(matched, depth),
        "kendall_distance_ratio": singles.kendall_distance(matched, depth),
        "rank_churn_ratio": churn.total,
        "rank_churn_moved_ratio": churn.moved,
        "rank_churn_exited_ratio": churn.exited,
        "rank_churn_entered_ratio": churn.entered,
        "score_wasserstein": singles.score_wasserstein(*lists_, depth),
    }
    for metric, values in expected.items():
        np.testing.assert_array_equal(found.of(metric, depth), values)
    single = {
        "top1_changed_ratio": ranking.top1_changed(matched),
        "top1_changed_decided_ratio": singles.top1_changed_decided(matched, scores.gap(lists_[0]), 0.1),
        "top1_score_drop": singles.top1_score_drop(*lists_),
        "gap_drop": singles.gap_drop(*lists_),
        "top1_score": np.where(matched.known, scores.top1_score(lists_[1]), np.nan),
        "gap": np.where(matched.known, scores.gap(lists_[1]), np.nan),
        "confidence_crossing_ratio": scores.confidence_crossing(*lists_, gap_at=0.2),
    }
    for metric, values in single.items():
        np.testing.assert_array_equal(found.of(metric), values)
    before = {"top1_score": scores.top1_score(lists_[0]), "gap": scores.gap(lists_[0])}
    for metric, values in before.items():
        column = found.values[found.names.index(Name(metric, 0, own=True))]
        np.testing.assert_array_equal(column, np.where(matched.known, values, np.nan))
    own = {Name(metric, 0, own=True) for metric in before}
    assert set(found.names) >= {Name(m, depth) for m in expected} | {Name(m, 0) for m in single} | own
    assert np.isnan(found.values[:, ~matched.known]).all()


@pytest.mark.parametrize("eps", [None, 0.0, 0.2])
@settings(max_examples=40)
@given(st.data())
def test_incremental_equals_full_to_the_bit(eps: float | None, data: st.DataObject) -> None:
    baseline, current = data.draw(pairs(max_anchors=6))
    anchors = len(baseline)
    asked = Settings((1, 3, 5), noise_gap=0.1, score_threshold=0.2, gap_threshold=0.2, tie_eps=eps)
    kept = measure(ListPair(baseline, current), asked)
    before = kept.values.copy()
    handed_out = kept.values
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, anchors - 1)))), np.int64)
    fresh = lists([data.draw(row(9, current.depth)) for _ in rows], current.depth)
    pair = ListPair(baseline, current.replaced(rows, fresh))
    mask = np.isin(np.arange(anchors), rows)
    step, full = measure(pair, asked, kept, mask, mask), measure(pair, asked)
    assert same_bits(step.values, full.values)
    assert (step.names, step.reasons) == (full.names, full.reasons)
    assert same_bits(handed_out, before), "what a report holds is never written to again"


@settings(max_examples=40)
@given(st.data())
def test_only_what_needs_the_scores_is_measured_anew_where_only_they_moved(data: st.DataObject) -> None:
    baseline, current = data.draw(pairs(max_anchors=6))
    asked = Settings((1, 3), noise_gap=0.1, score_threshold=0.2)
    kept = measure(ListPair(baseline, current), asked)
    pair = ListPair(baseline, replace(current, scores=current.scores * 1.5))
    nobody, everybody = np.zeros(len(baseline), np.bool_), np.ones(len(baseline), np.bool_)
    assert same_bits(measure(pair, asked, kept, nobody, everybody).values, measure(pair, asked).values)


@pytest.mark.parametrize("anchors", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("depth", [1, 7, 8, 9, 50])
def test_a_few_rows_of_many_have_the_bits_of_all(anchors: int, depth: int) -> None:
    rng = np.random.default_rng(depth * 1000 + anchors)
    pair = ListPair(random_lists(rng, 120, depth), random_lists(rng, 120, depth))
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
    pair = ListPair(*lists_)
    order = np.array(random.sample(range(len(pair.baseline)), len(pair.baseline)))
    there, shuffled = measure(pair, ALL_ON), measure(pair.take(order), ALL_ON)
    assert same_bits(np.ascontiguousarray(there.values[:, order]), shuffled.values)


def test_reasons() -> None:
    found = measure(ListPair(keyed(["ab", None, ""], 2), keyed(["ab", "ab", ""], 2)), Settings((2, 5)))
    why = dict(zip(found.names, found.reasons, strict=True))
    deep = [of.name for of in REGISTRY.group("lists") if of.deep]
    assert len(deep) == 9
    for metric in deep:
        assert (why[Name(metric, 5)], why[Name(metric, 2)]) == (DEPTH_NOT_KEPT, "")
        assert np.isnan(found.of(metric, 5)).all()
    assert why[Name("top1_changed_decided_ratio", 0)] == NOISE_GAP_UNKNOWN
    assert np.isnan(found.of("top1_changed_decided_ratio")).all()
    assert np.isnan(found.of("gap_drop")[2])
    assert "confidence_crossing_ratio" not in {name.metric for name in found.names}


def test_ties_at_the_cut_are_settled_for_every_depth() -> None:
    baseline = lists([[(1, 0.9), (2, 0.5), (3, 0.5)]], 3)
    current = lists([[(1, 0.9), (3, 0.5), (2, 0.5)]], 3)
    pair = ListPair(baseline, current)
    raw, calm = measure(pair, Settings((2, 3))), measure(pair, Settings((2, 3), tie_eps=1e-9))
    assert (raw.of("swaps", 2)[0], calm.of("swaps", 2)[0]) == (1.0, 0.0)
    assert raw.of("rank_churn_ratio", 3)[0] > calm.of("rank_churn_ratio", 3)[0] == 0.0


@pytest.mark.parametrize("depths", [(), (0,), (5, 5), (-1, 2)])
def test_depths_must_make_sense(depths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected one or more distinct depths"):
        Settings(depths)


def test_unequal_numbers_of_anchors() -> None:
    with pytest.raises(ValueError, match="1 baseline lists, 2 current ones"):
        measure(ListPair(keyed(["a"], 1), keyed(["a", "b"], 1)), Settings((1,)))


def test_a_column_that_was_not_measured() -> None:
    with pytest.raises(KeyError, match="recall"):
        measure(ListPair(keyed(["a"], 1), keyed(["a"], 1)), Settings((1,))).of("recall", 1)


def test_no_anchors() -> None:
    assert measure(ListPair(keyed([], 4), keyed([], 4)), ALL_ON).values.shape[1] == 0
