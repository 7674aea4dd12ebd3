"""The example for Alertmanager: amtool takes it, alerts go where they should, a cause mutes what follows from it."""

import json
import shutil
import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import eventually
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


def active(url: str) -> list[dict[str, str]]:
    """Labels of the alerts that nothing mutes."""
    alerts = ask(f"{url}/api/v2/alerts?inhibited=false&silenced=false&active=true")
    return [dict(one["labels"]) for one in alerts]


class Alerts:
    """Alerts at an Alertmanager, which learns what mutes them one after the other, some time after it took them."""

    def __init__(self, url: str) -> None:
        self._url, self._fences = url, 0

    def put(self, *alerts: dict[str, Any]) -> None:
        """Post them and wait until what they mute is muted: behind them comes a pair of which one mutes the other."""
        self._fences += 1
        fence = {"dimension": "source", "segment": f"fence-{self._fences}", "leg": "dense"}
        muted = alert("CorpusDriftExceeded", "warning", **fence)
        ask(f"{self._url}/api/v2/alerts", [*alerts, muted])
        ask(f"{self._url}/api/v2/alerts", [alert("CorpusDriftEvidence", "critical", **fence)])
        eventually(lambda: muted["labels"] not in active(self._url), 60.0, "the fence is muted")

    def shown(self) -> list[tuple[str, str]]:
        """Name and severity of what is not muted, in order, without the fences."""
        found = active(self._url)
        return sorted(
            (of["alertname"], of["severity"]) for of in found if not of.get("segment", "").startswith("fence-")
        )


@pytest.mark.stack
def test_causes_mute_what_follows_from_them() -> None:
    place = {"dimension": "source", "segment": "api", "leg": "dense"}
    with ExitStack() as stack:
        alerts = Alerts(need(alertmanager(FILE.read_text(encoding="utf-8")), stack))
        policy = [
            alert("CorpusDriftExceeded", "warning", policy_severity=of, rule=f"r-{of}", **place)
            for of in ("critical", "warning")
        ]
        alerts.put(*policy, alert("CorpusDriftWatchdog", "none"))
        # what a critical rule says is not said by a lesser one too
        assert alerts.shown() == [("CorpusDriftExceeded", "warning"), ("CorpusDriftWatchdog", "none")]
        alerts.put(alert("CorpusDriftEvidence", "critical", **place))
        assert alerts.shown() == [("CorpusDriftEvidence", "critical"), ("CorpusDriftWatchdog", "none")]
        alerts.put(alert("CorpusDriftExceeded", "warning", **{**place, "segment": "blog"}))
        assert ("CorpusDriftExceeded", "warning") in alerts.shown()  # of another segment
        alerts.put(alert("CorpusDriftMonitorDown", "critical", corpus="other"))
        assert ("CorpusDriftEvidence", "critical") in alerts.shown()  # of another corpus
        alerts.put(alert("CorpusDriftMonitorDown", "critical"))
        down = ("CorpusDriftMonitorDown", "critical")
        assert alerts.shown() == [down, down, ("CorpusDriftWatchdog", "none")]
