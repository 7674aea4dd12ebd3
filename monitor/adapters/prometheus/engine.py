"""Prometheus families of the engine's own work and of the audits that check it."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from monitor.adapters.prometheus.families import counter, gauge, plain
from monitor.core.model.report import SegmentSize
from monitor.core.records.published import AnchorsTaken, Audited, AuditLeg, EngineWork


def audit_families(audits: Mapping[AuditLeg, Audited]) -> Iterator[Metric]:
    """What audits found; a leg that was never audited has no mismatches series, rather than 0."""
    done = {leg: audited for leg, audited in sorted(audits.items()) if audited.at}
    for name, values in (
        ("audit_mismatches", {leg: audited.mismatches for leg, audited in done.items()}),
        ("audited_anchors", {leg: audited.anchors for leg, audited in done.items()}),
        ("last_audit_timestamp_seconds", {leg: audited.at or math.nan for leg, audited in audits.items()}),
        ("last_audit_duration_seconds", {leg: audited.seconds for leg, audited in done.items()}),
    ):
        family = gauge(name)
        for leg, value in values.items():
            family.add_metric((leg,), value)
        yield family
    skipped = gauge("audit_skipped")
    for leg, audited in sorted(audits.items()):
        if audited.skipped:
            skipped.add_metric((leg, audited.skipped), 1.0)
    yield skipped


def folded_families(segments: Iterable[SegmentSize]) -> Iterator[Metric]:
    """How many segments of each dimension have too few anchors to be watched and are measured as `other`."""
    family = gauge("segments_folded")
    folded: Counter[str] = Counter()
    for size in segments:
        folded[size.dimension] += not size.watched
    for dimension, count in folded.items():
        family.add_metric((dimension,), count)
    yield family


def engine_families(work: EngineWork | None) -> Iterator[Metric]:
    """What keeping the lists exact takes; counters start anew with the process. None: nothing is known."""
    if work is None:
        return
    for name, counts in (("touched_anchors", work.touched), ("engine_refills", work.refills)):
        counted = counter(name)
        for leg, count in sorted(counts.items()):
            counted.add_metric((leg,), count)
        yield counted
    refilling = gauge("engine_refilling")
    for leg, count in sorted(work.refilling.items()):
        refilling.add_metric((leg,), count)
    yield refilling
    for name, leg, total in (("dense_rebuilds", "dense", work.rebuilds), ("lexical_epochs", "lexical", work.epochs)):
        if leg in work.refills:
            times = counter(name)
            times.add_metric((), total)
            yield times
    yield plain("vocabulary_terms", work.terms)
    yield plain("tombstones", work.tombstones)


def anchors_families(taken: AnchorsTaken | None) -> Iterator[Metric]:
    """The anchors in use, and whether the file that is there is another one; None: nothing is known."""
    if taken is None:
        return
    yield plain("anchors", taken.anchors)
    yield plain("anchors_refused", float(bool(taken.refused)))
    times = counter("anchors_taken")
    times.add_metric((), taken.taken)
    yield times
