"""One alert: what fires, for how long it must hold, and what it tells whoever is woken by it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "none"]


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts lead: base addresses without a slash at the end.

    Args:
        runbooks: folder of the runbooks, a file per alert.
        dashboards: Grafana.
        monitor: the monitor's own page, with the incident card.
    """

    runbooks: str
    dashboards: str
    monitor: str


@dataclass(frozen=True, slots=True)
class AlertScope:
    """Whose series the alerts are about.

    Args:
        corpus: the corpus' name, a label of every alert.
        selector: PromQL matchers that every series of this monitor has, such as `job="corpus-drift"`.
        keep: seconds that a firing alert stays after its condition is gone, so that one missing scrape does not
            clear it.
        unknown: seconds that a critical rule may be UNKNOWN before that is an alert.
    """

    corpus: str
    selector: str
    keep: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    Args:
        name: of the alert and of its runbook.
        expr: PromQL; fires for each series it gives.
        hold: seconds that a series must be there before it fires.
        severity: `none` for what must always fire.
        summary: static, so that repetitions of an alert are grouped.
        description: with templates; says value, limit and place.
        dashboard: path below the dashboards' address.
        page: path below the monitor's address.
        labels: more labels, beside `severity` and `corpus`.
        keep: seconds that it stays after its condition is gone.
    """

    name: str
    expr: str
    hold: float
    severity: Severity
    summary: str
    description: str
    dashboard: str
    page: str = "/"
    labels: tuple[tuple[str, str], ...] = ()
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts that are evaluated together."""

    name: str
    alerts: tuple[Alert, ...]


def literal(text: str) -> str:
    r"""Text as it stands within a template of Prometheus.

    >>> literal("a {{ b")
    'a {{ "{{" }} b'
    """
    return text.replace("{{", '{{ "{{" }}')


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them, to the millisecond.

    >>> duration(300.0), duration(90), duration(0.25), duration(0)
    ('5m', '90s', '250ms', '0s')
    """
    milliseconds = round(seconds * 1_000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds % size == 0 and (milliseconds or unit == "s"):
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def series(name: str, selector: str, **labels: str) -> str:
    r"""A selector of one metric.

    >>> series("swaps", 'job="j"', leg="dense", segment='a"b')
    'corpus_drift_swaps{job="j",leg="dense",segment="a\\"b"}'
    """
    matchers = [selector] if selector else []
    matchers += [f"{label}={quoted(value)}" for label, value in labels.items()]
    return f"corpus_drift_{name}{{{','.join(matchers)}}}"


def quoted(value: str) -> str:
    """A text as PromQL, and templates in annotations, write it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def number(value: float) -> str:
    """A number as PromQL takes it, without an exponent where it is a plain one.

    >>> number(7776000.0), number(0.25)
    ('7776000', '0.25')
    """
    return f"{value:.12g}"
