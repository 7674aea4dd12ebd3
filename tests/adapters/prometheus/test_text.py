"""The text of a page is prometheus_client's own, byte for byte."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.adapters.prometheus.exporter import alive, reported
from monitor.adapters.prometheus.text import page_text
from tests.adapters.views import HOSTILE, view

VALUES = (
    st.floats() | st.integers(-(2**70), 2**70).map(float) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])
)
LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(HOSTILE)


class Given(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def expected(families: list[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given(families))
    return generate_latest(registry)


def family(name: str, labels: tuple[str, ...], samples: list[tuple[tuple[str, ...], float]]) -> Metric:
    made = GaugeMetricFamily(name, "Help with \\ and\na line", labels=labels)
    for values, value in samples:
        made.add_metric(values, value)
    return made


@given(st.lists(st.tuples(st.tuples(LABELS, LABELS), VALUES), max_size=8), VALUES)
def test_gauges(samples: list[tuple[tuple[str, ...], float]], plain: float) -> None:
    families = [
        family("one", ("zeta", "alpha"), samples),
        family("plain", (), [((), plain)]),
        family("two", ("alpha", "zeta"), samples),  # the same values under the other names
        family("three", ("zeta", "alpha"), samples[::-1]),
    ]
    assert page_text(families) == expected(families)


@pytest.mark.parametrize("segments", [HOSTILE, ("s",), ()])
def test_a_view_with_all_kinds_of_families(segments: tuple[str, ...]) -> None:
    families = [*reported(view(segments)), *alive(view(segments))]
    assert {"gauge", "counter", "histogram", "info"} <= {of.type for of in families}
    assert page_text(families) == expected(families)
