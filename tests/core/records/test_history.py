"""Points of history: headline means with the limits of then, unknown as NaN; tracks only where a list changed."""

import doctest
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.baseline import AnchorMark, Snapshot
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.model.changes import ChunkRow, How
from monitor.core.model.events import Position, chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import DriftReport, Measurement, SegmentSize
from monitor.core.records import history
from monitor.core.records.history import MOST_TOUCHES, Series, Track, moved_tracks, point_of
from tests.fingerprints import EXACT

NAN = float("nan")
KEPT, SWAPS = Series("kept_answers_ratio", "dense"), Series("swaps", "dense")


def measured(metric: str, segment: str, value: float, **fields: object) -> Measurement:
    given_: dict[str, object] = {
        "leg": "dense",
        "k": 10,
        "dimension": "source",
        "stat": "mean",
        "n": 8,
        "expected": 9,
    }
    return Measurement(metric=metric, segment=segment, value=value, **(given_ | fields))  # type: ignore[arg-type]


def found(metric: str, segment: str, limit: float, severity: str = "critical", verdict: str = "pass") -> Finding:
    return Finding("r", severity, metric, "dense", 10, "mean", "source", segment, verdict, 0.0, limit, 8, "")  # type: ignore[arg-type]


def report(*measurements: Measurement) -> DriftReport:
    sizes = (SegmentSize("source", "a", 9, 8, True),)
    return DriftReport("d1", 7, {}, "f", None, measurements, sizes, corpus={"chunks": 60.0})


def point(*measurements: Measurement, findings: tuple[Finding, ...] = ()) -> history.HistoryPoint:
    verdict = Verdict("fail", (), findings)
    return point_of(report(*measurements), verdict, kind="deploy", taken=3.0)


def test_a_hand_worked_point() -> None:
    made = point(
        measured("kept_answers_ratio", "a", 0.9),
        measured("kept_answers_ratio", "a", 0.1, stat="p05"),  # another statistic
        measured("kept_answers_ratio", "a", 0.2, k=50),  # another depth
        measured("gap_drop", "a", 5.0),  # no headline
        measured("swaps", "b", 2.5),
        findings=(found("kept_answers_ratio", "a", 0.98, verdict="fail"), found("swaps", "b", 2.0)),
    )
    assert (made.segments, made.verdicts) == ((("source", "a"), ("source", "b")), ("fail", "pass"))
    assert (made.anchors.tolist(), made.chunks, made.verdict) == ([8, 0], 60.0, "fail")
    assert made.series == (KEPT, SWAPS)
    assert made.at("source", "a", KEPT) == (0.9, 0.98)
    assert made.at("source", "b", SWAPS) == (2.5, 2.0)
    for nothing in (made.at("source", "a", SWAPS), made.at("source", "never", KEPT), made.at("all", "all", KEPT)):
        assert math.isnan(nothing[0])
        assert math.isnan(nothing[1])


@pytest.mark.parametrize(
    ("metric", "limits", "drawn"),
    [
        ("swaps", ((3.0, "critical"), (2.0, "critical")), 2.0),  # of two greatest values the smaller is reached first
        ("kept_answers_ratio", ((0.9, "critical"), (0.98, "critical")), 0.98),  # of two least ones the greater
        ("swaps", ((3.0, "critical"), (1.0, "warning")), 3.0),  # a critical rule decides, a warning never
        ("swaps", ((1.0, "warning"),), 1.0),
    ],
)
def test_of_several_limits_the_one_that_counts_is_drawn(
    metric: str, limits: tuple[tuple[float, str], ...], drawn: float
) -> None:
    for ordered in (limits, limits[::-1]):
        findings = tuple(found(metric, "a", limit, severity) for limit, severity in ordered)
        made = point(measured(metric, "a", 1.5), findings=findings)
        assert made.at("source", "a", Series(metric, "dense"))[1] == drawn


def test_what_is_not_known_is_nan_and_never_0() -> None:
    made = point(measured("swaps", "a", NAN), measured("kept_answers_ratio", "a", 1.0))
    assert math.isnan(made.at("source", "a", SWAPS)[0])
    nothing = point_of(replace(report(), corpus={}), Verdict("unknown", (), ()), kind="hour", taken=3.0)
    assert (nothing.segments, nothing.values.shape, math.isnan(nothing.chunks)) == ((), (0, 0), True)


def test_numbers_that_nobody_may_compare_are_not_kept() -> None:
    for kind, stands in ((ProblemKind.FINGERPRINT, False), (ProblemKind.REFUSED, True)):
        hampered = replace(report(measured("swaps", "a", 2.0)), problems=(Problem(kind, "why"),))
        made = point_of(hampered, Verdict("unknown", ("why",), ()), kind="deploy", taken=3.0)
        assert math.isnan(made.at("source", "a", SWAPS)[0]) is not stands
        assert made.verdicts in ((), ("unknown",))


def row(chunk_id: str, offset: int, how: How = "new") -> ChunkRow:
    place = Position("t", 0, offset)
    live = 0 if how != "deleted" else -1
    return ChunkRow(chunk_key(chunk_id), chunk_id, "d", 0, (), "v", 1, "h", None, place, live, None, how)


def lists(*rows: list[str] | None) -> RankedLists:
    return RankedLists.of([None if of is None else [(name, 1.0) for name in of] for of in rows], 3)


def deploy(*rows: list[str] | None, asked: str = "h") -> Snapshot:
    anchors = {f"q{at}": AnchorMark(asked, ()) for at in range(len(rows))}
    return Snapshot("d1", "d1", 7, EXACT, anchors, {"dense": lists(*rows)}, {})


def keys(*names: str) -> tuple[int, ...]:
    return tuple(chunk_key(name) for name in names)


def moved(before: list[Track], now: Snapshot, rows: list[ChunkRow], since: int = 10) -> list[Track]:
    known = {of.key: of for of in rows}
    newest = {(of.anchor, of.leg): of for of in before}
    return moved_tracks(newest, now, known.get, {"t/0": since})


def test_a_first_list_is_touched_by_nothing_and_the_same_list_is_not_kept_again() -> None:
    first = moved([], deploy(["a", "b"], None), [row("a", 12)])
    assert first == [Track("q0", "dense", "h", keys("a", "b")), Track("q1", "dense", "h", None)]
    assert moved(first, deploy(["a", "b"], None), []) == []


def test_a_changed_list_names_the_events_that_touched_it_exchanged_results_first() -> None:
    before = moved([], deploy(["old", "kept", "gone"]), [])
    rows = [row("old", 3), row("kept", 11, "modified"), row("gone", 12, "deleted"), row("new", 13)]
    (made,) = moved(before, deploy(["old", "kept", "new"]), rows)
    said = [tuple(touch) for touch in made.touches]
    assert said == [("new", "new", "t/0@13"), ("deleted", "gone", "t/0@12"), ("modified", "kept", "t/0@11")]
    assert made.touched == 3


def test_a_list_that_moved_without_an_event_of_its_own_names_none() -> None:
    before = moved([], deploy(["a", "b"]), [])
    (made,) = moved(before, deploy(["b", "a"]), [row("a", 3), row("b", 9)])
    assert (made.touches, made.touched) == ((), 0)
    assert moved(before, deploy(["a", "b"], asked="other"), [])[0].asked == "other"


names = st.lists(st.sampled_from("abcdef"), max_size=3, unique=True)


@given(st.lists(st.none() | names, min_size=1, max_size=8), st.sets(st.sampled_from("abcdef")))
def test_tracks_give_every_list_back(past: list[list[str] | None], touched: set[str]) -> None:
    """Each deploy's list is that of the newest track, and no two tracks in a row are the same."""
    newest: list[Track] = []
    made: list[Track] = []
    for listed in past:
        found_ = moved(newest, deploy(listed), [row(name, 11) for name in touched])
        made += found_
        newest = found_ or newest
        assert newest[-1].keys == (None if listed is None else keys(*listed))
        assert all(len(of.touches) == min(of.touched, MOST_TOUCHES) for of in found_)
    assert all(not one.continues(other) for one, other in zip(made[1:], made[:-1], strict=True))


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(history).attempted > 1


@pytest.mark.parametrize(
    ("case", "moved_on", "verdict", "accepted", "expected"),
    [
        ("passed against the deploy before", "d0", "pass", False, [False]),
        ("a person put a baseline in force behind it", "d0", "fail", True, [True]),
        ("nobody approved it", "d0", "inconclusive", False, []),
        ("failed", "d0", "fail", False, []),
        ("the sum of many deploys", "", "pass", True, []),
        ("nothing to compare with", "", "unknown", True, []),
    ],
)
def test_approved_deploys(case: str, moved_on: str, verdict: str, accepted: bool, expected: list[bool]) -> None:
    made = replace(
        point(measured("new_results", "a", 0.4), measured("swaps", "a", 3.0), measured("new_results", "b", NAN)),
        baseline=f"deploy:{moved_on}" if moved_on else "main",
        moved_on=moved_on,
        verdict=verdict,
    )
    approvals = [history.ApprovalMark("main", "kim", "a new edition", "t", "d1" if accepted else "d0")]
    found = history.approved_deploys(history.History([made], [], approvals))
    assert [of.by_person for of in found] == expected, case
    assert all(of.new == {("dense", "source", "a"): 0.4} for of in found)
