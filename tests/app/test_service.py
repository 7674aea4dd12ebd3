"""Endpoints over a loop that turns: baselines, deploys and gates from other threads, many at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.app import asking
from monitor.app.asking import Running, wait_for_gate
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.service import MonitorService
from monitor.app.wiring import open_monitor, read_state, running, serving
from monitor.core.index.baseline import Approval
from monitor.ports import ConfigurationError, UnreachableError
from tests.app.loops import opened, to_end
from tests.app.scripted import ScriptedSource, records
from tests.corpora import Shape, events, write_case

SHAPE = Shape(deploys=3)


@contextmanager
def turning(folder: Path, shape: Shape = SHAPE) -> Iterator[tuple[Monitor, Running]]:
    """A monitor at the end of its stream whose loop turns in a thread, and a client that found it by its lock."""
    config = load(write_case(folder, shape=shape), {"CORPUS_DRIFT_HTTP__TOKEN": "hush"})
    source = ScriptedSource(records(events(7, shape)))
    with open_monitor(config, source=source) as monitor, serving(config, monitor):
        assert to_end(monitor)
        thread = threading.Thread(target=monitor.run)
        thread.start()
        client = running(config)
        assert client is not None
        try:
            yield monitor, client
        finally:
            monitor.stopping.set()
            thread.join(60)
    assert running(config) is None


def test_a_baseline_from_capture_to_approval(tmp_path: Path) -> None:
    with turning(tmp_path) as (_, client):
        assert [one["name"] for one in client.baselines()] == ["main"]
        captured = client.capture("weekly.1")
        assert (captured["approval"], captured["deploy"], captured["anchors"]) == (None, "d2", 24)
        for author, reason in (("", "seen"), ("ann", "  ")):
            with pytest.raises(
                ConfigurationError, match=r"400 baseline .weekly\.1.: approval needs an author and a reason"
            ):
                client.approve("weekly.1", author, reason)
        approved = client.approve("weekly.1", "ann", "looked at it")["approval"]
        assert (approved["author"], approved["reason"]) == ("ann", "looked at it")
        with pytest.raises(
            ConfigurationError, match=r"baseline 'none': not captured; expected one of: main, weekly.1"
        ):
            client.approve("none", "ann", "seen")
        assert [(one["name"], one["in_force"]) for one in client.baselines()] == [("main", False), ("weekly.1", True)]
        accepted = client.accept("", "ann", "as it is")
        assert (accepted["name"], accepted["in_force"], accepted["approval"]["reason"]) == ("main", True, "as it is")
        assert client.report("")["baseline"]["name"] == "main"


@pytest.mark.parametrize("name", ["", "a b", "../main", "a\nb", "x" * 65, ".hidden", "ü"])
def test_a_baseline_is_named_as_in_the_configuration(tmp_path: Path, name: str) -> None:
    with turning(tmp_path, Shape(chunks=30, deploys=1, dense=False)) as (_, client):
        with pytest.raises(ConfigurationError, match=r"400 baseline .*: expected 1 to 64 letters"):
            client.capture(name)
        assert [one["name"] for one in client.baselines()] == ["main"]


def test_a_deploy_at_the_end_is_waited_for_and_judged(tmp_path: Path) -> None:
    with turning(tmp_path) as (_, client):
        assert client.gate("hand")["state"] == "unseen"
        client.deploy_at_end("hand")
        said = wait_for_gate(lambda: client.gate("hand"), 20.0)
        assert (said["state"], said["verdict"]) == ("judged", "pass")
        client.deploy_at_end("hand")
        assert client.report("hand")["deploy_id"] == "hand"
        past = client.history()
        assert past is not None
        assert past["deploys"][-1]["deploy"] == "hand"
        assert client.report("")["verdict"]["verdict"] == "pass"
        with pytest.raises(ConfigurationError, match="404 deploy 'never'"):
            client.report("never")


def test_many_ask_at_once_while_the_loop_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BETWEEN_ASKS", 0.02)
    with turning(tmp_path) as (monitor, client):

        def ask(number: int) -> tuple[Any, ...]:
            name = f"b{number % 4}"
            client.capture(name)
            client.approve(name, "ann", f"{number}")
            client.deploy_at_end(f"hand{number}")
            said = wait_for_gate(lambda: client.gate(f"hand{number}"), 20.0)
            assert said["verdict"] == "pass", said["reasons"]
            return said["verdict"], client.report("d2")["deploy_id"], len(client.baselines()) > 0

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(ask, range(8)))
        assert set(found) == {("pass", "d2", True)}
        assert {judged.deploy_id for judged in monitor.ledger} >= {f"hand{number}" for number in range(8)}
        assert len({judged.deploy_id for judged in monitor.ledger}) == len(monitor.ledger)


def test_a_loop_that_does_not_come_to_it_is_told(tmp_path: Path) -> None:
    config = load(write_case(tmp_path, shape=Shape(chunks=8, deploys=1, dense=False)), {})
    with open_monitor(config) as monitor:
        service = MonitorService(monitor, lambda: read_state(config), patience=0.05)
        with pytest.raises(
            UnreachableError, match=r"the loop did not answer within 0.05 s; is it working off a backlog\?"
        ):
            service.capture("b")


def test_an_approved_baseline_stays_in_force_until_the_new_capture_is_approved(tmp_path: Path) -> None:
    with opened(write_case(tmp_path)) as monitor:
        assert to_end(monitor)
        store, before = monitor.parts.store, monitor.session.baseline
        assert before is not None
        taken = monitor.operations.capture("main")
        assert (taken.name, taken.replaces, taken.approval) == ("main~pending", "main", None)
        kept = store.baseline("main")
        assert kept is not None
        assert kept.approval == before.approval
        assert monitor.session.baseline is before
        again = monitor.operations.capture(
            "main"
        )  # a second capture takes the place of the first, not of the approved one
        assert [one.name for one in store.baselines()] == ["main", "main~pending"]
        approved = monitor.operations.approve("main", Approval("ann", "looked at it", ""))
        assert (approved.name, approved.positions) == ("main", again.positions)
        assert [(one.name, one.replaces, one.approval) for one in store.baselines()] == [
            ("main", "", approved.approval)
        ]
        assert monitor.session.baseline is not None
        assert monitor.session.baseline.approval == approved.approval
