"""A deploy that is judged against another deploy: the pinned baseline's noise floor, and how far that one eroded."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.core.evaluation import evidence_of
from monitor.core.index.baseline import Snapshot
from monitor.core.judging.policy import Rule
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.report import Leg
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.snapshots import anchor_set, plain, seen, snapshot
from tests.fingerprints import APPROXIMATE

NOW = anchor_set([()] * 5)
LETTERS = {letter: f"content {letter}" for letter in "abcdefgxyz"}
RULES = (Rule("swaps", "collapsed_swaps", "dense", "mean", 3, max=1.0, min_anchors=1),)
COLUMN: tuple[Leg, Name] = ("dense", Name("collapsed_swaps", 3))


def moving() -> tuple[Snapshot, Drift, Observation]:
    """A deploy's own snapshot as the baseline, and lists that have nothing of it any more."""
    baseline = snapshot(
        NOW, {"dense": plain(*["abc"] * 5)}, name="deploy:d1", hashes=LETTERS, fingerprint=APPROXIMATE
    )
    drift = Drift(NOW, APPROXIMATE, SegmentScope((), 9, 1), (3,), {})
    return baseline, drift, seen({"dense": plain(*["xyz"] * 5)}, hashes=LETTERS)


def test_a_moving_baseline_has_the_noise_of_the_pinned_one() -> None:
    """The pinned one knew three of the anchors, in another order; its twin differs by none, one and two results."""
    some = replace(NOW, anchors=[NOW.anchors[at] for at in (4, 0, 2)], weights=np.ones(3), filters=[()] * 3)
    pinned = snapshot(some, {"dense": plain("abc", "abc", "abc")}, hashes=LETTERS, fingerprint=APPROXIMATE)
    pinned = replace(pinned, noise=plain("abc", "abd", "ade", scores=(0.9, 0.75, 0.65)))
    baseline, drift, view = moving()
    found = evidence_of(baseline, drift.compared(baseline, pinned, view), RULES)
    assert found is not None
    assert found.noise[COLUMN] == pytest.approx(np.array([1.0, np.nan, 2.0, np.nan, 0.0]), nan_ok=True)
    alone = evidence_of(baseline, drift.compared(baseline, None, view), RULES)
    assert alone is not None
    assert not alone.noise
    own = evidence_of(pinned, drift.compared(pinned, pinned, view), RULES)
    assert own is not None
    assert sorted(own.noise[COLUMN].tolist()) == [0.0, 1.0, 2.0], "its own, where it is the baseline itself"


def test_a_pinned_baseline_of_another_fingerprint_lends_nothing() -> None:
    other = replace(APPROXIMATE, embedding_version="e2")
    pinned = replace(
        snapshot(NOW, {"dense": plain(*["abc"] * 5)}, hashes=LETTERS, fingerprint=other), noise=plain(*["abd"] * 5)
    )
    baseline, drift, view = moving()
    found = evidence_of(baseline, drift.compared(baseline, pinned, view), RULES)
    assert found is not None
    assert not found.noise


def test_how_far_a_moving_baseline_is_from_the_pinned_one() -> None:
    """The pinned one knew three of the anchors, in another order; what the deploy itself has plays no part."""
    some = replace(NOW, anchors=[NOW.anchors[at] for at in (4, 0, 2)], weights=np.ones(3), filters=[()] * 3)
    pinned = snapshot(some, {"dense": plain("abc", "abd", "xyz")}, hashes=LETTERS, fingerprint=APPROXIMATE)
    baseline, drift, view = moving()
    found = evidence_of(baseline, drift.compared(baseline, pinned, view), RULES)
    assert found is not None
    swaps = found.eroded["dense", Name("pinned_swaps", 3)]
    assert swaps == pytest.approx(np.array([1.0, np.nan, 3.0, np.nan, 0.0]), nan_ok=True)
    kept = found.eroded["dense", Name("pinned_kept_answers_ratio", 3)]
    assert kept == pytest.approx(np.array([1.0, np.nan, 0.0, np.nan, 1.0]), nan_ok=True)
    before = snapshot(NOW, {"dense": plain(*["xyz"] * 5)}, name="deploy:d0", hashes=LETTERS, fingerprint=APPROXIMATE)
    report = drift.evaluate(before, pinned, Observation.kept(baseline, drift.lists_of(baseline), now=7))
    (same,) = [of for of in report.measurements if of.metric == "pinned_swaps" and of.stat == "mean"]
    assert np.nanmean(swaps) == pytest.approx(same.value), "what was said when the baseline was judged itself"
    alone = evidence_of(baseline, drift.compared(baseline, baseline, view), RULES)
    assert alone is not None
    assert not alone.eroded
