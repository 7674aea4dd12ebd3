"""The page's section on traffic: shares, proposals, what is unknown, and nothing where none is read."""

from dataclasses import replace

from monitor.adapters.web.page.traffic import traffic_lines
from monitor.core.traffic.intents import KeptText
from monitor.core.traffic.leak import AnchorLeak
from monitor.core.traffic.summary import traffic_view
from monitor.core.traffic.view import TrafficLog, TrafficView
from tests.adapters.pages import moved, read
from tests.core.traffic.test_coverage import ANCHORS, ledger_of
from tests.core.traffic.test_intents import NEW, TWO_WEEKS
from tests.core.traffic.test_ledger import mark


def view(asks: list[tuple[int, str, str, int, float]] | None = None) -> TrafficView:
    ledger = ledger_of(TWO_WEEKS if asks is None else asks, dict(NEW))
    texts = {mark("en pay"): KeptText("how do I <pay>"), mark("key"): KeptText("never shown")}
    leaks = (AnchorLeak("key", "doc#1", 0.9),)
    return traffic_view(ledger, ANCHORS, TrafficLog({"counted": 98}), texts, leaks, dimensions=("language",))


def test_lines() -> None:
    lines = traffic_lines(view())
    assert [of.name for of in lines] == ["all", "language=en", "Never asked in the window, of coming queries"]
    assert lines[0].shade == "calm"
    assert "to" in lines[0].interval


def test_the_section() -> None:
    found = read(replace(moved(("language", "de", 4.0)), traffic=view()))
    assert "The anchors speak for the traffic." in found.words
    assert "how do I <pay>" in found.words
    assert "leak: chunk doc#1 holds 90% of it word for word" in found.words
    assert "corpus-drift anchors propose -c corpus-drift.toml" in found.words
    assert "never shown" not in found.text
    assert "#traffic" in found.values("href")


def test_unknown_is_said() -> None:
    found = read(replace(moved(("language", "de", 4.0)), traffic=view([])))
    assert "Whether the anchors speak for the traffic is unknown" in found.words


def test_nothing_where_no_traffic_is_read() -> None:
    assert "traffic" not in read(moved(("language", "de", 4.0))).values("id")
