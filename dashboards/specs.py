"""What a panel shows, as plain values; `dashboards.panels` makes Grafana's out of them."""

from dataclasses import dataclass

from monitor.core.measures.registry import REGISTRY

TARGET = 'job=~"$job",instance=~"$instance"'
"""Matchers on every series: the variables that every dashboard has."""
SEGMENT = 'dimension="$dimension",segment="$segment"'
"""Matchers of the drill-down's variables."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query and how its series are named."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """What every panel with values has."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Graph(_Shown):
    """Lines over time. `stacked`: areas on top of each other."""

    width: int = 12
    height: int = 8
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Number(_Shown):
    """One value, or a few, now. `verdict`: the series are verdicts and shown by their names in their colours."""

    width: int = 4
    height: int = 4
    verdict: bool = False
    bad_above: float | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Ranking(_Shown):
    """A table of the series of one query now, largest first."""

    width: int = 12
    height: int = 10
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Bars(_Shown):
    """Series now as bars of 0 to 1."""

    width: int = 12
    height: int = 10


@dataclass(frozen=True, slots=True)
class States(_Shown):
    """Verdicts over time: 0 pass, 1 inconclusive, 2 unknown, 3 fail."""

    width: int = 24
    height: int = 10


@dataclass(frozen=True, slots=True)
class Heading:
    """A row's title."""

    title: str


Panel = Graph | Number | Ranking | Bars | States | Heading


def metric(name: str, *matchers: str, **labels: str) -> str:
    """A selector of an exported metric, of the targets chosen; labels are equal to what is given.

    Raises:
        LookupError: if the registry does not have it.
    """
    base = name.removesuffix("_total").removesuffix("_info").removesuffix("_bucket")
    REGISTRY.entry(base)
    equal = (f'{label}="{value}"' for label, value in labels.items())
    return f"corpus_drift_{name}{{{','.join((TARGET, *matchers, *equal))}}}"


def about(name: str, *more: str) -> str:
    """What a metric is and what it means when it rises, as the registry says it."""
    known = REGISTRY.entry(name)
    return " ".join((f"{known.help}.", f"When it rises: {known.rises}", *more))
