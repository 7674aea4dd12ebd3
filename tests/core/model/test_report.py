"""A report finds the measurements of one metric as a look at all of them does."""

import numpy as np
import pytest

from monitor.core.model.report import DriftReport, Measurement

METRICS = ("swaps", "gap", "chunks", "new_results")


@pytest.mark.parametrize("seed", range(5))
def test_measurements_of_one_metric_are_those_that_a_look_at_all_finds(seed: int) -> None:
    """Reports that are laid out alike and reports that are not follow each other."""
    random = np.random.default_rng(seed)
    layout = random.choice(METRICS, 20).tolist()
    for _ in range(10):
        if random.random() < 0.3:
            layout = random.choice(METRICS, random.integers(0, 20)).tolist()
        values = random.random(len(layout)).tolist()
        made = tuple(
            Measurement(metric, "dense", 10, "all", "all", "mean", value, 1, 1)
            for metric, value in zip(layout, values, strict=True)
        )
        report = DriftReport("", 0, {}, "", None, made)
        for metric in (*METRICS, "no such metric"):
            assert list(report.of(metric)) == [of for of in made if of.metric == metric]
