"""The past in a terminal: blocks worked by hand, unknown never the lowest, and the document they are drawn from."""

import doctest
import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from monitor.app import sparkline as module
from monitor.app import tables
from monitor.app.sparkline import BLOCKS, UNKNOWN, past_rows, sparkline
from monitor.core.judging.policy import Verdict
from monitor.core.records import reading
from monitor.core.records.documents import report_document, report_schema
from monitor.core.records.history import History
from monitor.core.records.history_document import history_document
from tests.adapters.pasts import past
from tests.adapters.views import view

NAN = float("nan")


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(reading).attempted > 1


@given(st.lists(st.one_of(st.just(NAN), st.floats(-1e3, 1e3)), max_size=30))
def test_blocks_keep_order_and_unknown_is_none_of_them(values: list[float]) -> None:
    drawn = sparkline(values, -1e3, 1e3)
    assert len(drawn) == len(values)
    assert [of == UNKNOWN for of in drawn] == [math.isnan(value) for value in values]
    known = [(value, BLOCKS.index(of)) for value, of in zip(values, drawn, strict=True) if of != UNKNOWN]
    assert [height for _, height in sorted(known)] == sorted(height for _, height in known)


def test_rows_worked_by_hand() -> None:
    """Four deploys, kept answers 1, unknown, 0.9 and 0.99 under a limit of 0.95; the hour after them 0.97."""
    made = past([("source", "a"), ("all", "all")], deploys=4, hours=1, legs=("dense",))
    values = ((1.0, 0.5), (NAN, 0.5), (0.9, 0.5), (0.99, 0.5))
    deploys = tuple(
        replace(point, values=numbers(point.values, of), limits=point.limits * 0 + 0.95)
        for point, of in zip(made.deploys, values, strict=True)
    )
    hours = tuple(replace(of, values=numbers(of.values, (0.97, NAN)), limits=of.limits * NAN) for of in made.hours)
    document = history_document(History(deploys, hours))
    assert past_rows(document, "kept_answers_ratio") == [
        ["dense", "all", "▁▁▁▁", "·", "unknown", "0.500", "0.950", "4"],
        ["dense", "source=a", "█·▁█", "▆", "0.970", "0.900", "0.950", "1"],
    ]
    assert past_rows(document, "never") == []


def numbers(of: NDArray[np.float64], rows: tuple[float, float]) -> NDArray[np.float64]:
    """The values of the first series, the others not known."""
    made = np.full_like(of, NAN)
    made[:, 0] = rows
    return made


def test_the_document_is_valid_and_says_null_for_what_is_not_known() -> None:
    report = report_document(view(["s"]).report, Verdict("unknown", (), ()))
    for made in (past([("all", "all")]), History()):
        document = {**report, "history": history_document(made)}
        Draft202012Validator(report_schema()).validate(document)
    series = history_document(past([("all", "all")], deploys=12))["series"]
    (one,) = (of for of in series if (of["metric"], of["leg"]) == ("swaps", "lexical"))
    assert one["deploys"][8] is None
    assert one["deploy_limits"] == [None] * 12
    assert not [of for of in series if of["leg"] == "production"], "what no point knows is no series"


def test_a_report_draws_the_chosen_measure_below_its_table() -> None:
    document = report_document(view(["s"]).report, Verdict("unknown", (), ()))
    assert "over the last" not in tables.report_table(document), "a monitor of before this says nothing of the past"
    document["history"] = history_document(past([("all", "all"), ("source", "s")], deploys=9, hours=3))
    lines = tables.report_table(document, measure="swaps").splitlines()
    assert "swaps over the last 9 deploys and 3 hours, oldest left; · is not known" in lines
    row = next(line for line in lines[::-1] if line.startswith("lexical"))
    assert row.count(UNKNOWN) == 1
    document["history"] = history_document(History())
    assert "kept_answers_ratio: nothing is kept yet" in tables.report_table(document)
