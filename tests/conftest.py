"""Skips are failures where CORPUS_DRIFT_NO_SKIPS=1 (continuous integration): a check that did not run proves nothing.

A test with the marker `shared_data` may still be skipped: it needs data outside the repository.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from monitor.cli import main
from tests import user_environment
from tests.commands import SHAPE, Commands
from tests.corpora import write_case
from tests.longest import longest_first

NO_SKIPS = "CORPUS_DRIFT_NO_SKIPS"
MAY_SKIP = "shared_data"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # loopback alone: read when Ray is loaded, by whichever test
SETTINGS = "_hypothesis_internal_use_settings"
"""Where hypothesis keeps a property's own settings; it has no other way to change them afterwards."""

# A busy machine is no defect: how long one example takes is not what properties are about. Continuous integration
# draws the same examples each time: it judges a commit, and not the dice. Elsewhere they are drawn anew.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get(NO_SKIPS) == "1",
)
settings.load_profile("patient")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands of the program, run in this process."""
    return Commands(capsys)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose monitor ran to the end and is gone; a test that changes its state copies it first."""
    config = write_case(tmp_path_factory.mktemp("ran"), shape=SHAPE)
    assert main(["run", "-c", str(config), "--until-end"]) == 0
    return config


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a user's environment."""
    return user_environment.made(tmp_path_factory.mktemp("user") / "environment")


class NoSkips:
    """Remembers what was skipped, lists it at the end, and fails the session for it."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that was skipped, at whatever stage; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail") and MAY_SKIP not in report.keywords:
            self._skipped.append(f"{report.nodeid}: {_why(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that was skipped as a whole."""
        if report.skipped:
            self._skipped.append(f"{report.nodeid}: {_why(report)}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist ended: only it knows which modules were skipped as a whole."""
        told = getattr(node, "workeroutput", {}).get(NO_SKIPS, [])
        self._skipped += [line for line in told if line not in self._skipped]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Nothing skipped, or a failure."""
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker[NO_SKIPS] = self._skipped
        if self._skipped and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which, and why."""
        if self._skipped:
            terminalreporter.section(f"{len(self._skipped)} skipped, and {NO_SKIPS}=1 forbids to skip", red=True)
            for line in self._skipped:
                terminalreporter.line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long properties are searched."""
    parser.addoption(
        "--examples", type=int, default=1, metavar="N", help="run properties alone, with N times as many examples"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch for skips where they are forbidden."""
    if os.environ.get(NO_SKIPS) == "1":
        config.pluginmanager.register(NoSkips(), "no-skips")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers of pytest-xdist take modules in this order."""
    if config.option.examples > 1:
        items[:] = [item for item in items if is_hypothesis_test(getattr(item, "obj", None))]
        for item in items:
            search_longer(item.obj, config.option.examples)  # type: ignore[attr-defined]
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items, lambda item: item.nodeid.partition("::")[0])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the PostgreSQL that this process began, if it did."""
    began = sys.modules.get("tests.postgres")
    if began is not None:
        began.stop()


def search_longer(test: Any, times: int) -> None:
    """Have a property tried on that many times as many examples."""
    handle = getattr(test, "__func__", test)
    own: settings = getattr(handle, SETTINGS)
    setattr(handle, SETTINGS, settings(own, max_examples=own.max_examples * times))


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
