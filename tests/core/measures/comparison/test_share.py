"""The share of the anchors above a limit: by plain counting in the report, as a share in the gate."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.policy import Verdict
from monitor.core.measures.comparison.summary import Summaries
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.report import Measurement
from tests.core.judging.cases import SWAPS, Values, baseline, compared, rule

NAN = math.nan
LIMIT = 2.0
VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.0, 2.5, 9.0, NAN]), min_size=1, max_size=30)


def shares(values: list[float], segments: list[str], weights: list[float]) -> dict[str, Measurement]:
    made = compared({SWAPS: np.array(values)}, segments, weights=np.array(weights))
    found = replace(made, summaries=Summaries({SWAPS.metric: LIMIT})).report().measurements
    return {of.segment: of for of in found if of.stat == "share"}


@given(VALUES, st.lists(st.sampled_from(["x", "y"]), min_size=30, max_size=30), st.integers(0, 2**32))
def test_it_is_the_weight_above_the_limit(values: list[float], segments: list[str], seed: int) -> None:
    weights = np.random.default_rng(seed).integers(1, 5, len(values)).astype(float).tolist()
    segments = segments[: len(values)]
    found = shares(values, segments, weights)
    assert set(found) == {"all", *segments}
    for segment, one in found.items():
        inside = [
            (value, weight)
            for value, weight, where in zip(values, weights, segments, strict=True)
            if segment in ("all", where) and not math.isnan(value)
        ]
        whole = sum(weight for _, weight in inside)
        expected = sum(weight for value, weight in inside if value > LIMIT) / whole if inside else NAN
        assert one.value == pytest.approx(expected, nan_ok=True)
        assert one.n == len(inside)


def test_without_a_limit_there_is_no_share() -> None:
    made = compared({SWAPS: np.zeros(3)}, ["s"] * 3).report().measurements
    assert made
    assert not [of for of in made if of.stat == "share"]


def judged(values: Values, stat: str, name: Name, *, noise: Values | None = None) -> Verdict:
    made = replace(compared({name: values}, ["s"] * len(values)), summaries=Summaries({SWAPS.metric: LIMIT}))
    known = {} if noise is None else {("dense", name): noise}
    evidence = GateEvidence(baseline(["s"] * len(values), range(len(values))), known)  # type: ignore[arg-type]  # a literal
    return judge_deploy([rule(metric=name.metric, stat=stat, max=0.1)], made, made.report(), evidence)


@pytest.mark.parametrize(("above", "expected"), [(0, "pass"), (10, "inconclusive"), (40, "fail")])
@pytest.mark.parametrize("noise", [None, 0.0, 5.0])
def test_the_gate_judges_it_like_a_column_of_zeros_and_ones(above: int, expected: str, noise: float | None) -> None:
    values = np.repeat([5.0, 1.0], [above, 100 - above])
    built = None if noise is None else np.full(100, noise)
    plain = None if built is None else (built > LIMIT).astype(float)
    said = judged(values, "share", SWAPS, noise=built)
    same = judged((values > LIMIT).astype(float), "mean", Name("top1_changed_ratio", 10), noise=plain)
    (one,), (other,) = said.findings, same.findings
    assert (one.verdict, one.value, one.lower, one.upper) == (other.verdict, other.value, other.lower, other.upper)
    assert said.verdict == (expected if noise != 5.0 or expected != "fail" else "inconclusive")
    assert one.value == above / 100
