"""A series over the past: a table of points gives what each point says by itself; worst, limit and axis by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.records.history import HEADLINES, Series
from monitor.core.records.reading import LEAST_SPAN, PastTable, Reading
from tests.adapters.pasts import past

NAN = float("nan")
PLACES = [("all", "all"), ("source", "a"), ("source", "b")]


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(st.integers(0, 12), st.sampled_from([*PLACES, ("never", "x")]), st.sampled_from([*HEADLINES, "never"]),
       st.sampled_from(["dense", "lexical", "production"]))  # fmt: skip
def test_a_table_says_what_each_point_says(count: int, at: tuple[str, str], metric: str, leg: str) -> None:
    points = [*past(PLACES, deploys=count).deploys, *past(PLACES[:2], hours=2, legs=("dense",)).hours]
    series = Series(metric, leg)
    made = PastTable(points, [""] * len(points)).reading(*at, series)
    for point, value, limit, verdict in zip(points, made.values, made.limits, made.verdicts, strict=True):
        expected, allowed = point.at(*at, series)
        assert same(value, expected)
        assert same(limit, allowed)
        row = point.row(*at)
        assert verdict == ("" if row is None else point.verdicts[row])


@pytest.mark.parametrize(
    ("metric", "values", "limits", "worst", "limit", "beyond", "axis"),
    [
        ("kept_answers_ratio", (1.0, 0.9, NAN), (0.98, NAN, 0.95), 1, 0.95, (), (0.9, 1.0)),
        ("kept_answers_ratio", (0.9, 0.9), (0.95, 0.95), 0, 0.95, (0, 1), (0.9, 1.0)),
        ("swaps", (0.0, 2.0, 2.0), (2.0, 2.0, 1.0), 1, 1.0, (2,), (0.0, 2.0)),
        ("swaps", (NAN,), (NAN,), None, NAN, (), (0.0, LEAST_SPAN)),
        ("jaccard_ratio", (), (), None, NAN, (), (1.0 - LEAST_SPAN, 1.0)),
    ],
)
def test_by_hand(
    metric: str,
    values: tuple[float, ...],
    limits: tuple[float, ...],
    worst: int | None,
    limit: float,
    beyond: tuple[int, ...],
    axis: tuple[float, float],
) -> None:
    made = Reading(Series(metric, "dense"), values, limits, ("",) * len(values), ("",) * len(values))
    assert (made.worst, made.beyond, made.axis) == (worst, beyond, axis)
    assert same(made.limit, limit)
