"""A panel of anchors that is rotated: a baseline holds as long as enough of it is what is watched now."""

import pytest

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Upsert
from monitor.core.model.problems import ProblemKind
from monitor.core.reporting.drift import LEAST_COMMON
from monitor.core.session import Session


def session(names: str, heavy: str = "") -> Session:
    made = Session(
        [Anchor.of(name, f"word{name} and more", weight=10.0 if name in heavy else 1.0) for name in names],
        depths=(2,),
        min_anchors=1,
    )
    made.apply(Upsert(Chunk.of(f"c{name}", f"this is word{name} at length")) for name in "abcdefghijklmnop")
    return made


def kinds(baseline: Session, now: Session) -> list[ProblemKind]:
    now.compare_with(baseline.snapshot("main"))
    return [of.kind for of in now.report().problems]


@pytest.mark.parametrize(
    ("now", "retired"),
    [
        ("abcdefgh", False), ("abcdefgi", False), ("abcdefij", False), ("abcdeijk", True), ("abcdefghijklmnop", True),
        ("abcd", True), ("abcdef", False),
    ],
)  # fmt: skip
def test_a_baseline_retires_with_the_third_eighth(now: str, retired: bool) -> None:
    assert kinds(session("abcdefgh"), session(now)) == ([ProblemKind.PANEL_RETIRED] if retired else [])


def test_weight_counts_and_not_the_number_of_new_anchors_alone() -> None:
    assert kinds(session("abcdefgh"), session("abcdefghijklm", heavy="abc")) == []
    assert kinds(session("abcdefgh"), session("abcdefgi", heavy="i")) == [ProblemKind.PANEL_RETIRED]


def test_the_matched_anchors_are_still_measured() -> None:
    now = session("abcdeijk")
    now.compare_with(session("abcdefgh").snapshot("main"))
    report = now.report()
    assert f"{5 / 8:.0%} of the anchors' weight" in report.problems[0].text
    assert f"expected {LEAST_COMMON:.0%}" in report.problems[0].text
    swaps = next(of for of in report.measurements if (of.metric, of.stat) == ("swaps", "mean"))
    assert (swaps.n, swaps.value) == (5, 0.0)
    assert now.judge().verdict == "unknown"
