"""Prometheus families of blame: the sources behind most of each leg's churn, and classes of causes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import get_args

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import gauge
from monitor.core.model.report import OTHER, CauseClass, CauseName, Share

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


def cause_families(
    causes: Iterable[CauseClass], *, compared: bool, without: Collection[CauseName] = ()
) -> Iterator[Metric]:
    """Which classes of causes hold; several may, or none. Without a comparison the others are not known to be 0.

    Args:
        causes: those that hold.
        compared: whether there was a baseline to compare with.
        without: classes that nothing here can tell.
    """
    holding = {of.cause for of in causes}
    family = gauge("cause")
    for name in get_args(CauseName):
        if (compared and name not in without) or name in holding:
            family.add_metric((name,), float(name in holding))
    yield family
