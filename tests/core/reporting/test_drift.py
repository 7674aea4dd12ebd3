"""Drift end to end on small snapshots: hand-computed values, a slow oracle, and what must not be measured."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model.anchors import AnchorSet
from monitor.core.model.problems import ProblemKind
from monitor.core.model.report import DriftReport, Measurement
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.snapshots import FINGERPRINT, anchor_set, plain, ranked, seen, snapshot

DE, EN = ((("language", "de"),), (("language", "en"),))
THREE = anchor_set([DE, DE, EN], weights=[1.0, 3.0, 4.0])
LETTERS = {letter: f"content {letter}" for letter in "abcdefgxyz"}


def drift(
    anchors: AnchorSet = THREE, depths: tuple[int, ...] = (3,), *, min_anchors: int = 1, cap: int = 9, **limits: float
) -> Drift:
    return Drift(anchors, FINGERPRINT, SegmentScope(("language",), cap, min_anchors), depths, limits)


def one(
    report: DriftReport, metric: str, segment: str = "all", *, stat: str = "mean", k: int = 3, leg: str = "dense"
) -> Measurement:
    found = [
        of
        for of in report.measurements
        if (of.metric, of.segment, of.stat, of.k, of.leg) == (metric, segment, stat, k, leg)
    ]
    assert len(found) == 1, (metric, segment, stat, k, leg, found)
    return found[0]


THEN = plain("abc", "abc", "xyz")
NOW = plain("abc", "bad", "", scores=(0.8, 0.75, 0.6))


def test_hand_computed_values_by_segment() -> None:
    """a0 is unchanged; in a1 b and a change places and c leaves for d; a2 finds nothing any more."""
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    report = drift().evaluate(before, None, seen({"dense": NOW}, hashes=LETTERS))
    assert report.problems == ()
    swaps = one(report, "swaps")
    assert (swaps.value, swaps.n, swaps.expected, swaps.reason, swaps.covered) == (15 / 8, 3, 3, "", 1.0)
    assert one(report, "swaps", "de").value == 3 / 4
    assert one(report, "swaps", "en").value == 3.0
    assert one(report, "swaps", stat="p50").value == 1.0
    assert one(report, "swaps", stat="p95").value == 3.0
    assert one(report, "jaccard_ratio", "de").value == pytest.approx((1 + 3 * 0.5) / 4)
    assert one(report, "jaccard_ratio", "en").value == 0.0
    assert one(report, "top1_changed_ratio", k=0).value == 7 / 8
    assert one(report, "collapsed_top1_changed_ratio").value == 7 / 8
    drop = one(report, "top1_score_drop", k=0)
    assert drop.value == pytest.approx(0.1)
    assert (drop.n, drop.expected, drop.reason) == (2, 3, "too_few_results")
    assert drop.covered == 0.5
    level = one(report, "top1_score", "de", k=0)
    assert level.value == pytest.approx(0.8)
    assert level.baseline == pytest.approx(0.9)
    assert (report.deploy_id, report.now, report.corpus, report.positions) == ("d1", 9, {"chunks": 3.0}, {"t/0": 4})
    assert report.baseline == before.identity


def test_nothing_happened_is_zero_everywhere() -> None:
    before = snapshot(THREE, {"dense": THEN, "lexical": NOW}, hashes=LETTERS)
    report = drift(depths=(1, 2, 3)).evaluate(before, None, seen({"dense": THEN, "lexical": NOW}, hashes=LETTERS))
    for of in report.measurements:
        if any(word in of.metric for word in ("swaps", "changed", "change", "drop", "shift", "churn", "wasserstein")):
            assert of.value == 0.0 or of.reason, of
        if of.metric in ("jaccard_ratio", "collapsed_jaccard_ratio", "rbo_ratio"):
            assert of.value == 1.0, of


def test_ids_renamed_without_new_content_are_no_content_drift() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    renamed = ranked(
        [[(f"new-{said}", 0.9 - at / 10) for at, said in enumerate(word)] for word in ("abc", "abc", "xyz")]
    )
    now = seen({"dense": renamed}, hashes={f"new-{said}": content for said, content in LETTERS.items()})
    report = drift().evaluate(before, None, now)
    assert one(report, "swaps").value == 2.0, "the last result ties at the cut with the one it replaced"
    assert one(report, "collapsed_swaps").value == 0.0
    assert one(report, "collapsed_jaccard_ratio").value == 1.0
    assert one(report, "collapsed_top1_changed_ratio").value == 0.0


def test_content_rewritten_under_the_same_ids_is_content_drift() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    report = drift().evaluate(before, None, seen({"dense": THEN}, hashes={**LETTERS, "a": "rewritten"}))
    assert one(report, "swaps").value == 0.0
    assert (one(report, "collapsed_swaps", "de").value, one(report, "collapsed_swaps", "en").value) == (1.0, 0.0)


def test_a_flood_of_copies_is_content_drift() -> None:
    """Three copies of one text say one thing: two of the three results readers had are gone."""
    anchors = anchor_set([DE])
    before = snapshot(anchors, {"dense": plain("abc")}, hashes=LETTERS)
    now = seen({"dense": plain("aef")}, hashes={"a": "content a", "e": "content a", "f": "content a"})
    assert one(drift(anchors).evaluate(before, None, now), "collapsed_swaps").value == 2.0


def test_ties_cut_otherwise_are_no_drift_by_id_nor_by_content() -> None:
    """Two results score alike at the cut: an engine may return either, and their contents differ."""
    anchors, scores = anchor_set([DE]), (0.9, 0.8, 0.5)
    before = snapshot(anchors, {"dense": plain("abc", scores=scores)}, hashes=LETTERS)
    report = drift(anchors).evaluate(before, None, seen({"dense": plain("abd", scores=scores)}, hashes=LETTERS))
    assert one(report, "swaps").value == 0.0
    assert one(report, "collapsed_swaps").value == 0.0
    untied = seen({"dense": plain("abd", scores=(0.9, 0.8, 0.4))}, hashes=LETTERS)
    assert one(drift(anchors).evaluate(before, None, untied), "collapsed_swaps").value == 1.0


def test_collapsed_metrics_look_at_the_results_within_the_depth() -> None:
    """At depth 2 readers saw a twice, and now a and b: what stands third is not theirs to miss."""
    anchors = anchor_set([DE])
    before = snapshot(anchors, {"dense": plain("axb")}, hashes={"a": "same", "x": "same", "b": "content b"})
    now = seen({"dense": plain("abx")}, hashes={"a": "same", "x": "same", "b": "content b"})
    report = drift(anchors, depths=(3, 2)).evaluate(before, None, now)
    assert one(report, "collapsed_swaps", k=3).value == 0.0
    assert one(report, "collapsed_swaps", k=2).value == 1.0


def test_changed_anchors_are_left_out_and_counted() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    changed = anchor_set([DE, DE, EN], texts={1: "another question"}, weights=[1.0, 3.0, 4.0])
    report = drift(changed).evaluate(before, None, seen({"dense": NOW}, hashes=LETTERS))
    assert report.changed_anchors == 1
    assert (one(report, "swaps").value, one(report, "swaps").expected) == (12 / 5, 2)


def test_a_segment_without_anchors_left_is_measured_as_nothing_with_its_reason() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    changed = anchor_set([DE, DE, EN], texts={2: "another question"})
    report = drift(changed).evaluate(before, None, seen({"dense": NOW}, hashes=LETTERS))
    empty = one(report, "swaps", "en")
    assert math.isnan(empty.value)
    assert (empty.n, empty.expected, empty.reason, empty.covered) == (0, 0, "no_anchors", 0.0)


def test_another_fingerprint_gives_problems_and_no_numbers() -> None:
    other = replace(FINGERPRINT, embedding_version="e0", k="5")
    before = snapshot(THREE, {"dense": THEN}, fingerprint=other)
    report = drift().evaluate(before, None, seen({"dense": THEN}, problems=["gap"]))
    assert report.measurements == ()
    assert tuple(str(of) for of in report.problems) == (
        "gap",
        "fingerprint differs from baseline 'main': embedding_version: baseline 'e0', now 'e1'",
        "fingerprint differs from baseline 'main': k: baseline '5', now '10'",
    )


def test_no_baseline_and_no_common_anchor_are_problems() -> None:
    report = drift().evaluate(None, None, seen({"dense": THEN}))
    assert (report.measurements, report.baseline) == ((), None)
    assert [of.kind for of in report.problems] == [ProblemKind.NO_BASELINE]
    strangers = snapshot(anchor_set([DE], texts={0: "x"}), {"dense": plain("abc")})
    said = drift().evaluate(strangers, None, seen({"dense": THEN})).problems
    assert tuple(str(of) for of in said) == (
        "no anchor of baseline 'main' asks the same now: capture and approve a new one",
    )


def test_failed_replays_reduce_n_and_say_why() -> None:
    before = snapshot(THREE, {"dense": THEN, "lexical": THEN}, hashes=LETTERS)
    lists = {"dense": plain("abc", "-", "-"), "lexical": THEN}
    failures = {1: "deadline", 2: "deadline"}
    report = drift().evaluate(before, None, seen(lists, hashes=LETTERS, failures=failures))  # type: ignore[arg-type]  # keys are legs
    whole = one(report, "swaps")
    assert (whole.value, whole.n, whole.expected, whole.covered) == (0.0, 1, 3, 1 / 8)
    assert whole.reason == "not_replayed: 2 x deadline"
    empty = one(report, "collapsed_swaps", "en")
    assert math.isnan(empty.value)
    assert (empty.n, empty.expected, empty.reason) == (0, 1, "not_replayed: 1 x deadline")
    lexical = one(report, "swaps", leg="lexical")
    assert (lexical.n, lexical.reason) == (3, "")
    assert one(report, "disagreement_ratio", leg="both").n == 1


def test_the_most_common_reason_is_told() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    failures = {0: "refused", 1: "deadline", 2: "deadline"}
    report = drift().evaluate(before, None, seen({"dense": plain("-", "-", "-")}, failures=failures))
    assert one(report, "swaps").reason in ("not_replayed", "not_replayed: 2 x deadline")
    assert one(report, "collapsed_swaps").reason == "not_replayed: 2 x deadline"


def test_small_segments_are_pooled_into_other() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    report = drift(min_anchors=2).evaluate(before, None, seen({"dense": NOW}, hashes=LETTERS))
    assert one(report, "swaps", "other").value == 3.0
    assert {of.segment for of in report.measurements} == {"all", "de", "other"}
    assert [(size.segment, size.watched) for size in report.segments if size.dimension == "language"] == [
        ("de", True),
        ("other", True),
        ("en", False),
    ]


def test_the_distance_to_the_pinned_baseline_is_measured_beside_the_moving_one() -> None:
    pinned = snapshot(THREE, {"dense": plain("xyz", "xyz", "xyz")}, hashes=LETTERS)
    moving = snapshot(THREE, {"dense": NOW}, name="deploy:d0", hashes=LETTERS)
    report = drift().evaluate(moving, pinned, seen({"dense": NOW}, hashes=LETTERS))
    assert one(report, "swaps").value == 0.0
    assert one(report, "pinned_swaps").value == 3.0
    assert one(report, "pinned_jaccard_ratio").value == 0.0
    assert [of.segment for of in report.measurements if of.metric == "pinned_swaps"] == ["all"]
    alone = drift().evaluate(pinned, pinned, seen({"dense": NOW}, hashes=LETTERS))
    assert not [of for of in alone.measurements if of.metric.startswith("pinned")]


def test_a_pinned_baseline_with_another_fingerprint_is_left_out() -> None:
    pinned = snapshot(THREE, {"dense": THEN}, fingerprint=replace(FINGERPRINT, k="5"))
    moving = snapshot(THREE, {"dense": THEN}, name="deploy:d0", hashes=LETTERS)
    report = drift().evaluate(moving, pinned, seen({"dense": THEN}, hashes=LETTERS))
    assert report.problems == ()
    assert not [of for of in report.measurements if of.metric.startswith("pinned")]


def test_settling_anchors_have_no_recall() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    lists = {"dense": plain("abc", "abd", "xyz"), "exact": THEN}
    calm = drift().evaluate(before, None, seen(lists, hashes=LETTERS))  # type: ignore[arg-type]  # keys are legs
    assert one(calm, "ann_recall_ratio", "en").value == 1.0
    busy = drift().evaluate(before, None, seen(lists, hashes=LETTERS, settling=[2]))  # type: ignore[arg-type]  # keys are legs
    assert math.isnan(one(busy, "ann_recall_ratio", "en").value)
    assert one(busy, "ann_recall_ratio", "de").n == 2


def test_thresholds_of_production() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    report = drift(dense=0.85).evaluate(before, None, seen({"dense": NOW}, hashes=LETTERS))
    assert one(report, "confidence_crossing_ratio", "de", k=0).value == 1.0


def test_thresholds_on_the_gap_and_on_distances() -> None:
    """Gaps are 0.1 then, and 0.05 now where anything is found."""
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    now = seen({"dense": NOW}, hashes=LETTERS)
    for gap, crossed in ((0.07, 1.0), (0.2, 0.0), (0.01, 0.0)):
        found = Drift(THREE, FINGERPRINT, SegmentScope(("language",), 9, 1), (3,), {}, gaps={"dense": gap})
        assert one(found.evaluate(before, None, now), "confidence_crossing_ratio", "de", k=0).value == crossed
    euclid = replace(FINGERPRINT, distance="euclid")
    far = [[(name, -float(at + 1)) for at, name in enumerate("abc")]] * 3
    farther = [[(name, -float(at + 2)) for at, name in enumerate("abc")]] * 3
    before = snapshot(THREE, {"dense": ranked(far)}, hashes=LETTERS, fingerprint=euclid)
    for distance, crossed in ((1.5, 1.0), (0.5, 0.0), (3.0, 0.0)):
        found = Drift(THREE, euclid, SegmentScope(("language",), 9, 1), (3,), {"dense": distance})
        report = found.evaluate(before, None, seen({"dense": ranked(farther)}, hashes=LETTERS))
        assert one(report, "confidence_crossing_ratio", "de", k=0).value == crossed


words = st.lists(st.permutations("abcdefg").map(lambda order: "".join(order[:4])), min_size=6, max_size=6)


def weighted(values: Sequence[float], weights: Sequence[float], level: float) -> float:
    """The smallest value that at least this share of the weight does not exceed."""
    ranked_values = sorted(zip(values, weights, strict=True))
    return next(
        value
        for at, (value, _) in enumerate(ranked_values)
        if math.fsum(weight for _, weight in ranked_values[: at + 1]) >= level * math.fsum(weights) - 1e-12
    )


@settings(deadline=None, max_examples=40)
@given(words, words, st.lists(st.integers(1, 9).map(float), min_size=6, max_size=6), st.integers(1, 4))
def test_a_slow_oracle_agrees(then: list[str], now: list[str], weights: list[float], k: int) -> None:
    anchors = anchor_set([DE, DE, DE, EN, EN, EN], weights=weights)
    before = snapshot(anchors, {"dense": plain(*then)}, hashes=LETTERS)
    anew = [[(said, 0.95 - at / 7) for at, said in enumerate(word)] for word in now]
    view = seen({"dense": ranked(anew, 4)}, hashes=LETTERS)
    before = replace(
        before, lists={"dense": ranked([list(zip(w, (0.9, 0.8, 0.7, 0.6), strict=True)) for w in then], 4)}
    )
    report = drift(anchors, depths=(k,)).evaluate(before, None, view)
    for segment, rows in (("all", range(6)), ("de", range(3)), ("en", range(3, 6))):
        shared = [len(set(then[row][:k]) & set(now[row][:k])) for row in rows]
        own = [weights[row] for row in rows]
        swaps = [float(k - count) for count in shared]
        mean = math.fsum(w * s for w, s in zip(own, swaps, strict=True)) / math.fsum(own)
        jaccard = math.fsum(w * count / (2 * k - count) for w, count in zip(own, shared, strict=True)) / math.fsum(
            own
        )
        for metric in ("swaps", "collapsed_swaps"):
            assert one(report, metric, segment, k=k).value == pytest.approx(mean, abs=1e-12)
            assert one(report, metric, segment, k=k, stat="p50").value == weighted(swaps, own, 0.5)
            assert one(report, metric, segment, k=k, stat="p95").value == weighted(swaps, own, 0.95)
        assert one(report, "jaccard_ratio", segment, k=k).value == pytest.approx(jaccard, abs=1e-12)
        first = math.fsum(w for row, w in zip(rows, own, strict=True) if then[row][0] != now[row][0])
        assert one(report, "top1_changed_ratio", segment, k=0).value == pytest.approx(first / math.fsum(own))


def test_the_same_view_gives_the_same_report() -> None:
    before = snapshot(THREE, {"dense": THEN}, hashes=LETTERS)
    view, judge = seen({"dense": NOW}, hashes=LETTERS), drift()
    assert repr(judge.evaluate(before, None, view)) == repr(judge.evaluate(before, None, view))
    assert repr(drift().evaluate(before, None, view)) == repr(judge.evaluate(before, None, view))
    assert np.array_equal(THEN.keys, plain("abc", "abc", "xyz").keys), "nothing was changed in place"
