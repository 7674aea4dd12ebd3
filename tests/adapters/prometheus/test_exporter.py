"""The exporter: what promtool accepts, no series twice, what is gone is gone, rendered once."""

import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from monitor.adapters.prometheus.exporter import MetricsPage, alive, reported
from monitor.adapters.prometheus.kept_lines import KeptMeasurements
from monitor.core.judging.policy import Verdict
from monitor.core.measures.entry import PREFIX
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import Measurement
from monitor.core.records.published import Published
from tests.adapters.views import HOSTILE, health, measurement, view
from tests.app.loops import opened, to_end
from tests.corpora import Shape, write_case

PROMTOOL = shutil.which("promtool")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The last view of a real run over a small corpus, at two depths."""
    config = write_case(
        tmp_path_factory.mktemp("case"), shape=Shape(incident=True), extra="[measure]\ndepths = [10, 5]\n"
    )
    with opened(config) as monitor:
        assert to_end(monitor)
        found = monitor.published
    assert found is not None
    return found


def samples(text: bytes) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text.decode()):
        yield from family.samples


def labelled(text: bytes) -> list[tuple[object, ...]]:
    return [(one.name, *sorted(one.labels.items())) for one in samples(text)]


def value(text: bytes, name: str, **labels: str) -> float:
    (found,) = (one for one in samples(text) if one.name == name and labels.items() <= one.labels.items())
    return float(found.value)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
@pytest.mark.parametrize("which", ["real", "hostile", "starting"])
def test_promtool_finds_nothing(real: Published, which: str) -> None:
    text = MetricsPage().render({"real": real, "hostile": view(HOSTILE), "starting": None}[which])
    assert PROMTOOL is not None
    said = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")


@pytest.mark.parametrize("which", ["real", "hostile"])
def test_no_series_is_there_twice(real: Published, which: str) -> None:
    found = labelled(MetricsPage().render(real if which == "real" else view(HOSTILE)))
    assert len(found) > 20
    assert len(found) == len(set(found))


def test_every_measurement_is_there_with_its_value(real: Published) -> None:
    text = MetricsPage().render(real)
    found = {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples(text)}
    assert len(real.report.measurements) > 100
    for item in real.report.measurements:
        labels = {
            "leg": item.leg,
            "k": str(item.k),
            "dimension": item.dimension,
            "segment": item.segment,
            "stat": item.stat,
        }
        if item.metric == "embedding_version_chunks":
            labels = {"embedding_version": item.segment}
        said = found[f"corpus_drift_{item.metric}", tuple(sorted(labels.items()))]
        assert said == item.value or (math.isnan(said) and math.isnan(item.value))


def test_labels_come_back_as_they_were() -> None:
    found = {
        one.labels["segment"]
        for one in samples(MetricsPage().render(view(HOSTILE)))
        if one.name == "corpus_drift_swaps"
    }
    assert found == set(HOSTILE)


def test_what_is_not_measurable_is_nan_and_nothing_else_suffers() -> None:
    text = MetricsPage().render(view(["s"], [measurement("gap", "s", float("nan"), k=0)]))
    assert math.isnan(value(text, "corpus_drift_gap"))
    assert value(text, "corpus_drift_swaps") == 1.5
    assert value(text, "corpus_drift_verdict", verdict="fail") == 1.0


def test_a_metric_without_entry_in_the_registry_cannot_be_exported() -> None:
    with pytest.raises(LookupError, match="'surprise' has no entry"):
        MetricsPage().render(view(["s"], [measurement("surprise", "s", 1.0)]))


def test_every_family_is_as_its_entry_says(real: Published) -> None:
    for family in (*reported(real), *alive(real)):
        of = REGISTRY.entry(family.name.removeprefix(PREFIX))
        assert (family.documentation, family.type) == (of.help, of.kind)
        for one in family.samples:
            assert set(one.labels) - {"le"} == set(of.labels)


def test_a_segment_that_is_gone_is_gone() -> None:
    page = MetricsPage()
    assert b'segment="old"' in page.render(view(["old", "new"]))
    after = page.render(view(["new"]))
    assert b'segment="old"' not in after
    assert b'segment="new"' in after


def test_the_page_is_rendered_once_per_view_and_its_bulk_once_per_report(
    real: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, rendered, text = MetricsPage(), list[int](), KeptMeasurements.text

    def counted(self: KeptMeasurements, items: Sequence[Measurement]) -> str:
        rendered.append(1)
        return text(self, items)

    monkeypatch.setattr(KeptMeasurements, "text", counted)
    first = page.render(real)
    assert page.render(real) is first
    later = page.render(replace(real, health=replace(real.health, state_bytes=987_654_321)))
    assert value(later, "corpus_drift_state_bytes") == 987_654_321
    assert len(rendered) == 1  # the report is the same one: only the health was rendered again
    page.render(replace(real, report=replace(real.report)))
    assert len(rendered) == 2


def test_a_stale_verdict_shows_at_once_although_the_report_is_the_same(real: Published) -> None:
    page = MetricsPage()
    page.render(real)
    stale = replace(real, verdict=Verdict("unknown", ("input is stale",), real.own.findings))
    assert value(page.render(stale), "corpus_drift_verdict", verdict="unknown") == 1.0
    judged = replace(real, verdict=Verdict("unknown", ("no answer",), ()))
    assert b"corpus_drift_rule_verdict{" not in page.render(judged)


def test_what_is_not_known_is_nan_never_zero_and_never_gone() -> None:
    unknown = health(lag=None, index_points=None, replay_latencies=None, last_event=0.0)
    found = list(samples(MetricsPage().render(view(["s"], health=unknown))))
    for name in ("lag_events", "index_points", "replay_latency_seconds", "last_event_timestamp_seconds"):
        values = [one.value for one in found if one.name == f"corpus_drift_{name}"]
        assert values
        assert all(math.isnan(value) for value in values)
    assert "corpus_drift_last_commit_timestamp_seconds" in {one.name for one in found}


def test_the_collector_says_what_the_page_says(real: Published) -> None:
    collected = [one.name for family in (*reported(real), *alive(real)) for one in family.samples]
    assert sorted(collected) == sorted(one.name for one in samples(MetricsPage().render(real)))
    assert not [name for name in collected if name.endswith("_created")]


def test_histograms_are_cumulative_and_end_in_everything() -> None:
    text = MetricsPage().render(view(["s"]))
    buckets = [one.value for one in samples(text) if one.name == "corpus_drift_batch_duration_seconds_bucket"]
    assert buckets == [1.0, 1.0, 2.0]
    assert value(text, "corpus_drift_batch_duration_seconds_count") == 2.0
    assert value(text, "corpus_drift_batch_duration_seconds_sum") == pytest.approx(3.05)


def test_the_bulk_of_a_page_is_bounded_by_the_cap_on_segments(tmp_path: Path) -> None:
    """A dimension with more values than the cap: the rest is pooled, so that no stream can flood Prometheus."""
    config = write_case(tmp_path, shape=Shape(), extra="")
    text = config.read_text(encoding="utf-8").replace("[segments]\n", "[segments]\ncap = 2\n")
    config.write_text(text, encoding="utf-8")
    with opened(config) as monitor:
        assert to_end(monitor)
        page = MetricsPage().render(monitor.published)
    found = {one.labels["segment"] for one in samples(page) if one.name == "corpus_drift_swaps"}
    assert len(found - {"all", "other"}) <= 2
    assert "other" in found
