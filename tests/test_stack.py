"""The real servers of the tests: they come up, answer, are gone afterwards, and are skipped only aloud."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.stack import Missing, NotReadyError, alertmanager, answers, free_ports, need, program, prometheus


@contextmanager
def absent() -> Iterator[None]:
    program("no-such-program")
    yield


def test_what_is_missing_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORPUS_DRIFT_NO_SKIPS", raising=False)
    with ExitStack() as stack, pytest.raises(pytest.skip.Exception, match="no-such-program is not on this machine"):
        need(absent(), stack)


def test_what_is_missing_is_a_failure_where_skips_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_DRIFT_NO_SKIPS", "1")
    with ExitStack() as stack, pytest.raises(pytest.fail.Exception, match="forbids to skip"):
        need(absent(), stack)


def test_missing_names_the_program() -> None:
    with pytest.raises(Missing, match=r"^no-such-program$"):
        program("no-such-program")


def test_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20


@pytest.mark.stack
def test_prometheus_scrapes_itself_and_is_gone_afterwards() -> None:
    with ExitStack() as stack:
        url = need(prometheus("global:\n  scrape_interval: 1s\n"), stack)
        with urllib.request.urlopen(f"{url}/api/v1/query?query=1%2B1", timeout=60) as answer:  # noqa: S310 - loopback
            assert json.load(answer)["data"]["result"][1] == "2"
    assert not answers(f"{url}/-/ready")


@pytest.mark.stack
def test_a_server_that_refuses_its_configuration_shows_its_log() -> None:
    with ExitStack() as stack, pytest.raises(NotReadyError, match="nonsense"):
        need(prometheus("nonsense: true\n"), stack)


@pytest.mark.stack
def test_alertmanager_answers() -> None:
    with ExitStack() as stack:
        url = need(alertmanager("route:\n  receiver: none\nreceivers:\n  - name: none\n"), stack)
        assert answers(f"{url}/api/v2/status")
