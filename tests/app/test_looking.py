"""A turn takes its batch in; what it came to is measured once: when somebody looks, or when nothing more comes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.model.events import CorpusEvent, Deploy
from monitor.core.records.published import Published
from tests.app.loops import to_end
from tests.app.rounds import Fed, Ticking
from tests.corpora import Shape, events, write_case

SHAPE = Shape(chunks=40, deploys=5)


class Watched:
    """A monitor whose measurements are counted, over a source that is given its events piece by piece."""

    def __init__(self, monitor: Monitor, source: Fed, time: Ticking, later: list[CorpusEvent]) -> None:
        self.monitor, self.source, self.time, self.later = monitor, source, time, later
        self.measured = 0
        evaluate = monitor.session.evaluate

        def counted(*given: object, **named: object) -> object:
            self.measured += 1
            return evaluate(*given, **named)  # type: ignore[arg-type]

        monitor.session.evaluate = counted  # type: ignore[method-assign, assignment]

    def take(self, count: int) -> None:
        """One turn over so many further events."""
        self.source.give(self.later[:count])
        del self.later[:count]
        assert self.monitor.turn(0.0)

    def view(self) -> Published:
        """Look."""
        view = self.monitor.published
        assert view is not None
        return view

    def read(self) -> int:
        """Up to which offset the view that is there reads, without looking."""
        pulse = self.monitor.measuring.pulse
        assert pulse is not None
        return pulse.positions["events/0"]


@contextmanager
def watched(folder: Path, extra: str = "") -> Iterator[Watched]:
    """Everything up to the first deploy is taken in."""
    folder.mkdir(exist_ok=True)
    config, source, time = write_case(folder, shape=SHAPE, extra=extra), Fed(), Ticking()
    made = events(7, SHAPE)
    with open_monitor(load(config, {}), source=source, clocks=time.clocks) as monitor:
        source.give(made[:41])
        assert to_end(monitor)
        later: list[CorpusEvent] = [event for event in made[41:] if not isinstance(event, Deploy)]
        yield Watched(monitor, source, time, later)


def test_turns_are_measured_when_somebody_looks_and_once(tmp_path: Path) -> None:
    with watched(tmp_path) as of:
        for count in (3, 1, 2):
            of.take(count)
        assert (of.measured, of.read()) == (0, 41)
        view = of.view()
        assert (of.measured, of.read(), view.report.positions) == (1, 47, {"events/0": 47})
        assert of.view() is view
        assert of.measured == 1


def test_a_look_is_what_measuring_each_turn_would_have_shown(tmp_path: Path) -> None:
    shown = []
    for name, every in (("each", True), ("last", False)):
        with watched(tmp_path / name) as of:
            for _ in range(5):
                of.take(2)
                if every:
                    of.view()
            view = of.view()  # who moved the lists is worked out again as often as its cost allows
            shown.append(repr((list(view.report.measurements), view.verdict)))
    assert shown[0] == shown[1]


def test_where_nothing_comes_any_more_a_turn_is_measured_unasked(tmp_path: Path) -> None:
    with watched(tmp_path) as of:
        of.take(3)
        assert not of.monitor.turn(0.0)
        assert (of.measured, of.read()) == (1, 44)


def test_while_events_keep_coming_a_second_is_the_longest_that_nothing_is_measured(tmp_path: Path) -> None:
    with watched(tmp_path) as of:
        of.take(1)
        of.time.now += 0.9
        of.take(1)
        assert of.measured == 0
        of.time.now += 0.1
        of.take(1)
        assert (of.measured, of.read()) == (1, 44)


def test_a_look_from_another_thread_is_answered_between_two_turns(tmp_path: Path) -> None:
    with watched(tmp_path) as of:
        of.take(3)
        seen: list[Published | None] = []
        looking = threading.Thread(target=lambda: seen.append(of.monitor.published))
        looking.start()
        while looking.is_alive():
            of.monitor.turn(0.0)
        assert [view and view.report.positions for view in seen] == [{"events/0": 44}]


def endless(source: Fed, patch: pytest.MonkeyPatch) -> None:
    """Have the source say that more may come."""
    poll = source.poll
    patch.setattr(source, "poll", lambda records, timeout: replace(poll(records, timeout), exhausted=False))


def test_what_comes_soon_after_a_turn_is_gathered_and_a_look_ends_that_and_shows_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.app.batches.APART", 60.0)
    monkeypatch.setattr("monitor.app.loop.LULL", 30.0)
    with watched(tmp_path) as of:
        endless(of.source, monkeypatch)
        of.take(2)  # the next turn is due in a minute
        of.source.give(of.later[:1])
        seen: list[Published | None] = []

        def look() -> None:
            until = time.monotonic() + 20.0
            while not of.monitor._reader.gathering and time.monotonic() < until:
                time.sleep(0.001)
            of.source.give(of.later[1:3])
            seen.append(of.monitor.published)

        looking = threading.Thread(target=look)
        looking.start()
        assert of.monitor.turn(30.0)
        while looking.is_alive():
            of.monitor.turn(0.0)
        assert [view and view.report.positions for view in seen] == [{"events/0": 46}]
        assert of.measured == 1


def test_nothing_is_gathered_where_nobody_waits_where_a_batch_is_full_and_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.app.batches.APART", 60.0)

    def gathers(_: float) -> bool:
        raise TimeoutError

    with watched(tmp_path, "[source]\nbatch = 2\n") as of:
        endless(of.source, monkeypatch)
        of.take(1)
        monkeypatch.setattr(of.monitor._reader._asked, "wait", gathers)
        of.take(1)  # a turn that does not wait
        of.source.give(of.later[:2])
        assert of.monitor.turn(30.0), "a full batch"
        of.time.now += 61.0
        of.source.give(of.later[2:3])
        assert of.monitor.turn(30.0), "a minute later"
        of.source.give(of.later[3:4])
        with pytest.raises(TimeoutError):
            of.monitor.turn(30.0)


def test_a_look_in_the_midst_of_a_turn_does_not_wait_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn waits for an outside system, which may take minutes; the last view is what is known meanwhile."""
    monkeypatch.setattr("monitor.app.loop.PATIENCE", 0.05)
    with watched(tmp_path) as of:
        of.take(3)
        seen: list[Published | None] = []
        embed = of.monitor.parts.embedder.embed

        def slow(batch: object) -> object:
            looking = threading.Thread(target=lambda: seen.append(of.monitor.published))
            looking.start()
            looking.join(30)
            assert not looking.is_alive()
            return embed(batch)  # type: ignore[arg-type]

        monkeypatch.setattr(of.monitor.parts.embedder, "embed", slow)
        of.take(1)
        assert [view and view.report.positions for view in seen] == [{"events/0": 41}]
        assert of.view().report.positions == {"events/0": 45}


def test_while_a_backlog_is_worked_off_the_last_view_is_shown(tmp_path: Path) -> None:
    with watched(tmp_path, "[source]\nbatch = 2\n") as of:
        of.take(2)  # a full batch: there may be more
        assert of.view().report.positions == {"events/0": 41}
        of.take(1)
        assert of.view().report.positions == {"events/0": 44}


def test_a_deploy_is_measured_in_its_turn(tmp_path: Path) -> None:
    with watched(tmp_path) as of:
        of.take(3)
        of.source.give([Deploy("d1", 0, {})])
        assert of.monitor.turn(0.0)
        assert [judged.deploy_id for judged in of.monitor.ledger] == ["d0", "d1"]
        assert (of.measured, of.read()) == (1, 45)


def test_a_view_that_cannot_be_worked_out_is_told_to_whoever_looks_and_does_not_end_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "no view"

    def fail(*_: object) -> Published:
        raise ValueError(said)

    with watched(tmp_path) as of:
        of.take(3)
        with monkeypatch.context() as patch:
            patch.setattr("monitor.app.measuring.withheld", fail)
            failed: list[BaseException] = []

            def look() -> None:
                try:
                    of.view()
                except ValueError as error:
                    failed.append(error)

            looking = threading.Thread(target=look)
            looking.start()
            while looking.is_alive():
                of.monitor.turn(0.0)
            assert [str(error) for error in failed] == [said]
        assert of.view().report.positions == {"events/0": 44}
