"""What a configuration makes of the alerts on the monitor itself, and what it refuses."""

from typing import Any

import pytest

from monitor.app.alerting import alert_groups, alert_rules
from monitor.core.judging.alerts.alert import Alert
from tests.app.test_configuration import made, problems

KAFKA: dict[str, Any] = {"kafka": {"bootstrap_servers": ["k:1"], "topics": ["t"]}, "file": None}


def alert(name: str, **sections: dict[str, Any]) -> Alert | None:
    found = [one for group in alert_groups(made(None, **sections)) for one in group.alerts if one.name == name]
    return found[0] if found else None


def test_only_an_endless_stream_can_be_late() -> None:
    for name in ("CorpusDriftInputStale", "CorpusDriftLagHigh"):
        assert alert(name) is None
        assert alert(name, source=KAFKA) is not None


def test_limits_come_from_the_configuration() -> None:
    stale = alert("CorpusDriftInputStale", source={**KAFKA, "stale_after": 77.0})
    assert stale is not None
    assert "> 77 unless" in stale.expr
    lag = alert("CorpusDriftLagHigh", source={**KAFKA, "batch": 100})
    assert lag is not None
    assert lag.expr.endswith("> 1000")


def test_what_is_switched_off_is_not_watched() -> None:
    assert alert("CorpusDriftReplayFailing") is None  # the dense leg is off
    assert alert("CorpusDriftAuditOld", measure={"audit_chunks": 0}) is None
    assert alert("CorpusDriftAuditMismatch", measure={"audit_chunks": 0}) is not None


def test_the_selector_is_on_every_series() -> None:
    for group in alert_groups(made(alerts={"selector": 'corpus="docs",job=~"drift.*"'})):
        for one in group.alerts:
            assert one.expr.count('corpus="docs",job=~"drift.*"') == one.expr.count("{")


@pytest.mark.parametrize("selector", ["", "job", "job='x'", 'job="x"} or up{job="x"', 'job="a\nb"'])
def test_a_selector_that_is_none_is_refused(selector: str) -> None:
    (problem,) = problems(alerts={"selector": selector})
    assert "alerts.selector" in problem


@pytest.mark.parametrize("base", ["", "https://wiki/", "https://{{ x }}", "a b"])
def test_a_base_that_is_none_is_refused(base: str) -> None:
    (problem,) = problems(alerts={"runbook_base": base})
    assert "alerts.runbook_base" in problem


def test_bases_are_used() -> None:
    text = alert_rules(made(alerts={"runbook_base": "https://wiki", "monitor_base": "https://m"}), "prometheus")
    assert 'runbook_url: "https://wiki/CorpusDriftMonitorDown.md"' in text
    assert 'page_url: "https://m/"' in text
