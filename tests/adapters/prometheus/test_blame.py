"""Blame as series: the largest sources by name, the rest as one, and nothing of documents."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.prometheus.blame import MOST_SOURCES, blame_families, cause_families
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.core.model.report import CauseClass, Leg, Share
from tests.adapters.views import view


def share(leg: Leg, name: str, value: float, level: str = "source") -> Share:
    return Share(leg, level, name, value, value * 10, 3)


def series(shares: list[Share]) -> dict[tuple[str, str], float]:
    return {
        (one.labels["leg"], one.labels["source"]): one.value
        for family in blame_families(shares)
        for one in family.samples
    }


def test_sources_by_leg_and_no_documents() -> None:
    shares = [share("dense", "api", 0.75), share("dense", "api/a.md", 0.75, "document"), share("lexical", "api", 0.5)]
    assert series(shares) == {("dense", "api"): 0.75, ("lexical", "api"): 0.5}


def test_the_smallest_are_one_series_and_shares_keep_their_sum() -> None:
    shares = [share("dense", f"s{at:02}", (at + 1) / 210) for at in range(20)]
    found = series(shares)
    assert len(found) == MOST_SOURCES + 1
    assert ("dense", "s19") in found
    assert ("dense", "s09") not in found
    assert found["dense", "other"] == pytest.approx(55 / 210)
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_source_that_is_called_other_is_one_of_them() -> None:
    shares = [share("dense", "other", 0.5), *(share("dense", f"s{at:02}", 0.5 / 11) for at in range(11))]
    assert series(shares)["dense", "other"] == pytest.approx(0.5 + 2 * 0.5 / 11)


def test_nothing_moved() -> None:
    assert series([]) == {}


def test_it_is_on_the_page() -> None:
    plain = view(["s"])
    blamed = replace(plain, report=replace(plain.report, blame=(share("dense", 'a"b', 1.0),)))
    page = MetricsPage().render(blamed).decode()
    (family,) = (of for of in text_string_to_metric_families(page) if of.name == "corpus_drift_blamed_share_ratio")
    assert [one.labels for one in family.samples] == [{"leg": "dense", "source": 'a"b'}]


CAUSES = [CauseClass("CORPUS", 3.0, 2, ("because",)), CauseClass("LEXICAL STATISTICS", 1.0, 1, ())]


def held(*, compared: bool) -> dict[str, float]:
    return {
        one.labels["cause"]: one.value
        for family in cause_families(CAUSES, compared=compared)
        for one in family.samples
    }


def test_a_class_that_nothing_here_can_tell_is_left_out_unless_it_holds() -> None:
    told = {
        one.labels["cause"]
        for family in cause_families(CAUSES, compared=True, without=("PRODUCTION", "CORPUS"))
        for one in family.samples
    }
    assert "PRODUCTION" not in told
    assert "CORPUS" in told


def test_causes_that_hold_and_those_that_do_not() -> None:
    found = held(compared=True)
    assert {name for name, value in found.items() if value} == {"CORPUS", "LEXICAL STATISTICS"}
    assert {name for name, value in found.items() if not value} == {
        "INDEX",
        "CONFIG",
        "ENCODER",
        "QUERY SIDE",
        "PIPELINE",
        "PRODUCTION",
    }


def test_without_a_comparison_no_cause_is_known_not_to_hold() -> None:
    assert held(compared=False) == {"CORPUS": 1.0, "LEXICAL STATISTICS": 1.0}
