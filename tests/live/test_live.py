"""`make live`: all of it comes up, the alert of an incident reaches Alertmanager, and all of it is stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live.__main__ import PACKAGES
from live.servers import answers
from tests.e2e.program import eventually, fetched

ROOT = Path(__file__).parent.parent.parent
ADDRESSES = ("page", "metrics", "Prometheus", "Alertmanager", "Kafka", "files")
COMES_UP, FIRES = 900.0, 600.0
REST = "10"
"""Seconds between two deploys: within them the way back is held up, as long as the alert takes to arrive."""


def test_what_lacks_is_named_with_its_package(tmp_path: Path) -> None:
    empty = {**os.environ, "PATH": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "live"], cwd=ROOT, env=empty, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    for name, package in PACKAGES.items():
        assert f"{name} (apt install {package})" in line


def test_packages_are_those_of_continuous_integration() -> None:
    wanted = (ROOT / ".ci" / "run").read_text()
    for name, package in PACKAGES.items():
        assert f"{name}:{package}" in wanted


@pytest.mark.stack
@pytest.mark.timeout(1_800)
def test_an_alert_arrives_and_everything_is_stopped_afterwards(tmp_path: Path) -> None:
    lacking = [name for name in PACKAGES if shutil.which(name) is None]
    if lacking and os.environ.get("CORPUS_DRIFT_NO_SKIPS") != "1":
        pytest.skip(f"{', '.join(lacking)} is not on this machine")
    log = tmp_path / "live.log"
    command = [sys.executable, "-m", "live", "--rounds", "1", "--rest", REST, "--most", "900", "--hold", "2"]
    with log.open("wb") as output:
        live = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        at = eventually(lambda: addresses(log, live), COMES_UP, "addresses", log.read_text)
        assert set(at) == set(ADDRESSES)
        assert answers(f"{at['page']}/healthz")
        assert answers(at["metrics"])
        children = descendants(live.pid)
        assert len(children) >= 5  # broker, producer, monitor, Alertmanager, Prometheus
        eventually(lambda: "4-incident: " in log.read_text(), FIRES, "the incident itself", log.read_text)
        with held_up(next(pid for pid in children if "produce" in arguments(pid))):
            eventually(lambda: "4-incident" in judged(log, "FAIL"), FIRES, "the incident's verdict", log.read_text)
            found = eventually(alerting(at["Alertmanager"]), FIRES, "an alert of the incident", log.read_text)
        assert found is not None
        assert found["labels"]["segment"]
        live.send_signal(signal.SIGINT)
        assert live.wait(120) == 0
    finally:
        if live.poll() is None:
            live.terminate()
            live.wait(120)
    assert log.read_text().splitlines()[-1] == "all is stopped, and its folder is gone"
    assert not Path(at["files"]).exists()
    assert not [pid for pid in children if running(pid)]
    for what in ("page", "Prometheus", "Alertmanager"):
        assert not answers(f"{at[what]}/-/ready")


def addresses(log: Path, live: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Where everything is, once all of it is said."""
    said = log.read_text()
    assert live.poll() is None, said
    found = dict(re.findall(rf"^({'|'.join(ADDRESSES)}): +(\S+)$", said, re.MULTILINE))
    return found if len(found) == len(ADDRESSES) else {}


def judged(log: Path, verdict: str) -> str:
    """The lines of deploys with a verdict."""
    return "\n".join(line for line in log.read_text().splitlines() if line.split()[:1] == [verdict])


def alerting(manager: str) -> Callable[[], dict[str, Any] | None]:
    """An alert of Alertmanager's that a critical limit is exceeded in a segment."""

    def look() -> dict[str, Any] | None:
        code, body = fetched(f"{manager}/api/v2/alerts")
        alerts = json.loads(body) if code == 200 else []
        exceeded = [one["labels"] for one in alerts if one["labels"]["alertname"] == "CorpusDriftExceeded"]
        return next(({"labels": of} for of in exceeded if of["policy_severity"] == "critical"), None)

    return look


@contextmanager
def held_up(pid: int) -> Iterator[None]:
    """A process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def arguments(pid: int) -> list[str]:
    """What a process was called with."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def descendants(pid: int) -> list[int]:
    """Process ids of children and theirs, now."""
    read = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    children = [int(one) for one in read]
    return [*children, *(of for child in children for of in descendants(child))]


def running(pid: int) -> bool:
    """Whether a process is there and no zombie, a moment after it was told to end."""
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
    return True
