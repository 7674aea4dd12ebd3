"""A new ranking measure is one object: report, judge, METRICS.md, exporter and colours have it."""

from dataclasses import replace

import numpy as np
import pytest

from dashboards.metrics_page import metrics_page
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.core.index.baseline import Snapshot
from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Rule, value_range
from monitor.core.measures.measure import COUNT, SHARE, AnyMeasure, Measure
from monitor.core.measures.needs import CONTENTS, JUDGEMENTS, LEGS, RESULTS
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.reporting.drift import Drift, Observation, SegmentScope
from tests.adapters.prometheus.test_exporter import value
from tests.adapters.views import view
from tests.core.measures.comparison.worlds import World, anchors, one
from tests.core.snapshots import FINGERPRINT, anchor_set, plain, seen, snapshot

KEPT: AnyMeasure = Measure(
    "kept_first_ratio", "ratio", "Share of anchors whose baseline first result is still in the top k",
    "More answers stay.",
    family="Ranking stability", needs=RESULTS, range=SHARE, better="higher", statistics=("mean", "p05"),
    compute=lambda lists, k: (lists.matched(k).cut(k)[0] > 0).astype(np.float64),
)  # fmt: skip
NEW: AnyMeasure = Measure(
    "new_contents", "results", "Contents of the top k that were not in it", "More is said that was not.",
    family="Ranking stability", needs=CONTENTS, range=COUNT, better="lower",
    compute=lambda said, k: np.count_nonzero(said.matched(k)[0].entered(k), axis=1).astype(np.float64),
)  # fmt: skip
MEASURES = REGISTRY.plus(KEPT, NEW)
ANCHORS = anchor_set([(("language", at),) for at in ("de", "de", "en", "en")], weights=[1.0, 3.0, 1.0, 1.0])


HASHES = {letter: f"says {letter}" for letter in "abcxz"} | {"y": "says a"}


def drift(measures: MeasureRegistry = MEASURES) -> Drift:
    return Drift(ANCHORS, FINGERPRINT, SegmentScope(("language",), 9, 1), (3, 1), {}, registry=measures)


def baseline() -> Snapshot:
    """Each anchor answers a, b, c."""
    return snapshot(ANCHORS, {"lexical": plain("abc", "abc", "abc", "abc")}, hashes=HASHES)


def look(*now: str) -> Observation:
    return replace(seen({"lexical": plain(*now)}, hashes=HASHES), deploy_id="", changed=np.zeros(0, np.int64))


def test_the_report_has_it() -> None:
    before, now = baseline(), look("abc", "xab", "ybc", "-")
    report = drift().evaluate(before, None, now)
    found = {(of.metric, of.k, of.segment, of.stat): of for of in report.measurements}
    # a stays in the first two lists (weights 1 and 3), leaves the third; the fourth is not known
    assert found["kept_first_ratio", 3, "all", "mean"].value == pytest.approx(4 / 5)
    assert found["kept_first_ratio", 1, "all", "mean"].value == pytest.approx(1 / 5)
    assert found["kept_first_ratio", 3, "de", "mean"].value == 1.0
    assert found["kept_first_ratio", 3, "en", "p05"].value == 0.0
    english = found["kept_first_ratio", 3, "en", "mean"]
    assert (english.n, english.expected) == (1, 2)
    # x is new in the second list; y of the third says what a said
    assert found["new_contents", 3, "all", "mean"].value == pytest.approx(3 / 5)
    without = drift(REGISTRY).evaluate(before, None, now)
    others = [of for of in report.measurements if of.metric not in (KEPT.name, NEW.name)]
    assert repr(others) == repr(list(without.measurements))


def test_kept_from_turn_to_turn_it_is_what_a_measurement_of_everything_gives() -> None:
    kept, before = drift(), baseline()
    for now in (("abc", "abc", "abc", "abc"), ("abc", "abc", "bca", "abc"), ("-", "abc", "bca", "xyz")):
        assert repr(kept.evaluate(before, None, look(*now))) == repr(drift().evaluate(before, None, look(*now)))


def test_the_judge_knows_its_range() -> None:
    rule = Rule("kept", KEPT.name, "lexical", "mean", 3, min=0.9, min_anchors=1)
    assert value_range(rule, MEASURES) == (0.0, 1.0)
    assert value_range(replace(rule, metric=NEW.name), MEASURES) == (0.0, 3.0)
    assert judge([rule], drift().evaluate(baseline(), None, look("xbc", "xbc", "abc", "abc"))).verdict == "fail"


def test_a_new_measure_with_labels_says_nothing_below_the_floor_of_judged_results() -> None:
    precision: AnyMeasure = Measure(
        "precision_ratio", "ratio", "Share of the top k that is relevant", "More of it is.",
        family="With labels", needs=JUDGEMENTS, range=SHARE, better="higher",
        compute=lambda held, _: np.full(len(held.lists), 0.5),
    )  # fmt: skip
    world = World(3)
    before = world.snapshot()
    for floor in (0.0, 1.0):
        scope = SegmentScope((), 9, 1)
        asked = Drift(anchors(), FINGERPRINT, scope, (4,), {}, min_judged=floor, registry=REGISTRY.plus(precision))
        report = asked.evaluate(before, None, replace(world.view(), changed=None))
        said = one(report, "precision_ratio", "dense", 4)
        assert (said.value == 0.5) == (floor == 0.0)
        assert said.reason.startswith("too_few_judged") == (floor == 1.0)


def test_it_is_documented_and_exported() -> None:
    row = f"| `corpus_drift_kept_first_ratio` | gauge, ratio | M | {KEPT.help} | {KEPT.rises} |"
    assert row in metrics_page(MEASURES).splitlines()
    report = drift().evaluate(baseline(), None, look("abc", "xab", "bca", "abc"))
    text = MetricsPage(MEASURES).render(replace(view(["s"]), report=report))
    assert value(text, "corpus_drift_kept_first_ratio", segment="all", k="1", stat="mean") == pytest.approx(2 / 6)
    assert f"# HELP corpus_drift_kept_first_ratio {KEPT.help}" in text.decode()


def test_its_colour_follows_from_range_and_direction() -> None:
    assert KEPT.harm(0.75, 3) == pytest.approx(0.25)
    assert NEW.harm(1.5, 3) == pytest.approx(0.5)
    assert Measure("x", "score", "", "", better="lower").harm(5.0, 3) is None, "without bounds there is no scale"
    assert Measure("x", "ratio", "", "", range=SHARE).harm(0.5, 3) is None, "nor without a direction"


def test_the_product_s_own_registry_stays_as_it_is() -> None:
    assert KEPT.name not in REGISTRY.by_name
    assert KEPT.name not in metrics_page()
    with pytest.raises(LookupError, match="'kept_first_ratio' has no entry"):
        REGISTRY.entry(KEPT.name)


def test_a_name_stands_in_it_once() -> None:
    with pytest.raises(ValueError, match="swaps stands in it twice"):
        REGISTRY.plus(replace(KEPT, name="swaps"))


def test_every_measure_of_anchors_says_how_it_is_computed_and_only_those() -> None:
    for of in REGISTRY.measures:
        assert (of.needs is None) == (of.compute is None), of.name
        low, high = of.range.at(10)
        assert low < high
        assert (of.unit == "ratio") >= of.percent
    assert {of.needs for of in REGISTRY.measures} >= {RESULTS, CONTENTS, LEGS}
