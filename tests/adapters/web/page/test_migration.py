"""The page, the endpoint, the gate and the metrics of an encoder migration."""

import math
import time
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.web.page.migration import phase_line, render_migration
from monitor.core.measures.registry import REGISTRY
from monitor.core.migration.cheap_judging import JudgedSign, SlotToJudge
from monitor.core.migration.clicks import InterleavingCredit
from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import MigrationView, Pace, Phase, SegmentCoverage
from monitor.core.migration.side_effects import AnswerShape, SuggestedThreshold
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict, assess
from monitor.core.records.published import Published
from tests.adapters.pages import Reader
from tests.adapters.serving import Shown, served
from tests.adapters.views import HOSTILE, health
from tests.adapters.views import view as published
from tests.core.migration.views import COVERED, CUT, NOW, clicks, evidence, quality, serving, view

SHAPES = (
    AnswerShape(3.1, 7_200.0, math.nan, 0.4, 0.1, 800.0, 9),
    AnswerShape(4.0, 90.0, math.nan, 0.3, 0.2, 900.0, 9),
)
FULL = evidence(
    other_quality=(quality(metric="mrr"),),
    clicks=clicks(),
    shapes=SHAPES,
    source_mix_divergence=0.02,
    thresholds={"answerable": SuggestedThreshold(0.55, 0.71, 0.9, 0.9, 500)},
)


def judged(of: MigrationView | None = None, known: MigrationEvidence = FULL) -> MigrationAssessment:
    return assess(of or view(), known, GateLimits())


def faulty(*ids: str) -> MigrationView:
    coverage = replace(
        COVERED, covered=1_000 - len(ids), missing=len(ids), missing_ids=ids, stale=None,
        by_segment=(SegmentCoverage("language", "de", 10, 9, 1, 0, 0),),
    )  # fmt: skip
    return view(coverage=coverage, pace=Pace(2.0, 9.0, 12.5, 1.0, 300.0), problems=("the target answers slowly",))


def site(of: MigrationAssessment | None) -> Shown:
    shown: Published = replace(published(["s"], health=health(turned=time.time())), assessment=of)
    return Shown(shown)


def test_the_questions_are_answered_at_once() -> None:
    text = Reader(render_migration(judged(), "e5")).text
    for said in (
        "READY", "old:v1 → new:v2", "Switch the alias and the query encoder together", "corpus-drift migrate status",
        "What is missing?", "nothing", "When is it done?", "the backfill is complete", "Is it better?",
        "better: +0.030", "What would break?", "nothing that is measured", "ndcg@10 0.710 → 0.740, on 500 anchors",
    ):  # fmt: skip
        assert said in text, said
    wrong = Reader(render_migration(judged(faulty("a#1", "b#2", "c#3")), "e5")).text
    for said in (
        "NOT READY", "3 missing", "not known: stale", "in 5 min", "12.5 chunks a second",
        "chunks missing or wrong (R1)", "write a#1", "--fix jsonl", "the target answers slowly",
    ):  # fmt: skip
        assert said in wrong, said


def test_unknown_is_never_a_calm_word() -> None:
    unasked = serving("old:v1", asked=0, ann_recall=math.nan, p95=math.nan, failures=None)
    empty = replace(COVERED, covered=0, missing=1_000)
    nothing = view(pace=Pace(), coverage=empty, serving=(unasked, replace(unasked, version="new:v2", points=None)))
    text = Reader(render_migration(judged(nothing, MigrationEvidence()), "e5")).text
    assert "not known: nothing moves" in text
    assert "Is it better? ! not known" in " ".join(text.split())
    assert "nan" not in text.lower().replace("finance", "")


def test_what_people_did_is_shown() -> None:
    credit = InterleavingCredit(7, 3, 2, 1 / 6, -0.02, 0.3, 0.17)
    slots = [SlotToJudge(0, 1, 1, 0, -1.0)]
    known = evidence(clicks=clicks(credit=credit), sign=JudgedSign(0.1, 0.2, 40, 9), to_judge=slots)
    text = Reader(render_migration(judged(known=known), "e5")).text
    for said in (
        "7 for the new version, 3 for the old one, 2 ties",
        "decided: better",
        "40 results that differ are judged",
    ):
        assert said in text, said
    assert "What people did" not in Reader(render_migration(judged(known=evidence()), "e5")).text


@pytest.mark.parametrize("phase", list(Phase))
def test_the_line_of_phases(phase: Phase) -> None:
    made = phase_line(judged(view(phase=phase, changes=CUT)))
    assert [step.state for step in made].count("now") == 1
    states = "".join(step.state[0] for step in made)
    assert states == "d" * states.count("d") + "n" + "a" * states.count("a")
    assert phase_line(judged())[2].state == "now"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    made = replace(judged(faulty(name)), reasons=(name,))
    for text in (render_migration(made, name), render_migration(made, "e5"), render_migration(None, name)):
        read = Reader(text)
        assert "script" not in read.tags
        assert read.tags.count("style") == 1
        assert not any(attribute.startswith("on") for _, attribute, _ in read.attributes)


def test_the_endpoint_and_the_gate() -> None:
    after = view(phase=Phase.CUT_OVER, changes=CUT, alias=None)
    cases = [
        (judged(), 200),
        (judged(faulty("a")), 409),
        (judged(view(phase=Phase.BACKFILLING)), 503),
        (judged(after, evidence()), 503),
    ]
    for of, status in cases:
        with served(site(of)) as at:
            reply = at.ask("/gate/check?migration=e5")
            assert reply.status == status
            assert reply.json()["verdict"] == str(of.verdict)
            assert at.post("/gate/check", {"metadata": {"migration": "e5"}}).status == status
            document = at.ask("/api/v1/migration").json()
            assert document["migration"] == "e5"
            assert document["next"]["command"].startswith("corpus-drift migrate ")
            assert at.ask("/gate/check?migration=other").status == 404
            assert "is not the one" in at.ask("/?migration=other").content.decode()
            assert "is not the one" not in at.ask("/?migration=now").content.decode()
            page = at.ask("/?migration=e5")
            assert page.status == 200
            assert str(of.verdict).replace("_", " ") in page.content.decode()
            assert "Migration: " in at.ask("/").content.decode()


def test_without_a_migration_nothing_says_that_all_is_well() -> None:
    with served(site(None)) as at:
        assert at.ask("/gate/check?migration=e5").status == 404
        assert at.ask("/api/v1/migration").status == 404
        assert "No encoder migration is configured" in at.ask("/?migration=e5").content.decode()
        assert b"corpus_drift_migration" not in at.ask("/metrics").content
    with served(Shown()) as at:
        assert at.ask("/gate/check?migration=e5").status == 503


def samples(of: MigrationAssessment) -> dict[tuple[str, str], float]:
    shown = replace(published(["s"]), assessment=of)
    return {
        (one.name, ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(MetricsPage().render(shown).decode())
        for one in family.samples
        if one.name.startswith("corpus_drift_migration")
    }


def test_the_metrics_say_what_the_page_says() -> None:
    found = samples(judged(faulty("a")))
    assert found["corpus_drift_migration_missing_chunks", ""] == 1.0
    assert math.isnan(found["corpus_drift_migration_stale_chunks", ""]), "not known is not 0"
    assert found["corpus_drift_migration_resurrected_chunks", ""] == 0.0
    assert found["corpus_drift_migration_coverage_ratio", "dimension=all,segment=all"] == 0.999
    assert found["corpus_drift_migration_coverage_ratio", "dimension=language,segment=de"] == 0.9
    assert found["corpus_drift_migration_eta_seconds", ""] == 300.0
    assert found["corpus_drift_migration_phase", "phase=shadowing"] == 1.0
    assert found["corpus_drift_migration_verdict", "verdict=NOT_READY"] == 1.0
    assert found["corpus_drift_migration_rule_verdict", "rule=R1,verdict=fail"] == 1.0
    assert found["corpus_drift_migration_shadow_swaps", "dimension=all,k=10,segment=all"] == 6.0
    assert (
        found["corpus_drift_migration_quality_difference", "dimension=all,metric=ndcg,segment=all,stat=lower"] == 0.01
    )
    assert ("corpus_drift_migration_window_left_seconds", "") not in found
    after = samples(judged(view(phase=Phase.CUT_OVER, changes=CUT, now=NOW)))
    assert after["corpus_drift_migration_window_left_seconds", ""] > 0.0


def test_every_verdict_and_phase_has_its_series_and_one_holds() -> None:
    found = samples(judged())
    for name, members in (("verdict", MigrationVerdict), ("phase", Phase)):
        values = {labels: value for (series, labels), value in found.items() if series.endswith(f"migration_{name}")}
        assert set(values) == {f"{name}={of}" for of in members}
        assert sum(values.values()) == 1.0
    exported = {series for series, _ in found}
    described = {of.exported for of in REGISTRY.families["Encoder migration"]}
    assert described - exported == {"corpus_drift_migration_window_left_seconds"}
