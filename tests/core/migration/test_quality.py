"""Paired quality: ir-measures and brute force as oracles; non-inferiority by its level and power."""

import math
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, R, Success, nDCG
from scipy import stats

from monitor.core.judging.beta import share_upper
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.migration.quality import (
    METRICS,
    KnownItems,
    PairedColumn,
    QualityDifference,
    QualityLabels,
    compared_quality,
    detectable,
    difference,
    hit,
    measurable,
    non_inferiority,
    quality,
)
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from tests.core.migration.simulations import READY_LEVEL, WorseEncoders

CHUNKS = "abcdefgh"


def labels(relevant: list[dict[str, float]], known: list[list[str]] | None = None) -> QualityLabels:
    rows = known or [[] for _ in relevant]
    none = [frozenset[str]() for _ in relevant]
    return QualityLabels(Judgements.of(relevant), KnownItems.of(rows, none, [""] * len(rows), {}), {})


@st.composite
def lists_and_items(draw: st.DrawFn) -> tuple[list[list[tuple[str, float]]], list[dict[str, float]], list[list[str]]]:
    anchors = draw(st.integers(1, 4))
    order = st.lists(st.sampled_from(CHUNKS), unique=True, min_size=1)
    rows = [[(chunk, 1.0 - at / 10) for at, chunk in enumerate(draw(order))] for _ in range(anchors)]
    grades = st.dictionaries(st.sampled_from(CHUNKS), st.sampled_from([0.0, 1.0, 2.0]))
    items = st.lists(st.sampled_from(CHUNKS), unique=True)
    return rows, [draw(grades) for _ in range(anchors)], [draw(items) for _ in range(anchors)]


@settings(max_examples=60, deadline=None)
@given(lists_and_items(), st.integers(1, 9))
def test_each_metric_equals_ir_measures(
    drawn: tuple[list[list[tuple[str, float]]], list[dict[str, float]], list[list[str]]], depth: int
) -> None:
    rows, grades, items = drawn
    found, lists = labels(grades, items), RankedLists.of(rows, 8)
    run = {str(at): dict(row) for at, row in enumerate(rows)}
    for metric, other in zip(METRICS, (nDCG, R, RR, Success), strict=True):
        wanted = [dict.fromkeys(row, 1.0) for row in items] if metric == "hit" else grades
        qrels = {str(at): {c: int(g) for c, g in row.items()} for at, row in enumerate(wanted) if row}
        theirs = {of.query_id: of.value for of in ir_measures.iter_calc([other @ depth], qrels, run)} if qrels else {}
        column = quality(metric, lists, found, depth)
        there = measurable(metric, found)
        for at, row in enumerate(wanted):
            assert there[at] == any(grade >= 1 for grade in row.values())
            assert column[at] == pytest.approx(theirs[str(at)] if there[at] else math.nan, nan_ok=True)


def test_a_hit_by_hand() -> None:
    lists = RankedLists.of([[("a", 3.0), ("b", 2.0)], [("c", 1.0)], None, []], 3)
    known = KnownItems.of([["b"], ["a"], ["a"], ["a"]], [frozenset()] * 4, [""] * 4, {})
    assert hit(lists, known, {}, 1).tolist()[:2] == [0.0, 0.0]
    found = hit(lists, known, {}, 2)
    assert found[:2].tolist() == [1.0, 0.0]
    assert math.isnan(found[2]), "a list that could not be had is no miss"
    assert found[3] == 0.0


def test_an_expected_source_is_an_answer() -> None:
    lists = RankedLists.of([[("a", 3.0), ("b", 2.0)], [("a", 1.0)]], 2)
    known = KnownItems.of([[], []], [frozenset({"pricing"}), frozenset()], ["", ""], {})
    sources = {chunk_key("a"): "docs", chunk_key("b"): "pricing"}
    assert hit(lists, known, sources, 1)[0] == 0.0
    found = hit(lists, known, sources, 2)
    assert found[0] == 1.0
    assert math.isnan(found[1]), "nothing is known of the second anchor"


def test_a_document_is_never_its_own_query() -> None:
    own = text_hash("rotate the key")
    known = KnownItems.of([["a", "b"], ["a"]], [frozenset()] * 2, [own, own], {chunk_key("a"): own})
    assert known.keys.tolist() == [[chunk_key("b")], [-1]]
    assert not measurable("hit", QualityLabels(Judgements.of([{}, {}]), known, {}))[1]


def column(old: list[float], new: list[float], members: list[int] | None = None) -> PairedColumn:
    before, after = np.array(old), np.array(new)
    count = len(before)
    clusters = np.arange(count) if members is None else np.array(members)
    return PairedColumn("ndcg", 10, before, after, np.ones(count, np.bool_), np.ones(count), clusters)


def test_identical_versions_are_told_apart_from_none_by_their_number_alone() -> None:
    """All differences zero: what was not sampled may still lose everything, as for Clopper and Pearson."""
    for count, verdict in ((20, "inconclusive"), (200, "pass")):
        found = compared_quality(column([0.5] * count, [0.5] * count), {}, margin=0.02, segment_margin=0.05, least=20)
        assert found[0].difference == 0.0
        assert found[0].verdict == verdict
        # one cluster more at the far end of the range: the same bound as that of a share that was never seen
        assert found[0].lower == pytest.approx(-share_upper(0, count, 0.05), abs=1e-6)


def test_nothing_measured_is_unknown() -> None:
    nothing = column([math.nan] * 3, [0.5] * 3)
    found = compared_quality(nothing, {}, margin=0.02, segment_margin=0.05, least=1)
    assert [of.verdict for of in found] == ["unknown"]
    assert math.isnan(found[0].difference)
    empty = compared_quality(column([], []), {}, margin=0.02, segment_margin=0.05, least=1)
    assert empty[0].verdict == "unknown"


def test_lists_that_could_not_be_had_may_be_anything() -> None:
    full = column([0.5] * 300, [0.5] * 300)
    half = replace(full, new=np.where(np.arange(300) < 270, 0.5, math.nan))
    whole, part = (compared_quality(of, {}, margin=0.02, segment_margin=0.05, least=20)[0] for of in (full, half))
    assert whole.verdict == "pass"
    assert part.verdict == "inconclusive"
    assert part.n == 270
    assert part.expected == 300
    assert part.lower < -0.1, "a tenth of the anchors may have lost everything"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_swapping_the_versions_turns_the_sign(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    old, new = generator.random(count).tolist(), generator.random(count).tolist()
    one, other = (
        difference(column(*pair), np.ones(count, np.bool_), 0.02, ("all", "all")) for pair in ((old, new), (new, old))
    )
    assert one.difference == pytest.approx(-other.difference)
    assert one.lower == pytest.approx(-other.upper, abs=1e-9)
    assert one.lower <= one.difference <= one.upper
    assert one.no_worse == pytest.approx(other.no_worse if old == new else one.no_worse)


def test_the_bounds_agree_with_a_bootstrap_that_is_drawn() -> None:
    generator = np.random.default_rng(4)
    change = np.clip(generator.normal(0.01, 0.2, 400), -0.5, 0.5)
    members = np.repeat(np.arange(200), 2)
    found = difference(
        column([0.5] * 400, (0.5 + change).tolist(), members.tolist()), np.ones(400, np.bool_), 0.02, ("all", "all")
    )
    assert found.clusters == 200
    totals = change.reshape(200, 2).sum(axis=1)
    drawn = [totals[generator.integers(0, 200, 200)].sum() / 400 for _ in range(4_000)]
    assert found.lower == pytest.approx(np.quantile(drawn, 0.05), abs=0.008)
    assert found.upper == pytest.approx(np.quantile(drawn, 0.95), abs=0.008)


def test_detectable_is_the_textbook_effect() -> None:
    expected = (stats.norm.isf(0.05) + stats.norm.isf(0.2)) * 0.25 / 20.0 + 1 / 400
    assert detectable(0.25, 400, 400.0) == pytest.approx(expected)
    assert math.isnan(detectable(0.25, 1, 1.0))
    heavy = PairedColumn(
        "hit",
        10,
        np.zeros(100),
        np.zeros(100),
        np.ones(100, np.bool_),
        np.ones(100),
        np.repeat([0, 1, 2], [90, 5, 5]),
    )
    found = difference(heavy, np.ones(100, np.bool_), 0.02, ("all", "all"))
    assert found.detectable > 0.8, "one document with nine tenths of the anchors is one witness"


def test_each_passes_at_its_own_level_and_losses_are_corrected_by_holm() -> None:
    safe = difference(column([0.5] * 400, [0.6] * 400), np.ones(400, np.bool_), 0.02, ("all", "all"))
    tight = replace(safe, dimension="language", segment="de", no_worse=0.04)
    made = non_inferiority(safe, [tight, replace(tight, segment="en", no_worse=0.06)])
    assert [of.verdict for of in made] == ["pass", "pass", "inconclusive"]
    lost = replace(tight, no_worse=1.0, worse=0.04)
    made = non_inferiority(safe, [lost, replace(lost, segment="en")])
    assert [of.verdict for of in made] == ["pass", "inconclusive", "inconclusive"], "0.04 > 0.05 / 2"
    made = non_inferiority(safe, [lost, replace(lost, segment="en", worse=0.02)])
    assert [of.verdict for of in made] == ["pass", "fail", "fail"]


def test_it_says_how_many_anchors_would_decide() -> None:
    generator = np.random.default_rng(5)
    old = 0.5 + 0.1 * generator.standard_normal(200)
    new = old + 0.2 * generator.standard_normal(200)
    new += float(np.mean(old - new))
    whole = np.ones(200, np.bool_)
    few = difference(column(old.tolist(), new.tolist()), whole, 0.02, ("all", "all"))
    assert few.no_worse > 0.05
    assert 200 < few.needed < 5_000
    times = few.needed // 200 + 1
    many = column(np.tile(old, times).tolist(), np.tile(new, times).tolist())
    assert difference(many, np.ones(200 * times, np.bool_), 0.02, ("all", "all")).no_worse <= 0.05


def test_a_small_segment_is_not_judged() -> None:
    names = ["de"] * 5 + ["en"] * 95
    made = compared_quality(
        column([0.5] * 100, [0.5] * 100), {"language": names}, margin=0.02, segment_margin=0.05, least=20
    )
    assert [of.segment for of in made] == ["all", "en"]


def test_a_worse_encoder_is_seldom_called_ready() -> None:
    """The short form of `python -m tests.core.migration`: encoders exactly at the margin, the hardest ones."""
    worse = WorseEncoders(seed=5)
    said = [worse.judged(loss=0.02)[0].verdict for _ in range(120)]
    assert said.count("pass") <= int(stats.binom.isf(1e-4, 120, READY_LEVEL))
    in_segment = [worse.judged(loss=0.0, segment_loss=0.05) for _ in range(60)]
    ready = [all(of.verdict == "pass" for of in found) for found in in_segment]
    assert sum(ready) <= int(stats.binom.isf(1e-4, 60, READY_LEVEL))


def test_a_better_encoder_is_called_ready_and_a_bad_one_is_not() -> None:
    worse = WorseEncoders(seed=6)
    better: list[list[QualityDifference]] = [worse.judged(loss=-0.03) for _ in range(20)]
    assert sum(found[0].verdict == "pass" for found in better) >= 18
    bad = [worse.judged(loss=0.08)[0].verdict for _ in range(20)]
    assert bad.count("fail") >= 18
