"""The example for Alertmanager: amtool takes it, alerts go where they should, a cause mutes what follows from it."""

import json
import shutil
import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.stack import alertmanager, need

FILE = Path(__file__).parent.parent.parent / "deploy" / "alertmanager" / "alertmanager.yml"
AMTOOL = shutil.which("amtool")
needs_amtool = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (package prometheus-alertmanager)")


def amtool(*arguments: str) -> str:
    said = subprocess.run([str(AMTOOL), *arguments], capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


@pytest.mark.stack
@needs_amtool
def test_amtool_takes_it() -> None:
    assert "SUCCESS" in amtool("check-config", str(FILE))


@pytest.mark.stack
@needs_amtool
@pytest.mark.parametrize(
    ("receiver", "labels"),
    [
        ("dead-mans-switch", ("alertname=CorpusDriftWatchdog", "severity=none")),
        ("on-call", ("alertname=CorpusDriftEvidence", "severity=critical")),
        ("team", ("alertname=CorpusDriftExceeded", "severity=warning")),
        ("team", ("alertname=SomethingElse",)),
    ],
)
def test_alerts_go_where_they_should(receiver: str, labels: tuple[str, ...]) -> None:
    found = amtool("config", "routes", "test", f"--config.file={FILE}", f"--verify.receivers={receiver}", *labels)
    assert found.split() == [receiver]


def ask(url: str, body: object = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        text = answer.read()
    return json.loads(text) if text else None


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "severity": severity, "corpus": "docs"} | labels, "annotations": {}}


def shown(url: str) -> set[tuple[str, str]]:
    """What is not muted: name and severity."""
    alerts = ask(f"{url}/api/v2/alerts?inhibited=false&silenced=false&active=true")
    return {(one["labels"]["alertname"], one["labels"]["severity"]) for one in alerts}


def count(url: str) -> int:
    return len(ask(f"{url}/api/v2/alerts?inhibited=false&silenced=false&active=true"))


@pytest.mark.stack
def test_causes_mute_what_follows_from_them() -> None:
    place = {"dimension": "source", "segment": "api", "leg": "dense"}
    with ExitStack() as stack:
        url = need(alertmanager(FILE.read_text(encoding="utf-8")), stack)
        policy = [
            alert("CorpusDriftExceeded", "warning", policy_severity=of, rule=f"r-{of}", **place)
            for of in ("critical", "warning")
        ]
        ask(f"{url}/api/v2/alerts", [*policy, alert("CorpusDriftWatchdog", "none")])
        assert shown(url) == {("CorpusDriftExceeded", "warning"), ("CorpusDriftWatchdog", "none")}
        assert count(url) == 2, "what a critical rule says is not said by a lesser one too"
        ask(f"{url}/api/v2/alerts", [alert("CorpusDriftEvidence", "critical", **place)])
        assert shown(url) == {("CorpusDriftEvidence", "critical"), ("CorpusDriftWatchdog", "none")}
        ask(f"{url}/api/v2/alerts", [alert("CorpusDriftExceeded", "warning", **{**place, "segment": "blog"})])
        assert ("CorpusDriftExceeded", "warning") in shown(url)  # of another segment
        ask(f"{url}/api/v2/alerts", [alert("CorpusDriftMonitorDown", "critical", corpus="other")])
        assert ("CorpusDriftEvidence", "critical") in shown(url)  # of another corpus
        ask(f"{url}/api/v2/alerts", [alert("CorpusDriftMonitorDown", "critical")])
        assert shown(url) == {("CorpusDriftMonitorDown", "critical"), ("CorpusDriftWatchdog", "none")}
