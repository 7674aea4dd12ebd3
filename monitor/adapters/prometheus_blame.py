"""Prometheus families of blame: the sources that caused most of each leg's churn, and the rest in one series."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from monitor.adapters.prometheus_families import gauge
from monitor.core.report import OTHER, Share

MOST_SOURCES = 10
"""Sources of a leg that are told apart; labels are bounded."""


def blame_families(shares: Iterable[Share]) -> Iterator[Metric]:
    """Shares by leg and source, the largest told apart, the others summed as `other`; nothing where nothing moved."""
    told: dict[tuple[str, str], float] = {}
    count: Counter[str] = Counter()
    for share in sorted((of for of in shares if of.level == "source"), key=lambda of: (of.leg, -of.share, of.name)):
        count[share.leg] += 1
        name = share.name if count[share.leg] <= MOST_SOURCES else OTHER
        told[share.leg, name] = told.get((share.leg, name), 0.0) + share.share
    family = gauge("blamed_share_ratio")
    for labels, value in told.items():
        family.add_metric(labels, value)
    yield family
