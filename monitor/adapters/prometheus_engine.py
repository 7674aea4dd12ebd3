"""Prometheus families of the engine's own work and of the audits that check it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from monitor.core.published import Audited, AuditLeg, EngineWork
from monitor.core.report import SegmentSize

_LEG = ("leg",)


def audit_families(audits: Mapping[AuditLeg, Audited], prefix: str) -> Iterator[Metric]:
    """What audits found; a leg that was never audited has no mismatches series, rather than 0."""
    done = {leg: audited for leg, audited in sorted(audits.items()) if audited.at}
    for name, help_text, values in (
        (
            "audit_mismatches",
            "Results that disagree with the reference in the newest audit of each anchor; must stay 0",
            {leg: audited.mismatches for leg, audited in done.items()},
        ),
        (
            "audited_anchors",
            "Anchors looked at in the newest audit",
            {leg: audited.anchors for leg, audited in done.items()},
        ),
        (
            "last_audit_timestamp_seconds",
            "Wall clock of the newest audit that took place",
            {leg: audited.at for leg, audited in done.items()},
        ),
        (
            "last_audit_duration_seconds",
            "How long the newest audit took, during which the loop waited",
            {leg: audited.seconds for leg, audited in done.items()},
        ),
    ):
        family = GaugeMetricFamily(prefix + name, help_text, labels=_LEG)
        for leg, value in values.items():
            family.add_metric((leg,), value)
        yield family
    skipped = GaugeMetricFamily(
        f"{prefix}audit_skipped", "1 where the newest attempt audited nothing, and why", labels=("leg", "reason")
    )
    for leg, audited in sorted(audits.items()):
        if audited.skipped:
            skipped.add_metric((leg, audited.skipped), 1.0)
    yield skipped


def folded_families(segments: Iterable[SegmentSize], prefix: str) -> Iterator[Metric]:
    """How many segments of each dimension have too few anchors to be watched and are measured as `other`."""
    family = GaugeMetricFamily(
        f"{prefix}segments_folded", "Segments with too few anchors, measured as other", labels=("dimension",)
    )
    folded: Counter[str] = Counter()
    for size in segments:
        folded[size.dimension] += not size.watched
    for dimension, count in folded.items():
        family.add_metric((dimension,), count)
    yield family


def engine_families(work: EngineWork | None, prefix: str) -> Iterator[Metric]:
    """What keeping the lists exact takes; counters start anew with the process. None: nothing is known."""
    if work is None:
        return
    for name, help_text, counts in (
        ("touched_anchors", "Anchors whose maintained list a batch changed, summed over batches", work.touched),
        ("engine_refills", "Anchors whose list could not be proved exact and was searched for anew", work.refills),
    ):
        counter = CounterMetricFamily(prefix + name, help_text, labels=_LEG)
        for leg, count in sorted(counts.items()):
            counter.add_metric((leg,), count)
        yield counter
    refilling = GaugeMetricFamily(
        f"{prefix}engine_refilling", "Anchors searched for anew since the view before this one", labels=_LEG
    )
    for leg, count in sorted(work.refilling.items()):
        refilling.add_metric((leg,), count)
    yield refilling
    if "dense" in work.refills:
        yield CounterMetricFamily(
            f"{prefix}dense_rebuilds", "Batches so large that all dense lists were searched for anew", work.rebuilds
        )
    if "lexical" in work.refills:
        yield CounterMetricFamily(
            f"{prefix}lexical_epochs", "Times that all lexical lists were searched for anew at once", work.epochs
        )
    yield GaugeMetricFamily(f"{prefix}vocabulary_terms", "Distinct tokens of live chunks and anchors", work.terms)
    yield GaugeMetricFamily(f"{prefix}tombstones", "Delete marks kept in the corpus", work.tombstones)
