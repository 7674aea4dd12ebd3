"""The page's section on production: its numbers, what is unknown and why, and nothing where it is not asked."""

import math

from monitor.adapters.web.page.production import production_lines
from monitor.core.model.report import ALL, DriftReport, Measurement


def measured(
    metric: str, value: float, *, k: int = 10, n: int = 60, reason: str = "", then: float = math.nan
) -> Measurement:
    return Measurement(metric, "production", k, ALL, ALL, "mean", value, n, 60, then, reason)


def report(*measurements: Measurement) -> DriftReport:
    return DriftReport("d1", 0, {}, "f", None, measurements)


def test_lines() -> None:
    lines = production_lines(
        report(
            measured("kept_answers_ratio", 0.5),
            measured("kept_answers_ratio", 0.9, k=3),
            measured("production_explained_ratio", 0.25, n=40, reason="too_few_results", then=0.75),
            measured("production_dense_ratio", math.nan, n=0, reason="leg_off"),
            measured("production_noise_swaps", math.nan, n=0, reason="asked_once"),
            measured("production_displacement", 2.5, then=1.0),
        )
    )
    shown = [(of.metric, of.value, of.before, of.shade) for of in lines]
    assert shown == [
        ("kept_answers_ratio", "50%", "", "high"),
        ("production_noise_swaps", "unknown", "", "unknown"),
        ("production_explained_ratio", "25%", "75%", "high"),
        ("production_displacement", "2.5", "1", "plain"),
    ]
    assert lines[1].note == "asked_once"
    assert lines[2].note.endswith("of 40 of 60 anchors: too_few_results")


def test_other_legs_make_no_section() -> None:
    other = Measurement("kept_answers_ratio", "dense", 10, ALL, ALL, "mean", 1.0, 60, 60)
    assert production_lines(report(other)) == ()
