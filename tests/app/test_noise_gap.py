"""What is known of an index's own noise through the product's own wiring, from the configuration to the report."""

import math
from pathlib import Path

import pytest

from monitor.app.loop import Monitor
from monitor.core.model.report import ALL, Measurement
from tests.app.loops import opened, to_end
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=120, deploys=4, anchors=48, churn=0.15, incident=True)


def decided(monitor: Monitor) -> Measurement:
    """`top1_changed_decided_ratio` of all anchors, as published."""
    assert monitor.published is not None
    (found,) = (
        of
        for of in monitor.published.report.measurements
        if (of.metric, of.leg, of.dimension, of.stat) == ("top1_changed_decided_ratio", "dense", ALL, "mean")
    )
    return found


@pytest.mark.parametrize("dense", ["", "exact = true\n"])
def test_two_builds_of_an_exact_index_cannot_differ(tmp_path: Path, dense: str) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    config.write_text(config.read_text().replace("[dense]\n", f"[dense]\n{dense}"))
    with opened(config) as monitor:
        assert to_end(monitor)
        baseline = monitor.session.baseline
        assert baseline is not None
        assert baseline.noise_gap == 0.0
        found = decided(monitor)
    assert math.isfinite(found.value)
    assert (found.reason, found.value > 0.0, found.n > 0) == ("", True, True), "the incident changed first results"


def test_of_a_graph_the_gap_is_measured_on_its_twin(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    config.write_text(config.read_text().replace("[dense]\n", "[dense]\nexact = false\nindexing_threshold = 1\n"))
    with opened(config) as monitor:
        assert to_end(monitor)
        baseline = monitor.session.baseline
        assert baseline is not None
        assert baseline.noise is not None
        assert baseline.noise_gap is not None
        assert math.isfinite(decided(monitor).value)
