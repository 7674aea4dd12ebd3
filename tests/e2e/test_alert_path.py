"""An incident streams in: the alert fires, the pager gets links that work, the gate fails; a revert ends it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.alert_stack import CLOCK, Alert, AlertStack, alert_stack
from tests.e2e.program import eventually, fetched

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parent.parent.parent
RULES = frozenset(f"swaps-{leg}-{dimension}" for leg in ("dense", "lexical") for dimension in ("all", "source"))
WELL = {"CorpusDriftWatchdog"}
ALERT_SECONDS = 180.0


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[AlertStack]:
    with alert_stack(tmp_path) as made:
        yield made


def test_an_incident_pages_and_its_revert_clears(
    stack: AlertStack, record_property: Callable[[str, object], None]
) -> None:
    """One story, so that the servers start once."""
    corpus, running = stack.corpus, stack.running
    running.judged(corpus.load())
    running.judged(quiet := corpus.ordinary())
    assert stack.gate(quiet) == 0
    eventually(
        lambda: stack.query('corpus_drift_verdict{verdict="pass"} == 1'), ALERT_SECONDS, "a pass in Prometheus"
    )
    eventually(
        lambda: stack.firing() == WELL, ALERT_SECONDS, "the watchdog alone", lambda: str(stack.query("ALERTS"))
    )
    stack.pager.wait_watchdog(ALERT_SECONDS)

    began = time.monotonic()
    bad = corpus.incident()
    fired = stack.pager.wait("firing", RULES, ALERT_SECONDS)
    assert stack.gate(bad) == 1
    for _, alert in stack.pager.alerts("firing"):
        links_work(alert)
    card = running.get("/api/v1/explain", deploy=bad)
    assert [one["cause"] for one in card["causes"]] == ["CORPUS"]
    assert {one["deploy"] for one in card["events"][:10]} == {bad}

    reverted = time.monotonic()
    good = corpus.revert()
    cleared = stack.pager.wait("resolved", RULES, ALERT_SECONDS)
    assert stack.gate(good) == 0
    assert running.get("/api/v1/explain", deploy=good)["blame"] == [], "no churn, an empty card"
    eventually(lambda: stack.firing() == WELL, ALERT_SECONDS, "the watchdog alone again")

    names = {alert["labels"]["alertname"] for _, alert in stack.pager.got}
    assert names - CLOCK == {*WELL, "CorpusDriftExceeded"}, "nothing else was worth a page"
    for name, seconds in (("event_to_page", fired - began), ("revert_to_clear", cleared - reverted)):
        record_property(f"{name}_seconds", round(seconds, 2))
        print(f"{name}: {seconds:.1f} s (scrape 1 s, evaluation 1 s, for 1 s)")  # noqa: T201 - the figure of the run


def links_work(alert: Alert) -> None:
    """Whoever is paged finds the runbook, the page of the segment with its answer, and a dashboard that there is."""
    said = alert["annotations"]
    assert (ROOT / said["runbook_url"]).is_file(), said["runbook_url"]
    segment = alert["labels"]["segment"]
    code, body = fetched(said["page_url"])
    assert (code, segment in body.decode()) == (200, True), said["page_url"]
    boards = {json.loads(path.read_text(encoding="utf-8"))["uid"] for path in (ROOT / "dashboards").glob("*.json")}
    board = urlsplit(said["dashboard_url"]).path.removeprefix("/d/")
    assert board in boards, said["dashboard_url"]
    assert segment in said["description"]
