"""Rounds through the loop: closed by the clock, learnt from what passes, kept over restarts, left out if unknown."""

import math
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.loop import Monitor
from monitor.core.alarms.churn import ChurnStream
from monitor.core.alarms.state import AlarmState
from monitor.core.index.baseline import Approval
from monitor.core.records.committed import Commit
from tests.app.rounds import HOUR, MONDAY, Hours

ALL = ChurnStream("lexical", "all", "all")
API = ChurnStream("lexical", "source", "api")
LEARNT = 60
EVERY_HOUR = "[alerts]\nhours = {}\n"


def kept(hours: Hours) -> AlarmState | None:
    store = SqliteStore(hours.config.parent / "state.db", read_only=True)
    try:
        return store.start().alarms
    finally:
        store.close()


def same(one: AlarmState | None, other: AlarmState | None) -> None:
    """Equal to the bit, field by field; NaN equals itself."""
    assert one is not None
    assert other is not None
    for name in ("setup", "length", "number", "raised", "alarms", "doubtful"):
        assert getattr(one, name) == getattr(other, name), name
    np.testing.assert_equal(one.limit_log10, other.limit_log10)
    assert [(of.number, of.span, of.seen, of.standing, of.streams) for of in one.rounds] == [
        (of.number, of.span, of.seen, of.standing, of.streams) for of in other.rounds
    ]
    for mine, theirs in zip(one.rounds, other.rounds, strict=True):
        np.testing.assert_array_equal(mine.values, theirs.values)
    assert list(one.streams) == list(other.streams)
    for stream, of in one.streams.items():
        with_it = other.streams[stream]
        np.testing.assert_array_equal(of.shares, with_it.shares)
        assert repr((of.state, of.churn, of.normal, of.hours, of.log10, of.alarm)) == repr(
            (with_it.state, with_it.churn, with_it.normal, with_it.hours, with_it.log10, with_it.alarm)
        )
    assert (one.lists is None) == (other.lists is None)
    if one.lists is not None and other.lists is not None:
        assert one.lists.anchors == other.lists.anchors
        for leg, said in one.lists.said.items():
            np.testing.assert_array_equal(said, other.lists.said[leg])
            np.testing.assert_array_equal(one.lists.known[leg], other.lists.known[leg])


def test_rounds_begin_with_a_baseline_and_close_on_the_hour(tmp_path: Path) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.rest(monitor)
        assert hours.pass_hour(monitor).number is None, "nothing is approved yet"
        hours.deploy(monitor)
        assert monitor.session.baseline is not None
        first = hours.pass_hour(monitor)
        assert (first.number, first.rounds) == (MONDAY // HOUR + 1, ()), "where the lists stand"
        hours.edit(4)
        hours.rest(monitor)
        assert monitor.parts.alarms is not None
        assert monitor.parts.alarms.state is first, "the hour is not over"
        state = hours.pass_hour(monitor)
        view = monitor.published
    assert [(of.number, of.span, of.standing) for of in state.rounds] == [(MONDAY // HOUR + 2, 1, "pending")]
    assert 0.0 < state.streams[ALL].churn < 0.5
    assert state.streams[ALL].state == "learning"
    assert view is not None
    assert view.alarms is not None
    assert view.alarms.state is state
    assert view.alarms.ended == MONDAY + 3 * HOUR
    same(kept(hours), state)


def learnt(hours: Hours, monitor: Monitor, rounds: int = LEARNT) -> None:
    """A baseline, so many calm hours, and a deploy that passes."""
    hours.begin(monitor)
    for _ in range(rounds):
        hours.pass_hour(monitor)
    hours.deploy(monitor)


def test_edits_that_go_on_page_and_the_calm_before_did_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        learnt(hours, monitor)
        assert monitor.parts.alarms is not None
        assert monitor.parts.alarms.alarms.counted(monitor.parts.alarms.state) == {"other hours": LEARNT}
        for _ in range(48):
            hours.pass_hour(monitor)
        assert monitor.parts.alarms.state.alarms == 0
        for _ in range(24):
            hours.edit(30, "api")
            state = hours.pass_hour(monitor)
            if any(alarm.stream == API for alarm in state.raised):
                break
    assert any(alarm.stream == API for alarm in state.raised)
    assert "alarm: lexical source=api" in caplog.text


def test_a_restart_goes_on_where_it_left_off(tmp_path: Path) -> None:
    """Killed before or after any commit of a round, or closed: the state is what an uninterrupted run's is."""
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole, cut = Hours(tmp_path / "whole", extra=EVERY_HOUR), Hours(tmp_path / "cut", extra=EVERY_HOUR)
    with whole.opened() as monitor:
        learnt(whole, monitor, 50)
        for at in range(12):
            whole.edit(6 * at % 20)
            whole.pass_hour(monitor)
    with cut.opened() as monitor:
        learnt(cut, monitor, 50)
    for at in range(12):
        with suppress(Killed), cut.opened() as monitor:
            cut.rest(monitor)
            cut.edit(6 * at % 20)
            cut.time.now = (cut.time.now // HOUR + 1) * HOUR + 60
            if at % 3:
                dying(monitor, "before" if at % 3 == 1 else "after")
            cut.rest(monitor)
        with cut.opened() as monitor:  # and again: within the hour, what was not committed is made up for
            cut.time.now += 90
            cut.rest(monitor)
    same(kept(cut), kept(whole))


class Killed(Exception):  # noqa: N818 - what a kill is to the loop
    """Raised where the process would have died."""


def dying(monitor: object, how: str) -> None:
    """The next commit dies before it began, or after it was durable."""
    store = monitor.parts.store  # type: ignore[attr-defined]  # a Monitor
    commit = store.commit

    def die(turn: Commit) -> None:
        if how == "after":
            commit(turn)
        raise Killed

    store.commit = die


def test_a_person_approves_what_led_to_a_baseline(tmp_path: Path) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.begin(monitor)
        for _ in range(3):
            hours.pass_hour(monitor)
        captured = monitor.operations.capture("second")
        hours.edit(3)
        hours.pass_hour(monitor)
        monitor.operations.approve("second", Approval("ann", "looked at", "now"))
        assert monitor.parts.alarms is not None
        state = monitor.parts.alarms.state
        assert [of.standing for of in state.rounds] == ["approved"] * 3 + ["pending"]
        assert state.rounds[-1].seen > captured.event_time
    same(kept(hours), state)


def test_a_round_of_a_lossy_stream_is_left_out_and_tried_once(tmp_path: Path) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.begin(monitor)
        monitor.session.counters["open_gaps",] = 1
        replays: list[bool] = []
        replay = monitor.measuring.replay

        def counted(*, full: bool) -> None:
            replays.append(full)
            replay(full=full)

        monitor.measuring.replay = counted  # type: ignore[method-assign]  # to count
        before = hours.pass_hour(monitor)
        for _ in range(5):
            monitor.turn(0.0)
        assert replays.count(True) == 1
        assert before.rounds == ()
        monitor.session.counters["open_gaps",] = 0
        state = hours.pass_hour(monitor)
    assert [of.span for of in state.rounds] == [2]


def test_a_failed_deploy_is_not_learnt_from(tmp_path: Path) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.begin(monitor)
        for _ in range(2):
            hours.pass_hour(monitor)
        hours.edit(90)
        hours.deploy(monitor)
        assert monitor.ledger[-1].verdict == "fail"
        state = hours.pass_hour(monitor)
    assert [of.standing for of in state.rounds] == ["doubted"] * 3


def test_a_clock_that_was_wrong_and_is_set_right_begins_anew(tmp_path: Path) -> None:
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.begin(monitor)
        hours.pass_hour(monitor)
        right = hours.time.now
        hours.time.now = right + 10 * 365 * 24 * HOUR
        for _ in range(3):
            hours.pass_hour(monitor)
        hours.time.now = right + HOUR
        state = hours.pass_hour(monitor)
        numbers = [of.number for of in state.rounds]
        assert state.number == (right + 2 * HOUR) // HOUR - 1
        assert numbers == [state.number - 2], "what was closed in the future is gone"
        state = hours.pass_hour(monitor)
        assert [of.number for of in state.rounds] == [*numbers, state.number]
    same(kept(hours), state)


def test_a_state_without_rounds_opens_and_gets_them(tmp_path: Path) -> None:
    """A state file that an earlier version left: no table, no evidence."""
    hours = Hours(tmp_path, extra=EVERY_HOUR)
    with hours.opened() as monitor:
        hours.deploy(monitor)
    assert kept(hours) is None
    with hours.opened() as monitor:
        hours.rest(monitor)
        for _ in range(3):
            hours.pass_hour(monitor)
    found = kept(hours)
    assert found is not None
    assert math.isfinite(found.limit_log10)
