"""The bridge between two panels: by hand, by identities, and whether its interval covers."""

import math

import numpy as np
import pytest

from monitor.core.model.anchors import Anchor
from monitor.core.model.lists import RankedLists
from monitor.core.traffic.panel import PanelBridge, PanelMeasured, bridges, held_out_gap, measured_panel
from tests.core.test_reanchor import World
from tests.core.traffic.test_coverage import anchor_set

NAME = ("ndcg", "dense")


def panel(*values: float, weights: tuple[float, ...] = ()) -> PanelMeasured:
    return PanelMeasured({NAME: np.array(values)}, np.array(weights or (1.0,) * len(values)))


def bridge(old: PanelMeasured, new: PanelMeasured, kept: list[int]) -> PanelBridge:
    (found,) = bridges(old, new, np.array(kept, np.int64))
    return found


def test_by_hand() -> None:
    found = bridge(panel(0.0, 1.0, 0.5), panel(1.0, 0.5, 1.0, 1.0), [1, 2, -1, -1])
    assert (found.before, found.after, found.difference) == pytest.approx((0.5, 0.875, 0.375))
    assert (found.matched, found.came, found.left) == (2, 2, 1)
    pull_new, pull_old = [0.125 / 4, -0.375 / 4, 0.125 / 4, 0.125 / 4], [-0.5 / 3, 0.5 / 3, 0.0]
    parts = [pull_new[0] - pull_old[1], pull_new[1] - pull_old[2], pull_new[2], pull_new[3], -pull_old[0]]
    half = 1.959963984540054 * math.sqrt(sum(of * of for of in parts))
    assert (found.lower, found.upper) == pytest.approx((0.375 - half, 0.375 + half))


def test_the_same_panel_makes_no_difference_in_whatever_order() -> None:
    found = bridge(panel(0.1, 0.9, math.nan, 0.4), panel(0.4, 0.1, 0.9, math.nan), [3, 0, 1, 2])
    assert found.difference == pytest.approx(0.0, abs=1e-15)
    assert found.upper - found.lower == pytest.approx(0.0, abs=1e-12)


def test_weights_count_and_what_is_not_known_does_not() -> None:
    found = bridge(panel(0.0, 1.0, math.nan, weights=(3.0, 1.0, 9.0)), panel(1.0), [1])
    assert (found.before, found.after) == (0.25, 1.0)


def test_no_values_are_unknown() -> None:
    found = bridge(panel(math.nan), panel(0.5), [-1])
    assert math.isnan(found.difference)
    assert math.isnan(found.lower)
    assert bridges(panel(0.5), PanelMeasured({}, np.ones(1)), np.array([-1])) == ()


def test_the_interval_covers_the_difference_of_the_populations() -> None:
    draw, held = np.random.default_rng(0), 0
    for _ in range(400):
        old, fresh = (
            draw.beta(2, 2, 160),
            draw.beta(3, 2, 40),
        )  # an eighth and more of the panel is another population
        new = np.concatenate((old[40:], fresh))
        found = bridge(panel(*old), panel(*new), [*range(40, 160), *[-1] * 40])
        held += found.lower <= 0.25 * (0.6 - 0.5) <= found.upper
    assert held >= 366  # 95% of 400, less three standard errors


def test_the_gap_of_shown_anchors_to_a_held_out_group() -> None:
    anchors = [
        Anchor(f"a{at}", "w", segment=(("panel", "held-out"),) if at < 2 else (), relevant={"hit": 1.0})
        for at in range(5)
    ]
    rows = [[("hit", 1.0)], [("miss", 1.0)], [("hit", 1.0)], [("hit", 1.0)], [("miss", 1.0), ("hit", 0.5)]]
    lists = RankedLists.of(rows, 2)
    (found,) = held_out_gap(anchor_set(*anchors), {"lexical": lists}, "panel", "held-out")
    third = 1.0 / math.log2(3.0)
    assert (found.metric, found.leg) == ("ndcg", "lexical")
    assert (found.before, found.after) == pytest.approx((0.5, (2.0 + third) / 3.0))
    assert found.lower < found.difference == found.after - found.before < found.upper
    assert held_out_gap(anchor_set(*anchors), {"lexical": lists}, "panel", "nobody") == ()


def test_a_panel_is_measured_by_its_exact_lists() -> None:
    world = World(0)
    engine = world.engine
    before = measured_panel(engine.anchors, engine.lists())
    assert set(before.values) == {("legs_rbo", "both")}
    kept = np.arange(len(engine.anchors))
    (found,) = bridges(before, measured_panel(engine.anchors, engine.lists()), kept)
    assert 0.0 <= found.before == found.after <= 1.0
