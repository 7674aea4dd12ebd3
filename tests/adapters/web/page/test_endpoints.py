"""The page over a real socket: deep links, what is not there, and that a view is rendered once."""

import time
from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pytest

from monitor.adapters.web.page.pages import Pages
from monitor.adapters.web.page.render import PageQuery
from monitor.adapters.web.page.style import content_security_policy
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.records.committed import DeployRecord
from monitor.ports import UnreachableError
from tests.adapters.cards import Explaining
from tests.adapters.pages import Reader, moved
from tests.adapters.serving import Shown, served
from tests.adapters.views import HOSTILE, health
from tests.contracts.stores import snapshot

NOW = moved(("language", "de", 4.0))
TAKEN = snapshot(np.random.default_rng(0))


def record(deploy_id: str = "d1") -> DeployRecord:
    """A judged deploy of other numbers than those of now."""
    then = moved(("language", "fr", 0.0))
    return DeployRecord(deploy_id, 1, then.verdict, replace(then.report, deploy_id=deploy_id), TAKEN)


def service() -> Explaining:
    view = replace(
        NOW,
        ledger=(Judged("old", 1, "pass"), Judged("d1", 2, "pass")),
        health=health(turned=time.time(), waiting=("d9",)),
    )
    return Explaining(view, {"d1": record()})


def asked(path: str, given: Shown | None = None) -> Reader:
    with served(given or service()) as at:
        reply = at.ask(path)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == content_security_policy()
    return Reader(reply.content.decode())


def test_a_deploy_is_shown_as_it_was_judged() -> None:
    found = asked("/?deploy=d1")
    assert "deploy d1 as it was judged" in found.words
    assert "language=fr" in found.text
    assert "language=de" not in [row[0] for row in found.rows]
    assert "/?deploy=d1&segment=language%3Dfr#segment" in found.values("href")
    assert "/api/v1/report?deploy=d1" in found.values("href")
    assert found.values("aria-current") == ["true"]


def test_a_segment_of_now_and_of_a_deploy() -> None:
    assert "Segment language=de: ✕ FAIL" in asked("/?segment=language=de").words
    assert "Segment language=fr: ✓ PASS" in asked("/?deploy=d1&segment=language%3Dfr").words
    assert "is not in this report" in asked("/?deploy=d1&segment=language=de").text


@pytest.mark.parametrize(
    ("deploy", "said"),
    [
        ("d9", "is not judged yet: its markers have not all arrived"),
        ("old", "was judged PASS, but its report is no longer kept"),
        ("never", "was never seen, or is no longer kept"),
        *((name, "was never seen") for name in HOSTILE),
    ],
)
def test_a_deploy_that_is_not_there_is_a_clear_line(deploy: str, said: str) -> None:
    found = asked(f"/?deploy={quote(deploy)}")
    assert said in found.text
    assert "What follows is the corpus as it is now" in found.text
    assert "language=de" in found.text
    assert "script" not in found.tags


def test_everything_answers_before_the_first_report() -> None:
    for path in ("/", "/?deploy=d1", "/?segment=language=de", "/?deploy=d1&anchor=a", "/?refresh=off"):
        assert "being restored" in asked(path, Shown()).text


@pytest.mark.parametrize(
    ("path", "asked_for"),
    [
        ("/?deploy=d1", ("explain", "d1", "", "")),
        ("/?deploy=d1&segment=language=fr", ("explain", "d1", "language=fr", "")),
        ("/?deploy=d1&segment=all&anchor=guide", ("explain", "d1", "", "guide")),
        ("/?anchor=guide", ("explain", "", "", "guide")),
        ("/?explain=now&segment=language=de", ("explain", "", "language=de", "")),
    ],
)
def test_the_incident_card_comes_with_what_was_asked(path: str, asked_for: tuple[str, ...]) -> None:
    given = service()
    found = asked(path, given)
    assert given.asked == [asked_for]
    assert "incident" in found.values("id")
    assert ("Before and after" in found.text) == ("anchor" in path)


@pytest.mark.parametrize("path", ["/", "/?refresh=off", "/?segment=language=de", "/?deploy=never&anchor=guide"])
def test_nobody_makes_the_loop_measure_without_asking_for_it(path: str) -> None:
    given = service()
    assert "incident" not in asked(path, given).values("id")
    assert given.asked == []


def test_an_anchor_that_is_not_there_is_a_clear_line() -> None:
    found = asked("/?deploy=d1&anchor=%3Cscript%3E")
    assert "anchor '<script>': not there" in found.text
    assert "language=fr" in found.text


def test_a_loop_that_does_not_answer_is_a_clear_line() -> None:
    given = service()
    given.failure = UnreachableError("the loop did not answer within 30 s")
    assert "the loop did not answer within 30 s" in asked("/?explain=now", given).text


def test_a_view_is_rendered_once_and_the_next_one_anew() -> None:
    given = service()
    pages = Pages(given, 60.0)
    first = pages.page(PageQuery(), time.time())
    assert pages.page(PageQuery(), time.time()) is first
    assert pages.page(PageQuery(refresh=False), time.time()) != first
    given.view = replace(NOW, corpus="another")
    assert "another" in pages.page(PageQuery(), given.view.health.turned)


def test_a_loop_that_does_not_turn_is_said_first() -> None:
    given = service()
    pages = Pages(given, 60.0)
    assert given.view is not None
    later = given.view.health.turned + 7_200
    assert "has not turned" not in pages.page(PageQuery(), later - 7_150)
    assert "has not turned for 2 h" in pages.page(PageQuery(), later)
    assert "has not turned for 2 h" in pages.page(PageQuery(deploy="d1"), later)


def test_a_verdict_of_a_deploy_is_not_made_stale_by_the_present() -> None:
    given = service()
    assert given.view is not None
    stale = Verdict("unknown", ("input is stale",), given.view.own.findings)
    given.view = replace(given.view, verdict=stale)
    for path, segment, verdict in (("/", "language=de", "UNKNOWN"), ("/?deploy=d1", "language=fr", "PASS")):
        assert [row[1].split()[-1] for row in asked(path, given).rows if row[0] == segment] == [verdict]
