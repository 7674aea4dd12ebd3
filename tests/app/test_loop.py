"""The loop: what it leaves behind depends on the stream alone; what goes wrong is UNKNOWN, never a pass."""

import gc
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.records.committed import Commit
from tests.app.loops import Left, left, opened, run_whole, to_end
from tests.app.rounds import Ticking
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=48, deploys=4, incident=True)


@pytest.fixture(scope="module", params=[True, False], ids=["dense", "lexical only"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Left]:
    """A folder with the input only, and what one uninterrupted run in big batches leaves behind."""
    folder = tmp_path_factory.mktemp("case")
    shape = Shape(SHAPE.chunks, SHAPE.deploys, incident=True, dense=request.param)
    config = write_case(folder, shape=shape)
    whole = folder.with_name(folder.name + "-whole")
    shutil.copytree(folder, whole)
    return config, run_whole(whole / config.name)


def fresh(config: Path, folder: Path, extra: str = "") -> Path:
    """A copy of the input in a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(config.parent, folder)
    copied = folder / config.name
    copied.write_text(config.read_text(encoding="utf-8") + extra, encoding="utf-8")
    return copied


@pytest.mark.parametrize("batch", [1, 7, 1_024])
def test_the_cut_into_batches_leaves_no_trace(case: tuple[Path, Left], tmp_path: Path, batch: int) -> None:
    config, expected = case
    assert list(expected.deploys) == ["d0", "d1", "d2", "d3"]
    assert run_whole(fresh(config, tmp_path / "cut", f"[source]\nbatch = {batch}\n")) == expected


class Killed(Exception):  # noqa: N818 - what a kill is to the loop
    """Raised where the process would have died."""


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["stop", "before", "after"])), max_size=3),
)
def test_dying_at_any_turn_leaves_no_trace(
    case: tuple[Path, Left], tmp_path: Path, batch: int, deaths: list[tuple[int, str]]
) -> None:
    config, expected = case
    config = fresh(config, tmp_path / "died", f"[source]\nbatch = {batch}\n")
    for turns, how in deaths:
        with suppress(Killed), opened(config) as monitor:
            to_end(monitor, turns)
            if how != "stop":
                _dying(monitor.parts.store, how)
                to_end(monitor, 1)
    assert run_whole(config) == expected


def _dying(store: object, how: str) -> None:
    """The next commit dies before it began, or after it was durable and before anything else happened."""
    commit = store.commit  # type: ignore[attr-defined]  # a SqliteStore

    def die(turn: Commit) -> None:
        if how == "after":
            commit(turn)
        raise Killed

    store.commit = die  # type: ignore[attr-defined]  # same


def test_events_that_lead_to_nothing_are_counted_and_passed(tmp_path: Path) -> None:
    """A batch that holds only repeated markers has no events, yet it moves the position and the counters."""
    config = write_case(tmp_path, shape=Shape(chunks=8, deploys=1, dense=False), extra="[source]\nbatch = 1\n")
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([*lines[:9], lines[8], lines[8]]) + b"\n")
    found = run_whole(config)
    assert found.counters["events", "deploy", "duplicate"] == 2
    assert list(found.positions.values()) == [11]


@pytest.mark.parametrize("between", ["nothing", "capture"])
@pytest.mark.parametrize("dense", [True, False])
def test_the_last_view_shows_the_whole_corpus(tmp_path: Path, between: str, dense: bool) -> None:
    """Batches that were not measured while a backlog was worked off are measured when it is."""
    config = write_case(tmp_path, shape=Shape(chunks=40, deploys=1, dense=dense), extra="[source]\nbatch = 40\n")
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines[:40]) + b"\n")
    with open_monitor(load(config, {}), clocks=Ticking().clocks) as monitor:
        monitor.measuring.refresh()  # not due again until the clock moves
        assert monitor.turn(0.0)
        view = monitor.published
        assert view is not None
        assert view.report.corpus["chunks"] == 0  # worked off, not measured yet: the test would show nothing else
        if between == "capture":
            monitor.operations.capture("second")
        assert to_end(monitor)
        view = monitor.published
    assert view is not None
    assert view.report.corpus["chunks"] == 40
    assert view.report.positions == {"file/0": 40}


def test_a_restart_reports_at_once_what_was_committed(case: tuple[Path, Left], tmp_path: Path) -> None:
    config, _ = case
    config = fresh(config, tmp_path / "again")
    with opened(config) as monitor:
        assert to_end(monitor)
        before = monitor.published
    with opened(config) as monitor:
        after = monitor.published
    assert before is not None
    assert after is not None
    assert repr(after.report) == repr(before.report)
    assert after.verdict == before.verdict
    assert left(config.parent / "state.db").positions == {("file", 0): before.report.positions["file/0"]}


def test_turns_and_reports_leave_no_circles_of_objects(case: tuple[Path, Left], tmp_path: Path) -> None:
    """So the loop may have them looked for seldom: nothing waits for that."""

    def turns(monitor: Monitor) -> None:
        for _ in range(10):
            monitor.turn(0.0)
            assert monitor.published

    with opened(fresh(case[0], tmp_path / "circles", "[source]\nbatch = 8\n")) as monitor:
        turns(monitor)
        gc.collect()
        gc.disable()
        try:
            turns(monitor)
            assert gc.collect() < 100, "a report alone has hundreds of objects"
        finally:
            gc.enable()
