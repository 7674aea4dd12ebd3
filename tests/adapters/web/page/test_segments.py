"""Segments on the page: the worst first, each with its verdict, dense beside lexical, and the unknown never calm."""

from dataclasses import replace

import pytest

from monitor.adapters.web.page.heat import heat, shade
from monitor.adapters.web.page.render import PageQuery, render_page
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Severity, Verdict
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import SegmentSize, VerdictName
from tests.adapters.pages import Reader, crowd, judged, moved, read
from tests.adapters.views import measurement, view

NAN = float("nan")


def places(found: Reader) -> list[str]:
    """The heat table's first column, without its head."""
    return [row[0] for row in found.rows if len(row) > 3 and row[0] not in ("Segment", "dense")]


def test_the_worst_segments_stand_first_with_their_verdicts() -> None:
    rows = (("source", "calm", 0.0), ("source", "bad", 4.0), ("source", "lost", NAN), ("source", "some", 1.5))
    found = read(moved(*rows))
    names = ["All anchors", "source=bad", "source=lost", "source=some", "source=calm"]
    assert places(found) == names
    verdicts = [row[1].split()[-1] for row in found.rows if row[0] in names]
    assert verdicts == ["PASS", "FAIL", "UNKNOWN", "warning", "PASS"]
    assert "FAIL 1 · ? UNKNOWN 1 · ! warning 1 · ✓ PASS 1 segments" in found.words


def test_dense_and_lexical_stand_side_by_side() -> None:
    made = moved(("source", "s", 4.0))
    lexical = tuple(
        of._replace(value=0.97) if (of.metric, of.leg, of.segment) == ("kept_answers_ratio", "lexical", "s") else of
        for of in made.report.measurements
    )
    shown = judged(replace(made, report=replace(made.report, measurements=lexical)))
    row = next(row for row in read(shown).rows if row[0] == "source=s")
    assert row[3:5] == ["80%", "97%"]
    assert row[11].endswith("4.00")
    assert "over the limit" in row[11]


def test_an_unknown_segment_says_why_and_has_no_calm_cell() -> None:
    found = read(moved(("source", "lost", NAN)))
    row = next(row for row in found.rows if row[0] == "source=lost")
    assert row[-1] == "unknown: not_replayed: 24 x deadline"
    assert "unknown" in next(shades for r, shades in zip(found.rows, found.classes, strict=True) if r is row)[-1]


def test_a_cell_that_alone_is_unknown_says_why() -> None:
    made = moved(("source", "s", 1.0))
    measured = tuple(
        of._replace(value=NAN, reason="fingerprint_differs") if of.metric == "gone_answers_ratio" else of
        for of in made.report.measurements
    )
    row = next(
        r for r in read(replace(made, report=replace(made.report, measurements=measured))).rows if r[0] == "source=s"
    )
    assert row[5:7] == ["unknownfingerprint_differs"] * 2


def test_what_is_not_measured_is_not_calm() -> None:
    made = view([])
    only = (measurement("new_results", "s", 0.0),)
    first = heat(replace(made.report, measurements=only), made.verdict).opened[0]
    assert [of.shade for of in first.cells].count("absent") == 9


@pytest.mark.parametrize(
    ("severity", "verdict", "said"),
    [
        ("critical", "inconclusive", "inconclusive"),
        ("warning", "fail", "warning"),
        ("warning", "unknown", "warning"),
        ("warning", "inconclusive", "pass"),
    ],
)
def test_a_warning_never_decides(severity: Severity, verdict: VerdictName, said: str) -> None:
    made = moved(("source", "s", 0.0))
    findings = tuple(
        replace(of, verdict=verdict) if (of.severity, of.segment) == (severity, "s") else of
        for of in made.verdict.findings
    )
    rows = heat(made.report, replace(made.verdict, findings=findings)).opened
    assert {row.segment: row.verdict for row in rows} == {"all": "pass", "s": said}


def test_old_numbers_are_unknown_whatever_they_were() -> None:
    made = moved(("source", "calm", 0.0))
    stale = Verdict("unknown", ("input is stale", *made.own.reasons), made.own.findings)
    found = read(replace(made, verdict=stale))
    verdicts = [row[1].split()[-1] for row in found.rows if row[0] in ("All anchors", "source=calm")]
    assert verdicts == ["UNKNOWN", "UNKNOWN"]
    assert "The input is stale" in found.text


def test_a_report_with_problems_judges_no_segment() -> None:
    made = moved(("source", "calm", 0.0))
    said = Verdict("unknown", ("fingerprint differs",), ())
    report = replace(made.report, problems=(Problem(ProblemKind.FINGERPRINT, "fingerprint differs"),))
    found = heat(report, said)
    assert {row.verdict for row in found.opened} == {"unknown"}


def test_the_depth_shown_is_the_first_configured_one() -> None:
    deep, shallow = moved(("source", "s", 4.0), k=20), moved(("source", "s", 0.0), k=5)
    both = (*deep.report.measurements, *shallow.report.measurements)
    assert heat(replace(deep.report, measurements=both), deep.verdict).depth == 20
    assert heat(replace(deep.report, measurements=both), deep.verdict).opened[1].cells[8].text == "4.00"


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "unknown"])
def test_the_verdict_and_its_reasons_are_said_in_words(verdict: str) -> None:
    reasons = tuple(f"reason {number}" for number in range(75))
    said = Verdict(verdict, reasons, ())  # type: ignore[arg-type]  # one of them
    found = read(replace(view(["s"]), own=said, verdict=said))
    assert verdict.upper() in found.text
    assert "67 more reasons" in found.text
    assert "reason 59" in found.text
    assert "reason 60" not in found.text
    assert "... and 15 more in the report" in found.words


@pytest.mark.parametrize(
    ("metric", "value", "level"),
    [
        ("collapsed_swaps", 2.1, "high"),
        ("collapsed_swaps", 2.0, "some"),
        ("swaps", 0.2, "calm"),
        ("swaps", 0.21, "low"),
        ("rbo_ratio", 0.99, "calm"),
        ("rbo_ratio", 0.7, "high"),
        ("collapsed_top1_changed_ratio", 0.15, "some"),
        ("top1_score_drop", 9.0, "plain"),
    ],
)
def test_shades_are_shares_of_k(metric: str, value: float, level: str) -> None:
    assert shade(measurement(metric, "s", value), 10) == level


def test_segments_with_too_few_anchors_are_named() -> None:
    made = moved(("source", "s", 0.0))
    small = SegmentSize("source", "<tiny>", 3, 3, False)
    found = read(replace(made, report=replace(made.report, segments=(*made.report.segments, small))))
    assert "1 segments with too few anchors" in found.words
    assert "source=<tiny> (3)" in found.words


def test_fifty_segments_of_four_dimensions_stay_usable() -> None:
    made = crowd(50)
    ledger = tuple(Judged(f"2026-08-{at}", 1, "pass") for at in range(200))
    text = render_page(replace(made, ledger=ledger))
    found = Reader(text)
    assert len(text.encode()) < 400_000
    assert len(places(found)) == 201
    shown_at_once = found.text.index("more segments:")
    assert "source=source-segment-0" in found.text[:shown_at_once]
    assert found.text.count("PASS") > 150
    assert "140 earlier deploys are not shown" in found.words


def test_a_crowd_with_the_longest_names_stays_under_a_megabyte() -> None:
    made = moved(*((f"d{n}", "<&'\">" * 200 + str(at), 3.0) for n in range(4) for at in range(50)))
    assert len(render_page(made).encode()) < 1_000_000


def test_a_segment_in_full() -> None:
    made = moved(("language", "de", 4.0), ("language", "en", NAN))
    found = read(made, PageQuery(segment="language=de"))
    assert "segment" in found.values("id")
    assert "Segment language=de: ✕ FAIL" in found.words
    assert "24 anchors now, 24 in the baseline" in found.words
    assert "allowed at most 2" in found.text
    assert ["new_results mean", "4.00", "4.00"] in [
        [row[0].partition("Results")[0].strip(), *row[1:]] for row in found.rows
    ]
    lost = read(made, PageQuery(segment="language=en"))
    assert "not_replayed: 24 x deadline" in lost.text
    assert "All anchors: ✓ PASS" in read(made, PageQuery(segment="all")).words


@pytest.mark.parametrize("asked", ["language=fr", "language", "=", "<script>", "all=all2", "\ud800"])
def test_a_segment_that_is_not_there_is_a_clear_line(asked: str) -> None:
    found = read(moved(("language", "de", 4.0)), PageQuery(segment=asked))
    assert "is not in this report. There are: all, language=de." in found.text
    assert "segment" not in found.values("id")
