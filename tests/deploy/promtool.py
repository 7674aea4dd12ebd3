"""Unit tests of alert rules, written for `promtool test rules` and run by it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.core.judging.alerts.yaml_text import Node, yaml_text

TARGET = 'instance="i",job="corpus-drift"'
"""Labels that every series of the tests has, in the order that Prometheus writes them."""

Values = Sequence[float | str]


@dataclass(frozen=True)
class Series:
    """A metric with its labels (`leg="dense",...`), and one value a minute from minute 0 on."""

    name: str
    labels: str
    values: Values

    def node(self) -> Node:
        labels = ",".join(part for part in (TARGET, self.labels) if part)
        return {"series": f"{self.name}{{{labels}}}", "values": " ".join(map(str, self.values))}


@dataclass(frozen=True)
class Firing:
    """What fires at a minute: the alerts' own labels, each set written as in a selector."""

    minute: float
    alert: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """Some series, and when what fires."""

    name: str
    series: Sequence[Series]
    expected: Sequence[Firing]

    def node(self) -> Node:
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": [one.node() for one in self.series],
            "promql_expr_test": [_query(firing) for firing in self.expected],
        }


def _query(firing: Firing) -> Node:
    """Every firing alert of that name, whatever its labels: one too many fails as one too few does."""
    return {
        "expr": f'ALERTS{{alertname="{firing.alert}",alertstate="firing"}}',
        "eval_time": f"{round(firing.minute * 60)}s",
        "exp_samples": [
            {"labels": f'ALERTS{{alertname="{firing.alert}",alertstate="firing",{labels}}}', "value": 1}
            for labels in firing.labels
        ],
    }


def always(value: float | str, minutes: int = 60) -> list[float | str]:
    """The same value from minute 0 to `minutes`."""
    return [value] * (minutes + 1)


@dataclass(frozen=True)
class Saying(Case):
    """Series under which one alert says something: promtool shows it where none was expected to fire."""

    def node(self) -> Node:
        (firing,) = self.expected
        said = {"alertname": firing.alert, "eval_time": f"{round(firing.minute * 60)}s", "exp_alerts": []}
        series = [one.node() for one in self.series]
        return {"name": self.name, "interval": "1m", "input_series": series, "alert_rule_test": [said]}


def run(promtool: str, folder: Path, rules: str, cases: Sequence[Case]) -> str:
    """What promtool finds wrong, "" where all cases hold."""
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    document: Node = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [case.node() for case in cases],
    }
    (folder / "tests.yml").write_text(yaml_text(document), encoding="utf-8")
    said = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return "" if said.returncode == 0 else said.stdout + said.stderr
