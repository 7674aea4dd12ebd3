"""Prometheus families of the anchors beside the traffic; none where no traffic is read. Unknown is NaN, never 0."""

import math
from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import counter, gauge, plain
from monitor.core.traffic.model import DAY
from monitor.core.traffic.panel import PanelBridge
from monitor.core.traffic.shares import ShareEstimate
from monitor.core.traffic.view import TrafficView


def traffic_families(of: TrafficView | None) -> Iterator[Metric]:
    """All series of traffic."""
    if of is None:
        return
    covered = gauge("anchor_traffic_coverage_ratio")
    for figure in of.coverage:
        place = (figure.dimension, figure.segment, figure.weight)
        for stat, value in _stats(of.share(*place)):
            covered.add_metric((*place, stat), value)
    if not of.coverage:  # nothing was read yet: unknown is said
        for stat, value in _stats(of.share()):
            covered.add_metric(("all", "all", "asks", stat), value)
    yield covered
    yield plain("anchor_traffic_judged_ratio", of.judged.share)
    unseen = gauge("anchor_traffic_unseen_ratio")
    for stat, value in _stats(of.unseen):
        unseen.add_metric((stat,), value)
    yield unseen
    divergence = gauge("anchor_traffic_divergence")
    for dimension, bits in of.divergence.items():
        divergence.add_metric((dimension,), bits)
    yield divergence
    yield plain("anchors_historical", sum(one.historical for one in of.anchors))
    if of.gap:
        yield _differences("anchor_held_out_gap", of.gap)
    judged = gauge("anchor_judgements")
    for state, count in of.judgements.items():
        judged.add_metric((str(state),), count)
    yield judged
    records = counter("traffic_records")
    for reason, count in sorted(of.log.outcomes.items()):
        records.add_metric((reason,), count)
    yield records
    yield plain("traffic_sampled_ratio", of.sampled)
    yield plain("last_traffic_timestamp_seconds", of.newest * DAY / 1e6 if of.newest else math.nan)


def panel_families(bridges: Sequence[PanelBridge]) -> Iterator[Metric]:
    """What the newest change of anchors made; nothing before the first."""
    if bridges:
        yield _differences("anchor_panel_bridge", bridges)


def _differences(name: str, bridges: Sequence[PanelBridge]) -> Metric:
    family = gauge(name)
    for of in bridges:
        for stat in ("difference", "lower", "upper"):
            family.add_metric((of.metric, of.leg, stat), getattr(of, stat))
    return family


def _stats(of: ShareEstimate) -> tuple[tuple[str, float], ...]:
    known = not math.isnan(of.share)
    return tuple((name, getattr(of, name) if known else math.nan) for name in ("share", "lower", "upper"))
