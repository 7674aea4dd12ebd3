"""Pictures as text: coordinates worked by hand, scales that keep order, XML whatever the names hold."""

import doctest
import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.web.page import svg
from monitor.adapters.web.page.anchor_past import bump
from monitor.adapters.web.page.charts import LARGE, SMALL, over_deploys, over_hours, past_table
from monitor.adapters.web.page.deploys import BAR, bar
from monitor.adapters.web.page.svg import Scale, bounds, crosses, dots, element, line, picture, steps
from monitor.core.records.history import HOUR, Series
from monitor.core.records.reading import Reading
from tests.adapters.pasts import NOW, past
from tests.adapters.views import HOSTILE

NAN = float("nan")
numbers = st.floats(-1e6, 1e6, allow_nan=False)
values = st.lists(st.one_of(st.just(NAN), st.floats(0.0, 1.0)), min_size=1, max_size=40)


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(svg).attempted > 5


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (line([]), ""),
        (line([None, None]), ""),
        (line([(0, 0), (10, 5), (20, 2.505)]), "M0 0L10 5L20 2.51"),
        (line([None, (1, 1), None, (2, 2), (3, 3), None]), "M1 1h0M2 2L3 3"),
        (steps([(0, 4), (10, 4), None, (20, 8)]), "M0 4H5H10M20 8h0"),
        (steps([(0, 4), (10, 8), (20, 8)]), "M0 4H5V8H15H20"),
        (dots([]), ""),
        (crosses([(10, 10)], (2, 2)), "M8 8l4 4m0-4l-4 4"),
    ],
)
def test_paths_worked_by_hand(made: str, expected: str) -> None:
    assert made == expected


@given(numbers, numbers, numbers, numbers, st.lists(numbers, min_size=2, max_size=9))
def test_a_scale_keeps_order_and_stays_between_its_ends(
    low: float, high: float, start: float, end: float, of: list[float]
) -> None:
    scale = Scale(low, high, start, end)
    places = [scale(value) for value in sorted(of)]
    assert all(min(start, end) - 1e-6 <= place <= max(start, end) + 1e-6 for place in places)
    turned = places if end >= start else places[::-1]
    assert all(one <= other + 1e-6 for one, other in pairwise(turned))


@given(st.lists(st.one_of(st.just(NAN), st.just(math.inf), numbers), max_size=9), st.floats(0.0, 10.0))
def test_bounds_hold_every_number_that_is_known(of: list[float], least: float) -> None:
    found, known = bounds(of, least=least), [value for value in of if math.isfinite(value)]
    if not known:
        assert found is None
        return
    assert found is not None
    assert all(found[0] <= value <= found[1] for value in known)
    assert found[1] - found[0] >= min(least, 10.0) - 1e-6


@given(st.text(), st.sampled_from(HOSTILE))
def test_any_name_makes_xml(label: str, name: str) -> None:
    made = picture((10, 10), label, [element("path", {"class": name, "d": label}, name)])
    root = parsed(made)
    assert root.tag == "svg"
    assert [child.tag for child in root] == ["path"]
    if label:
        assert root.get("role") == "img"
    assert "<script" not in str(made)


def parsed(made: str) -> ET.Element:
    return ET.fromstring(str(made))  # noqa: S314 - made here


def inside(made: str, size: tuple[float, float]) -> bool:
    """Whether every absolute coordinate of every path stands in the picture."""
    root = parsed(made)
    assert root.get("viewBox") == f"0 0 {size[0]:g} {size[1]:g}"
    for one in root:
        for command, x, y in re.findall(r"([ML])(-?[\d.]+) (-?[\d.]+)", one.get("d", "")):
            if not (0 <= float(x) <= size[0] and 0 <= float(y) <= size[1]):
                return False
            assert command
    return True


@given(values, st.sampled_from(["kept_answers_ratio", "swaps", "rank_churn_ratio"]), st.booleans(), st.data())
def test_every_chart_stands_in_its_picture_and_unknown_is_a_gap(
    of: list[float], metric: str, large: bool, data: st.DataObject
) -> None:
    limits = data.draw(st.lists(st.one_of(st.just(NAN), st.floats(0.0, 1.0)), min_size=len(of), max_size=len(of)))
    verdicts = data.draw(
        st.lists(st.sampled_from(["pass", "fail", "unknown", ""]), min_size=len(of), max_size=len(of))
    )
    made = Reading(Series(metric, "dense"), tuple(of), tuple(limits), ("d",) * len(of), tuple(verdicts))
    chart = over_deploys(made, large=large)
    assert chart is not None
    assert inside(str(chart.picture), LARGE if large else SMALL)
    drawn = [one.get("d", "") for one in parsed(chart.picture) if one.get("class") == "dense"]
    runs = sum(known and not before for known, before in zip(
        [not math.isnan(value) for value in of], [False, *(not math.isnan(value) for value in of)], strict=False
    ))  # fmt: skip
    assert "".join(drawn).count("M") == runs


def test_a_chart_worked_by_hand() -> None:
    """Four deploys in 120 by 32: kept answers 1, unknown, 0.9 beyond its limit of 0.95, 1."""
    made = Reading(
        Series("kept_answers_ratio", "dense"), (1.0, NAN, 0.9, 1.0), (0.95,) * 4, ("a", "b", "c", "d"), ("",) * 4
    )
    chart = over_deploys(made)
    assert chart is not None
    paths = {one.get("class"): one.get("d") for one in parsed(chart.picture)}
    assert paths["dense"] == "M18 4h0M74 28L102 4"  # x: 4 + 112 * (at + 0.5) / 4; y: 4 is 100%, 28 is 90%
    assert paths["limit"] == "M18 16H32H60H88H102"
    assert paths["beyond"] == "M71.5 25.5l5 5m0-5l-5 5"
    assert (chart.top, chart.bottom, chart.now) == ("100%", "90%", "100%")
    assert chart.said == "lowest 90%, limit 95%, 1 of 4 beyond it, 1 unknown"
    assert chart.beyond is False


def test_less_is_better_for_swaps_and_the_last_one_is_beyond() -> None:
    made = Reading(Series("swaps", "lexical"), (0.5, 2.5), (2.0, 2.0), ("d<1>", "d2"), ("pass", "fail"))
    chart = over_deploys(made, large=True)
    assert chart is not None
    assert chart.said == "highest 2.50 at d2, limit 2.00, 1 of 2 beyond it"
    assert (chart.beyond, chart.top, chart.bottom) == (True, "2.50", "0.00")


def test_nothing_known_and_nothing_there() -> None:
    unknown = over_deploys(Reading(Series("swaps", "dense"), (NAN, NAN), (NAN, NAN), ("a", "b"), ("", "")))
    assert unknown is not None
    assert (unknown.now, unknown.said) == ("unknown", "nothing known")
    assert 'class="dense"' not in unknown.picture
    empty = Reading(Series("swaps", "dense"), (), (), (), ())
    assert over_deploys(empty) is None
    assert over_hours(empty, (), ()) is None


def test_hours_in_which_nobody_was_there_are_a_gap() -> None:
    found = past([("all", "all")], deploys=3, hours=6)
    hours = [*found.hours[:2], *found.hours[4:]]
    made = over_hours(
        past_table(hours).reading("all", "all", Series("swaps", "dense")), hours, found.deploys, large=True
    )
    assert made is not None
    paths = {one.get("class"): one.get("d", "") for one in parsed(made.picture)}
    assert paths["dense"].count("M") == 2
    assert hours[0].taken == NOW - 6 * HOUR
    assert paths["at"].count("M") == 2, "the deploys of 6 and 3 hours ago"


@pytest.mark.parametrize(
    ("total", "most", "height"), [(0, 0, 1.0), (0, 9, 1.0), (9, 9, 40.0), (9, 99, 20.0), (99, 9_999, 20.0)]
)
def test_a_bar_is_as_high_as_the_logarithm_of_its_size(total: int, most: int, height: float) -> None:
    (rect,) = parsed(bar(total, most))
    assert (float(rect.get("height", "")), float(rect.get("y", ""))) == (height, BAR[1] - height)


def test_a_bump_chart_worked_by_hand() -> None:
    """Three deploys, two places: 1 stays first, 2 leaves for 3; another question begins new lines."""
    states = {1: "stayed", 3: "came", 2: "left"}
    made = bump([("q", (1, 2)), ("q", (1, 3)), ("other", (1, 3))], states)
    paths = {one.get("class"): one.get("d") for one in parsed(made)}
    assert paths["stayed"] == "M100 5L300 5M500 5h0"
    assert paths["left"] == "M100 15h0"
    assert paths["came"] == "M300 15h0M500 15h0"
    unknown = bump([("q", (1,)), ("q", None), ("q", (1,))], {1: "stayed"})
    assert 'd="M100 5h0M500 5h0"' in unknown
