"""Classes of hours, and the budget's text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.alarms.budget import PageBudget
from monitor.core.alarms.hours import DAYS, OTHER_HOURS, HourClasses

CLASSES = HourClasses.of({"nightly": "* 02-04", "working": "Mon-Fri 07-19", "weekend": "Sat-Sun 00-24"})


@given(st.integers(0, 4_000_000_000))
def test_an_hour_is_what_the_calendar_says(seconds: int) -> None:
    when = datetime.fromtimestamp(seconds, UTC)
    if 2 <= when.hour < 4:
        expected = "nightly"
    elif when.weekday() >= 5:
        expected = "weekend"
    else:
        expected = "working" if 7 <= when.hour < 19 else OTHER_HOURS
    assert CLASSES.at(seconds) == expected


def test_the_first_class_that_names_an_hour_has_it_and_days_go_round() -> None:
    assert CLASSES.distinct == ("nightly", "working", "weekend", OTHER_HOURS)
    found = HourClasses.of({"late": "Sat-Mon 22-24"})
    assert [DAYS[at // 24] for at, name in enumerate(found.names) if name == "late"][::2] == ["Mon", "Sat", "Sun"]
    assert HourClasses.of({}).distinct == (OTHER_HOURS,)


@pytest.mark.parametrize(
    "spec", ["", "Mon", "mon 01-02", "Mon-Fri 19-07", "Mon 01-25", "*-Fri 01-02", "Mon-Foo 01-02", "Mon 05-05"]
)
def test_hours_that_are_none_are_refused_in_one_line(spec: str) -> None:
    with pytest.raises(ValueError, match=r"^busy = .*: expected days and hours such as 'Mon-Fri 07-19'.*in UTC$"):
        HourClasses.of({"busy": spec})


@pytest.mark.parametrize("name", ["", "7", "a" * 41, 'x"y', OTHER_HOURS])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name of letters"):
        HourClasses.of({name: "Mon 01-02"})


@pytest.mark.parametrize(
    ("spec", "pages", "seconds"),
    [("1 per 30d", 1.0, 2_592_000.0), ("0.5 per 2w", 0.5, 1_209_600.0), ("2 per 24h", 2.0, 86_400.0)],
)
def test_a_budget_is_read(spec: str, pages: float, seconds: float) -> None:
    assert PageBudget.of(spec) == PageBudget(pages, seconds)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "often",
        "0 per 30d",
        "1 per 0d",
        "1 per 30",
        "-1 per 30d",
        "1 per 30m",
        "1per 30d",
        "1e3 per 30d",
        "2 per 1h",
    ],
)
def test_a_budget_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match=r"^expected false pages in a time, .*such as '1 per 30d' \(h, d or w\)$"):
        PageBudget.of(spec)


def test_the_limit_is_k_t_over_b() -> None:
    assert PageBudget.of("2 per 30d").limit(5, 3_600.0) == 5 * 720 / 2
