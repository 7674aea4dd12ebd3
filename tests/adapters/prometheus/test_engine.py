"""What the exporter says of the engine's work and of audits; what is not known is not there."""

from collections.abc import Iterable
from dataclasses import replace

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.prometheus.engine import audit_families, engine_families, folded_families
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.core.model.report import SegmentSize
from monitor.core.records.published import Audited, EngineWork
from tests.adapters.views import view

WORK = EngineWork(
    touched={"lexical": 70, "dense": 40},
    refills={"lexical": 24, "dense": 3},
    refilling={"lexical": 0, "dense": 2},
    rebuilds=1,
    epochs=2,
    terms=99,
    tombstones=5,
)
Series = dict[tuple[str, ...], float]


def series(families: Iterable[Metric]) -> Series:
    return {
        (one.name, *(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def test_audits() -> None:
    found = series(audit_families({"lexical": Audited(3, 20, 1_700.0, 0.5), "dense": Audited(0, 7, 1_701.0, 0.25)}))
    assert found == {
        ("corpus_drift_audit_mismatches", "leg=lexical"): 3,
        ("corpus_drift_audit_mismatches", "leg=dense"): 0,
        ("corpus_drift_audited_anchors", "leg=lexical"): 20,
        ("corpus_drift_audited_anchors", "leg=dense"): 7,
        ("corpus_drift_last_audit_timestamp_seconds", "leg=lexical"): 1_700,
        ("corpus_drift_last_audit_timestamp_seconds", "leg=dense"): 1_701,
        ("corpus_drift_last_audit_duration_seconds", "leg=lexical"): 0.5,
        ("corpus_drift_last_audit_duration_seconds", "leg=dense"): 0.25,
    }


def test_never_audited_is_not_zero_mismatches() -> None:
    assert series(audit_families({})) == {}
    found = series(
        audit_families({"lexical": Audited(skipped="variant"), "dense": Audited(0, 7, 9.0, 0.1, "corpus_too_large")})
    )
    assert ("corpus_drift_audit_mismatches", "leg=lexical") not in found
    assert found["corpus_drift_audit_mismatches", "leg=dense"] == 0  # of the audit before
    assert found["corpus_drift_audit_skipped", "leg=lexical", "reason=variant"] == 1
    assert found["corpus_drift_audit_skipped", "leg=dense", "reason=corpus_too_large"] == 1


def test_the_engine() -> None:
    assert series(engine_families(WORK)) == {
        ("corpus_drift_touched_anchors_total", "leg=dense"): 40,
        ("corpus_drift_touched_anchors_total", "leg=lexical"): 70,
        ("corpus_drift_engine_refills_total", "leg=dense"): 3,
        ("corpus_drift_engine_refills_total", "leg=lexical"): 24,
        ("corpus_drift_engine_refilling", "leg=dense"): 2,
        ("corpus_drift_engine_refilling", "leg=lexical"): 0,
        ("corpus_drift_dense_rebuilds_total",): 1,
        ("corpus_drift_lexical_epochs_total",): 2,
        ("corpus_drift_vocabulary_terms",): 99,
        ("corpus_drift_tombstones",): 5,
    }
    assert series(engine_families(None)) == {}


def test_a_leg_that_is_off_has_no_series() -> None:
    off = series(engine_families(replace(WORK, touched={"dense": 1}, refills={"dense": 0}, refilling={"dense": 0})))
    assert not [name for name in off if "lexical" in " ".join(name)]


def test_folded_segments() -> None:
    sizes = [
        SegmentSize("all", "all", 9, 9, watched=True),
        SegmentSize("source", "api", 5, 5, watched=True),
        SegmentSize("source", "blog", 2, 2, watched=False),
        SegmentSize("source", "wiki", 1, 0, watched=False),
    ]
    assert series(folded_families(sizes)) == {
        ("corpus_drift_segments_folded", "dimension=all"): 0,
        ("corpus_drift_segments_folded", "dimension=source"): 2,
    }
    assert series(folded_families([])) == {}


def test_all_of_it_is_on_the_page() -> None:
    plain = view(())
    health = replace(plain.health, audits={"dense": Audited(1, 2, 3.0, 4.0)}, engine=WORK)
    page = MetricsPage().render(replace(plain, health=health)).decode()
    found = series(text_string_to_metric_families(page))
    assert found["corpus_drift_audit_mismatches", "leg=dense"] == 1
    assert found["corpus_drift_engine_refills_total", "leg=lexical"] == 24
    assert found["corpus_drift_lexical_epochs_total",] == 2
