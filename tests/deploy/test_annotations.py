"""What people read: annotations as Prometheus renders them, with values, places and links that survive odd names."""

import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.app.alerting import alert_rules
from monitor.core.judging.alerts.yaml_text import Node, yaml_text
from tests.deploy.promtool import Series, always
from tests.deploy.test_rules import CONFIGURATION

pytestmark = pytest.mark.stack
PROMTOOL = shutil.which("promtool")
ODD = "a b/ü&c"
TARGET = {"instance": "i", "job": "corpus-drift", "corpus": "docs"}


def rendered(
    folder: Path, series: list[Series], minute: int, alert: str, labels: dict[str, str], said: dict[str, str]
) -> str:
    """What promtool finds wrong with the one alert that is expected, "" where it is exactly that."""
    expected: Node = {"exp_labels": TARGET | labels, "exp_annotations": said}
    document: Node = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [one.node() for one in series],
                "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [expected]}],
            }
        ],
    }
    (folder / "rules.yml").write_text(alert_rules(CONFIGURATION, "prometheus"), encoding="utf-8")
    (folder / "tests.yml").write_text(yaml_text(document), encoding="utf-8")
    run = subprocess.run(
        [str(PROMTOOL), "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
def test_a_policy_alert(tmp_path: Path) -> None:
    place = f'dimension="source",segment="{ODD}"'
    rule = next(rule for rule in CONFIGURATION.rules() if rule.name == "first-dense-source")
    series = [
        Series(f"corpus_drift_{rule.metric}", f'{place},leg="dense",k="0",stat="mean"', always(0.5)),
        Series("corpus_drift_measured_anchors", f'{place},leg="dense"', always(rule.min_anchors)),
    ]
    labels = {
        "severity": "warning", "policy_severity": "critical", "rule": rule.name, "leg": "dense", "k": "0",
        "stat": "mean", "dimension": "source", "segment": ODD,
    }  # fmt: skip
    said = {
        "summary": "Retrieval drifted beyond the policy: new_first_ratio mean, dense",
        "description": (
            f"new_first_ratio mean dense of source={ODD} is 0.500, allowed at most {rule.max:g}. "
            f"Ground: {rule.ground}. "
            "The alert judges the point estimate; the gate judges the confidence bound, so it may still be undecided."
        ),
        "runbook_url": "deploy/runbooks/CorpusDriftExceeded.md",
        "dashboard_url": (
            "http://127.0.0.1:3000/d/corpus-drift-segment?var-dimension=source&var-segment=a+b%2F%C3%BC%26c"
        ),
        "page_url": "http://127.0.0.1:9464/?segment=source%3Da+b%2F%C3%BC%26c",
    }
    assert rendered(tmp_path, series, 10, "CorpusDriftExceeded", labels, said) == ""


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
def test_a_pipeline_alert(tmp_path: Path) -> None:
    series = [Series("corpus_drift_last_turn_timestamp_seconds", "", always(0))]
    said = {
        "summary": "The monitor answers, but its loop does not turn",
        "description": "No turn of the loop for 10m 0s: what is on the page is old.",
        "runbook_url": "deploy/runbooks/CorpusDriftLoopStuck.md",
        "dashboard_url": "http://127.0.0.1:3000/d/corpus-drift-pipeline",
        "page_url": "http://127.0.0.1:9464/",
    }
    assert rendered(tmp_path, series, 10, "CorpusDriftLoopStuck", {"severity": "critical"}, said) == ""


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
@pytest.mark.parametrize("ground", ["{{ range", "a \"quoted\" 'word' \\ and a\nline", "$labels {{ $value }}"])
def test_a_hostile_ground_stays_text(tmp_path: Path, ground: str) -> None:
    rules = [rule.model_copy(update={"ground": ground}) for rule in CONFIGURATION.policy.rule]
    policy = CONFIGURATION.policy.model_copy(update={"rule": tuple(rules)})
    path = tmp_path / "rules.yml"
    path.write_text(alert_rules(CONFIGURATION.model_copy(update={"policy": policy}), "prometheus"), encoding="utf-8")
    run = subprocess.run([str(PROMTOOL), "check", "rules", str(path)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
