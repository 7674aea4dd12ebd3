"""The page: everything that came from outside is text, nothing is loaded from elsewhere, the worst stands first."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from monitor.adapters.page import render_page
from monitor.core.policy import Verdict
from monitor.core.published import Published
from monitor.core.report import DriftReport, Measurement, Share
from tests.adapters.views import HOSTILE, health, measurement, view

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Tags in order, that they close as they opened, and the text of each table's rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def read(shown: Published | None) -> Reader:
    found = Reader(render_page(shown))
    assert found.open == []
    return found


def segments(*values: tuple[str, float]) -> Published:
    """A view whose segments swapped so many results by content."""
    made = view([])
    measured = tuple(measurement("collapsed_swaps", name, value) for name, value in values)
    overall = measurement("collapsed_swaps", "all", 0.5, dimension="all")
    return replace(made, report=replace(made.report, measurements=(*measured, overall)))


def test_before_the_first_report_it_says_so() -> None:
    found = read(None)
    assert "UNKNOWN" in found.text
    assert "The state is being restored" in found.text
    assert "table" not in found.tags


def test_everything_from_outside_is_text() -> None:
    shares = tuple(Share("dense", "source", name, 0.5, 3.0, 2) for name in HOSTILE)
    made = view(HOSTILE, health=health(waiting=HOSTILE, failures=dict.fromkeys(HOSTILE, 1)), corpus=HOSTILE[2])
    found = read(replace(made, report=replace(made.report, blame=shares)))
    assert {"script", "img", "iframe", "form", "link"}.isdisjoint(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "src"]
    assert {value for name, value in found.attributes if name == "href"} == {"/metrics", "/api/v1/report"}
    for name in HOSTILE:
        assert sum(name in cell for row in found.rows for cell in row) >= 2, name  # a segment, a deploy and to blame


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "unknown"])
def test_the_verdict_and_its_reasons_are_said_in_words(verdict: str) -> None:
    reasons = tuple(f"reason {number}" for number in range(25))
    said = Verdict(verdict, reasons, ())  # type: ignore[arg-type]  # one of them
    found = read(replace(view(["s"]), verdict=said))
    assert verdict.upper() in found.text
    assert "reason 19" in found.text
    assert "reason 20" not in found.text
    assert "... and 5 more in the report" in found.text


def test_the_worst_segments_stand_first_and_the_unknown_before_them() -> None:
    found = read(segments(("calm", 0.0), ("bad", 4.0), ("lost", float("nan")), ("some", 1.0)))
    names = [row[0] for row in found.rows if row[1] == "dense"]
    assert names == ["all", "source=lost", "source=bad", "source=some", "source=calm"]
    assert [row[2] for row in found.rows if row[1] == "dense"] == ["0.50", "unknown", "4.00", "1.00", "0.00"]


@pytest.mark.parametrize(
    ("metric", "value", "level"),
    [
        ("collapsed_swaps", 2.1, "high"),
        ("collapsed_swaps", 2.0, "some"),
        ("swaps", 0.2, "calm"),
        ("swaps", 0.21, "low"),
        ("jaccard_ratio", 0.6, "high"),
        ("rbo_ratio", 0.99, "calm"),
        ("top1_changed_ratio", 0.15, "some"),
    ],
)
def test_shades_are_shares_of_k(metric: str, value: float, level: str) -> None:
    made = view([])
    measured: tuple[Measurement, ...] = (measurement(metric, "s", value),)
    text = render_page(replace(made, report=replace(made.report, measurements=measured)))
    shades = [part.partition('"')[0] for part in text.partition("Segments")[2].split('<td class="')[3:]]
    assert [shade for shade in shades if shade in ("calm", "low", "some", "high")] == [level]


def test_no_lag_is_not_lag_zero() -> None:
    assert "Lag is not known" in read(view(["s"], health=health(lag=None))).text
    assert "Lag 0 events" in read(view(["s"], health=health(lag={}))).text


@pytest.mark.parametrize("now", [0, 1, 253_402_300_799_000_000, -62_135_596_800_000_000])
def test_any_event_time_can_be_shown(now: int) -> None:
    made = view(["s"])
    report: DriftReport = replace(made.report, now=now)
    assert ("No event yet" in read(replace(made, report=report)).text) == (now == 0)
