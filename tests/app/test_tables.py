"""Documents as text: every row there, the worst first, ids as they are, no control of the terminal."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.app import tables
from monitor.core.index.baseline import Approval
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Position
from monitor.core.records.committed import Quarantined
from monitor.core.records.documents import report_document, snapshot_document
from tests.adapters.views import measurement, view
from tests.contracts.stores import snapshot

NAN = float("nan")


def report(*values: tuple[str, float]) -> dict[str, Any]:
    made = view([]).report
    measured = tuple(measurement("collapsed_swaps", name, value) for name, value in values)
    overall = measurement("collapsed_swaps", "all", 0.5, dimension="all")
    both = measurement("disagreement_ratio", "all", 0.5, leg="both", dimension="all")
    deeper = measurement("collapsed_swaps", "deep", 9.0, k=20)
    found = replace(made, measurements=(*measured, overall, both, deeper))
    return report_document(found, Verdict("fail", tuple(f"reason {n}" for n in range(20)), ()))


def test_a_report_shows_the_worst_first_and_the_unknown_before_them() -> None:
    lines = tables.report_table(report(("calm", 0.0), ("bad", 4.0), ("lost", NAN))).splitlines()
    assert lines[0] == "FAIL  as of 2026-05-28 20:26, deploy d1, against baseline main"
    assert [line.split()[1:3] for line in lines if line.startswith("dense")] == [
        ["all", "0.500"],
        ["source=lost", "unknown"],
        ["source=bad", "4.000"],
        ["source=calm", "0.000"],
    ]
    assert sum(line.startswith("  - reason") for line in lines) == 15


def test_the_depth_shown_is_the_first_configured_one() -> None:
    made = report(("s", 0.0))
    first = {**made["measurements"][0], "k": 20, "value": 4.0}
    assert "4.000" in tables.report_table({**made, "measurements": [first, *made["measurements"]]})


def test_a_report_says_how_many_segments_it_left_out() -> None:
    made = tables.report_table(report(*((f"s{n}", 1.0) for n in range(60))))
    assert "... and 21 more segments; --json has them all" in made
    assert sum(line.startswith("dense") for line in made.splitlines()) == 40


def test_a_report_without_numbers_has_no_table() -> None:
    empty = {**report(), "measurements": [], "baseline": None}
    assert "leg" not in tables.report_table(empty)


@pytest.mark.parametrize("name", ["a:bug:b", "[bold]a[/bold]", "[/]", "ü漢", "Q" * 64])
def test_names_are_printed_as_they_are(name: str) -> None:
    made = tables.report_table(report((name, 1.0)))
    assert name[:20] in made  # what is too long for its column is cut
    document = {**snapshot_document(snapshot(np.random.default_rng(0))), "name": name}
    table = tables.baseline_table([document])
    assert name in table or table.count("Q") == len(name)  # it may be folded


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in tables.report_table(report())
    assert "\x1b[" in tables.report_table(report(), color=True)


def test_baselines() -> None:
    assert tables.baseline_table([]) == "no baseline captured yet; see corpus-drift baseline capture"
    taken = snapshot(np.random.default_rng(0))
    approved = replace(taken, name="main", approval=Approval("ann", "looked at it", "2026-01-01T00:00:00+00:00"))
    documents = [snapshot_document(taken), snapshot_document(approved)]
    table = tables.baseline_table(documents)
    assert "(not approved)" in table
    assert "looked at it" in table
    cards = [tables.baseline_card(document) for document in documents]
    assert "approve it with: corpus-drift baseline approve -c FILE n " in cards[0]
    assert "approved by ann at 2026-01-01T00:00:00+00:00: looked at it" in cards[1]
    assert "not in force" in cards[1]
    now = tables.baseline_card(snapshot_document(approved, in_force=True))
    assert now.endswith("\nin force: reports and gates compare with it")
    assert "tokenizer" in cards[1]


def test_the_quarantine_shows_bytes_as_text_and_no_more_of_them_than_fit() -> None:
    assert tables.quarantine_table([]) == "nothing is in quarantine"
    item = Quarantined(Position("t", 3, 9), "not_utf8", "value: not UTF-8", None, b"\xff\x00ok" + b"x" * 900, 905)
    entry = tables.quarantine_entry(item)
    assert entry["value"].startswith("\\xff\x00ok")
    assert len(entry["value"]) < 500
    assert "t/3/9" in tables.quarantine_table([entry])
    assert tables.quarantine_entry(replace(item, value=None))["value"] == ""


def test_a_history_names_the_most_shaken() -> None:
    row = {"deploy": "v1", "event_time": 0, "verdict": "pass", "chunks": 1234.0, "dense": 0.25, "lexical": None}
    row |= {"worst": "dense source=a: 3.00", "why": "too far"}
    document = {"baseline": "the one before", "deploys": [row], "most_shaken": [row], "notes": ["n"]}
    made = tables.history_table(document)
    assert "1,234" in made
    assert "  1. v1: too far" in made
    assert "most shaken" not in tables.history_table({**document, "most_shaken": []})
    assert "against the one before: 1 PASS" in made
    assert "note: n" in made


@pytest.mark.parametrize(
    ("microseconds", "said"),
    [
        (0, "(no event yet)"),
        (253_402_300_799_999_999, "9999-12-31 23:59"),
        (-62_135_596_800_000_000, "0001-01-01 00:00"),
    ],
)
def test_any_moment_can_be_said(microseconds: int, said: str) -> None:
    assert tables.moment(microseconds).removeprefix("0").zfill(16) == said.removeprefix("0").zfill(16)


def test_problems_and_flat_documents() -> None:
    assert tables.problem_lines({"problems": ["a", "b"], "counts": {"events": 1_200}}) == "a\nb\n1,200 events"
    assert tables.lines({"anchors": 3, "queries": 9}) == "anchors: 3\nqueries: 9"
