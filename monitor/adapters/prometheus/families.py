"""Empty metric families of the exposition, described by the registry: what has no entry there is not exported."""

from typing import Any, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from monitor.core.measures.entry import PREFIX, Kind
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.records.published import Durations

Family = TypeVar("Family", bound=Metric)


def gauge(name: str, registry: MeasureRegistry = REGISTRY) -> GaugeMetricFamily:
    """A gauge with the labels of its entry, to be filled."""
    return _family(name, "gauge", GaugeMetricFamily, registry)


def counter(name: str) -> CounterMetricFamily:
    """A counter with the labels of its entry, to be filled."""
    return _family(name, "counter", CounterMetricFamily)


def info(name: str, **labels: str) -> InfoMetricFamily:
    """What is known as text."""
    made = _family(name, "info", InfoMetricFamily, labels=())  # its labels come with the value
    made.add_metric((), labels)
    return made


def plain(name: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels, with its value."""
    made = gauge(name)
    made.add_metric((), value)
    return made


def histogram(name: str, seen: Durations) -> HistogramMetricFamily:
    """A cumulative histogram of durations in seconds."""
    buckets = [(f"{bound:g}", count) for bound, count in zip(seen.bounds, seen.counts, strict=True)]
    made = _family(name, "histogram", HistogramMetricFamily)
    made.add_metric((), buckets=[*buckets, ("+Inf", seen.total)], sum_value=seen.seconds)
    return made


def _family(
    name: str, kind: Kind, family: type[Family], registry: MeasureRegistry = REGISTRY, **given: Any
) -> Family:
    """Raises LookupError for a name or a kind that the registry does not have."""
    known = registry.entry(name)
    if known.kind != kind:
        message = f"metric {name!r} is a {known.kind} by the registry, exported as a {kind}"
        raise LookupError(message)
    of: Any = family  # the classes of prometheus_client agree on these arguments, but not in their types
    made: Family = of(PREFIX + name, known.help, **({"labels": known.labels} | given))
    return made
