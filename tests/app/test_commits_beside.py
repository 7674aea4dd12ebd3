"""Where more waits, another process stores a turn while the next is taken in: not shown before, and never lost."""

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import store as store_module
from monitor.adapters.stores.sqlite.commit_process import CommitProcess
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import monitor as wiring
from monitor.app.wiring import open_monitor
from monitor.core.model.events import Partition
from monitor.ports import UnreachableError
from tests.app.loops import left, opened, run_whole, to_end
from tests.app.rounds import Ticking
from tests.corpora import Shape, write_case

pytestmark = pytest.mark.skipif(not CommitProcess.possible(), reason="this system shares no memory by descriptor")
SHAPE = Shape(chunks=40, deploys=2)
BATCHES = "[source]\nbatch = 8\n"


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine with one, and however few changes there are."""
    monkeypatch.setattr(wiring, "cores", lambda: 2)
    monkeypatch.setattr(store_module, "WORTH_A_PROCESS", 1)


def stored(path: Path) -> int:
    """Up to which offset the state is, as anybody else reads it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return sum(at for (at,) in db.execute("SELECT next FROM position"))


def shown_upto(monitor: Monitor) -> int:
    """Up to which offset the view that is there reads."""
    pulse = monitor.measuring.pulse
    assert pulse is not None
    return sum(pulse.positions.values())


def store_of(monitor: Monitor) -> SqliteStore:
    assert isinstance(monitor.parts.store, SqliteStore)
    return monitor.parts.store


@contextmanager
def backlog(config: Path) -> Iterator[Monitor]:
    """A monitor whose first turn, which is measured, is over; the clock stands still, so that no other one is."""
    with open_monitor(load(config, {}), clocks=Ticking().clocks) as monitor:
        assert monitor.turn(0.0)
        assert stored(config.parent / "state.db") == 8
        yield monitor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is writing to the file: whoever begins a transaction waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def test_over_a_backlog_a_turn_returns_before_it_is_stored(tmp_path: Path) -> None:
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        store = store_of(monitor)
        with locked(store.path):
            assert monitor.turn(0.0)
            assert stored(store.path) == 8
        store.settle()
        assert stored(store.path) == 16


def test_nothing_is_shown_before_it_is_stored(tmp_path: Path) -> None:
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        store = store_of(monitor)
        with locked(store.path):
            assert monitor.turn(0.0)
            shown = threading.Thread(target=monitor.measuring.refresh)
            shown.start()
            shown.join(0.2)
            assert shown.is_alive()
            assert shown_upto(monitor) == stored(store.path) == 8
        shown.join(10.0)
        assert shown_upto(monitor) == stored(store.path) == 16


def test_the_source_is_never_told_of_more_than_is_stored_and_of_all_at_the_end(tmp_path: Path) -> None:
    told: list[int] = []
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        source, path = monitor.parts.source, tmp_path / "state.db"

        def tell(positions: Mapping[Partition, int]) -> None:
            told.append(sum(positions.values()))
            assert told[-1] <= stored(path)

        source.commit = tell  # type: ignore[method-assign]
        assert to_end(monitor)
        assert store_of(monitor)._process is not None
    assert told == sorted(set(told))
    assert told[-1] == stored(path)


def test_a_commit_that_failed_beside_ends_the_loop_whoever_met_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_case(tmp_path, shape=SHAPE, extra=BATCHES)
    monkeypatch.setattr(wiring, "_store", _impatient(wiring._store))
    with pytest.raises(UnreachableError, match="locked"):
        _locked_out(config)
    assert stored(tmp_path / "state.db") == 8
    assert run_whole(config).positions


def _impatient(build: object) -> object:
    def built(*args: object) -> SqliteStore:
        made: SqliteStore = build(*args)  # type: ignore[operator]  # the function it takes the place of
        made._patience = 0.05
        return made

    return built


def _locked_out(config: Path) -> None:
    """Another program has the file while the second turn is stored; closing says once more that it is not."""
    with backlog(config) as monitor:
        with locked(config.parent / "state.db"):
            assert monitor.turn(0.0)
            asked = monitor.ask(lambda loop: loop.capture("mine"))
            with pytest.raises(UnreachableError, match="locked"):
                to_end(monitor)
            assert isinstance(asked.exception(0.0), UnreachableError)
        with pytest.raises(UnreachableError, match="locked"):  # what was taken in then is not stored
            to_end(monitor)


def test_where_the_process_dies_the_loop_ends_with_one_error_and_the_next_start_goes_on(tmp_path: Path) -> None:
    for name in ("calm", "died"):
        (tmp_path / name).mkdir()
    calm, died = (write_case(tmp_path / name, shape=SHAPE, extra=BATCHES) for name in ("calm", "died"))
    with pytest.raises(UnreachableError, match=r"was ended by SIGKILL; the last commit is what counts"):
        _process_killed(died)
    assert run_whole(died) == run_whole(calm)


def _process_killed(config: Path) -> None:
    with backlog(config) as monitor:
        assert monitor.turn(0.0)
        process = store_of(monitor)._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        to_end(monitor)


def test_with_one_core_the_same_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cores in (1, 2):
        monkeypatch.setattr(wiring, "cores", lambda cores=cores: cores)
        (tmp_path / str(cores)).mkdir()
        config = write_case(tmp_path / str(cores), shape=SHAPE, extra=BATCHES)
        with opened(config) as monitor:
            assert (store_of(monitor).beside is None) == (cores == 1)
            assert to_end(monitor)
            assert (store_of(monitor)._process is None) == (cores == 1)
        found.append(left(config.parent / "state.db"))
    assert found[0] == found[1]
